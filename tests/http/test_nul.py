"""NUL, which PostgreSQL takes in no text: refused on every route, on either database."""

import re

from tests.http.databases import served
from tests.http.serving import LogLines, Served, error_of

__all__ = ["served"]

IN_PATH = re.compile(r"{[^}]+}")
METHODS = ("get", "post", "delete")
CURSORS = ("after", "before", "purpose", "filter", "model", "metadata[key]")


def routes(served: Served) -> list[tuple[str, str]]:
    """Return method and path of every route of the API."""
    paths = served.client.get("/openapi.json").json()["paths"]
    return [
        (method, path)
        for path, operations in paths.items()
        for method in METHODS
        if path.startswith("/v1/") and method in operations
    ]


def test_no_path_has_it(served: Served, logs: LogLines) -> None:
    having_ids = [(method, path) for method, path in routes(served) if "{" in path]
    assert len(having_ids) > 20
    for method, path in having_ids:
        error_of(served.client.request(method, IN_PATH.sub("a%00b", path)), 404)
    assert logs.failures() == []


def test_no_query_has_it(served: Served, logs: LogLines) -> None:
    store_id = served.client.post("/v1/vector_stores").json()["id"]
    lists = [path for method, path in routes(served) if method == "get"]
    assert len(lists) > 10
    for path in lists:
        path = path.replace("{vector_store_id}", store_id)
        for name in CURSORS:
            answer = served.client.get(f"{IN_PATH.sub('x', path)}?limit=2&{name}=a%00b")
            assert error_of(answer, 400)["param"] == name
    assert logs.failures() == []


def test_no_body_has_it(served: Served, logs: LogLines) -> None:
    store = served.client.post("/v1/vector_stores").json()["id"]
    begun = {"filename": "a", "purpose": "vision", "bytes": 1, "mime_type": "a"}
    upload = served.client.post("/v1/uploads", json=begun).json()["id"]
    for path, body, param in (
        (f"/v1/uploads/{upload}/complete", {"part_ids": ["a\0b"]}, "part_ids[0]"),
        ("/v1/uploads", {**begun, "filename": "a\0b"}, "filename"),
        ("/v1/vector_stores", {"file_ids": ["a\0b"]}, "file_ids[0]"),
        (f"/v1/vector_stores/{store}/files", {"file_id": "a\0b"}, "file_id"),
        (f"/v1/vector_stores/{store}/file_batches", {"file_ids": ["a\0b"]}, "file_ids[0]"),
    ):
        answer = served.client.post(path, json=body)
        assert error_of(answer, 400)["param"] == param
    answer = served.client.post(f"/v1/vector_stores/{store}/search", json={"query": "a\0b"})
    assert answer.json()["data"] == []
    assert logs.failures() == []
