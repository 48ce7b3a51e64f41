"""One answer of the model as a message, as calls, as both: rows to write and events to send."""

import json

import pytest
from tests.runs.legal_order import Law
from tests.runs.stored_runs import DOCUMENT
from tests.runs.working import called, chunk, ended, said

from understudy.retrieval.cite import CitationStream
from understudy.retrieval.search import SearchResult
from understudy.runs.turn import Turn
from understudy.store.runs import StoredRun
from understudy.wire.chat import Delta, FunctionDelta, ToolCallDelta

RUN = StoredRun(
    seq=1,
    project_id="proj_1",
    id="run_1",
    thread_id="thread_1",
    assistant_id="asst_1",
    status="in_progress",
    created_at=1,
    expires_at=None,
    attempt=1,
    lease_owner="me",
    document=DOCUMENT,
    metadata={},
)
_MESSAGE_OPENED = [
    "run.step.created",
    "run.step.in_progress",
    "message.created",
    "message.in_progress",
]
_CALLS_OPENED = ["run.step.created", "run.step.in_progress"]


class Read:
    """A turn that was fed with chunks, and all that it gave."""

    def __init__(self, *chunks, is_taken_each_time=False, **options):
        self.turn = Turn(RUN, options.pop("number", 0), **options)
        self.rows = []
        for each in chunks:
            self.turn.add(each)
            if is_taken_each_time:
                self.rows.append(self.turn.take())
        self.rows.append(self.turn.finish())

    @property
    def names(self):
        return [event.name.removeprefix("thread.") for event in self._events]

    @property
    def items(self):
        latest = {row["id"]: row for rows in self.rows for row in rows.items}
        return [json.loads(row["document"]) for row in latest.values()]

    @property
    def steps(self):
        latest = {row["id"]: row for rows in self.rows for row in rows.steps}
        return [(row["status"], json.loads(row["document"])) for row in latest.values()]

    def data(self, name):
        return [json.loads(e.data) for e in self._events if e.name == f"thread.{name}"]

    def deltas_of_calls(self):
        deltas = self.data("run.step.delta")
        return [d for each in deltas for d in each["delta"]["step_details"]["tool_calls"]]

    def check(self, ending):
        law = Law()
        for what in ("created", "in_progress"):
            law.take(f"thread.run.{what}", {})
        for event in self._events:
            law.take(event.name, json.loads(event.data))
        law.take(f"thread.run.{ending}", {})
        assert law.faults == []

    @property
    def _events(self):
        return [event for rows in self.rows for event in rows.events]


