"""The past of a thread: in its order, and over."""

from typing import Any

import pytest
from tests.interchange.exports import (
    MADE_AT,
    answer,
    function_details,
    message,
    message_details,
    run,
    search_details,
    step,
)

from understudy.interchange.history import (
    calls_of_run,
    ended_run,
    ended_step,
    in_order,
    made_by,
    message_item,
    searched_files,
)
from understudy.interchange.shapes import parse
from understudy.runs.states import STATUSES, TERMINAL
from understudy.store.items import Item
from understudy.wire.messages import Message
from understudy.wire.runs import Run
from understudy.wire.steps import RunStep


def item(fields: dict[str, Any]) -> Item:
    return message_item(parse(fields, Message))


def shapes(*steps: dict[str, Any]) -> list[RunStep]:
    return [parse(each, RunStep).shape for each in steps]


def said(created_at: int, id_: str, text: str = "hello") -> Item:
    return item(message(id_, text, created_at))


def ordered(messages: list[Item], *runs: list[RunStep]) -> list[tuple[str, int]]:
    """Return type or id, and time after MADE_AT, of what a thread then holds."""
    calls = [each for steps in runs for each in calls_of_run(steps, "proj_1")]
    made = in_order(messages, calls)
    assert [each.created_at for each in made] == sorted(each.created_at for each in made)
    return [
        (each.id if each.type == "message" else each.type, each.created_at - MADE_AT)
        for each in made
    ]


def test_calls_stand_before_what_their_run_said_afterwards() -> None:
    steps = shapes(
        step("step_1", function_details(), MADE_AT + 2),
        step("step_2", search_details(), MADE_AT + 4),
        step("step_3", message_details("msg_answer"), MADE_AT + 6),
    )
    messages = [said(MADE_AT, "msg_ask"), item(answer("msg_answer", "hi", MADE_AT + 6))]
    assert ordered(messages, steps) == [
        ("msg_ask", 0),
        ("function_call", 2),
        ("function_call_output", 3),
        ("file_search_call", 4),
        ("msg_answer", 6),
    ]


def test_within_a_second_the_steps_tell_the_order() -> None:
    steps = shapes(
        step("step_1", message_details("msg_first"), MADE_AT),
        step("step_2", function_details(), MADE_AT),
        step("step_3", message_details("msg_second"), MADE_AT),
    )
    ids = ("msg_ask", "msg_first", "msg_second", "msg_next")
    messages = [said(MADE_AT, id_) for id_ in ids]
    assert ordered(messages, steps) == [
        ("msg_ask", 0),
        ("msg_first", 0),
        ("function_call", 0),
        ("function_call_output", 0),
        ("msg_second", 0),
        ("msg_next", 0),
    ]


def test_the_time_of_a_call_gives_way_to_the_order() -> None:
    late = shapes(
        step("step_1", function_details(), MADE_AT + 9),
        step("step_2", message_details("msg_answer"), MADE_AT + 9),
    )
    messages = [said(MADE_AT + 1, "msg_ask"), item(answer("msg_answer", "hi", MADE_AT + 5))]
    assert ordered(messages, late)[1:3] == [("function_call", 5), ("function_call_output", 5)]


def test_calls_without_a_message_afterwards_stand_where_they_began() -> None:
    steps = shapes(step("step_1", function_details(output=None), MADE_AT + 2))
    messages = [said(MADE_AT + at, f"msg_{at}") for at in (1, 2, 3)]
    assert ordered(messages, steps) == [
        ("msg_1", 1),
        ("msg_2", 2),
        ("function_call", 2),
        ("msg_3", 3),
    ]
    assert ordered([], steps) == [("function_call", 2)]


