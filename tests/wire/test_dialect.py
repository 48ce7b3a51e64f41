"""Which dialect a request speaks, and what each dialect shows of the same object."""

from typing import Any

import msgspec
import pytest
from tests.wire import assistant_samples as samples

from understudy.errors import InvalidRequest
from understudy.wire.assistant_tools import FileSearchTool
from understudy.wire.assistants import Assistant
from understudy.wire.dialect import Dialect, dialect_of, encode, in_latest_words, render
from understudy.wire.messages import ImageUrl, ImageUrlContent, RefusalContent
from understudy.wire.runs import IncompleteDetails, NamedToolChoice

RETRIEVAL = {"type": "retrieval"}
BOTH = {"file_ids": ["file-1"]}


@pytest.mark.parametrize(
    ("header", "body", "dialect"),
    [
        ("assistants=v1", None, "v1"),
        ("assistants=v2", None, "v2"),
        ("assistants=v1", {"tool_resources": {}}, "v1"),
        ("assistants=v2", {"tools": [RETRIEVAL], **BOTH}, "v2"),
        ("realtime=v1, assistants=v1", None, "v1"),
        ("assistants=v1,other=2", None, "v1"),
        ("assistants=v1, assistants=v2", None, "v2"),
        ("realtime=v1", None, "v2"),
        (None, None, "v2"),
        ("", {}, "v2"),
        (None, [], "v2"),
        (None, {"tools": [{"type": "file_search"}]}, "v2"),
        (None, {"tool_resources": {"code_interpreter": BOTH}}, "v2"),
        (None, {"tools": "retrieval"}, "v2"),
        (None, {"tools": [RETRIEVAL]}, "v1"),
        (None, {"file_ids": []}, "v1"),
        (None, {"file_ids": None}, "v2"),
        (None, {"messages": [{"role": "user"}, BOTH]}, "v1"),
        (None, {"additional_messages": [BOTH]}, "v1"),
        (None, {"thread": {"messages": [BOTH]}}, "v1"),
        (None, {"thread": {"messages": [{"attachments": []}]}}, "v2"),
    ],
)
def test_dialect(header: str | None, body: object, dialect: Dialect) -> None:
    assert dialect_of(header, body) == dialect


@pytest.mark.parametrize(
    "header", ["assistants=v3", "assistants=", "assistants=v2;x", "assistants=V1"]
)
def test_unknown_versions_are_refused(header: str) -> None:
    with pytest.raises(
        InvalidRequest, match="assistants=v1 and assistants=v2 are served"
    ) as caught:
        dialect_of(header, None)
    assert caught.value.param == "OpenAI-Beta"


def test_requests_in_the_words_of_v1() -> None:
    body = {"tools": [RETRIEVAL, "x", {"type": "function"}], "tool_choice": RETRIEVAL, "other": 1}
    assert in_latest_words(body) == {
        "tools": [{"type": "file_search"}, "x", {"type": "function"}],
        "tool_choice": {"type": "file_search"},
        "other": 1,
    }
    assert body["tools"][0] == RETRIEVAL  # type: ignore[index]


@pytest.mark.parametrize("body", [None, "x", {}, {"tools": "x"}, {"tools": None, "tool_choice": 1}])
def test_other_bodies_stay_as_they_are(body: object) -> None:
    assert in_latest_words(body) == body


def test_an_assistant() -> None:
    full = samples.assistants()[0].value
    common = {"id", "object", "created_at", "name", "description", "model", "instructions"}
    common |= {"tools", "metadata"}
    v2 = {"tool_resources", "temperature", "top_p", "response_format", "reasoning_effort"}
    assert set(render(full, "v1")) == common | {"file_ids"}
    assert set(render(full, "v2")) == common | v2
    assert [tool["type"] for tool in render(full, "v1")["tools"]] == [
        "code_interpreter",
        "retrieval",
        "retrieval",
        "function",
        "function",
    ]
    assert render(full, "v1")["tools"][2] == RETRIEVAL
    assert render(full, "v2")["tools"][2]["file_search"]["max_num_results"] == 5


