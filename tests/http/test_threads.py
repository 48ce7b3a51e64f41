"""`/v1/threads` in both dialects, on SQLite and on PostgreSQL: threads with what they search."""

from typing import Any

import httpx2
import pytest
from tests.cli.running import Workplace
from tests.http.serving import error_of
from tests.http.threads_and_assistants import (
    Api,
    api,
    events_of_run,
    in_database,
    store_of,
    waiting_run,
)

from understudy.errors import NotFound
from understudy.store import runs, vector_store_files
from understudy.store.db import Store
from understudy.store.keys import project_id

__all__ = ["api"]

CAT = "The cat sleeps on the warm roof."
SEARCHED = [{"type": "file_search"}]


def test_the_life_of_a_thread(api: Api) -> None:
    made = api.thread(metadata={"a": "b"})
    assert made["id"].startswith("thread_")
    assert (made["object"], made["metadata"], made["tool_resources"]) == (
        "thread",
        {"a": "b"},
        None,
    )
    path = f"/threads/{made['id']}"
    assert api.get(path).json() == made
    assert api.post(path).json() == made
    assert api.post(path, metadata={"c": "d"}).json() == {**made, "metadata": {"c": "d"}}
    assert api.post(path, metadata=None).json()["metadata"] == {}
    deleted = {"id": made["id"], "object": "thread.deleted", "deleted": True}
    assert api.delete(path).json() == deleted
    for answer in (api.get(path), api.delete(path), api.post(path)):
        assert made["id"] in error_of(answer, 404)["message"]


def test_a_thread_in_the_words_of_v1(api: Api) -> None:
    made = api.as_v1().thread(metadata={"a": "b"})
    assert set(made) == {"id", "object", "created_at", "metadata"}
    assert api.as_v1().get(f"/threads/{made['id']}").json() == made


def test_a_thread_begins_with_its_messages_in_their_order(api: Api) -> None:
    given = [
        {"role": "user", "content": "one", "metadata": {"n": "1"}},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": [{"type": "text", "text": "three"}]},
    ]
    made = api.thread(messages=given)
    page = api.get(f"/threads/{made['id']}/messages", order="asc").json()["data"]
    assert [(m["role"], m["content"][0]["text"]["value"]) for m in page] == [
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
    ]
    assert page[0]["metadata"] == {"n": "1"}


def test_first_messages_bring_their_files(api: Api) -> None:
    cat = api.upload(CAT)
    message = {
        "role": "user",
        "content": "Look",
        "attachments": [{"file_id": cat, "tools": SEARCHED}],
    }
    made = api.thread(messages=[message])
    assert api.in_store(store_of(made), "Where does the cat sleep?") == {cat}


def test_stores_named_and_made_with_the_thread(api: Api) -> None:
    cat = api.upload(CAT)
    made = api.thread(tool_resources={"file_search": {"vector_stores": [{"file_ids": [cat]}]}})
    assert api.in_store(store_of(made), "Where does the cat sleep?") == {cat}
    other = api.post("/vector_stores").json()["id"]
    search = {"file_search": {"vector_store_ids": [other]}}
    path = f"/threads/{made['id']}"
    assert (
        api.valid("ThreadObject", api.post(path, tool_resources=search))["tool_resources"] == search
    )
    code = {"code_interpreter": {"file_ids": [cat]}}
    assert api.post(path, tool_resources=code).json()["tool_resources"] == {**search, **code}
    assert api.post(path, tool_resources=None).json()["tool_resources"] is None
    api.delete(path)
    assert api.get(f"/vector_stores/{other}").status_code == 200


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": ""}, "content"),
        ({"role": "user", "content": "x" * 256_001}, "content"),
        ({"role": "robot", "content": "x"}, "role"),
        ({"role": "user", "content": "x", "file_ids": ["file-no"]}, "file_ids[0]"),
        (
            {"role": "user", "content": "x", "attachments": [{"file_id": "file-no", "tools": []}]},
            "attachments[0].file_id",
        ),
    ],
)
def test_a_bad_first_message_is_named(api: Api, message: dict[str, Any], param: str) -> None:
    good = {"role": "user", "content": "good"}
    answer = api.post("/threads", messages=[good, message])
    assert answer.json()["error"]["param"] == f"messages[1].{param}"
    assert answer.status_code == (404 if "file" in param else 400)


