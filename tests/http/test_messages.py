"""`/v1/threads/{thread_id}/messages` in both dialects, on SQLite and on PostgreSQL."""

import asyncio
from typing import Any

import pytest
from tests.http.serving import error_of
from tests.http.threads_and_assistants import Api, api, in_database, store_of, waiting_run

from understudy.store.db import Store
from understudy.store.items import Item, Log
from understudy.store.keys import project_id
from understudy.store.objects import Collection

__all__ = ["api"]

CAT = "The cat sleeps on the warm roof."
DOG = "The dog runs along the cold beach."
SEARCHED = [{"type": "file_search"}]


def text_of(message: dict[str, Any]) -> str:
    (part,) = message["content"]
    return str(part["text"]["value"])


def test_the_life_of_a_message(api: Api) -> None:
    thread = api.thread()
    made = api.message(thread, "Hello\0 there", metadata={"a": "b"})
    assert made["id"].startswith("msg_")
    assert made["content"] == [
        {"type": "text", "text": {"value": "Hello\0 there", "annotations": []}}
    ]
    assert (made["object"], made["role"], made["status"]) == ("thread.message", "user", "completed")
    assert (made["thread_id"], made["metadata"]) == (thread["id"], {"a": "b"})
    assert (made["assistant_id"], made["run_id"], made["incomplete_details"]) == (None, None, None)
    path = f"/threads/{thread['id']}/messages/{made['id']}"
    assert api.get(path).json() == made
    assert api.post(path).json() == made
    changed = api.valid("MessageObject", api.post(path, metadata={"c": "d"}))
    assert changed == {**made, "metadata": {"c": "d"}}
    assert api.get(path).json() == changed
    assert api.post(path, metadata=None).json()["metadata"] == {}
    deleted = {"id": made["id"], "object": "thread.message.deleted", "deleted": True}
    assert api.delete(path).json() == deleted
    for answer in (api.get(path), api.delete(path), api.post(path)):
        assert made["id"] in error_of(answer, 404)["message"]
    assert api.listed(f"/threads/{thread['id']}/messages") == []


def test_a_message_is_of_its_thread_alone(api: Api) -> None:
    thread, other = api.thread(), api.thread()
    made = api.message(thread)
    path = f"/threads/{other['id']}/messages/{made['id']}"
    for answer in (api.get(path), api.delete(path), api.post(path, metadata={})):
        assert error_of(answer, 404)
    assert api.listed(f"/threads/{thread['id']}/messages") == [made["id"]]


def test_pages_of_messages(api: Api) -> None:
    thread = api.thread()
    made = [api.message(thread, f"number {n}")["id"] for n in range(5)]
    path = f"/threads/{thread['id']}/messages"
    assert api.listed(path) == made[::-1]
    assert api.listed(path, order="asc", limit=2) == made[:2]
    assert api.listed(path, limit=2, after=made[3]) == [made[2], made[1]]
    assert api.listed(path, limit=1, before=made[1]) == [made[2]]
    assert api.get(path, limit=4).json()["has_more"] is True
    assert api.get(path, limit=5).json()["has_more"] is False
    assert api.listed(path, after=made[0]) == []
    api.delete(f"{path}/{made[2]}")
    assert api.listed(path, after=made[2]) == [made[1], made[0]]
    assert error_of(api.get(path, after="msg_never"), 400)["param"] == "after"
    assert error_of(api.get(path, limit=101), 400)["param"] == "limit"
    assert error_of(api.get("/threads/thread_no/messages", after=made[0]), 404)
    assert error_of(api.get("/threads/thread_no/messages"), 404)


