"""`/v1/conversations`, their items, and the threads that they are, on both databases."""

from typing import Any

import httpx2
import pytest
from tests.http.serving import error_of
from tests.http.threads_and_assistants import Api, api, store_of, waiting_run
from tests.sdk.validation import errors_of_answer

__all__ = ["api"]

CAT = "The cat sleeps on the warm roof."
CALL = {"type": "function_call", "call_id": "call_1", "name": "lookup", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "42"}


def valid(answer: httpx2.Response, method: str, path: str) -> Any:
    """Return an answer's object, which must obey OpenAI's description of the route."""
    assert answer.status_code == 200, answer.text
    value = answer.json()
    assert errors_of_answer(method, path, 200, value) == []
    return value


def conversation(api: Api, *items: dict[str, Any], **body: Any) -> str:
    answer = api.post("/conversations", items=list(items), **body)
    return str(valid(answer, "POST", "/conversations")["id"])


def add(api: Api, id_: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = api.post(f"/conversations/{id_}/items", items=list(items))
    page = valid(answer, "POST", "/conversations/{conversation_id}/items")
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
    data: list[dict[str, Any]] = page["data"]
    return data


def items_of(api: Api, id_: str, **query: Any) -> list[dict[str, Any]]:
    answer = api.get(f"/conversations/{id_}/items", **{"order": "asc", **query})
    page = valid(answer, "GET", "/conversations/{conversation_id}/items")
    data: list[dict[str, Any]] = page["data"]
    return data


def messages_of(api: Api, id_: str) -> list[dict[str, Any]]:
    page = api.get(f"/threads/{id_}/messages", order="asc").json()
    return [api.valid("MessageObject", _answer(message)) for message in page["data"]]


def _answer(value: Any) -> httpx2.Response:
    return httpx2.Response(200, json=value)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_the_life_of_a_conversation(api: Api) -> None:
    made = valid(api.post("/conversations", metadata={"a": "b"}), "POST", "/conversations")
    assert made["id"].startswith("conv_")
    assert (made["object"], made["metadata"]) == ("conversation", {"a": "b"})
    path = f"/conversations/{made['id']}"
    assert valid(api.get(path), "GET", "/conversations/{conversation_id}") == made
    changed = valid(api.post(path, metadata={"c": "d"}), "POST", "/conversations/{conversation_id}")
    assert changed == {**made, "metadata": {"c": "d"}}
    assert api.post(path, metadata=None).json()["metadata"] == {}
    deleted = valid(api.delete(path), "DELETE", "/conversations/{conversation_id}")
    assert deleted == {"id": made["id"], "object": "conversation.deleted", "deleted": True}
    for answer in (api.get(path), api.delete(path), api.post(path, metadata={})):
        assert f"No conversation found with id '{made['id']}'" in error_of(answer, 404)["message"]
    for answer in (api.get(f"{path}/items"), api.post(f"{path}/items", items=[user("x")])):
        assert error_of(answer, 404)


def test_items_are_listed_in_pages(api: Api) -> None:
    id_ = conversation(api, *(user(str(n)) for n in range(5)))
    everything = items_of(api, id_)
    assert [item["content"][0]["text"] for item in everything] == ["0", "1", "2", "3", "4"]
    ids = [item["id"] for item in everything]
    newest = api.get(f"/conversations/{id_}/items", limit=2).json()
    assert [item["id"] for item in newest["data"]] == ids[:-3:-1]
    assert newest["has_more"] is True
    assert [item["id"] for item in items_of(api, id_, after=ids[2])] == ids[3:]
    assert items_of(api, id_, after=ids[-1]) == []
    for query in ({"limit": 0}, {"limit": 101}, {"order": "up"}, {"after": "msg_never"}):
        assert error_of(api.get(f"/conversations/{id_}/items", **query), 400)["param"] in query
    unknown = error_of(api.get(f"/conversations/{id_}/items", **{"include[]": "all"}), 400)
    assert unknown["param"] == "include"


def test_an_item_is_read_and_deleted_and_stays_a_cursor(api: Api) -> None:
    id_ = conversation(api)
    first, second = add(api, id_, user("one"), user("two"))
    path = f"/conversations/{id_}/items/{first['id']}"
    assert valid(api.get(path), "GET", "/conversations/{conversation_id}/items/{item_id}") == first
    answer = valid(api.delete(path), "DELETE", "/conversations/{conversation_id}/items/{item_id}")
    assert (answer["id"], answer["object"]) == (id_, "conversation")
    assert first["id"] in error_of(api.get(path), 404)["message"]
    assert error_of(api.delete(path), 404)
    assert items_of(api, id_) == items_of(api, id_, after=first["id"]) == [second]
    other = conversation(api)
    assert error_of(api.get(f"/conversations/{other}/items/{second['id']}"), 404)


def test_ids_of_clients_are_not_used_again(api: Api) -> None:
    id_ = conversation(api)
    (first,) = add(api, id_, user("one"))
    (again,) = add(api, id_, {**user("two"), "type": "message", "id": first["id"]})
    assert again["id"] != first["id"]
    assert items_of(api, id_) == [first, again]


def test_a_reference_brings_a_copy(api: Api) -> None:
    (first,) = add(api, conversation(api), user("one"))
    id_ = conversation(api)
    (copy,) = add(api, id_, {"type": "item_reference", "id": first["id"]})
    assert {**copy, "id": first["id"]} == first
    assert copy["id"] != first["id"]
    missing = {"type": "item_reference", "id": "msg_nowhere"}
    answer = api.post(f"/conversations/{id_}/items", items=[user("x"), missing])
    assert error_of(answer, 404)["param"] == "items[1].id"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"type": "teleport"}, "items[12].type"),
        ({"role": "robot", "content": "x"}, "items[12].role"),
        ({**OUTPUT, "call_id": "call_9"}, "items[12].call_id"),
        ({**CALL, "call_id": "call_open"}, "items[12].call_id"),
        (
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_9", "approve": True},
            "items[12].approval_request_id",
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_url": "https://a"}]},
            "items[12].content[0].file_url",
        ),
    ],
)
def test_of_items_with_a_wrong_one_none_is_stored(
    api: Api, wrong: dict[str, Any], param: str
) -> None:
    id_ = conversation(api, {**CALL, "call_id": "call_open"})
    given = [user(str(n)) for n in range(20)]
    given[12] = wrong
    error = error_of(api.post(f"/conversations/{id_}/items", items=given), 400)
    assert error["param"] == param
    assert len(items_of(api, id_)) == 1


