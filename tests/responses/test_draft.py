"""An answer in chunks becomes items and events: in which order, under which ids, and whole.

Whatever the chunks are, OpenAI's own accumulator takes the events, and the events alone rebuild
the items.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai._models import construct_type_unchecked
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from tests.sdk.validation import errors_of_object

from understudy.responses.draft import Draft, Drafted, Options, Place
from understudy.responses.offered import OfferedMcp, OfferedTools
from understudy.retrieval.cite import CitationStream
from understudy.retrieval.search import SearchResult
from understudy.wire.chat import ChatChunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta, Usage
from understudy.wire.response_events import Event, ended, made
from understudy.wire.responses import echoed, parse_create

PASSAGE = SearchResult("file-1", "a.txt", 0.9, {}, "It rains.", None, None, 0)
OFFERED = OfferedTools(
    search_name="file_search",
    mcp={"ask": OfferedMcp("wiki", "ask", False), "wiki_buy": OfferedMcp("wiki", "buy", True)},
)
PLACE = Place("resp_1")


def _chunk(finish_reason: str | None = None, logprobs: Any = None, **delta: Any) -> ChatChunk:
    choice = ChunkChoice(0, Delta(**delta), finish_reason, logprobs)
    return ChatChunk("c", 1, "m", [choice])


def _call(index: int, name: str | None = None, arguments: str = "", **more: Any) -> ChatChunk:
    function = FunctionDelta(arguments=arguments)
    if name is not None:
        function.name = name
        more.setdefault("id", f"call_{index}")
    return _chunk(tool_calls=[ToolCallDelta(index, function=function, **more)])


def _drafted(
    *chunks: ChatChunk, place: Place = PLACE, takes_each: bool = False, **options: Any
) -> tuple[Draft, Drafted]:
    """Return a finished draft, and all that it gave, taken after each chunk or at the end only."""
    draft = Draft(place, OFFERED, **options)
    drafted = Drafted()
    for chunk in chunks:
        draft.add(chunk)
        if takes_each:
            _append(drafted, draft.take())
    _append(drafted, draft.finish())
    return draft, drafted


def _append(all_: Drafted, more: Drafted) -> None:
    all_.events += more.events
    all_.items += more.items


def _names(drafted: Drafted) -> list[str]:
    return [name.removeprefix("response.") for name, _ in drafted.events]


GROWING = {
    "output_text.delta": ("content", "text"),
    "refusal.delta": ("content", "refusal"),
    "reasoning_text.delta": ("content", "text"),
    "reasoning_summary_text.delta": ("summary", "text"),
}
"""By the name of a delta: the list that holds its part, and the part's field that grows."""


def _rebuilt(events: list[Event]) -> list[dict[str, Any]]:
    """Return the items that the events but the last of each item make."""
    items: dict[int, dict[str, Any]] = {}
    for full_name, data in events:
        name = full_name.removeprefix("response.")
        if name == "output_item.added":
            assert len(items) == data["output_index"]
            items[data["output_index"]] = msgspec.json.decode(msgspec.json.encode(data["item"]))
            continue
        item = items[data["output_index"]]
        if name == "output_item.done":
            item["status"] = data["item"].get("status")
            continue
        assert item["id"] == data["item_id"]
        _grow(item, name, data)
    return list(items.values())


def _grow(item: dict[str, Any], name: str, data: dict[str, Any]) -> None:
    if name in GROWING:
        holder, field = GROWING[name]
        part = item[holder][data[f"{holder}_index"]]
        part[field] += data["delta"]
        if "logprobs" in data:
            part["logprobs"] = part["logprobs"] + data["logprobs"]
    elif name in ("content_part.added", "reasoning_summary_part.added"):
        holder = "content" if "content_index" in data else "summary"
        assert len(item[holder]) == data[f"{holder}_index"]
        item[holder].append(dict(data["part"]))
    elif name == "output_text.annotation.added":
        part = item["content"][data["content_index"]]
        assert len(part["annotations"]) == data["annotation_index"]
        part["annotations"] = [*part["annotations"], data["annotation"]]
    elif name.endswith("arguments.delta"):
        item["arguments"] += data["delta"]
    else:
        assert name.endswith((".done", ".in_progress"))


def _done(events: list[Event]) -> list[dict[str, Any]]:
    return [data["item"] for name, data in events if name == "response.output_item.done"]


# --- any chunks -------------------------------------------------------------------------------