def test_a_list_shows_messages_alone_and_those_of_a_run(api: Api) -> None:
    thread = api.thread()
    mine = api.message(thread)["id"]
    log_of = thread["id"]

    async def answer(store: Store) -> None:
        content = [
            {
                "type": "output_text",
                "text": "It sleeps. 【1】",
                "annotations": [
                    {
                        "type": "file_citation",
                        "file_id": "file-cat",
                        "filename": "cat.txt",
                        "index": 11,
                        "text": "【1】",
                        "start_index": 11,
                        "end_index": 14,
                        "quote": "sleeps",
                        "page": 1,
                    }
                ],
                "logprobs": [],
            },
            {"type": "refusal", "refusal": "No more."},
        ]
        document = {"type": "message", "role": "assistant", "status": "incomplete"}
        extra = {"incomplete_details": {"reason": "max_tokens"}, "incomplete_at": 9}
        made = Item(
            f"{log_of}-answer",
            "message",
            9_999_999_999,
            {**document, "content": content},
            run_id=f"{log_of}-run",
            assistant_id="asst_1",
            extra=extra,
        )
        call = Item("fc_" + log_of, "function_call", 9_999_999_999, {"type": "function_call"})
        async with store.write() as connection:
            await Log(await project_id(store), log_of).add(connection, [call, made])

    in_database(api.served, answer)
    path = f"/threads/{thread['id']}/messages"
    assert api.listed(path) == [f"{log_of}-answer", mine]
    assert api.listed(path, run_id=f"{log_of}-run") == [f"{log_of}-answer"]
    assert api.listed(path, run_id="run_no") == []
    assert error_of(api.get(f"{path}/fc_{log_of}"), 404)

    shown = api.valid("MessageObject", api.get(f"{path}/{log_of}-answer"))
    assert (shown["role"], shown["run_id"], shown["assistant_id"]) == (
        "assistant",
        f"{log_of}-run",
        "asst_1",
    )
    assert (shown["status"], shown["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_tokens"},
    )
    text, refusal = shown["content"]
    citation = {"type": "file_citation", "text": "【1】", "start_index": 11, "end_index": 14}
    assert text["text"]["annotations"] == [{**citation, "file_citation": {"file_id": "file-cat"}}]
    assert refusal == {"type": "refusal", "refusal": "No more."}

    of_v1 = api.as_v1().valid("MessageObject", api.as_v1().get(f"{path}/{log_of}-answer"))
    cited = {"file_id": "file-cat", "quote": "sleeps"}
    assert of_v1["content"][0]["text"]["annotations"] == [{**citation, "file_citation": cited}]
    assert of_v1["content"][1]["text"]["value"] == "No more."


def test_an_attachment_is_searched_by_the_thread(api: Api) -> None:
    cat, dog = api.upload(CAT, "cat.txt"), api.upload(DOG, "dog.txt")
    thread = api.thread()
    attachments = [{"file_id": cat, "tools": [{"type": "code_interpreter"}, *SEARCHED]}]
    made = api.message(thread, attachments=attachments)
    assert made["attachments"] == attachments
    assert "file_ids" not in made
    store_id = store_of(api.valid("ThreadObject", api.get(f"/threads/{thread['id']}")))
    assert api.in_store(store_id, "Where does the cat sleep?") == {cat}
    api.message(thread, attachments=[{"file_id": dog, "tools": SEARCHED}])
    assert store_of(api.get(f"/threads/{thread['id']}").json()) == store_id
    assert api.in_store(store_id, "Where do the cat and the dog go?") == {cat, dog}


def test_an_attachment_goes_to_the_store_that_the_thread_has(api: Api) -> None:
    cat, store_id = api.upload(CAT), api.post("/vector_stores").json()["id"]
    thread = api.thread(tool_resources={"file_search": {"vector_store_ids": [store_id]}})
    api.message(thread, attachments=[{"file_id": cat, "tools": SEARCHED}])
    assert store_of(api.get(f"/threads/{thread['id']}").json()) == store_id
    assert api.in_store(store_id, "Where does the cat sleep?") == {cat}
    api.delete(f"/threads/{thread['id']}")
    assert api.get(f"/vector_stores/{store_id}").status_code == 200


def test_a_store_that_has_expired_is_replaced(api: Api) -> None:
    life = {"anchor": "last_active_at", "days": 1}
    expired = api.post("/vector_stores", expires_after=life).json()["id"]
    thread = api.thread(tool_resources={"file_search": {"vector_store_ids": [expired]}})

    async def leave_unused(store: Store) -> None:
        stores = Collection(await project_id(store), "vector_store")
        async with store.write() as connection:
            was = await stores.find(connection, expired)
            unused = {**was.document, "last_active_at": was.created_at - 2 * 86_400}
            await stores.update(connection, expired, document=unused)

    in_database(api.served, leave_unused)
    cat = api.upload(CAT)
    api.message(thread, attachments=[{"file_id": cat, "tools": SEARCHED}])
    made = store_of(api.get(f"/threads/{thread['id']}").json())
    assert made != expired
    assert api.in_store(made, "Where does the cat sleep?") == {cat}


