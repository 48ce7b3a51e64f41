"""What a chat model is sent for a response: messages, tools, parameters; and its usage back."""

from collections.abc import Iterable
from typing import Any

import pytest

from understudy.chat.validate import validate_chat
from understudy.errors import InvalidValue
from understudy.responses.offered import ListedTool, OfferedTools, offered
from understudy.responses.translate import (
    Context,
    chat_messages,
    chat_request,
    file_key,
    results_found,
    usage_of,
)
from understudy.store.items import Item
from understudy.wire.chat import CompletionTokensDetails, PromptTokensDetails, Usage
from understudy.wire.response_items import ItemDocument, input_items
from understudy.wire.responses import (
    InputTokensDetails,
    OutputTokensDetails,
    ResponseUsage,
    parse_create,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
RESULT = {"file_id": "file-1", "filename": "a.txt", "score": 0.9, "text": "It rains."}
FUNCTION = {"type": "function", "name": "f", "description": "Does.", "parameters": SCHEMA}
SEARCH = {"type": "file_search", "vector_store_ids": ["vs_1"]}
WIKI = {"type": "mcp", "server_label": "wiki", "server_url": "https://mcp.example"}
LISTED = {"wiki": [ListedTool("ask", SCHEMA, "Asks."), ListedTool("f", {}), ListedTool("a/b", {})]}


def _items(documents: Iterable[ItemDocument], **more: Any) -> list[Item]:
    return [
        Item(f"item_{number}", document["type"], number, document, **more)
        for number, document in enumerate(documents)
    ]


def _given(*items: dict[str, Any], response_id: str = "resp_now") -> list[Item]:
    return _items(input_items(list(items)), response_id=response_id)


def _call(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}


def _output(call_id: str, output: Any = "4") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _asked(*call_ids: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    calls = [{"id": id_, "type": "function", "function": function} for id_ in call_ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _told(call_id: str, content: str = "4") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def _messages(items: list[Item], **more: Any) -> list[dict[str, Any]]:
    return chat_messages(Context("resp_now", items, **more))


# --- messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "messages"),
    [
        ([{"role": "user", "content": "Hi"}], [{"role": "user", "content": "Hi"}]),
        (
            [{"role": "developer", "content": "Rhyme."}, {"role": "assistant", "content": "Hi"}],
            [{"role": "developer", "content": "Rhyme."}, {"role": "assistant", "content": "Hi"}],
        ),
        (
            [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}],
            [{"role": "assistant", "content": "No."}],
        ),
        ([_call("a"), _output("a")], [_asked("a"), _told("a")]),
        (
            [_call("a"), _call("b"), _output("b", "5"), _output("a")],
            [_asked("a", "b"), _told("a"), _told("b", "5")],
        ),
        (
            [_call("a"), _output("a"), _call("b"), _output("b")],
            [_asked("a"), _told("a"), _asked("b"), _told("b")],
        ),
        (  # a provider that numbers the calls of each answer anew
            [_call("a"), _output("a"), _call("a"), _output("a", "5")],
            [_asked("a"), _told("a"), _asked("a"), _told("a", "5")],
        ),
        ([_call("a")], [_asked("a"), _told("a", "The call was not answered.")]),
        (
            [{"role": "assistant", "content": "Let me see."}, _call("a"), _output("a")],
            [{**_asked("a"), "content": "Let me see."}, _told("a")],
        ),
        (
            [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}],
            [],
        ),
        (
            [
                {
                    "type": "file_search_call",
                    "queries": ["rain"],
                    "status": "completed",
                    "results": [{}],
                },
                {"role": "user", "content": "Hi"},
            ],
            [{"role": "user", "content": "Hi"}],
        ),
        (
            [
                {
                    "type": "mcp_call",
                    "server_label": "wiki",
                    "name": "ask",
                    "arguments": "{}",
                    "output": "Rain.",
                }
            ],
            [_asked("item_0", name="ask"), _told("item_0", "Rain.")],
        ),
    ],
)
def test_items_become_messages(items: list[Any], messages: list[dict[str, Any]]) -> None:
    assert _messages(_given(*items)) == messages
    if messages:
        validate_chat({"messages": messages})


def test_a_call_of_a_response_is_answered_in_the_next_one() -> None:
    before = _items([{**_call("a"), "id": "fc_1"}], response_id="resp_1")
    assert _messages(before + _given(_output("a"))) == [_asked("a"), _told("a")]


