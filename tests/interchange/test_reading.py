"""From the text of files to objects, with the lines of what is broken."""

import io
import json
from typing import Any

import pytest
from tests.interchange.exports import MADE_AT, message, run, step, thread, vector_store

from understudy.interchange.kinds import Found, PassedOver, Unreadable
from understudy.interchange.reading import read_document, read_lines


def read(value: Any) -> list[Any]:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(read_document("export.json", text))


def found(value: Any) -> list[tuple[str, str, str]]:
    """Return kind, id and parent of the objects in a document that holds nothing else."""
    objects = read(value)
    assert all(isinstance(each, Found) for each in objects), objects
    return [(each.kind, each.id, each.parent) for each in objects]


THREAD = ("thread", "thread_abc123", "")
FIRST = ("thread.message", "msg_1", "thread_abc123")
SECOND = ("thread.message", "msg_2", "thread_abc123")
RUN = ("thread.run", "run_abc123", "thread_abc123")
STEP = ("thread.run.step", "step_1", "run_abc123")


def two_messages() -> list[dict[str, Any]]:
    return [message("msg_1", "one", MADE_AT + 1), message("msg_2", "two", MADE_AT + 2)]


def bare(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name not in ("object", *names)}


def a_step() -> dict[str, Any]:
    return step("step_1", {"type": "tool_calls", "tool_calls": []}, MADE_AT)


@pytest.mark.parametrize(
    "value",
    [
        two_messages(),
        {"object": "list", "data": two_messages()[::-1], "has_more": False},
        [{"object": "list", "data": two_messages()[:1]}, [two_messages()[1]]],
        {"messages": two_messages()},
        {"thread_abc123": {"messages": two_messages()}},
        {"thread_id": "thread_abc123", "messages": [bare(m, "thread_id") for m in two_messages()]},
    ],
)
def test_messages_are_found_wherever_they_stand(value: Any) -> None:
    assert found(value) == [FIRST, SECOND]


def test_a_thread_with_its_parts_is_read() -> None:
    bundle = {
        "thread": bare(thread()),
        "messages": [bare(each, "thread_id") for each in two_messages()],
        "runs": [bare(run(), "thread_id")],
        "steps": {"run_abc123": [bare(a_step())]},
    }
    assert found(bundle) == [THREAD, FIRST, SECOND, RUN, STEP]


def test_lists_inside_of_objects_are_taken_out_of_them() -> None:
    whole = run(steps=[bare(a_step(), "run_id")])
    (outer, inner) = read(thread(runs=[bare(whole, "thread_id")]))[:2]
    assert "runs" not in outer.fields and "steps" not in inner.fields
    assert found(thread(runs=[whole], messages={"object": "list", "data": []})) == [
        THREAD,
        RUN,
        STEP,
    ]
    files = [{"id": "file-abc123", "object": "vector_store.file", "created_at": 1}]
    assert found(vector_store(files=files))[1] == ("vector_store.file", "file-abc123", "vs_abc123")


def test_pages_are_newest_first_also_within_a_second() -> None:
    within = [message("msg_2", "two", MADE_AT), message("msg_1", "one", MADE_AT)]
    assert found({"object": "list", "data": within}) == [FIRST, SECOND]
    assert found(within) == [SECOND, FIRST]


def test_kinds_that_are_not_imported_are_passed_over() -> None:
    assert read([{"id": "chatcmpl-1", "object": "chat.completion"}, {"any": 1}, 3]) == [
        PassedOver("chat.completion")
    ]


def test_another_format_is_refused_and_ours_is_not() -> None:
    assert read({"format": "assistants-thread-export/v1", "counts": {"threads": 2}}) == []
    (refused,) = read({"format": "assistants-thread-export/v2", "threads": [thread()]})
    assert isinstance(refused, Unreadable) and "v2" in refused.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_told_by_the_first_bytes(encoding: str) -> None:
    text = json.dumps(message("msg_1", "¿Qué? 你好", MADE_AT), ensure_ascii=False)
    (one,) = read_document("m.json", text.encode(encoding))
    lines = list(read_lines("m.jsonl", io.BytesIO(f"{text}\r\n{text}\n".encode(encoding))))
    for each in (one, *lines):
        assert isinstance(each, Found)
        assert each.fields["content"][0]["text"]["value"] == "¿Qué? 你好"
    assert [each.place.line for each in lines] == [1, 2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b'{"id": "msg_1",\n "object": oops}', 2),
        (b'[\n{"id": 1},\n{"id": 2', 3),
        (b'{"object": "thread.message",\n\n "id": "msg_\xff"}', 3),
        (b"\n\n" + b"[" * 100_000, 3),
        (b'[{"id": "msg_1",\n"object": "thread.message", "role": "\\ud800"}]', 2),
        (b'{"a":\n{"\\ud800": 1}}', 2),
    ],
)
def test_a_broken_document_is_told_with_its_line(text: bytes, line: int) -> None:
    broken = [each for each in read(text) if isinstance(each, Unreadable)]
    assert [(each.place.name, each.place.line) for each in broken] == [("export.json", line)]


def test_objects_know_their_lines() -> None:
    text = json.dumps({"thread": thread(), "messages": two_messages()}, indent=1).encode()
    for each in read(text):
        line = text.split(b"\n")[each.place.line - 1]
        assert line.rstrip().endswith(b"{"), each
        start = b"\n".join(text.split(b"\n")[each.place.line - 1 :])
        assert start.index(each.id.encode()) < 60


def test_one_broken_line_costs_one_object() -> None:
    lines = [json.dumps(each).encode() for each in two_messages()]
    text = b"\n".join([lines[0], b'{"id": "msg_x", ', b'"\xff"', b"", lines[1]])
    read_ = list(read_lines("m.jsonl", io.BytesIO(text)))
    assert [each.place.line for each in read_ if isinstance(each, Unreadable)] == [2, 3]
    assert [each.id for each in read_ if isinstance(each, Found)] == ["msg_1", "msg_2"]
    assert list(read_document("m.jsonl", text)) == read_


def test_a_line_that_is_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy.interchange.reading.LARGEST_LINE_BYTES", 1000)
    long = json.dumps(message("msg_1", "x" * 5000, MADE_AT))
    text = f"{long}\n{json.dumps(two_messages()[1])}\n".encode()
    refused, kept = read_lines("m.jsonl", io.BytesIO(text))
    assert isinstance(refused, Unreadable) and refused.place.line == 1
    assert isinstance(kept, Found) and (kept.id, kept.place.line) == ("msg_2", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": ""},
        {"id": "../msg"},
        {"id": "msg\x00"},
        {"thread_id": None},
        {"created_at": -1},
        {"created_at": 2**70},
        {"metadata": json.loads("[" * 101 + "]" * 101)},
    ],
)
def test_an_object_without_a_place_in_the_store_is_told(changes: dict[str, Any]) -> None:
    (told,) = read({**message("msg_1", "one", MADE_AT), **changes})
    assert isinstance(told, Unreadable) and told.place.line == 1
