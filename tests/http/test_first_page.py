"""The first page as a browser gets it: its files, their headers, and who may have them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from tests.http.serving import Served, error_of, serve, settings_for
from tests.http.test_auth import make_key

from understudy.errors import NotFound
from understudy.web.pages import Pages

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that has keys."""
    folder = tmp_path_factory.mktemp("data")
    make_key(folder)
    with serve(settings_for(folder)) as served:
        yield served


def test_the_page_needs_no_key_and_allows_nothing_from_elsewhere(guarded: Served) -> None:
    page = guarded.client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-cache"
    again = guarded.client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304


def test_everything_that_the_page_names_is_there_and_kept_by_browsers(guarded: Served) -> None:
    named = re.findall(r'(?:src|href)="\.(/[^"]+)"', guarded.client.get("/").text)
    assert len(named) == 3
    for path in named:
        asset = guarded.client.get(path)
        assert asset.status_code == 200
        assert asset.headers["content-security-policy"] == POLICY
        is_hashed = path.startswith("/assets/")
        assert ("immutable" in asset.headers["cache-control"]) == is_hashed


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/../../pages.py", "/assets/%2e%2e/%2e%2e/pages.py", "/x"]
)
def test_other_paths_are_answered_in_the_envelope(guarded: Served, path: str) -> None:
    answer = guarded.exchange_raw(f"GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404")
    assert b'{"error":' in answer


def test_a_page_is_not_written_to(guarded: Served) -> None:
    assert error_of(guarded.client.post("/"), 404)["code"] == "unknown_url"


def test_a_server_without_keys_shows_its_page_under_its_own_names_alone(tmp_path: Path) -> None:
    with serve(settings_for(tmp_path)) as served:
        assert served.client.get("/").status_code == 200
        error_of(served.client.get("/", headers={"host": "evil.example"}), 403)
        error_of(served.client.get("/", headers={"sec-fetch-site": "cross-site"}), 403)


def test_where_no_pages_were_built_the_remedy_is_named(tmp_path: Path) -> None:
    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("the page is not the API's")

    with pytest.raises(NotFound, match="make pages"):
        TestClient(Pages(nothing, tmp_path)).get("/")