def test_a_call_of_a_run_is_answered_in_a_response() -> None:
    before = _items([{**_call("a"), "id": "fc_1"}], run_id="run_1", step_id="step_1")
    assert _messages(before + _given(_output("a"))) == [_asked("a"), _told("a")]


def test_instructions_and_what_was_compacted_stand_first() -> None:
    items = _given(
        {"type": "compaction", "encrypted_content": "x"}, {"role": "user", "content": "?"}
    )
    first, second = _messages(items, instructions="Rhyme.", compacted={"x": "They met."})
    assert first["role"] == "system"
    assert first["content"].startswith("Rhyme.") and first["content"].endswith("They met.")
    assert second == {"role": "user", "content": "?"}


def test_images_are_shown_to_who_sees_them() -> None:
    image = {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"}
    said = _given({"role": "user", "content": [image]})
    seen = [{"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}]
    assert _messages(said, sees_images=True) == [{"role": "user", "content": seen}]
    returned = _given(_call("a"), _call("b"), _output("a", [image]), _output("b"))
    calls = [_asked("a", "b"), _told("a", "[image: https://x/y.png]"), _told("b")]
    assert _messages(returned) == calls
    assert _messages(returned, sees_images=True) == [*calls, {"role": "user", "content": seen}]


def test_files_are_read_to_the_model() -> None:
    by_id = {"type": "input_file", "file_id": "file-1"}
    inline = {"type": "input_file", "file_data": "aGk=", "filename": "b.txt"}
    texts = {"file-1": "One.", file_key(inline): "Two."}
    said = _given({"role": "user", "content": [by_id, inline]})
    shown = _messages(said, filenames={"file-1": "a.txt"}, file_texts=texts)
    assert shown == [{"role": "user", "content": "[a.txt]\nOne.\n[b.txt]\nTwo."}]
    unread = _messages(said, filenames={"file-1": "a.txt"})[0]["content"]
    assert "a.txt" in unread and "b.txt" in unread and "aGk=" not in unread


def test_searches_of_this_response_are_shown_with_their_passages() -> None:
    tools = _offered(None)
    search = {"type": "file_search_call", "queries": ["rain"], "call_id": "a", "arguments": "{}"}
    made = {**search, "status": "completed", "results": [RESULT]}
    own = _items([made], response_id="resp_now", extra={"turn": 0})
    earlier = _items([made], response_id="resp_1", extra={"turn": 0})
    asked, told = _messages([*earlier, *own], offered=tools)
    assert asked["tool_calls"][0]["function"]["arguments"] == '{"queries": ["rain"]}'
    assert 'n="1"' in told["content"] and "It rains." in told["content"]
    theirs = _given({"type": "file_search_call", "queries": [], "results": [{}]})
    assert [one.text for one in results_found([*theirs, *earlier, *own], "resp_now")] == [
        "It rains."
    ]


def test_markers_of_earlier_answers_are_left_out() -> None:
    citation = {"type": "file_citation", "file_id": "file-1", "filename": "a", "index": 8}
    text = {"type": "output_text", "text": "It rains【1】.", "logprobs": []}
    kept = {**citation, "start_index": 8, "end_index": 11}
    message = {"type": "message", "role": "assistant"}
    own = _items([{**message, "content": [{**text, "annotations": [kept]}]}], response_id="resp_1")
    assert _messages(own)[0]["content"] == "It rains."
    # Where a client has sent the text, nobody knows where a marker ends.
    sent = _given({"role": "assistant", "content": [{**text, "annotations": [citation]}]})
    assert _messages(sent)[0]["content"] == "It rains【1】."


def test_a_failed_mcp_call_is_told_under_the_name_that_is_offered() -> None:
    tools = offered(
        parse_create({"input": "?", "tools": [FUNCTION, WIKI]}).tools or [], None, LISTED
    )
    call = {"type": "mcp_call", "server_label": "wiki", "name": "f", "arguments": "{}"}
    items = _items([{**call, "status": "failed", "output": None, "error": {"message": "Gone"}}])
    asked, told = _messages(items, offered=tools)
    assert asked == _asked("item_0", name="wiki_f")
    assert "failed" in told["content"] and "Gone" in told["content"]


# --- tools ------------------------------------------------------------------------------------


def _offered(choice: Any) -> OfferedTools:
    body = {"input": "?", "tools": [FUNCTION, SEARCH, WIKI], "tool_choice": choice}
    wanted = parse_create(body)
    return offered(wanted.tools or [], wanted.tool_choice, LISTED)


def _forced(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


ALL = ["f", "file_search", "ask", "wiki_f", "a_b"]


@pytest.mark.parametrize(
    ("choice", "names", "chosen"),
    [
        (None, ALL, "auto"),
        ("none", ALL, "none"),
        ("required", ALL, "required"),
        ({"type": "function", "name": "f"}, ALL, _forced("f")),
        ({"type": "file_search"}, ALL, _forced("file_search")),
        ({"type": "mcp", "server_label": "wiki", "name": "f"}, ALL, _forced("wiki_f")),
        ({"type": "mcp", "server_label": "wiki"}, ["ask", "wiki_f", "a_b"], "required"),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "file_search"}],
            },
            ["f", "file_search"],
            "required",
        ),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "mcp", "server_label": "wiki", "name": "ask"}],
            },
            ["ask"],
            "auto",
        ),
    ],
)
def test_what_is_offered_under_a_choice(choice: Any, names: list[str], chosen: Any) -> None:
    tools = _offered(choice)
    assert [tool["function"]["name"] for tool in tools.tools] == names
    assert tools.choice == chosen
    assert (tools.search_name == "file_search") == ("file_search" in names)
    assert set(tools.mcp) == {"ask", "wiki_f", "a_b"} & set(names)
    body = {"messages": [{"role": "user", "content": "?"}], "tools": tools.tools}
    validate_chat({**body, "tool_choice": chosen})


