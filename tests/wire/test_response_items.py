"""Items that clients send: what they become, and which field is named when they are none."""

from typing import Any

import pytest
from tests.sdk.validation import errors_of_object

from understudy.errors import InvalidRequest
from understudy.wire.response_items import ItemDocument, input_items

CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "4"}
CITATION = {"type": "file_citation", "file_id": "file-1", "filename": "a.txt", "index": 3}
APPROVAL = {"id": "mcpr_1", "server_label": "wiki", "name": "ask", "arguments": "{}"}


def _text(text: str) -> dict[str, Any]:
    return {"type": "input_text", "text": text}


def _said(text: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "output_text",
        "text": text,
        "annotations": list(annotations),
        "logprobs": [],
    }


def _message(role: str, *content: dict[str, Any], **more: Any) -> ItemDocument:
    shown = {"type": "message", "role": role, "status": "completed"}
    return {**shown, "content": list(content), **more}


@pytest.mark.parametrize(
    ("given", "became"),
    [
        ({"role": "user", "content": "Hi"}, _message("user", _text("Hi"))),
        ({"role": "developer", "content": "Hi"}, _message("developer", _text("Hi"))),
        ({"role": "assistant", "content": "Hi"}, _message("assistant", _said("Hi"))),
        (
            {"role": "assistant", "content": [_text("Hi")], "phase": "commentary"},
            _message("assistant", _said("Hi"), phase="commentary"),
        ),
        (
            {
                "type": "message",
                "id": "msg_theirs",
                "role": "assistant",
                "status": "incomplete",
                "content": [
                    {
                        "type": "output_text",
                        "text": "It is 4.",
                        "annotations": [{**CITATION, "start_index": "junk", "quote": 1}],
                    },
                    {"type": "refusal", "refusal": "No."},
                ],
            },
            {
                **_message("assistant", _said("It is 4.", CITATION)),
                "status": "incomplete",
                "content": [_said("It is 4.", CITATION), {"type": "refusal", "refusal": "No."}],
            },
        ),
        (
            {"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]},
            _message(
                "user",
                {
                    "type": "input_image",
                    "detail": "auto",
                    "image_url": None,
                    "file_id": "file-1",
                },
            ),
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_data": "aGk="}]},
            _message("user", {"type": "input_file", "file_data": "aGk="}),
        ),
        ({**CALL, "id": "fc_theirs"}, {**CALL, "status": "completed"}),
        (OUTPUT, {**OUTPUT, "status": "completed"}),
        (
            {**OUTPUT, "output": [_text("4")]},
            {**OUTPUT, "output": [_text("4")], "status": "completed"},
        ),
        ({"id": "msg_1"}, {"type": "item_reference", "id": "msg_1"}),
        ({"type": "item_reference", "id": "m"}, {"type": "item_reference", "id": "m"}),
        (
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "reasoning", "summary": []},
        ),
        (
            {"type": "compaction", "encrypted_content": "x"},
            {"type": "compaction", "encrypted_content": "x"},
        ),
        (
            {"type": "mcp_approval_request", **APPROVAL},
            {"type": "mcp_approval_request", **APPROVAL},
        ),
        (
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        ),
    ],
)
def test_items_are_normalised(given: dict[str, Any], became: ItemDocument) -> None:
    assert input_items([given]) == [became]
    identified = {"id": "id_1", "request_id": "mcpr_1", **became}
    # A message of the user is valid as more than one kind of InputItem, which allows one only.
    schema = "InputMessage" if became.get("role") in ("user", "developer") else "InputItem"
    assert errors_of_object(schema, identified) == []


def test_a_string_is_what_the_user_says() -> None:
    assert input_items("Hi") == [_message("user", _text("Hi"))]


@pytest.mark.parametrize(
    ("item", "param", "said"),
    [
        ("Hi", "input[1]", "a string"),
        ({"content": "Hi"}, "input[1].type", "Missing"),
        ({"type": "computer_call"}, "input[1].type", "'computer_call'"),
        ({"type": "compaction_trigger"}, "input[1].type", "function_call_output"),
        ({"role": "tool", "content": "Hi"}, "input[1].role", ""),
        ({"role": "user"}, "input[1].content", "Missing"),
        ({"role": "user", "content": []}, "input[1].content", "empty"),
        ({"role": "user", "content": "\0"}, "input", "U+0000"),
        ({"role": "user", "content": [{"text": "Hi"}]}, "input[1].content[0].type", "Missing"),
        (
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            "input[1].content[0].type",
            "input_text",
        ),
        (
            {"role": "assistant", "content": [{"type": "input_image"}]},
            "input[1].content[0].type",
            "output_text",
        ),
        (
            {"role": "user", "content": [{"type": "input_image"}]},
            "input[1].content[0].image_url",
            "Missing",
        ),
        (
            {"role": "user", "content": [{"type": "input_file"}]},
            "input[1].content[0].file_id",
            "Missing",
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]},
            "input[1].content[0].file_url",
            "file_data",
        ),
        ({**CALL, "call_id": ""}, "input[1].call_id", ""),
        ({"type": "function_call_output", "output": "4"}, "input[1].call_id", "Missing"),
        ({**OUTPUT, "output": [{"type": "output_text"}]}, "input[1].output[0].type", ""),
        ({"type": "mcp_approval_response", "approve": True}, "input[1].approval_request_id", ""),
    ],
)
def test_what_is_no_item_is_named_by_its_place(item: Any, param: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        input_items([{"role": "user", "content": "Hi"}, item])
    assert caught.value.param == param
    assert said in caught.value.message


def test_an_item_that_is_nested_too_deeply_is_refused() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"k": deep}
    tool = {"name": "t", "input_schema": deep}
    with pytest.raises(InvalidRequest, match="levels deep"):
        input_items([{"type": "mcp_list_tools", "server_label": "l", "tools": [tool]}])