TEXTS = st.sampled_from(["", " ", "\n", "It rains", "【1】", "【", "1】.", "é😀", '{"a": 1}'])
NAMES = st.sampled_from(["f", "file_search", "ask", "wiki_buy"])
PIECES = st.sampled_from(["", "{", "}", "{}", '{"a":', "1}", " "])
CHUNKS = st.lists(
    st.one_of(
        st.builds(lambda text: _chunk(content=text), TEXTS),
        st.builds(lambda text: _chunk(reasoning_content=text), TEXTS),
        st.builds(lambda text: _chunk(refusal=text), TEXTS),
        st.builds(_call, st.integers(0, 3), NAMES, PIECES),
        st.builds(lambda index, piece: _call(index, None, piece), st.integers(0, 3), PIECES),
    ),
    max_size=14,
)


@given(
    chunks=CHUNKS,
    finish=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    takes_each=st.booleans(),
    summary=st.booleans(),
    first=st.sampled_from([0, 2]),
)
@settings(deadline=None, max_examples=100)
def test_any_chunks_make_a_stream_that_rebuilds_the_items(
    chunks: list[ChatChunk], finish: str, takes_each: bool, summary: bool, first: int
) -> None:
    _, drafted = _drafted(
        *chunks,
        _chunk(finish),
        takes_each=takes_each,
        place=Place("resp_1", first_output_index=first),
        citations=CitationStream([PASSAGE]),
        options=Options(summary=summary),
    )
    moved = [
        (name, {**data, "output_index": data["output_index"] - first})
        for name, data in drafted.events
    ]
    rebuilt = _rebuilt(moved)
    assert [item for item in rebuilt if not _is_hosted(item) or item["status"] == "incomplete"] == [
        {"status": None, **item} for item in _by_index(moved)
    ]
    assert _one_is_open_at_a_time(moved)
    _check_with_openai(moved, finish)


def _is_hosted(item: dict[str, Any]) -> bool:
    return item["type"] in ("file_search_call", "mcp_call")


def _by_index(events: list[Event]) -> list[dict[str, Any]]:
    done = {
        data["output_index"]: data["item"]
        for name, data in events
        if name == "response.output_item.done"
    }
    return [done[index] for index in sorted(done)]


def _one_is_open_at_a_time(events: list[Event]) -> bool:
    """Whether no item begins while another is open that is not for this server to make."""
    is_open: set[int] = set()
    for name, data in events:
        if name == "response.output_item.added":
            if is_open:
                return False
            if not _is_hosted(data["item"]):
                is_open.add(data["output_index"])
        elif name == "response.output_item.done":
            is_open.discard(data["output_index"])
    return not is_open


def _check_with_openai(events: list[Event], finish: str) -> None:
    """Feed the SDK's accumulator with a whole stream, in which hosted calls are made at the end."""
    wanted = parse_create({"input": "?"})
    status = "incomplete" if finish in ("length", "content_filter") else "completed"
    response = echoed(wanted, id_="resp_1", created_at=1, model="m", status=status)  # type: ignore[arg-type]
    closed = {data["output_index"] for name, data in events if name == "response.output_item.done"}
    left = [
        made("response.output_item.done", output_index=data["output_index"], item=data["item"])
        for name, data in events
        if name == "response.output_item.added" and data["output_index"] not in closed
    ]
    begun = msgspec.to_builtins(response)
    whole = {**begun, "output": _by_index([*events, *left])}
    stream = [made("response.created", response=begun), *events, *left, ended(whole)]
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for number, (_, data) in enumerate(stream):
        event = msgspec.json.decode(msgspec.json.encode({**data, "sequence_number": number}))
        state.handle_event(construct_type_unchecked(value=event, type_=ResponseStreamEvent))  # type: ignore[arg-type]


# --- one at a time ----------------------------------------------------------------------------


