"""Items as the Responses API shows them, and as threads show what it has stored."""

from typing import Any

import pytest
from openai.types.conversations import ConversationItem
from pydantic import TypeAdapter
from tests.sdk.validation import errors_of_object

from understudy.responses.projection import copied, kept, shown, with_ids
from understudy.runs.project_messages import is_said, item_of, message_of
from understudy.store.items import Item
from understudy.wire.messages import (
    Attachment,
    CreateMessage,
    FileCitation,
    FilePath,
    RefusalContent,
    TextContent,
)
from understudy.wire.response_items import conversation_items

_ITEMS: TypeAdapter[Any] = TypeAdapter(ConversationItem)
CITED = {
    "type": "file_citation",
    "file_id": "file-1",
    "filename": "law.pdf",
    "index": 3,
    "text": "【1】",
    "start_index": 3,
    "end_index": 6,
    "quote": "The law.",
    "page": 2,
}


def item(type_: str, **document: Any) -> Item:
    return Item("item_1", type_, 5, {"type": type_, "id": "item_1", **document})


def message(*parts: dict[str, Any], role: str = "assistant", **fields: Any) -> Item:
    return item("message", role=role, status="completed", content=list(parts), **fields)


def said(text: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    probabilities = [{"token": text, "bytes": [], "logprob": -0.5, "top_logprobs": []}]
    return {
        "type": "output_text",
        "text": text,
        "annotations": list(annotations),
        "logprobs": probabilities,
    }


STORED: list[tuple[Item, dict[str, Any]]] = [
    (
        message(said("Yes【1】", CITED)),
        {
            "status": "completed",
            "role": "assistant",
            "content": [
                {
                    "type": "output_text",
                    "text": "Yes【1】",
                    "annotations": [
                        {
                            "type": "file_citation",
                            "file_id": "file-1",
                            "filename": "law.pdf",
                            "index": 3,
                        }
                    ],
                    "logprobs": [],
                }
            ],
        },
    ),
    (
        message({"type": "refusal", "refusal": "No."}, phase="final_answer"),
        {
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "No."}],
            "phase": "final_answer",
        },
    ),
    (
        message(
            {"type": "input_image", "image_url": "https://a/b.png", "detail": "low"}, role="user"
        ),
        {
            "status": "completed",
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": None, "file_id": None, "detail": "low"}
            ],
        },
    ),
    (  # as a run stores it
        item(
            "file_search_call",
            status="completed",
            queries=["law"],
            call_id="call_1",
            arguments="{}",
            results=[
                {"file_id": "file-1", "filename": "law.pdf", "score": 0.5, "text": "The law."}
            ],
        ),
        {"status": "completed", "queries": ["law"], "results": None},
    ),
    (
        item("function_call", call_id="call_1", name="f", arguments="{}"),
        {"status": "completed", "call_id": "call_1", "name": "f", "arguments": "{}"},
    ),
    (
        item("function_call_output", call_id="call_1", output="42", status="completed"),
        {"status": "completed", "call_id": "call_1", "output": "42"},
    ),
    (
        item(
            "reasoning",
            summary=[],
            content=[{"type": "reasoning_text", "text": "Hm."}],
            encrypted_content="secret",
        ),
        {"summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
    ),
    (item("compaction", encrypted_content="short"), {"encrypted_content": "short"}),
    (
        item("mcp_approval_response", approval_request_id="mcpr_1", approve=True),
        {"approval_request_id": "mcpr_1", "approve": True, "request_id": "mcpr_1"},
    ),
    (
        item(
            "mcp_call", server_label="s", name="f", arguments="{}", output="1", status="completed"
        ),
        {
            "server_label": "s",
            "name": "f",
            "arguments": "{}",
            "output": "1",
            "status": "completed",
        },
    ),
]


@pytest.mark.parametrize(("stored", "expected"), STORED, ids=[s.type for s, _ in STORED])
def test_an_item_is_shown_as_the_specification_has_it(
    stored: Item, expected: dict[str, Any]
) -> None:
    made = shown(stored)
    assert made == {"type": stored.type, "id": "item_1", **expected}
    assert errors_of_object("ConversationItem", made) == []
    assert _ITEMS.validate_python(made).type == stored.type


def test_what_is_included_is_shown() -> None:
    image = message({"type": "input_image", "image_url": "https://a/b.png"}, role="user")
    assert shown(image)["content"][0]["image_url"] is None
    included = shown(image, frozenset({"message.input_image.image_url"}))
    assert included["content"][0]["image_url"] == "https://a/b.png"
    answer = shown(message(said("Yes")), frozenset({"message.output_text.logprobs"}))
    assert answer["content"][0]["logprobs"][0]["token"] == "Yes"
    search = shown(STORED[3][0], frozenset({"file_search_call.results"}))
    assert search["results"] == [
        {
            "file_id": "file-1",
            "filename": "law.pdf",
            "score": 0.5,
            "text": "The law.",
            "attributes": {},
        }
    ]
    assert errors_of_object("ConversationItem", search) == []
    reasoning = shown(STORED[6][0], frozenset({"reasoning.encrypted_content"}))
    assert reasoning["encrypted_content"] == "secret"


