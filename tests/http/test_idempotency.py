"""`Idempotency-Key` on files, uploads and vector stores, on either database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest
from tests.http.databases import served
from tests.http.serving import Served, error_of

__all__ = ["served"]

FILES = "/v1/files"
UPLOADS = "/v1/uploads"
STORES = "/v1/vector_stores"
UPLOAD = {"filename": "a.txt", "purpose": "vision", "bytes": 3, "mime_type": "text/plain"}
AT_ONCE = 6


def send_file(
    served: Served, key: str, content: bytes = b"abc", name: str = "a.txt", **fields: str
) -> httpx2.Response:
    """Send a file, in a form whose boundary is another every time."""
    return served.client.post(
        FILES,
        files={"file": (name, content)},
        data={"purpose": "vision", **fields},
        headers={"Idempotency-Key": key},
    )


def send(served: Served, path: str, body: dict[str, Any], key: str) -> httpx2.Response:
    return served.client.post(path, json=body, headers={"Idempotency-Key": key})


def made(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()
    return value


def reused(answer: httpx2.Response) -> bool:
    return error_of(answer, 400)["code"] == "idempotency_key_reused"


def ids_at_once(post: Callable[[], httpx2.Response]) -> list[str]:
    """Return the ids in the answers to the same request, sent several times at once."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [threads.submit(post) for _ in range(AT_ONCE)]
        return [made(answer.result())["id"] for answer in answers]


def listed(served: Served, path: str) -> list[str]:
    return [item["id"] for item in made(served.client.get(path))["data"]]


def test_a_repeated_form_makes_one_file(served: Served) -> None:
    first = made(send_file(served, "k"))
    assert made(send_file(served, "k")) == first
    assert listed(served, FILES) == [first["id"]]
    assert reused(send_file(served, "k", content=b"abd"))
    assert reused(send_file(served, "k", name="b.txt"))
    assert reused(send_file(served, "k", purpose="evals"))
    assert reused(send(served, STORES, {}, "k"))
    assert listed(served, FILES) == [first["id"]]
    assert made(send_file(served, "other"))["id"] != first["id"]
    assert made(served.client.delete(f"{FILES}/{first['id']}"))["deleted"]
    assert error_of(send_file(served, "k"), 404)["code"] == "not_found"


@pytest.mark.parametrize("length", [255, 256])
def test_a_key_has_up_to_255_characters(served: Served, length: int) -> None:
    key = "k" * length
    answers = [send_file(served, key), send(served, UPLOADS, UPLOAD, key)]
    if length == 255:
        assert made(answers[0]) and reused(answers[1])
        return
    assert [error_of(answer, 400)["param"] for answer in answers] == ["Idempotency-Key"] * 2
    assert listed(served, FILES) == []


def test_a_repeated_upload_is_answered_as_it_is(served: Served) -> None:
    first = made(send(served, UPLOADS, UPLOAD, "k"))
    assert made(send(served, UPLOADS, UPLOAD, "k")) == first
    assert reused(send(served, UPLOADS, {**UPLOAD, "bytes": 4}, "k"))
    other = made(send(served, UPLOADS, UPLOAD, "other"))
    assert other["id"] != first["id"]
    post = served.client.post
    cancelled = made(post(f"{UPLOADS}/{other['id']}/cancel"))
    assert made(send(served, UPLOADS, UPLOAD, "other")) == cancelled
    path = f"{UPLOADS}/{first['id']}"
    part = made(post(f"{path}/parts", files={"data": b"abc"}))
    completed = made(post(f"{path}/complete", json={"part_ids": [part["id"]]}))
    assert completed["file"]["filename"] == "a.txt"
    assert made(send(served, UPLOADS, UPLOAD, "k")) == completed
    served.client.delete(f"{FILES}/{completed['file']['id']}")
    assert made(send(served, UPLOADS, UPLOAD, "k")) == {**completed, "file": None}


def test_a_repeated_creation_makes_one_store(served: Served) -> None:
    body = {"name": "laws", "file_ids": ["file-none"]}
    assert error_of(send(served, STORES, body, "k"), 404)
    body = {"name": "laws", "file_ids": [made(send_file(served, "file"))["id"]]}
    first = made(send(served, STORES, body, "k"))
    renamed = made(served.client.post(f"{STORES}/{first['id']}", json={"name": "codes"}))
    again = made(send(served, STORES, body, "k"))
    assert (again["id"], again["name"]) == (first["id"], renamed["name"])
    assert again["file_counts"]["total"] == 1
    assert reused(send(served, STORES, {**body, "name": "codes"}, "k"))
    assert listed(served, STORES) == [first["id"]]


def test_a_file_that_is_added_again_keeps_its_attributes(served: Served) -> None:
    path = f"{STORES}/{made(send(served, STORES, {}, 'store'))['id']}/files"
    body = {"file_id": made(send_file(served, "file"))["id"], "attributes": {"year": 1}}
    first = made(send(served, path, body, "k"))
    changed = {"attributes": {"year": 2}}
    made(served.client.post(f"{path}/{first['id']}", json=changed))
    again = made(send(served, path, body, "k"))
    assert (again["id"], again["attributes"]) == (first["id"], {"year": 2})
    assert reused(send(served, path, {**body, "attributes": {}}, "k"))
    assert made(served.client.get(f"{path}/{first['id']}"))["attributes"] == {"year": 2}
    assert made(send(served, path, body, "other"))["attributes"] == {"year": 1}


def test_a_repeated_batch_is_answered_as_it_is(served: Served) -> None:
    files = [made(send_file(served, name, name=name))["id"] for name in ("a.txt", "b.txt")]
    store = made(send(served, STORES, {}, "store"))["id"]
    path, body = f"{STORES}/{store}/file_batches", {"file_ids": files}
    first = made(send(served, path, body, "k"))
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="any") as client:
        client.vector_stores.file_batches.poll(first["id"], vector_store_id=store)
    served.client.delete(f"{STORES}/{store}/files/{files[0]}")
    again = made(send(served, path, body, "k"))
    assert (again["id"], again["status"]) == (first["id"], "completed")
    assert again["file_counts"]["cancelled"] == 1
    assert listed(served, f"{STORES}/{store}/files") == files[1:]
    assert reused(send(served, path, {"file_ids": files[1:]}, "k"))
    assert made(send(served, path, body, "other"))["id"] != first["id"]


def test_requests_at_once_with_one_key_make_one_object(served: Served) -> None:
    store = made(served.client.post(STORES))["id"]
    file_id = made(send_file(served, "file"))["id"]
    batches = f"{STORES}/{store}/file_batches"
    for path, body in (
        (UPLOADS, UPLOAD),
        (STORES, {"name": "a"}),
        (batches, {"file_ids": [file_id]}),
        (f"{STORES}/{store}/files", {"file_id": file_id}),
    ):
        for n in range(3):
            key = f"{path}-{n}"
            ids = ids_at_once(lambda path=path, body=body, key=key: send(served, path, body, key))
            assert len(set(ids)) == 1
    assert len(listed(served, STORES)) == 4
    for n in range(3):
        ids = ids_at_once(lambda key=f"form-{n}": send_file(served, key))
        assert len(set(ids)) == 1
    assert len(listed(served, FILES)) == 4
