"""`/v1/vector_stores` with the SDK against a real server, and what no SDK sends."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2
import openai
import pytest
from tests.http.serving import Served, error_of, serve, settings_for
from tests.sdk.validation import errors_of_answer

DAY_S = 86_400
CAT = "The cat sleeps on the warm roof."
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
STORES = "/v1/vector_stores"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(settings_for(tmp_path_factory.mktemp("data"))) as served:
        yield served


@pytest.fixture(scope="module")
def store_id(server: Served) -> str:
    """An empty store that tests only read."""
    return str(server.client.post(STORES).json()["id"])


def upload(client: openai.OpenAI, count: int) -> list[str]:
    return [
        client.files.create(file=(f"{n}.txt", b"text %d" % n), purpose="assistants").id
        for n in range(count)
    ]


def found(results: Sequence[Any]) -> list[str]:
    return [result.filename for result in results]


def valid(method: str, path: str, answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    assert errors_of_answer(method, f"/vector_stores{path}", 200, answer.json()) == []
    return answer.json()


def test_the_life_of_a_store(client: openai.OpenAI) -> None:
    life: Any = {"anchor": "last_active_at", "days": 7}
    made = client.vector_stores.create(
        name="laws", description="all of them", metadata={"a": "b"}, expires_after=life
    )
    assert made.id.startswith("vs_")
    assert (made.object, made.name, made.metadata) == ("vector_store", "laws", {"a": "b"})
    assert (made.status, made.usage_bytes, made.file_counts.total) == ("completed", 0, 0)
    assert made.to_dict()["description"] == "all of them"
    assert made.expires_after is not None and made.expires_after.days == 7
    assert made.last_active_at is not None
    assert made.expires_at == made.last_active_at + 7 * DAY_S
    assert client.vector_stores.retrieve(made.id) == made
    assert made in client.vector_stores.list().data
    deleted = client.vector_stores.delete(made.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (made.id, True, "vector_store.deleted")
    for call in (client.vector_stores.retrieve, client.vector_stores.delete):
        with pytest.raises(openai.NotFoundError, match=made.id):
            call(made.id)


def test_what_a_store_leaves_out(server: Served) -> None:
    made = [server.client.post(STORES).json() for _ in range(2)]
    assert made[0]["id"] != made[1]["id"]
    assert not {"expires_after", "description"} & set(made[0])
    assert (made[0]["name"], made[0]["metadata"], made[0]["expires_at"]) == ("", {}, None)


def test_an_update_changes_what_it_names(client: openai.OpenAI) -> None:
    life: Any = {"anchor": "last_active_at", "days": 1}
    made = client.vector_stores.create(name="old", metadata={"a": "b"}, expires_after=life)
    named = client.vector_stores.update(made.id, name="new")
    assert (named.name, named.metadata, named.expires_after) == (
        "new",
        {"a": "b"},
        made.expires_after,
    )
    life["days"] = 365
    longer = client.vector_stores.update(made.id, metadata={"c": "d"}, expires_after=life)
    assert (longer.name, longer.metadata) == ("new", {"c": "d"})
    assert longer.expires_after is not None and longer.expires_after.days == 365
    emptied = client.vector_stores.update(made.id, name=None, metadata=None, expires_after=None)  # type: ignore[arg-type]
    assert (emptied.name, emptied.metadata, emptied.expires_at) == ("", {}, None)
    assert "expires_after" not in emptied.to_dict()
    assert client.vector_stores.retrieve(made.id) == emptied


def test_a_file_is_uploaded_polled_and_read_back(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    files = client.vector_stores.files
    done = files.upload_and_poll(vector_store_id=store.id, file=("cat.txt", CAT.encode()))
    assert (done.status, done.last_error, done.vector_store_id) == ("completed", None, store.id)
    assert done.object == "vector_store.file"
    assert done.attributes == {}
    assert done.to_dict()["chunking_strategy"] == {
        "type": "static",
        "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
    }
    assert files.retrieve(done.id, vector_store_id=store.id) == done
    assert [part.text for part in files.content(done.id, vector_store_id=store.id)] == [CAT]
    now = client.vector_stores.retrieve(store.id)
    assert (now.status, now.file_counts.completed, now.file_counts.total) == ("completed", 1, 1)
    assert now.usage_bytes == done.usage_bytes > 0


def test_sizes_of_chunks_are_obeyed(client: openai.OpenAI) -> None:
    text = "\n\n".join(f"Paragraph {n} speaks of number {n}." for n in range(60))
    file = client.files.create(file=("long.txt", text.encode()), purpose="assistants")
    sizes: Any = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}
    strategy: Any = {"type": "static", "static": sizes}
    store = client.vector_stores.create(file_ids=[file.id], chunking_strategy=strategy)
    files = client.vector_stores.files
    done = files.poll(file.id, vector_store_id=store.id)
    assert done.to_dict()["chunking_strategy"] == strategy
    parts = [part.text for part in files.content(file.id, vector_store_id=store.id)]
    assert len(parts) > 3
    assert "\n\n".join(parts) == text


def test_a_file_leaves_its_store_and_comes_back(client: openai.OpenAI) -> None:
    files = client.vector_stores.files
    store = client.vector_stores.create()
    file = files.upload_and_poll(vector_store_id=store.id, file=("cat.txt", CAT.encode()))
    deleted = files.delete(file.id, vector_store_id=store.id)
    assert deleted.object == "vector_store.file.deleted"
    assert (deleted.id, deleted.deleted) == (file.id, True)
    assert found(client.vector_stores.search(store.id, query="cat").data) == []
    assert client.vector_stores.retrieve(store.id).file_counts.total == 0
    for call in (files.retrieve, files.content, files.delete):
        with pytest.raises(openai.NotFoundError, match=file.id):
            call(file.id, vector_store_id=store.id)
    assert client.files.retrieve(file.id).id == file.id
    again = files.create_and_poll(file.id, vector_store_id=store.id)
    assert again.status == "completed"
    assert found(client.vector_stores.search(store.id, query="cat").data) == ["cat.txt"]


def test_a_batch_is_uploaded_and_polled(client: openai.OpenAI) -> None:
    batches = client.vector_stores.file_batches
    store = client.vector_stores.create()
    batch = batches.upload_and_poll(
        store.id, files=[("cat.txt", CAT.encode()), ("no.png", PICTURE)], file_ids=upload(client, 1)
    )
    assert (batch.object, batch.vector_store_id) == ("vector_store.files_batch", store.id)
    assert batch.status == "completed"
    assert batch.file_counts.to_dict() == {
        "in_progress": 0,
        "completed": 2,
        "failed": 1,
        "cancelled": 0,
        "total": 3,
    }
    assert batches.retrieve(batch.id, vector_store_id=store.id) == batch
    listed = batches.list_files(batch.id, vector_store_id=store.id, limit=2)
    assert len(listed.data) == 2
    assert len(list(listed)) == 3
    (failed,) = batches.list_files(batch.id, vector_store_id=store.id, filter="failed")
    assert failed.status == "failed"
    assert failed.last_error is not None and failed.last_error.code == "unsupported_file"


def test_files_of_a_batch_may_differ(client: openai.OpenAI) -> None:
    one, two = upload(client, 2)
    sizes: Any = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100}
    store = client.vector_stores.create()
    client.vector_stores.file_batches.create_and_poll(
        store.id,
        files=[
            {"file_id": one, "attributes": {"n": 1}},
            {"file_id": two, "chunking_strategy": {"type": "static", "static": sizes}},
        ],
        attributes={"n": 9},
    )
    first, second = client.vector_stores.files.list(store.id, order="asc", filter="completed")
    assert (first.id, first.attributes) == (one, {"n": 1})
    assert (second.id, second.attributes) == (two, {})
    assert second.to_dict()["chunking_strategy"] == {"type": "static", "static": sizes}


def test_only_files_of_the_batch_are_listed(client: openai.OpenAI) -> None:
    ids = upload(client, 3)
    store = client.vector_stores.create(file_ids=ids[:1])
    batch = client.vector_stores.file_batches.create(store.id, file_ids=ids[1:])
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert {file.id for file in listed} == set(ids[1:])
    assert {file.id for file in client.vector_stores.files.list(store.id)} == set(ids)


def test_pages_of_files(client: openai.OpenAI, server: Served) -> None:
    ids = upload(client, 5)
    store = client.vector_stores.create(file_ids=ids)
    list_ = client.vector_stores.files.list
    page = list_(store.id, limit=2)
    assert page.has_more
    assert [file.id for file in page.data] == ids[:2:-1]
    assert [file.id for file in page] == ids[::-1]
    assert [file.id for file in list_(store.id, order="asc", after=ids[2]).data] == ids[3:]
    assert [file.id for file in list_(store.id, order="asc", before=ids[2]).data] == ids[:2]
    empty = server.client.get(f"{STORES}/{store.id}/files?after={ids[0]}").json()
    assert empty == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}


def test_stores_and_files_are_deleted_while_they_are_listed(client: openai.OpenAI) -> None:
    stores = {client.vector_stores.create(name="gone").id for _ in range(5)}
    store = client.vector_stores.create(file_ids=upload(client, 5))
    files = {file.id for file in client.vector_stores.files.list(store.id)}
    assert len(files) == 5
    for file in client.vector_stores.files.list(store.id, limit=2):
        client.vector_stores.files.delete(file.id, vector_store_id=store.id)
        files.remove(file.id)
    assert files == set()
    for listed in client.vector_stores.list(limit=2):
        if listed.id in stores:
            client.vector_stores.delete(listed.id)
            stores.remove(listed.id)
    assert stores == set()


def test_attributes_are_replaced_and_searched_by(client: openai.OpenAI) -> None:
    (id_,) = upload(client, 1)
    store = client.vector_stores.create()
    files = client.vector_stores.files
    files.create_and_poll(id_, vector_store_id=store.id, attributes={"a": 1, "b": "x"})
    changed = files.update(id_, vector_store_id=store.id, attributes={"a": 2})
    assert changed.attributes == {"a": 2}
    where: Any = {"type": "eq", "key": "a", "value": 2}
    (result,) = client.vector_stores.search(store.id, query="text", filters=where).data
    assert (result.file_id, result.attributes) == (id_, {"a": 2})
    emptied = files.update(id_, vector_store_id=store.id, attributes=None)
    assert emptied.attributes == {}


@pytest.mark.parametrize("dialect", [None, "assistants=v1", "assistants=v2"])
def test_every_dialect_gets_the_same(server: Served, dialect: str | None) -> None:
    headers = {} if dialect is None else {"OpenAI-Beta": dialect}
    made = server.client.post(STORES, json={"name": "x", "unknown": 1}, headers=headers)
    plain = server.client.get(f"{STORES}/{made.json()['id']}").json()
    assert made.json() == plain
    assert plain["name"] == "x"


def test_answers_obey_the_specification(server: Served) -> None:
    send = server.client
    form: Any = {"files": {"file": ("a.txt", CAT.encode())}, "data": {"purpose": "assistants"}}
    file_id = send.post("/v1/files", **form).json()["id"]
    life = {"anchor": "last_active_at", "days": 1}
    body = {"file_ids": [file_id], "expires_after": life, "description": "d"}
    store = valid("POST", "", send.post(STORES, json=body))
    at, path = f"{STORES}/{store['id']}", "/{vector_store_id}"
    valid("GET", "", send.get(STORES))
    valid("GET", path, send.get(at))
    valid("POST", path, send.post(at, json={"name": "n"}))
    valid("POST", f"{path}/files", send.post(f"{at}/files", json={"file_id": file_id}))
    valid("GET", f"{path}/files", send.get(f"{at}/files"))
    batch = send.post(f"{at}/file_batches", json={"file_ids": [file_id]})
    batch_id = valid("POST", f"{path}/file_batches", batch)["id"]
    batch_at, batch_path = f"{at}/file_batches/{batch_id}", f"{path}/file_batches/{{batch_id}}"
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key="any") as client:
        client.vector_stores.file_batches.poll(batch_id, vector_store_id=store["id"])
    valid("GET", batch_path, send.get(batch_at))
    valid("GET", f"{batch_path}/files", send.get(f"{batch_at}/files"))
    valid("POST", f"{batch_path}/cancel", send.post(f"{batch_at}/cancel"))
    valid("POST", f"{path}/search", send.post(f"{at}/search", json={"query": "cat"}))
    file_at, file_path = f"{at}/files/{file_id}", f"{path}/files/{{file_id}}"
    valid("GET", file_path, send.get(file_at))
    valid("POST", file_path, send.post(file_at, json={"attributes": {"a": 1.5, "b": True}}))
    valid("GET", f"{file_path}/content", send.get(f"{file_at}/content"))
    valid("DELETE", file_path, send.delete(file_at))
    valid("DELETE", path, send.delete(at))


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("", {"name": 3}, "name"),
        ("", {"name": "a\0b"}, "name"),
        ("", {"metadata": {"a": 1}}, "metadata"),
        ("", {"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ("", {"file_ids": "file-1"}, "file_ids"),
        ("", {"file_ids": [1]}, "file_ids[0]"),
        (
            "",
            {"file_ids": ["file-1"], "chunking_strategy": {"type": "x"}},
            "chunking_strategy.type",
        ),
        ("", {"chunking_strategy": {"type": "static"}}, "chunking_strategy.static"),
        ("", {"expires_after": 3}, "expires_after"),
        ("", {"expires_after": {"days": 3}}, "expires_after.anchor"),
        ("", {"expires_after": {"anchor": "created_at", "days": 3}}, "expires_after.anchor"),
        ("", {"expires_after": {"anchor": "last_active_at", "days": 0}}, "expires_after.days"),
        ("", {"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
        ("/VS", {"name": []}, "name"),
        ("/VS/files", {}, "file_id"),
        ("/VS/files", {"file_id": "file-1", "attributes": {"a": []}}, "attributes"),
        ("/VS/files/file-1", {}, "attributes"),
        ("/VS/file_batches", {}, "file_ids"),
        ("/VS/file_batches", {"file_ids": []}, "file_ids"),
        ("/VS/file_batches", {"file_ids": ["a"], "files": [{"file_id": "b"}]}, "files"),
        ("/VS/file_batches", {"files": [{"file_id": "a"}, {}]}, "files[1].file_id"),
        (
            "/VS/file_batches",
            {"files": [{"file_id": "a", "chunking_strategy": {"type": "static"}}]},
            "files[0].chunking_strategy.static",
        ),
    ],
)
def test_wrong_bodies(server: Served, store_id: str, path: str, body: Any, param: str) -> None:
    answer = server.client.post(STORES + path.replace("VS", store_id), json=body)
    assert error_of(answer, 400)["param"] == param


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("order=up", "order"),
        ("after=file-none", "after"),
        ("filter=expired", "filter"),
    ],
)
def test_wrong_queries(server: Served, store_id: str, query: str, param: str) -> None:
    error = error_of(server.client.get(f"{STORES}/{store_id}/files?{query}"), 400)
    assert error["param"] == param


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("", {"file_ids": ["FILE", "file-none"]}, "file_ids"),
        ("/VS/files", {"file_id": "file-none"}, "file_id"),
        ("/VS/file_batches", {"file_ids": ["file-none", "FILE"]}, "file_ids"),
        (
            "/VS/file_batches",
            {"files": [{"file_id": "FILE"}, {"file_id": "file-none"}]},
            "files[1].file_id",
        ),
    ],
)
def test_the_field_that_names_no_file_is_told(
    server: Served, client: openai.OpenAI, path: str, body: Any, param: str
) -> None:
    (file_id,) = upload(client, 1)
    store_id = client.vector_stores.create().id
    sent = json.loads(json.dumps(body).replace("FILE", file_id))
    answer = server.client.post(STORES + path.replace("VS", store_id), json=sent)
    assert error_of(answer, 404)["param"] == param
    assert client.vector_stores.retrieve(store_id).file_counts.total == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"file_ids": ["file-none"]}),
        ("GET", "/vs_none", None),
        ("POST", "/vs_none", {"name": "x"}),
        ("DELETE", "/vs_none", None),
        ("POST", "/vs_none/search", {"query": "cat"}),
        ("GET", "/vs_none/files", None),
        ("POST", "/vs_none/files", {"file_id": "file-none"}),
        ("POST", "/VS/files", {"file_id": "file-none"}),
        ("GET", "/VS/files/file-none", None),
        ("POST", "/VS/files/file-none", {"attributes": {}}),
        ("DELETE", "/VS/files/file-none", None),
        ("GET", "/VS/files/file-none/content", None),
        ("POST", "/VS/file_batches", {"file_ids": ["file-none"]}),
        ("GET", "/VS/file_batches/vsfb_none", None),
        ("POST", "/VS/file_batches/vsfb_none/cancel", None),
        ("GET", "/VS/file_batches/vsfb_none/files", None),
    ],
)
def test_what_is_not_there(
    server: Served, store_id: str, method: str, path: str, body: Any
) -> None:
    before = server.client.get(STORES).json()["data"]
    answer = server.client.request(method, STORES + path.replace("VS", store_id), json=body)
    assert "none" in error_of(answer, 404)["message"]
    assert server.client.get(STORES).json()["data"] == before