def test_nulls_are_kept_but_where_a_field_is_optional() -> None:
    shown = render(Assistant("asst_1", 1, "m"), "v2")
    assert shown == {
        "id": "asst_1",
        "object": "assistant",
        "created_at": 1,
        "model": "m",
        "name": None,
        "description": None,
        "instructions": None,
        "tools": [],
        "metadata": {},
        "tool_resources": None,
        "temperature": None,
        "top_p": None,
        "response_format": "auto",
    }
    assert render(FileSearchTool(), "v2") == {"type": "file_search"}


def test_a_message() -> None:
    value = samples.message(role="assistant", content=samples.cited(), file_ids=["file-1"])
    old, new = render(value, "v1"), render(value, "v2")
    assert old["file_ids"] == ["file-1"] and "attachments" not in old
    assert new["attachments"] == [] and "file_ids" not in new
    cited = {"file_id": "file-1", "quote": "closed on Mondays"}
    assert old["content"][0]["text"]["annotations"][0]["file_citation"] == cited
    assert new["content"][0]["text"]["annotations"][0]["file_citation"] == {"file_id": "file-1"}


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (RefusalContent("No."), "No."),
        (ImageUrlContent(ImageUrl("https://a.example/b")), "https://a.example/b"),
    ],
)
def test_parts_that_v1_lacks_are_text_there(part: Any, text: str) -> None:
    shown = render(samples.message(content=[part]), "v1")["content"]
    assert shown == [{"type": "text", "text": {"value": text, "annotations": []}}]
    assert render(samples.message(content=[part]), "v2")["content"][0]["type"] != "text"


def test_a_run() -> None:
    value = samples.run(
        status="incomplete",
        incomplete_details=IncompleteDetails("max_completion_tokens"),
        tool_choice=NamedToolChoice("file_search"),
        file_ids=["file-1"],
    )
    old, new = render(value, "v1"), render(value, "v2")
    assert (old["status"], new["status"]) == ("completed", "incomplete")
    assert old["incomplete_details"] == new["incomplete_details"]
    assert (old["tool_choice"], new["tool_choice"]) == (RETRIEVAL, {"type": "file_search"})
    assert old.keys() - new.keys() == {"file_ids"}
    assert new.keys() - old.keys() == {"parallel_tool_calls"}


def test_a_run_has_no_null_where_clients_read_on() -> None:
    shown = render(samples.run(), "v2")
    assert shown["instructions"] == ""
    assert shown["tool_choice"] == "auto"
    assert shown["truncation_strategy"] == {"type": "auto", "last_messages": None}
    assert shown["usage"] is None and shown["required_action"] is None


def test_a_search() -> None:
    old, new = (render(samples.searched(), dialect) for dialect in ("v1", "v2"))  # type: ignore[arg-type]
    assert old == {"id": "call_2", "type": "retrieval", "retrieval": {}}
    assert new["file_search"]["results"][0]["file_name"] == "a.pdf"


def test_a_thread() -> None:
    full = samples.threads()[1].value
    assert render(full, "v2").keys() - render(full, "v1").keys() == {"tool_resources"}
    assert render(samples.threads()[0].value, "v2")["tool_resources"] is None


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_what_a_dialect_drops_is_still_there_afterwards(dialect: Dialect) -> None:
    for sample in samples.shared():
        before = msgspec.json.encode(sample.value)
        render(sample.value, dialect)
        assert msgspec.json.encode(sample.value) == before


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_encoded_and_rendered_agree(dialect: Dialect) -> None:
    values = [sample.value for sample in samples.shared()]
    page = {"object": "list", "data": values, "has_more": False}
    assert msgspec.json.decode(encode(page, dialect)) == render(page, dialect)
    assert render(page, dialect)["data"] == [render(value, dialect) for value in values]


def test_stored_objects_are_read_back_as_they_were() -> None:
    for sample in samples.shared():
        stored = msgspec.json.encode(sample.value)
        assert msgspec.json.decode(stored, type=type(sample.value)) == sample.value
