"""Imports into both databases: everything once, again, in part, and with what is wrong in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.interchange.exports import (
    MADE_AT,
    a_thread_with_a_run,
    assistant_v1,
    assistant_v2,
    everything,
    file,
    function_details,
    message,
    run,
    step,
    store_file,
    thread,
    vector_store,
    write_folder,
    write_zip,
)
from tests.interchange.importing import Place, all_of, counts

from understudy.errors import NotFound
from understudy.interchange.destination import kept
from understudy.retrieval.vector_stores import VectorStores
from understudy.runs.project_messages import message_of
from understudy.runs.project_runs import run_of, step_of
from understudy.runs.threads import Threads
from understudy.store import runs
from understudy.store.blobs import NO_CONTENT
from understudy.store.db import Store
from understudy.store.files import Files
from understudy.store.keys import create_key
from understudy.store.pages import PageQuery
from understudy.store.schema import items
from understudy.store.storage import Storage

pytestmark = pytest.mark.anyio
CONTENT = b"The rate is four percent."


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    return Place(store, tmp_path)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "export", everything(), {"file-abc123.txt": CONTENT})


def storage_of(place: Place) -> Storage:
    storage = Storage()
    storage.open(place.store, place.blobs)
    return storage


async def test_everything_is_imported_and_a_second_time_nothing(place: Place, export: Path) -> None:
    report = await place.take(export)
    assert (report.failures, counts(report)) == ([], all_of("new", everything()))
    before = await place.items()
    again = await place.take(export)
    assert (again.failures, counts(again)) == ([], all_of("already_there", everything()))
    assert await place.items() == before
    assert await place.members("vs_abc123") == {"file-abc123": "in_progress"}


async def test_a_thread_is_as_it_was(place: Place, export: Path) -> None:
    await place.take(export)
    assert [(each.type, each.created_at - MADE_AT) for each in await place.items()] == [
        ("message", 11),
        ("function_call", 12),
        ("function_call_output", 13),
        ("file_search_call", 13),
        ("message", 14),
        ("message", 31),
    ]
    messages = [each for each in await place.items() if each.type == "message"]
    shown = message_of(messages[1], "thread_abc123")
    assert (shown.id, shown.run_id, shown.assistant_id) == (
        "msg_answer",
        "run_abc123",
        "asst_def456",
    )
    assert messages[1].step_id == "step_answer"
    cited, path = shown.content[0].text.annotations  # type: ignore[union-attr]
    assert (cited.file_citation.quote, path.file_path.file_id) == ("four percent", "file-plot99")


async def test_a_run_and_its_steps_are_as_they_were(place: Place, export: Path) -> None:
    await place.take(export)
    project = await place.project()
    async with place.store.read() as connection:
        found = await runs.find(connection, project, "thread_abc123", "run_abc123")
        steps = await runs.steps(connection, found.seq)
    shown = run_of(found)
    assert (shown.status, shown.model, shown.completed_at) == ("completed", "gpt-4o", MADE_AT + 14)
    assert shown.usage is not None and shown.usage.total_tokens == 31
    assert [(step_of(each).id, step_of(each).type) for each in steps] == [
        ("step_call", "tool_calls"),
        ("step_search", "tool_calls"),
        ("step_answer", "message_creation"),
    ]


async def test_a_file_has_its_content(place: Place, export: Path) -> None:
    await place.take(export)
    found = await Files(storage_of(place), await place.project()).find("file-abc123")
    assert (found.file.filename, found.file.created_at) == ("rates.txt", MADE_AT - 5)
    async with place.blobs.reading(found.sha256) as pieces:
        assert b"".join([piece async for piece in pieces]) == CONTENT


async def test_a_trial_leaves_nothing_and_says_the_same(
    place: Place, export: Path, tmp_path: Path
) -> None:
    report = await place.try_out(export)
    assert (report.failures, counts(report)) == ([], all_of("new", everything()))
    assert await place.items() == []
    assert not (tmp_path / "blobs").exists()
    assert counts(await place.take(export)) == all_of("new", everything())


async def test_models_get_other_names_in_assistants_and_runs(place: Place, export: Path) -> None:
    names = {"gpt-4o": "qwen-plus", "gpt-3.5-turbo": "qwen-turbo"}
    await place.take(export, names)
    assert (await place.assistant("asst_def456")).model == "qwen-plus"
    assert (await place.assistant("asst_abc123")).model == "gpt-4-1106-preview"
    async with place.store.read() as connection:
        found = await runs.find(connection, await place.project(), "thread_abc123", "run_abc123")
    assert run_of(found).model == "qwen-plus"
    assert counts(await place.take(export, names)) == all_of("already_there", everything())
    kept = counts(await place.take(export))
    assert (kept["assistant"], kept["thread.run"]) == (
        {"already_there": 1, "kept": 1},
        {"kept": 1},
    )


async def test_files_of_v1_get_their_assistant_a_store_of_its_own(
    place: Place, tmp_path: Path
) -> None:
    objects = [file(), assistant_v1()]
    path = write_folder(tmp_path / "v1", objects, {"file-abc123.txt": CONTENT})
    await place.take(path)
    shown = await place.assistant("asst_abc123")
    (store_id,) = shown.tool_resources.file_search.vector_store_ids
    assert await place.members(store_id) == {"file-abc123": "in_progress"}
    assert counts(await place.take(path)) == all_of("already_there", objects)
    stores = VectorStores(storage_of(place), await place.project(), lambda: None)
    assert (await stores.find(store_id)).counts.in_progress == 1


async def test_files_of_messages_are_searched_by_their_thread(place: Place, tmp_path: Path) -> None:
    of_v1 = message("msg_1", "see", MADE_AT, file_ids=["file-abc123"])
    del of_v1["attachments"]
    attachments = [{"file_id": "file-other1", "tools": [{"type": "file_search"}]}]
    named = {"file_search": {"vector_store_ids": ["vs_ofthread"]}}
    objects = [
        file(),
        file("file-other1"),
        thread(),
        of_v1,
        thread("thread_v2", tool_resources=named),
        message("msg_2", "see", MADE_AT, "thread_v2", attachments=attachments),
    ]
    contents = {"file-abc123.txt": CONTENT, "file-other1.txt": CONTENT}
    path = write_folder(tmp_path / "export", objects, contents)
    await place.take(path)
    own = (await place.thread()).document
    assert own["tool_resources"] == {"file_search": {"vector_store_ids": [own["own_store_id"]]}}
    assert await place.members(own["own_store_id"]) == {"file-abc123": "in_progress"}
    assert await place.members("vs_ofthread") == {"file-other1": "in_progress"}
    assert counts(await place.take(path)) == all_of("already_there", objects)


async def test_messages_are_in_the_order_of_their_times_wherever_they_were_found(
    place: Place, tmp_path: Path
) -> None:
    objects = [message(f"msg_{at}", "x", MADE_AT + at) for at in (3, 1, 2)]
    await place.take(write_folder(tmp_path / "export", [thread(), *objects], {}))
    assert [each.id for each in await place.items()] == ["msg_1", "msg_2", "msg_3"]
    seqs = select(items.c.id).order_by(items.c.seq)
    async with place.store.read() as connection:
        assert list(await connection.scalars(seqs)) == ["msg_1", "msg_2", "msg_3"]


async def test_a_file_without_content_is_described_and_not_read(
    place: Place, tmp_path: Path
) -> None:
    objects = [file(), vector_store(), store_file(), assistant_v1()]
    path = write_folder(tmp_path / "export", objects, {})
    report = await place.take(path)
    assert (counts(report), report.without_content) == (all_of("new", objects), 1)
    assert await place.members("vs_abc123") == {"file-abc123": "failed"}
    found = await Files(storage_of(place), await place.project()).find("file-abc123")
    assert (found.file.bytes, found.sha256) == (25, NO_CONTENT)
    with pytest.raises(NotFound, match="was not in the import"):
        async with place.blobs.reading(found.sha256):
            pass
    write_folder(path, [], {"files/file-abc123/rates.txt": CONTENT})
    assert counts(await place.take(path))["file"] == {"changed": 1}
    assert await place.members("vs_abc123") == {"file-abc123": "in_progress"}
    found = await Files(storage_of(place), await place.project()).find("file-abc123")
    async with place.blobs.reading(found.sha256) as pieces:
        assert b"".join([piece async for piece in pieces]) == CONTENT
    assert counts(await place.take(path)) == all_of("already_there", objects)


async def test_a_path_in_a_description_leads_to_the_content(place: Place, tmp_path: Path) -> None:
    contents = {"contents/one.txt": CONTENT}
    path = write_folder(tmp_path / "export", [file(path="../contents/one.txt")], contents)
    report = await place.take(path)
    assert (report.without_content, report.failures) == (0, [])
    found = await Files(storage_of(place), await place.project()).find("file-abc123")
    assert found.file.bytes == len(CONTENT)


async def test_json_can_be_the_content_of_a_file(place: Place, tmp_path: Path) -> None:
    members = {
        "files/file-abc123.json": json.dumps(file(filename="rows.json")).encode(),
        "files/file-abc123/rows.json": b'{"rows": ',
        "files.jsonl": json.dumps(file("file-lines1", filename="train.jsonl")).encode(),
        "file-lines1.jsonl": b"no json\n",
        "file-nobody.json": b'{"broken": ',
        "file-nobody.pdf": b"%PDF",
        "file_list.json": json.dumps([file("file-listed")]).encode(),
    }
    report = await place.take(write_zip(tmp_path / "export.zip", members))
    assert counts(report)["file"] == {"new": 3}
    assert report.without_content == 1
    assert sorted(str(each.place) for each in report.failures) == [
        "file-nobody.json, line 1",
        "file-nobody.pdf",
    ]


async def test_threads_that_only_their_messages_name_are_made(place: Place, tmp_path: Path) -> None:
    objects = [each for each in a_thread_with_a_run() if each["object"] != "thread"]
    path = write_folder(tmp_path / "export", objects, {})
    assert counts(await place.take(path))["thread"] == {"new": 1}
    assert (await place.thread()).created_at == MADE_AT + 11
    write_folder(path, [message("msg_more", "And Cusco?", MADE_AT + 99)], {})
    more = counts(await place.take(path))
    assert "thread" not in more
    assert more["thread.message"] == {"already_there": 2, "new": 1}


async def test_the_rest_is_imported_when_something_is_broken(place: Place, tmp_path: Path) -> None:
    path = write_folder(tmp_path / "export", everything(), {"file-abc123.txt": CONTENT})
    (path / "thread.message/broken.json").write_text('{"id": "msg_x",\n "object"', "utf-8")
    whole = json.dumps(message("msg_l1", "a", MADE_AT))
    robot = json.dumps(message("msg_l2", "b", MADE_AT, role="robot"))
    (path / "more.jsonl").write_text(f"{whole}\n{{oops}}\n{robot}\n", "utf-8")
    orphan = step("step_x", function_details(), MADE_AT, run_id="run_nowhere")
    write_folder(path / "steps", [orphan], {})
    report = await place.take(path)
    told = sorted(str(each.place) for each in report.failures)
    assert told == [
        "more.jsonl, line 2",
        "more.jsonl, line 3",
        "steps/thread.run.step/0000.json, line 1",
        "thread.message/broken.json, line 2",
    ]
    made = counts(report)
    assert made["thread.message"] == {"new": 4, "failed": 1}
    assert made["thread.run.step"] == {"new": 3, "failed": 1}
    assert made["assistant"] == {"new": 2}
    assert report.failure_count == 4


async def test_a_run_without_a_form_takes_its_steps_with_it(place: Place, tmp_path: Path) -> None:
    objects = [thread(), run(status="dreaming"), step("step_1", function_details(), MADE_AT)]
    report = await place.take(write_folder(tmp_path / "export", objects, {}))
    assert counts(report) == {
        "thread": {"new": 1},
        "thread.run": {"failed": 1},
        "thread.run.step": {"failed": 1},
    }
    assert await place.items() == []


async def test_a_second_object_of_an_id_is_told_unless_it_is_the_same(
    place: Place, tmp_path: Path
) -> None:
    objects = [assistant_v2(), assistant_v2(), assistant_v2(name="Other")]
    report = await place.take(write_folder(tmp_path / "export", objects, {}))
    (failure,) = report.failures
    assert failure.place.name == "assistant/0002.json"
    assert "assistant/0000.json, line 1" in failure.reason
    assert (await place.assistant("asst_def456")).name == "Clerk"


async def test_what_changed_here_is_kept(place: Place, export: Path, tmp_path: Path) -> None:
    await place.take(export)
    other = message("msg_ask", "How cold?", MADE_AT + 11)
    objects = [assistant_v2(name="Other"), thread(metadata={"a": "b"}), other]
    before = await place.items()
    report = await place.take(write_folder(tmp_path / "later", objects, {}))
    assert counts(report) == all_of("kept", objects)
    assert await place.items() == before
    assert (await place.assistant("asst_def456")).name == "Clerk"


async def test_what_was_deleted_here_stays_deleted(place: Place, export: Path) -> None:
    await place.take(export)
    project = await place.project()
    threads = Threads(storage_of(place), project, lambda: None, None)  # type: ignore[arg-type]
    await threads.delete("thread_abc123")
    await Files(storage_of(place), project).delete("file-abc123")
    report = counts(await place.take(export))
    assert report["file"] == report["thread"] == {"kept": 1}
    assert report["thread.message"] == report["thread.run.step"] == {"kept": 3}
    assert report["vector_store.file"] == {"new": 1}
    assert await place.items() == []
    await VectorStores(storage_of(place), project, lambda: None).delete("vs_abc123")
    report = counts(await place.take(export))
    assert report["vector_store"] == report["vector_store.file"] == {"kept": 1}
    assert await place.members("vs_abc123") == {}


async def test_an_id_that_is_in_use_elsewhere_is_told(
    place: Place, export: Path, tmp_path: Path
) -> None:
    await place.take(export)
    objects = [
        thread("thread_two"),
        message("msg_ask", "mine", MADE_AT, "thread_two"),
        message("msg_new", "mine", MADE_AT, "thread_two"),
        run(thread_id="thread_two"),
        assistant_v2(id="thread_abc123"),
    ]
    report = await place.take(write_folder(tmp_path / "later", objects, {}))
    assert counts(report) == {
        "assistant": {"failed": 1},
        "thread": {"new": 1},
        "thread.message": {"failed": 1, "new": 1},
        "thread.run": {"failed": 1},
    }
    assert [each.id for each in await place.items("thread_two")] == ["msg_new"]


async def test_nul_is_kept_in_messages_and_refused_in_objects(place: Place, tmp_path: Path) -> None:
    objects = [thread(), message("msg_1", "a\0b", MADE_AT), assistant_v2(instructions="a\0b")]
    report = await place.take(write_folder(tmp_path / "export", objects, {}))
    (failure,) = report.failures
    assert "U+0000" in failure.reason
    (item,) = await place.items()
    assert item.document["content"][0]["text"] == "a\0b"


async def test_a_file_that_expired_long_ago_stays(place: Place, tmp_path: Path) -> None:
    objects = [file(expires_at=MADE_AT), file("file-later1", expires_at=2**40)]
    contents = {"file-abc123.txt": CONTENT, "file-later1.txt": CONTENT}
    await place.take(write_folder(tmp_path / "export", objects, contents))
    files = Files(storage_of(place), await place.project())
    shown = {each.id: each for each in (await files.page(PageQuery(), None)).files}
    assert shown["file-later1"].expires_at == 2**40
    assert not isinstance(shown["file-abc123"].expires_at, int)


async def test_an_expiring_store_lives_on_from_its_import(place: Place, tmp_path: Path) -> None:
    policy = {"anchor": "last_active_at", "days": 7}
    fields = vector_store(expires_after=policy, expires_at=MADE_AT + 9, status="expired")
    await place.take(write_folder(tmp_path / "export", [fields, store_file()], {}))
    stores = VectorStores(storage_of(place), await place.project(), lambda: None)
    state = await stores.find("vs_abc123")
    assert (state.status, state.created_at) == ("completed", MADE_AT - 3)
    member = await stores.find_file("vs_abc123", "file-abc123")
    assert (member.max_tokens, member.overlap_tokens) == (300, 100)
    assert (member.attributes, member.created_at) == ({"year": 2023}, MADE_AT - 2)


async def test_a_store_that_is_only_named_is_made(place: Place, tmp_path: Path) -> None:
    await place.take(write_folder(tmp_path / "export", [store_file()], {}))
    assert await place.members("vs_abc123") == {"file-abc123": "failed"}


async def test_no_vector_store_is_in_two_projects(
    place: Place, export: Path, tmp_path: Path
) -> None:
    await place.take(export)
    await create_key(place.store, project="shop")
    shop = Place(place.store, tmp_path, "shop")
    report = await shop.take(export)
    made = counts(report)
    assert made["vector_store"] == made["vector_store.file"] == {"failed": 1}
    assert {"another project has" in each.reason for each in report.failures} == {True}
    assert made["thread.message"] == {"new": 3}
    own = (await shop.assistant("asst_abc123")).tool_resources.file_search.vector_store_ids
    assert await place.members(own[0]) == {"file-abc123": "in_progress"}
    here = (await place.assistant("asst_abc123")).tool_resources.file_search.vector_store_ids
    assert own != here
    named = {"file_search": {"vector_store_ids": ["vs_abc123"]}}
    objects = [
        thread("thread_new", tool_resources=named),
        message("msg_new", "see", MADE_AT, "thread_new", file_ids=["file-abc123"]),
    ]
    report = await shop.take(write_folder(tmp_path / "more", objects, {}))
    assert counts(report) == all_of("new", objects)


async def test_files_of_other_platforms_are_found_by_their_ids_too(
    place: Place, tmp_path: Path
) -> None:
    contents = {"assistant-Az1.txt": CONTENT}
    path = write_folder(tmp_path / "export", [file("assistant-Az1")], contents)
    assert (await place.take(path)).without_content == 0


async def test_an_unknown_project_is_said(place: Place, export: Path) -> None:
    with pytest.raises(NotFound, match="nobody"):
        async with kept(place.store, place.blobs, "nobody"):
            pass


@pytest.mark.parametrize("changes", [{"filename": "a\nb.txt"}, {"filename": ""}])
async def test_a_file_without_a_name_is_told(
    place: Place, tmp_path: Path, changes: dict[str, Any]
) -> None:
    report = await place.take(write_folder(tmp_path / "export", [file(**changes)], {}))
    assert counts(report) == {"file": {"failed": 1}}