def test_a_message_of_a_thread_shows_its_files_and_no_metadata() -> None:
    wanted = CreateMessage(
        "user", "Read this", attachments=[Attachment("file-1", [])], metadata={"a": "b"}
    )
    made = shown(item_of(wanted, "msg_1", 5))
    assert made["content"] == [
        {"type": "input_text", "text": "Read this"},
        {"type": "input_file", "file_id": "file-1"},
    ]
    assert set(made) == {"type", "id", "status", "role", "content"}
    assert errors_of_object("ConversationItem", made) == []


def test_an_imported_citation_has_no_filename_and_still_a_place() -> None:
    imported = {name: CITED[name] for name in ("type", "file_id", "start_index", "end_index")}
    (shown_one,) = shown(message(said("Yes【1】", imported)))["content"][0]["annotations"]
    assert shown_one == {"type": "file_citation", "file_id": "file-1", "filename": "", "index": 3}


# --- conversations as threads show them -------------------------------------------------------


def stored_of(given: dict[str, Any]) -> Item:
    (document,) = with_ids(conversation_items([given]), ["msg_1"])
    return kept(document, 5)


def test_a_message_of_a_conversation_is_a_good_message_of_its_thread() -> None:
    parts = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": "https://a/b.png", "detail": "original"},
        {"type": "input_image", "file_id": "file-2"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,QQ=="},
    ]
    made = message_of(stored_of({"role": "user", "content": parts}), "conv_1")
    assert [type(part).__name__ for part in made.content] == [
        "TextContent",
        "ImageUrlContent",
        "ImageFileContent",
        "TextContent",
    ]
    assert made.content[1].image_url.detail == "high"  # type: ignore[union-attr]
    assert made.content[3].text.value == "[file: a.txt]"  # type: ignore[union-attr]
    assert [one.file_id for one in made.attachments or ()] == made.file_ids == ["file-1"]
    assert (made.status, made.completed_at, made.thread_id) == ("completed", 5, "conv_1")


def test_a_message_that_is_only_a_file_has_a_text_that_programs_can_read() -> None:
    only = stored_of({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]})
    assert message_of(only, "conv_1").content[0].text.value == ""  # type: ignore[union-attr]


def test_an_answer_that_a_client_brings_keeps_the_citations_that_threads_have() -> None:
    brought = [
        {"type": "file_citation", "file_id": "file-1", "filename": "law.pdf", "index": 3},
        {"type": "file_path", "file_id": "file-2", "index": 1},
        {
            "type": "url_citation",
            "url": "https://a",
            "title": "A",
            "start_index": 0,
            "end_index": 1,
        },
        {"type": "file_citation", "index": 1},
    ]
    content = [
        {"type": "output_text", "text": "Yes.", "annotations": brought},
        {"type": "refusal", "refusal": "No."},
    ]
    text, refusal = message_of(stored_of({"role": "assistant", "content": content}), "c").content
    assert isinstance(text, TextContent) and isinstance(refusal, RefusalContent)
    cited, path = text.text.annotations
    assert isinstance(cited, FileCitation) and isinstance(path, FilePath)
    assert (cited.start_index, cited.end_index, cited.text) == (3, 3, "")
    assert (path.file_path.file_id, path.start_index) == ("file-2", 1)


@pytest.mark.parametrize(
    ("role", "expected"),
    [("user", True), ("assistant", True), ("developer", False), ("system", False)],
)
def test_instructions_are_no_messages_of_a_thread(role: str, expected: bool) -> None:
    assert is_said(stored_of({"role": role, "content": "Hello"})) is expected


def test_a_copy_of_a_message_has_its_files() -> None:
    wanted = CreateMessage("user", "Read this", attachments=[Attachment("file-1", [])])
    copy = copied(item_of(wanted, "msg_1", 5))
    assert copy["content"][-1] == {"type": "input_file", "file_id": "file-1"}


def test_an_answer_to_a_request_for_approval_follows_its_new_id() -> None:
    given = conversation_items(
        [
            {
                "type": "mcp_approval_request",
                "id": "theirs",
                "server_label": "s",
                "name": "f",
                "arguments": "{}",
            },
            {"type": "mcp_approval_response", "approval_request_id": "theirs", "approve": True},
        ]
    )
    request, response = with_ids(given, ["mcpr_1", "mcpa_1"])
    assert (request["id"], response["approval_request_id"]) == ("mcpr_1", "mcpr_1")