def test_a_call_knows_its_step_and_its_output() -> None:
    steps = shapes(step("step_1", function_details(), MADE_AT))
    ((call, output),) = (each.items for each in calls_of_run(steps, "proj_1"))
    assert (call.run_id, call.step_id, call.assistant_id) == (
        "run_abc123",
        "step_1",
        "asst_def456",
    )
    assert call.document == {
        "type": "function_call",
        "id": call.id,
        "status": "completed",
        "call_id": "call_abc123",
        "name": "get_weather",
        "arguments": '{"city": "Lima"}',
    }
    assert output.document["output"] == '{"degrees": 21}'
    assert calls_of_run(steps, "proj_1")[0].items == [call, output]
    assert calls_of_run(steps, "proj_2")[0].items[0].id != call.id


def test_a_search_keeps_what_it_found() -> None:
    (search,) = calls_of_run(shapes(step("step_1", search_details(), MADE_AT)), "proj_1")[0].items
    (result,) = search.document["results"]
    assert (result["file_id"], result["filename"], result["text"]) == (
        "file-abc123",
        "rates.txt",
        "The rate is four percent.",
    )


def test_steps_tell_which_of_them_made_a_message() -> None:
    steps = shapes(
        step("step_1", function_details(), MADE_AT),
        step("step_2", message_details("msg_answer"), MADE_AT),
    )
    assert made_by(steps) == {"msg_answer": "step_2"}


@pytest.mark.parametrize("status", STATUSES)
def test_a_run_of_the_past_is_over(status: str) -> None:
    action = {
        "type": "submit_tool_outputs",
        "submit_tool_outputs": {"tool_calls": []},
    }
    made = ended_run(parse(run(status=status, required_action=action), Run), "proj_1", "gpt-4o")
    if status in TERMINAL:
        assert made.status == status and "original" not in made.document
        assert made.document["required_action"] == action
    else:
        assert made.status == "expired" and made.document["original"] == {"status": status}
        assert made.document["required_action"] is None


def test_a_mapped_model_leaves_its_name_behind() -> None:
    made = ended_run(parse(run(), Run), "proj_1", "qwen-plus")
    assert (made.document["model"], made.document["original"]) == ("qwen-plus", {"model": "gpt-4o"})
    again = parse(run(model="qwen-plus", understudy={"original": {"model": "gpt-4o"}}), Run)
    assert ended_run(again, "proj_1", "qwen-max").document["original"] == {"model": "gpt-4o"}


def test_a_step_and_a_message_of_the_past_are_over() -> None:
    going = step("step_1", function_details(None), MADE_AT, status="in_progress")
    assert ended_step(parse(going, RunStep)).status == "expired"
    assert ended_step(parse({**going, "status": "completed"}, RunStep)).status == "completed"
    made = item(message("msg_1", "hel", MADE_AT, status="in_progress"))
    assert made.document["status"] == "incomplete"
    assert made.extra["incomplete_details"] == {"reason": "run_expired"}
    why = {"reason": "max_tokens"}
    made = item(message("msg_1", "h", MADE_AT, status="in_progress", incomplete_details=why))
    assert made.extra["incomplete_details"] == why


def test_files_of_both_versions_are_attached_and_searched() -> None:
    search, code = {"type": "file_search"}, {"type": "code_interpreter"}
    attachments = [
        {"file_id": "file-a", "tools": [search]},
        {"file_id": "file-b", "tools": [code]},
        {"file_id": "file-c", "tools": []},
    ]
    fields = message("msg_1", "x", MADE_AT, attachments=attachments, file_ids=["file-a", "file-d"])
    made = item(fields)
    assert searched_files(made) == ["file-a", "file-c", "file-d"]
    assert made.extra["file_ids"] == ["file-a", "file-b", "file-c", "file-d"]
    assert made.extra["attachments"][-1] == {"file_id": "file-d", "tools": [search]}
    assert searched_files(said(MADE_AT, "msg_2")) == []


def test_parts_of_every_kind_are_kept() -> None:
    content = [
        {"type": "image_file", "image_file": {"file_id": "file-img1", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "refusal", "refusal": "No."},
    ]
    assert item(message("msg_1", "", MADE_AT, content=content)).document["content"] == [
        {"type": "input_image", "file_id": "file-img1", "detail": "low"},
        {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"},
        {"type": "refusal", "refusal": "No."},
    ]