def test_a_text_is_a_message():
    read = Read(said("Hel"), said("lo"), ended())
    closed = ["message.delta", "message.completed", "run.step.completed"]
    assert read.names == [*_MESSAGE_OPENED, *closed]
    assert read.data("message.completed")[0]["content"][0]["text"]["value"] == "Hello"
    [(status, step)] = read.steps
    assert status == "completed"
    assert step["usage"] == {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    read.check("completed")


def test_deltas_add_up_to_the_text_and_only_the_first_has_annotations():
    read = Read(said("Hel"), said("lo "), said("you"), ended(), is_taken_each_time=True)
    deltas = [each["delta"]["content"][0] for each in read.data("message.delta")]
    assert [delta["text"] for delta in deltas] == [
        {"value": "Hel", "annotations": []},
        {"value": "lo "},
        {"value": "you"},
    ]
    assert {delta["index"] for delta in deltas} == {0}
    assert all("role" not in each["delta"] for each in read.data("message.delta"))
    read.check("completed")


def test_an_answer_without_a_word_is_an_empty_message():
    read = Read(ended())
    assert read.names == [*_MESSAGE_OPENED, "message.completed", "run.step.completed"]
    assert read.data("message.completed")[0]["content"][0]["text"]["value"] == ""
    read.check("completed")


def test_a_call_leaves_its_step_open():
    read = Read(called("call_1", '{"a": 1}'), ended("tool_calls"))
    assert read.names == [*_CALLS_OPENED, "run.step.delta", "run.step.delta"]
    assert read.deltas_of_calls() == [
        {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": "note", "arguments": "", "output": None},
        },
        {"index": 0, "type": "function", "function": {"arguments": '{"a": 1}'}},
    ]
    [(status, step)] = read.steps
    assert status == "in_progress"
    function = {"name": "note", "arguments": '{"a": 1}', "output": None}
    call = {"id": "call_1", "type": "function", "function": function}
    assert step["step_details"] == {"type": "tool_calls", "tool_calls": [call]}
    assert step["usage"]["total_tokens"] == 8
    [item] = read.items
    assert (item["type"], item["call_id"], item["arguments"]) == (
        "function_call",
        "call_1",
        '{"a": 1}',
    )
    assert read.turn.calls_step is not None
    read.check("requires_action")


def test_step_created_shows_no_calls():
    read = Read(called("call_1"), ended("tool_calls"))
    details = read.data("run.step.created")[0]["step_details"]
    assert details == {"type": "tool_calls", "tool_calls": []}


def test_a_text_before_calls_is_closed_before_they_are_told():
    read = Read(
        said("Let me see."),
        called("call_1"),
        ended("tool_calls"),
        is_taken_each_time=True,
    )
    first = [*_MESSAGE_OPENED, "message.delta", "message.completed", "run.step.completed"]
    assert read.names == [*first, *_CALLS_OPENED, "run.step.delta", "run.step.delta"]
    usages = [step["usage"] for _, step in read.steps]
    assert [usage and usage["total_tokens"] for usage in usages] == [None, 8]
    read.check("requires_action")


def _piece(index, arguments, **fields):
    function = FunctionDelta(arguments=arguments, **fields.pop("function", {}))
    return ToolCallDelta(index, function=function, **fields)


def test_pieces_of_parallel_calls_may_come_mixed():
    read = Read(
        chunk(Delta(tool_calls=[_piece(0, "", id="call_a", function={"name": "note"})])),
        chunk(
            Delta(
                tool_calls=[
                    _piece(1, '{"b"', id="call_b", function={"name": "find"}),
                    _piece(0, '{"a"'),
                ]
            )
        ),
        chunk(Delta(tool_calls=[_piece(1, ": 2}"), _piece(0, ": 1}")])),
        ended("tool_calls"),
        is_taken_each_time=True,
    )
    written = {0: "", 1: ""}
    for delta in read.deltas_of_calls():
        written[delta["index"]] += delta["function"]["arguments"]
    assert written == {0: '{"a": 1}', 1: '{"b": 2}'}
    opened = [delta for delta in read.deltas_of_calls() if "id" in delta]
    assert [(d["index"], d["id"], d["function"]["name"]) for d in opened] == [
        (0, "call_a", "note"),
        (1, "call_b", "find"),
    ]
    [(_, step)] = read.steps
    calls = step["step_details"]["tool_calls"]
    assert [(c["id"], c["function"]["arguments"]) for c in calls] == [
        ("call_a", '{"a": 1}'),
        ("call_b", '{"b": 2}'),
    ]
    read.check("requires_action")


def test_a_call_whose_name_comes_late_is_told_with_it():
    read = Read(
        chunk(Delta(tool_calls=[_piece(0, '{"a"', id="call_a")])),
        chunk(Delta(tool_calls=[_piece(0, ": 1}", function={"name": "note"})])),
        ended("tool_calls"),
        is_taken_each_time=True,
    )
    first, second = read.deltas_of_calls()
    assert (first["id"], first["function"]["name"]) == ("call_a", "note")
    assert second["function"]["arguments"] == '{"a": 1}'


def test_calls_without_an_id_get_one_each_that_a_repetition_gives_again():
    def calls():
        named = {"name": "note"}
        pieces = [_piece(index, "{}", function=named) for index in range(2)]
        read = Read(chunk(Delta(tool_calls=pieces)), ended("tool_calls"))
        [(_, step)] = read.steps
        return [call["id"] for call in step["step_details"]["tool_calls"]]

    assert len(set(calls())) == 2
    assert all(id_.startswith("call_") for id_ in calls())
    assert calls() == calls()


def test_a_search_is_told_without_arguments():
    read = Read(
        chunk(Delta(tool_calls=[_piece(0, '{"queries": ["x"]}', id="c", function={"name": "s"})])),
        ended("tool_calls"),
        search_name="s",
        is_taken_each_time=True,
    )
    search = {"index": 0, "id": "c", "type": "file_search", "file_search": {}}
    assert read.deltas_of_calls() == [search]
    [item] = read.items
    assert (item["type"], item["status"]) == ("file_search_call", "in_progress")


def test_citations_come_with_the_text_that_they_stand_in():
    result = SearchResult("file-1", "a.pdf", 0.9, {}, "Shops open on Monday.", 3, None, 0)
    pieces = ["Shops open ", "on Monday", "【", "1】", "."]
    read = Read(
        *(said(piece) for piece in pieces),
        ended(),
        citations=CitationStream([result]),
        is_taken_each_time=True,
    )
    text = read.data("message.completed")[0]["content"][0]["text"]
    [annotation] = text["annotations"]
    cited = text["value"][annotation["start_index"] : annotation["end_index"]]
    assert annotation["text"] == cited != ""
    deltas = [each["delta"]["content"][0]["text"] for each in read.data("message.delta")]
    assert "".join(delta["value"] for delta in deltas) == text["value"]
    told = [each for delta in deltas for each in delta.get("annotations", ())]
    assert [(each["index"], each["text"]) for each in told] == [(0, cited)]
    [item] = read.items
    [stored] = item["content"][0]["annotations"]
    assert (stored["file_id"], stored["filename"], stored["page"]) == ("file-1", "a.pdf", 3)
    read.check("completed")


def test_a_refusal_is_a_message_of_its_own_kind():
    pieces = [chunk(Delta(refusal=text)) for text in ("I can't ", "help.")]
    read = Read(*pieces, ended(), is_taken_each_time=True)
    deltas = [each["delta"]["content"][0] for each in read.data("message.delta")]
    assert [(d["index"], d["type"], d["refusal"]) for d in deltas] == [
        (0, "refusal", "I can't "),
        (0, "refusal", "help."),
    ]
    content = read.data("message.completed")[0]["content"]
    assert content == [{"type": "refusal", "refusal": "I can't help."}]
    read.check("completed")


def test_an_answer_that_was_cut_off_is_incomplete():
    read = Read(said("Half"), ended("length"))
    assert read.turn.is_cut
    [message] = read.data("message.incomplete")
    assert message["incomplete_details"] == {"reason": "max_tokens"}
    assert message["content"][0]["text"]["value"] == "Half"
    read.check("incomplete")


def test_calls_that_were_cut_off_are_not_made():
    read = Read(called("call_1", '{"a": '), ended("length"), is_taken_each_time=True)
    assert read.names[-1] == "run.step.failed"
    assert read.items == []
    [(status, step)] = read.steps
    assert (status, step["last_error"]["code"]) == ("failed", "server_error")
    assert read.data("message.created") == []
    read.check("incomplete")


@pytest.mark.parametrize("answer", [(said("Hello"),), (called("call_1"),)], ids=["text", "call"])
def test_a_repeated_turn_makes_the_same_ids_and_another_turn_others(answer):
    def ids(number):
        read = Read(*answer, ended(), number=number)
        rows = [*read.rows[-1].items, *read.rows[-1].steps]
        return {row["id"] for row in rows}

    assert ids(0) == ids(0)
    assert ids(0).isdisjoint(ids(1))


def test_there_is_nothing_to_take_before_there_is_news():
    turn = Turn(RUN, 0)
    assert not turn.is_dirty
    turn.add(said("a"))
    assert turn.is_dirty
    turn.take()
    assert not turn.is_dirty
    turn.add(called("call_1"))
    # Calls after a text wait for its end.
    assert not turn.is_dirty