def test_a_file_that_is_read_already_stays_as_it_was_cut(api: Api) -> None:
    cat, sizes = api.upload(CAT), {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
    new = {"file_ids": [cat], "chunking_strategy": {"type": "static", "static": sizes}}
    thread = api.thread(tool_resources={"file_search": {"vector_stores": [new]}})
    api.message(thread, attachments=[{"file_id": cat, "tools": SEARCHED}])
    (file,) = api.get(f"/vector_stores/{store_of(thread)}/files").json()["data"]
    assert file["chunking_strategy"]["static"] == sizes


def test_an_attachment_for_other_tools_is_not_searched(api: Api) -> None:
    thread = api.thread()
    code = [{"type": "code_interpreter"}]
    api.message(thread, attachments=[{"file_id": api.upload(CAT), "tools": code}])
    assert api.get(f"/threads/{thread['id']}").json()["tool_resources"] is None


def test_the_files_of_v1_are_searched_and_listed(api: Api) -> None:
    cat, dog = api.upload(CAT, "cat.txt"), api.upload(DOG, "dog.txt")
    thread = api.as_v1().thread()
    made = api.as_v1().message(thread, file_ids=[cat, dog])
    assert made["file_ids"] == [cat, dog]
    assert "attachments" not in made
    path = f"/threads/{thread['id']}/messages/{made['id']}"
    assert api.get(path).json()["attachments"] == [
        {"file_id": cat, "tools": SEARCHED},
        {"file_id": dog, "tools": SEARCHED},
    ]
    store_id = store_of(api.get(f"/threads/{thread['id']}").json())
    assert api.in_store(store_id, "Where do the cat and the dog go?") == {cat, dog}

    file = api.as_v1().valid("MessageFileObject", api.get(f"{path}/files/{dog}"))
    assert (file["id"], file["message_id"]) == (dog, made["id"])
    assert error_of(api.get(f"{path}/files/file-no"), 404)
    files = f"{path}/files"
    assert api.listed(files) == [dog, cat]
    assert api.listed(files, order="asc") == [cat, dog]
    assert api.listed(files, limit=1) == [dog]
    assert api.get(files, limit=1).json()["has_more"] is True
    assert api.listed(files, after=dog) == [cat]
    assert api.get(files, after=dog).json()["has_more"] is False
    assert api.listed(files, before=cat) == [dog]
    assert error_of(api.get(files, after="file-no"), 400)["param"] == "after"


def test_v1_lists_the_attachments_of_v2(api: Api) -> None:
    cat = api.upload(CAT)
    thread = api.thread()
    made = api.message(thread, attachments=[{"file_id": cat, "tools": SEARCHED}])
    path = f"/threads/{thread['id']}/messages/{made['id']}"
    assert api.as_v1().valid("MessageObject", api.as_v1().get(path))["file_ids"] == [cat]


def test_images_are_kept_as_they_are(api: Api) -> None:
    picture = api.upload("not really", "cat.png", purpose="vision")
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_file", "image_file": {"file_id": picture, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://nowhere.invalid/cat.png"}},
    ]
    thread = api.thread()
    made = api.message(thread, content)
    assert [part["type"] for part in made["content"]] == ["text", "image_file", "image_url"]
    assert made["content"][1] == content[1]
    assert made["content"][2]["image_url"]["url"] == "https://nowhere.invalid/cat.png"
    path = f"/threads/{thread['id']}/messages/{made['id']}"
    assert api.get(path).json() == made
    assert api.as_v1().valid("MessageObject", api.as_v1().get(path))