def test_twenty_items_are_taken_and_no_more(api: Api) -> None:
    id_ = conversation(api)
    assert len(add(api, id_, *(user(str(n)) for n in range(20)))) == 20
    too_many = [user(str(n)) for n in range(21)]
    assert (
        error_of(api.post(f"/conversations/{id_}/items", items=too_many), 400)["param"] == "items"
    )


def test_a_repeated_request_adds_nothing(api: Api) -> None:
    id_ = conversation(api)
    repeating = api.with_headers(Idempotency_Key=f"key-{id_}")
    path = f"/conversations/{id_}/items"
    first, again = (repeating.post(path, items=[user("one"), CALL]).json() for _ in range(2))
    assert again == first
    assert len(items_of(api, id_)) == 2
    made = [api.with_headers(Idempotency_Key=f"make-{id_}").post("/conversations") for _ in "ab"]
    assert made[0].json() == made[1].json()


# --- the thread that a conversation is --------------------------------------------------------


def test_messages_appear_on_both_sides(api: Api) -> None:
    thread = api.thread(messages=[user("from the thread")], metadata={"a": "b"})
    id_ = thread["id"]
    assert api.get(f"/conversations/{id_}").json()["metadata"] == {"a": "b"}
    add(api, id_, user("from the conversation"), {"role": "assistant", "content": "Hello"})
    api.message(thread, "and back", role="user")
    told = [item["content"][0]["text"] for item in items_of(api, id_)]
    assert told == ["from the thread", "from the conversation", "Hello", "and back"]
    messages = messages_of(api, id_)
    assert [message["content"][0]["text"]["value"] for message in messages] == told
    assert [message["role"] for message in messages] == ["user", "user", "assistant", "user"]
    assert [item["id"] for item in items_of(api, id_)] == [message["id"] for message in messages]