def _all_kinds() -> list[Event]:
    logprobs = {"content": [{"token": "It", "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
    _, spoken = _drafted(
        _chunk(reasoning_content="Hm."),
        _chunk(content="It rains【1】.", logprobs=logprobs),
        _chunk(refusal="No more."),
        _call(0, "f", "{}"),
        _call(1, "file_search", "{}"),
        _call(2, "ask", "{}"),
        _call(3, "wiki_buy", "{}"),
        _chunk("tool_calls"),
        citations=CitationStream([PASSAGE]),
        options=Options(logprobs=True),
    )
    _, summarised = _drafted(
        _chunk(reasoning_content="Hm."), _chunk("length"), options=Options(summary=True)
    )
    return [*spoken.events, *summarised.events]


def test_every_event_is_as_the_api_describes_it() -> None:
    events = _all_kinds()
    assert len({name for name, _ in events}) == 21
    for number, (_, data) in enumerate(events):
        shown = msgspec.json.decode(msgspec.json.encode({**data, "sequence_number": number}))
        assert errors_of_object("ResponseStreamEvent", shown) == [], data["type"]


def test_a_text_is_told_in_the_order_of_the_api() -> None:
    _, drafted = _drafted(_chunk(content="It "), _chunk(content="rains."), _chunk("stop"))
    assert _names(drafted) == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    added, done = drafted.events[0][1]["item"], drafted.events[-1][1]["item"]
    assert added["content"] == [] and added["status"] == "in_progress"
    text = {"type": "output_text", "text": "It rains.", "annotations": [], "logprobs": []}
    assert done == {**added, "status": "completed", "content": [text]}


def test_what_is_taken_between_chunks_comes_in_pieces() -> None:
    draft = Draft(PLACE, OFFERED)
    assert not draft.is_dirty
    draft.add(_chunk(content="It "))
    assert draft.is_dirty
    assert _names(draft.take())[-1] == "output_text.delta"
    assert not draft.is_dirty
    draft.add(_chunk(content="rains."))
    assert [data["delta"] for _, data in draft.take().events] == ["rains."]


def test_thoughts_come_before_the_answer_and_are_whole_when_it_begins() -> None:
    _, drafted = _drafted(
        _chunk(reasoning_content="Hm"), _chunk(reasoning_content="."), _chunk(content="It rains.")
    )
    thought, message = _done(drafted.events)
    assert thought["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert thought["summary"] == [] and thought["status"] == "completed"
    assert message["content"][0]["text"] == "It rains."
    _, drafted = _drafted(_chunk(reasoning_content="Hm."), options=Options(summary=True))
    (thought,) = _done(drafted.events)
    assert thought["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert thought["content"] == []


def test_citations_are_shown_by_their_place_and_kept_with_more() -> None:
    _, drafted = _drafted(
        _chunk(content="Yes, it rains 【"),
        _chunk(content="1】. So there."),
        citations=CitationStream([PASSAGE]),
    )
    shown = {"type": "file_citation", "file_id": "file-1", "filename": "a.txt", "index": 14}
    (told,) = [data for name, data in drafted.events if name.endswith("annotation.added")]
    assert told["annotation"] == shown
    (message,) = _done(drafted.events)
    assert message["content"][0]["annotations"] == [shown]
    assert message["content"][0]["text"] == "Yes, it rains 【1】. So there."
    (kept,) = drafted.items[-1].document["content"][0]["annotations"]
    assert kept == {
        **shown,
        "text": "【1】",
        "start_index": 14,
        "end_index": 17,
        "quote": "It rains.",
        "page": None,
    }


def test_a_citation_counts_from_the_beginning_of_its_own_text() -> None:
    _, drafted = _drafted(
        _chunk(content="It rains."),
        _chunk(reasoning_content="Hm."),
        _chunk(content="\n"),
        _chunk(content="Yes【1】"),
        citations=CitationStream([PASSAGE]),
    )
    second = _done(drafted.events)[-1]["content"][0]
    assert second["text"] == "\nYes【1】"
    assert second["annotations"][0]["index"] == second["text"].index("【")


def test_probabilities_come_with_their_tokens_when_they_are_wanted() -> None:
    likely = {"token": "é", "logprob": -0.5, "bytes": None}
    logprobs = {"content": [{**likely, "top_logprobs": [likely]}]}
    chunk = _chunk(content="é", logprobs=logprobs)
    shown = {**likely, "bytes": [195, 169]}
    _, drafted = _drafted(chunk, options=Options(logprobs=True))
    told = [data["logprobs"] for name, data in drafted.events if "output_text." in name]
    assert told == [[{**shown, "top_logprobs": [shown]}]] * 2
    _, drafted = _drafted(chunk)
    assert _done(drafted.events)[0]["content"][0]["logprobs"] == []


def test_white_space_before_calls_is_no_message() -> None:
    _, drafted = _drafted(_chunk(content="\n\n"), _call(0, "f", "{}"), _chunk("tool_calls"))
    assert [item["type"] for item in _done(drafted.events)] == ["function_call"]
    _, drafted = _drafted(_chunk(content="\n\n"), _chunk(content="Hi"))
    assert _done(drafted.events)[0]["content"][0]["text"] == "\n\nHi"


def test_an_answer_without_anything_is_an_empty_message() -> None:
    _, drafted = _drafted(_chunk("stop"))
    (message,) = _done(drafted.events)
    assert message["content"][0]["text"] == "" and message["status"] == "completed"


def test_calls_are_told_one_after_the_other_as_they_are_written() -> None:
    draft = Draft(PLACE, OFFERED)
    draft.add(_call(0, "f", '{"a":'))
    draft.add(_call(1, "f", '{"b"'))
    assert _names(draft.take()) == ["output_item.added", "function_call_arguments.delta"]
    assert not draft.is_dirty
    draft.add(_call(0, arguments="1}"))
    told = draft.take()
    assert _names(told) == [
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
    ]
    assert told.events[1][1]["name"] == "f" and told.events[1][1]["arguments"] == '{"a":1}'
    draft.add(_call(1, arguments=":2}"))
    draft.add(_chunk("tool_calls"))
    last = draft.finish()
    assert [one.document["arguments"] for one in told.items + last.items] == [
        '{"a":1}',
        '{"b":2}',
    ]
    assert [(call.kind, call.call_id, call.output_index) for call in draft.calls] == [
        ("function", "call_0", 0),
        ("function", "call_1", 1),
    ]
    assert draft.next_output_index == 2


def test_calls_that_this_server_makes_stay_open() -> None:
    draft, drafted = _drafted(
        _call(0, "file_search", '{"queries": ["rain"]}'),
        _call(1, "ask", '{"q": 1}'),
        _chunk("tool_calls"),
    )
    assert _names(drafted) == [
        "output_item.added",
        "file_search_call.in_progress",
        "output_item.added",
        "mcp_call.in_progress",
        "mcp_call_arguments.delta",
        "mcp_call_arguments.done",
    ]
    search, asked = draft.calls
    assert search.item.document["arguments"] == '{"queries": ["rain"]}'
    assert search.item.document["status"] == asked.item.document["status"] == "in_progress"
    assert (asked.server_label, asked.name) == ("wiki", "ask")
    assert drafted.events[0][1]["item"] == {
        "id": search.item.id,
        "type": "file_search_call",
        "status": "in_progress",
        "queries": [],
        "results": None,
    }


def test_a_call_that_needs_approval_is_a_request_for_it() -> None:
    draft, drafted = _drafted(_call(0, "wiki_buy", '{"a": 1}'), _chunk("tool_calls"))
    assert _names(drafted) == ["output_item.added", "output_item.done"]
    (request,) = _done(drafted.events)
    assert request == {
        "id": draft.calls[0].item.id,
        "type": "mcp_approval_request",
        "server_label": "wiki",
        "name": "buy",
        "arguments": '{"a": 1}',
    }
    assert draft.calls[0].kind == "mcp_approval"


@pytest.mark.parametrize("name", ["f", "file_search", "ask"])
def test_a_call_that_was_cut_off_is_incomplete_and_not_made(name: str) -> None:
    draft, drafted = _drafted(_call(0, name, '{"a":'), _chunk("length"))
    (item,) = _done(drafted.events)
    assert item["status"] == "incomplete"
    assert not any(name.endswith("arguments.done") for name in _names(drafted))
    assert draft.calls == [] and drafted.items[-1].document["status"] == "incomplete"


def test_a_text_that_was_cut_off_is_incomplete() -> None:
    draft, drafted = _drafted(_chunk(content="It"), _chunk("length"))
    assert _done(drafted.events)[0]["status"] == "incomplete"
    assert draft.is_cut


def test_what_was_begun_can_be_abandoned() -> None:
    draft = Draft(PLACE, OFFERED)
    assert draft.abandon().events == []
    draft.add(_chunk(content="It"))
    (item,) = _done(draft.abandon().events)
    assert item["status"] == "incomplete" and item["content"][0]["text"] == "It"


def test_another_attempt_has_other_ids_and_the_same_one_the_same() -> None:
    chunks = (_chunk(content="Hi"), _call(0, "f", "{}"), _chunk("tool_calls"))

    def ids(attempt: int) -> set[str]:
        draft, drafted = _drafted(*chunks, place=Place("resp_1", attempt=attempt))
        return {item["id"] for item in _done(drafted.events)} | {draft.calls[0].call_id}

    assert ids(1) == ids(1)
    assert ids(2) == ids(2)
    assert not ids(1) & ids(2)


def test_calls_that_a_provider_has_numbered_alike_are_told_apart() -> None:
    draft, _ = _drafted(
        _call(0, "f", "{}", id="call"), _call(1, "f", "{}", id="call"), _chunk("tool_calls")
    )
    first, second = (call.call_id for call in draft.calls)
    assert first == "call" and second != "call"


def test_a_call_without_arguments_has_an_empty_object() -> None:
    draft, drafted = _drafted(_call(0, "f"), _chunk("tool_calls"), takes_each=True)
    assert draft.calls[0].arguments == _done(drafted.events)[0]["arguments"] == "{}"


def test_usage_and_tier_are_noted() -> None:
    last = ChatChunk("c", 1, "m", [], usage=Usage(1, 2, 3), service_tier="flex")
    draft, _ = _drafted(_chunk(content="Hi"), _chunk("stop"), last)
    assert draft.usage == Usage(1, 2, 3) and draft.service_tier == "flex"
    assert draft.finish_reason == "stop"
