"""Serves an application's built pages and the page of its API. Knows no route of any application.

Everything comes from this server: no page names a remote resource.
"""

import html
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from understudy_apps.errors import Unavailable

_FOREVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_READING = frozenset({"GET", "HEAD"})


class Pages(StaticFiles):
    """The files of a built front end; a path that names no file is a page of `index.html`.

    The page gets a `<base>` of `prefix`, where the application is mounted, so that whatever it
    names can be relative. Nothing under `api/` is a page.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._index = folder / "index.html"
        self._base = f'<head><base href="{html.escape(prefix)}/">'

    async def check_config(self) -> None:
        """Accept that the folder is missing: the answer says so, and the API works without."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file or the page at `path`. Raises Unavailable when no pages are built."""
        if path.startswith("api/") or path == "api":
            raise HTTPException(404, "There is no such route.")
        if scope["method"] not in _READING:
            raise HTTPException(405)
        if path in ("", ".", "index.html"):
            return self._page()
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404 and "." not in path.rpartition("/")[2]:
                return self._page()
            raise
        is_hashed = path.startswith("assets/")
        response.headers["cache-control"] = _FOREVER if is_hashed else _ASK_FIRST
        return response

    def _page(self) -> Response:
        page = built_page(self._index).replace("<head>", self._base, 1)
        return HTMLResponse(page, headers={"cache-control": _ASK_FIRST})


def built_page(path: Path) -> str:
    """Return the text of a page. Raises Unavailable when no pages are built."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Unavailable(
            "The pages are not built: run `make install` in the checkout. The API works.",
            "pages_missing",
        ) from error


def add_pages(app: FastAPI, folder: Path, prefix: str) -> None:
    """Have `app` serve the pages in `folder` wherever it has no route."""
    app.router.default = Pages(folder, prefix)


def add_api_page(app: FastAPI) -> None:
    """Have `app` show its OpenAPI document at `/api/docs`.

    FastAPI's own page names remote resources and has an inline script. Requests made on this page
    carry the session's CSRF token.
    """
    import fastapi_offline

    folder = Path(fastapi_offline.__file__).parent / "static"
    page = _API_PAGE.format(title=html.escape(app.title))

    @app.get("/api/docs", include_in_schema=False)
    async def _docs() -> Response:
        return HTMLResponse(page)

    @app.get("/api/docs/start.js", include_in_schema=False)
    async def _start() -> Response:
        return Response(_START_SCRIPT, media_type="text/javascript")

    app.mount("/api/docs", StaticFiles(directory=folder))


_API_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

_START_SCRIPT = """const READS = ["GET", "HEAD"];

async function withToken(request) {
  if (READS.includes(request.method ?? "GET")) return request;
  const session = await fetch("session");
  if (session.ok) request.headers["X-CSRF-Token"] = (await session.json()).csrf_token;
  return request;
}

SwaggerUIBundle({ url: "openapi.json", dom_id: "#page", requestInterceptor: withToken });
"""