def test_more_files_than_a_query_takes_are_looked_up(api: Api) -> None:
    known = api.upload(CAT)
    attachments = [{"file_id": f"file-{number}", "tools": SEARCHED} for number in range(33_000)]
    attached = [{"file_id": known, "tools": SEARCHED}, *attachments]
    message = {"role": "user", "content": "x", "attachments": attached}
    error = error_of(api.post("/threads", messages=[message]), 404)
    assert error["param"] == "messages[0].attachments[1].file_id"


def test_a_repeated_creation_makes_one_thread(api: Api) -> None:
    once = api.with_headers(Idempotency_Key=f"thread-{api.served.port}")
    made = once.thread(messages=[{"role": "user", "content": "one"}])
    assert once.thread(messages=[{"role": "user", "content": "one"}]) == made
    assert len(api.listed(f"/threads/{made['id']}/messages")) == 1


def test_a_deleted_thread_takes_its_messages_and_its_own_store_along(api: Api) -> None:
    cat = api.upload(CAT)
    made = api.thread()
    message = api.message(made, attachments=[{"file_id": cat, "tools": SEARCHED}])
    path = f"/threads/{made['id']}"
    store_id = store_of(api.get(path).json())
    api.delete(path)
    assert error_of(api.get(f"{path}/messages"), 404)
    assert error_of(api.get(f"{path}/messages", after=message["id"]), 404)
    assert error_of(api.get(f"{path}/messages/{message['id']}"), 404)
    assert error_of(api.post(f"{path}/messages", role="user", content="x"), 404)
    assert error_of(api.get(f"/vector_stores/{store_id}"), 404)
    assert files_left_in(api, store_id) == 0
    assert api.get(f"/files/{cat}").status_code == 200


def files_left_in(api: Api, store_id: str) -> int:
    """Return how many files of a store are still to be read or searched."""

    async def count(store: Store) -> int:
        async with store.read() as connection:
            statuses, _ = (await vector_store_files.count(connection, [store_id]))[store_id]
            return sum(statuses.values())

    return in_database(api.served, count)


def is_kept(api: Api, thread_id: str, run_id: str) -> bool:
    """Tell whether a run is still there, whatever became of its thread."""

    async def find(store: Store) -> bool:
        project = await project_id(store)
        async with store.read() as connection:
            return bool(await runs.find(connection, project, thread_id, run_id))

    try:
        return in_database(api.served, find)
    except NotFound:
        return False


def test_the_active_run_of_a_deleted_thread_fails(api: Api) -> None:
    thread_id = api.thread()["id"]
    run_id = waiting_run(api.served, thread_id)
    assert is_kept(api, thread_id, run_id)
    assert api.delete(f"/threads/{thread_id}").status_code == 200
    assert error_of(api.get(f"/threads/{thread_id}/runs/{run_id}"), 404)
    assert not is_kept(api, thread_id, run_id)
    (event,) = events_of_run(api.served, run_id)
    assert event.name == "thread.run.failed"
    assert '"code":"server_error"' in event.data and "deleted" in event.data


def test_another_project_has_none_of_it(tmp_path: Any) -> None:
    workplace = Workplace(tmp_path)
    keys = [workplace.run("keys", "create", "--project", name).out.strip() for name in ("a", "b")]
    with workplace.serving() as url:
        one, other = (
            httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
            for key in keys
        )
        with one, other:
            message = {"role": "user", "content": "mine"}
            thread = one.post("/threads", json={"messages": [message]}).json()["id"]
            mine = one.get(f"/threads/{thread}/messages").json()["data"][0]["id"]
            assistant = one.post("/assistants", json={"model": "m"}).json()["id"]
            for path in (
                f"/assistants/{assistant}",
                f"/threads/{thread}",
                f"/threads/{thread}/messages/{mine}",
            ):
                assert one.get(path).status_code == 200
                for answer in (other.get(path), other.post(path, json={}), other.delete(path)):
                    assert error_of(answer, 404)["code"] == "not_found"
            assert error_of(other.get(f"/threads/{thread}/messages"), 404)
            assert error_of(other.post(f"/threads/{thread}/messages", json=message), 404)
            assert other.get("/assistants").json()["data"] == []
            assert one.get(f"/threads/{thread}/messages").json()["data"][0]["id"] == mine