def test_an_image_is_a_file_of_the_project_that_can_be_shown(api: Api) -> None:
    thread = api.thread()
    path = f"/threads/{thread['id']}/messages"

    def answer(file_id: str) -> Any:
        text = {"type": "text", "text": "Look"}
        image = {"type": "image_file", "image_file": {"file_id": file_id}}
        return api.post(path, role="user", content=[text, image])

    assert error_of(answer("file-no"), 404)["param"] == "content[1].image_file.file_id"
    batch = error_of(answer(api.upload("{}", "b.jsonl", purpose="batch")), 400)
    assert batch["param"] == "content[1].image_file.file_id"
    assert "batch" in batch["message"]
    assert api.listed(path) == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"content": ""}, "content"),
        ({"content": []}, "content"),
        ({"content": "x" * 256_001}, "content"),
        ({"content": None}, "content"),
        ({"role": "system"}, "role"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"file_ids": [f"file-{n}" for n in range(11)]}, "file_ids"),
        ({"attachments": [{"tools": []}]}, "attachments[0].file_id"),
    ],
)
def test_bad_fields_are_named(api: Api, body: dict[str, Any], param: str) -> None:
    thread = api.thread()
    path = f"/threads/{thread['id']}/messages"
    answer = api.post(path, **{"role": "user", "content": "x", **body})
    assert error_of(answer, 400)["param"] == param
    assert api.listed(path) == []


def test_unknown_files_are_named_and_nothing_is_added(api: Api) -> None:
    cat, thread = api.upload(CAT), api.thread()
    path = f"/threads/{thread['id']}/messages"
    attached = [{"file_id": cat, "tools": SEARCHED}, {"file_id": "file-no", "tools": SEARCHED}]
    answer = api.post(path, role="user", content="x", attachments=attached)
    assert error_of(answer, 404)["param"] == "attachments[1].file_id"
    answer = api.post(path, role="user", content="x", file_ids=["file-no"])
    assert error_of(answer, 404)["param"] == "file_ids[0]"
    assert api.listed(path) == []
    assert api.get(f"/threads/{thread['id']}").json()["tool_resources"] is None


def test_a_message_waits_for_the_end_of_an_active_run(api: Api) -> None:
    thread = api.thread()
    mine = api.message(thread)
    run_id = waiting_run(api.served, thread["id"])
    path = f"/threads/{thread['id']}/messages"
    error = error_of(api.post(path, role="user", content="too early"), 400)
    thread_id = thread["id"]
    assert error["message"] == f"Can't add messages to {thread_id} while a run {run_id} is active."
    assert error["type"] == "invalid_request_error"
    assert api.listed(path) == [mine["id"]]
    assert api.post(f"{path}/{mine['id']}", metadata={"a": "b"}).status_code == 200
    assert api.delete(f"{path}/{mine['id']}").status_code == 200


def test_a_repeated_creation_makes_one_message(api: Api) -> None:
    thread = api.thread()
    once = api.with_headers(Idempotency_Key=f"message-{api.served.port}")
    made = once.message(thread, "one")
    waiting_run(api.served, thread["id"])
    assert once.message(thread, "one") == made
    assert api.listed(f"/threads/{thread['id']}/messages") == [made["id"]]


def test_a_refused_creation_leaves_its_key_free(api: Api) -> None:
    thread, port = api.thread(), api.served.port
    once = api.with_headers(Idempotency_Key=f"refused-{port}")
    path = f"/threads/{thread['id']}/messages"
    assert error_of(once.post(path, role="user", content="x", file_ids=["file-no"]), 404)
    assert once.post(path, role="user", content="x").status_code == 200


def test_messages_sent_at_once_are_all_there(api: Api) -> None:
    thread = api.thread()
    cat = api.upload(CAT)
    path = f"/threads/{thread['id']}/messages"

    async def send_all() -> list[int]:
        sends = [
            asyncio.to_thread(
                api.post,
                path,
                role="user",
                content=f"number {n}",
                attachments=[{"file_id": cat, "tools": SEARCHED}],
            )
            for n in range(12)
        ]
        return [answer.status_code for answer in await asyncio.gather(*sends)]

    assert asyncio.run(send_all()) == [200] * 12
    texts = [text_of(message) for message in api.get(path).json()["data"]]
    assert sorted(texts) == sorted(f"number {n}" for n in range(12))
    stores = [store["id"] for store in api.get("/vector_stores", limit=100).json()["data"]]
    assert store_of(api.get(f"/threads/{thread['id']}").json()) in stores
