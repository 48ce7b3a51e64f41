"""Applications in the server's process, by a small one that is installed for the tests."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import LogLines, Served, error_of, settings_for
from tests.http.test_auth import make_key

from understudy.errors import StartupError
from understudy.server import create_app
from understudy.web.apps import lifespans, make_apps

PROBE = '''
"""An application that tells what it was given."""

from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


def create_app(*, base_url=None, api_key=None, data_dir=None, prefix=""):
    life = data_dir.parent.parent / "life"

    @asynccontextmanager
    async def lifespan(app):
        life.write_text("began")
        yield
        life.write_text("ended")

    async def tell(request):
        return JSONResponse({
            "base_url": base_url, "api_key": api_key, "data_dir": str(data_dir), "prefix": prefix,
            "method": request.method, "root_path": request.scope["root_path"],
            "url": str(request.url_for("tell")), "cookies": request.cookies,
        })

    return Starlette(routes=[Route("/tell", tell, methods=["GET", "PUT"])], lifespan=lifespan)


def create_broken(**given):
    @asynccontextmanager
    async def lifespan(app):
        raise RuntimeError("no database")
        yield

    return Starlette(lifespan=lifespan)


def create_refusing(**given):
    raise ValueError("MAIL_SERVER is not set")


def create_bare(**given):
    import package_that_is_nowhere
'''
ENTRY_POINTS = """[understudy.apps]
probe = probe_app:create_app
broken = probe_app:create_broken
refusing = probe_app:create_refusing
bare = probe_app:create_bare
"""


@pytest.fixture(autouse=True)
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the application beside those that are there."""
    folder = tmp_path / "installed"
    info = folder / "probe_app-1.dist-info"
    info.mkdir(parents=True)
    (folder / "probe_app.py").write_text(PROBE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: probe-app\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(folder))
    yield
    sys.modules.pop("probe_app", None)


def told(served: Served, **headers: str) -> dict[str, Any]:
    answer: dict[str, Any] = served.client.get("/probe/tell", headers=headers).json()
    return answer


def test_an_application_runs_at_its_name_beside_the_api(
    serve_with: ServeWith, tmp_path: Path
) -> None:
    with serve_with(apps=("probe",)) as served:
        given = told(served)
        assert (tmp_path / "data" / "life").read_text() == "began"
        assert given["base_url"] == f"{served.root}/v1"
        assert given["data_dir"] == str(tmp_path / "data" / "apps" / "probe")
        assert given["prefix"] == given["root_path"] == "/probe"
        assert given["url"] == f"{served.root}/probe/tell"
        assert served.client.put("/probe/tell", content=b"anything").json()["method"] == "PUT"
        assert served.client.get("/probe/nothing").text == "Not Found"
        moved = served.client.get("/probe")
        assert (moved.status_code, moved.headers["location"]) == (307, "/probe/")
        assert error_of(served.client.get("/probed/tell"), 404)["code"] == "unknown_url"
        assert served.chat().status_code == 200
    assert (tmp_path / "data" / "life").read_text() == "ended"


def test_its_key_opens_the_api_where_keys_are_asked_for_and_stays_the_same(
    serve_with: ServeWith, tmp_path: Path
) -> None:
    keys = []
    for _ in range(2):
        with serve_with(apps=("probe",)) as served:
            keys.append(told(served)["api_key"])
    make_key(tmp_path / "data")
    with serve_with(apps=("probe",)) as served:
        keys.append(told(served)["api_key"])
        authorization = {"authorization": f"Bearer {keys[0]}"}
        assert served.client.get("/v1/models", headers=authorization).status_code == 200
        wrong = {"authorization": f"Bearer {keys[0][:-1]}"}
        error_of(served.client.get("/v1/models", headers=wrong), 401)
        error_of(served.client.get("/v1/models"), 401)
    assert len(set(keys)) == 1
    file = tmp_path / "data" / "apps" / "key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_that_key_opens_nothing_where_no_application_runs(
    serve_with: ServeWith, tmp_path: Path
) -> None:
    with serve_with(apps=("probe",)) as served:
        key = told(served)["api_key"]
    make_key(tmp_path / "data")
    with serve_with() as served:
        headers = {"authorization": f"Bearer {key}"}
        error_of(served.client.get("/v1/models", headers=headers), 401)
        assert served.client.get("/probe/tell").status_code == 404


def test_without_keys_foreign_pages_and_names_reach_no_application(serve_with: ServeWith) -> None:
    with serve_with(apps=("probe",)) as served:

        def ask(**headers: str) -> httpx2.Response:
            return served.client.get("/probe/tell", headers=headers)

        assert ask(**{"sec-fetch-site": "same-origin"}).status_code == 200
        error_of(ask(host="evil.example"), 403)
        error_of(ask(origin="http://evil.example"), 403)
        error_of(ask(**{"sec-fetch-site": "cross-site"}), 403)
        error_of(ask(**{"x-forwarded-for": "1.2.3.4"}), 403)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "No application 'nobody' is installed; there are: .*negotiator, probe"),
        ("refusing", "The application 'refusing' cannot start: MAIL_SERVER is not set"),
        ("bare", r"\(package_that_is_nowhere\).*pip install 'understudy\[apps\]'"),
    ],
)
def test_what_cannot_start_says_why(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(StartupError, match=said):
        create_app(settings_for(tmp_path, apps=(name,)))


@pytest.mark.anyio
async def test_an_application_that_fails_at_start_ends_the_start(logs: LogLines) -> None:
    apps = make_apps(("broken",), base_url="", api_key="", data_dir=Path())
    with pytest.raises(StartupError, match="'broken' did not start"):
        async with lifespans(apps):
            raise AssertionError("it seems to have started")
    assert "no database" in logs.wait_for(level="error")["exception"]