def test_a_conversation_is_a_thread_by_its_own_id(api: Api) -> None:
    id_ = conversation(api, user("hello"), metadata={"a": "b"})
    thread = api.valid("ThreadObject", api.get(f"/threads/{id_}"))
    assert (thread["id"], thread["metadata"]) == (id_, {"a": "b"})
    (message,) = messages_of(api, id_)
    assert (message["thread_id"], message["attachments"], message["run_id"]) == (id_, [], None)
    assert api.delete(f"/threads/{id_}/messages/{message['id']}").status_code == 200
    assert items_of(api, id_) == []
    assert api.delete(f"/threads/{id_}").status_code == 200
    assert error_of(api.get(f"/conversations/{id_}"), 404)


def test_deleting_a_conversation_deletes_the_thread(api: Api) -> None:
    thread = api.thread(messages=[user("hello")])
    assert api.delete(f"/conversations/{thread['id']}").status_code == 200
    assert error_of(api.get(f"/threads/{thread['id']}"), 404)
    assert error_of(api.get(f"/threads/{thread['id']}/messages"), 404)


def test_instructions_and_calls_are_no_messages_of_the_thread(api: Api) -> None:
    id_ = conversation(api)
    developer = {"role": "developer", "content": 'Say "role":"developer" and nothing else'}
    quoting = user('Is "role":"developer" a message?')
    items = add(
        api, id_, developer, {"role": "system", "content": "Be kind"}, CALL, OUTPUT, quoting
    )
    (message,) = messages_of(api, id_)
    assert message["id"] == items[-1]["id"]
    for hidden in items[:-1]:
        path = f"/threads/{id_}/messages/{hidden['id']}"
        for answer in (api.get(path), api.post(path, metadata={}), api.delete(path)):
            assert error_of(answer, 404)
    assert len(items_of(api, id_)) == 5


def test_files_and_images_appear_on_both_sides(api: Api) -> None:
    cat, dog = api.upload(CAT), api.upload("The dog runs along the cold beach.")
    picture = api.upload("not looked at", "a.png", "vision")
    thread = api.thread()
    api.message(thread, "Read", attachments=[{"file_id": dog, "tools": [{"type": "file_search"}]}])
    parts = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_file", "file_id": cat},
        {"type": "input_image", "file_id": picture},
    ]
    add(api, thread["id"], {"role": "user", "content": parts})
    attached, looked = items_of(api, thread["id"])
    assert attached["content"][1] == {"type": "input_file", "file_id": dog}
    assert looked["content"][2]["file_id"] == picture
    _, message = messages_of(api, thread["id"])
    assert [part["type"] for part in message["content"]] == ["text", "image_file"]
    assert [one["file_id"] for one in message["attachments"]] == [cat]
    store = store_of(api.get(f"/threads/{thread['id']}").json())
    assert cat in api.in_store(store, "Where does the cat sleep?")
    assert dog in api.in_store(store, "Where does the dog run?")


@pytest.mark.parametrize("type_", ["input_file", "input_image"])
def test_a_file_that_is_not_there_is_named(api: Api, type_: str) -> None:
    id_ = conversation(api)
    part = {"type": type_, "file_id": "file-nowhere"}
    text = {"type": "input_text", "text": "x"}
    given = [user("x"), {"role": "user", "content": [text, part]}]
    error = error_of(api.post(f"/conversations/{id_}/items", items=given), 404)
    assert error["param"] == "items[1].content[1].file_id"
    assert items_of(api, id_) == []


def test_items_wait_for_the_end_of_a_run(api: Api) -> None:
    id_ = conversation(api, user("hello"))
    run_id = waiting_run(api.served, id_)
    error = error_of(api.post(f"/conversations/{id_}/items", items=[user("more")]), 400)
    assert error["message"] == f"Can't add messages to {id_} while a run {run_id} is active."
    assert len(items_of(api, id_)) == 1
    assert api.delete(f"/conversations/{id_}").status_code == 200
    assert error_of(api.get(f"/threads/{id_}/runs/{run_id}"), 404)