def test_an_mcp_tool_that_its_server_does_not_offer_cannot_be_chosen() -> None:
    with pytest.raises(InvalidValue, match="offers no tool 'gone'"):
        _offered({"type": "mcp", "server_label": "wiki", "name": "gone"})


def test_functions_and_mcp_tools_keep_what_they_say() -> None:
    function, _, ask, *_ = (tool["function"] for tool in _offered(None).tools)
    assert function == {"name": "f", "description": "Does.", "parameters": SCHEMA}
    assert ask == {"name": "ask", "description": "Asks.", "parameters": SCHEMA}


# --- the request ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        (
            {"model": "m", "temperature": 0, "top_p": 0.5},
            {"model": "m", "temperature": 0, "top_p": 0.5},
        ),
        ({"max_output_tokens": 16}, {"max_completion_tokens": 16}),
        ({"reasoning": {"effort": "low"}}, {"reasoning_effort": "low"}),
        ({"text": {"verbosity": "high"}}, {"verbosity": "high"}),
        ({"text": {"format": {"type": "text"}}}, {}),
        (
            {"text": {"format": {"type": "json_object"}}},
            {"response_format": {"type": "json_object"}},
        ),
        (
            {
                "text": {
                    "format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
                }
            },
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "strict": True, "schema": SCHEMA},
                }
            },
        ),
        ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
        ({"service_tier": "auto"}, {}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"user": "u", "prompt_cache_key": "k"}, {"user": "u", "prompt_cache_key": "k"}),
        ({"top_k": 3, "seed": 7}, {"top_k": 3, "seed": 7}),
        ({"store": True, "metadata": {"k": "v"}, "truncation": "auto"}, {}),
        ({"parallel_tool_calls": False}, {}),
        (
            {"parallel_tool_calls": False, "tools": [FUNCTION]},
            {
                "tools": [{"type": "function", "function": _offered(None).tools[0]["function"]}],
                "tool_choice": "auto",
                "parallel_tool_calls": False,
            },
        ),
    ],
)
def test_parameters_become_those_of_chat(given: dict[str, Any], sent: dict[str, Any]) -> None:
    wanted = parse_create({"input": "?", **given})
    tools = offered(wanted.tools or [], wanted.tool_choice, {})
    request = chat_request(wanted, [{"role": "user", "content": "?"}], tools)
    assert request.pop("stream") is True
    assert request.pop("stream_options") == {"include_usage": True}
    assert request.pop("messages") == [{"role": "user", "content": "?"}]
    assert request == sent
    validate_chat({**request, "messages": [{"role": "user", "content": "?"}]})


def test_usage_keeps_its_details() -> None:
    used = Usage(7, 5, 12, PromptTokensDetails(cached_tokens=3), CompletionTokensDetails(2))
    assert usage_of(used) == ResponseUsage(7, InputTokensDetails(3), 5, OutputTokensDetails(2), 12)
