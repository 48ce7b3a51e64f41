"""What a request for a message makes of it in the log, and how the log is shown."""

from typing import Any

import pytest

from understudy.runs.project_messages import item_of, message_of, searched_files
from understudy.store.items import Item
from understudy.wire.messages import (
    AttachedTo,
    Attachment,
    CreateMessage,
    ImageFile,
    ImageFileContent,
    ImageUrl,
    ImageUrlContent,
    TextPart,
)

SEARCH, CODE = AttachedTo("file_search"), AttachedTo("code_interpreter")
IMAGES = [
    ImageFileContent(ImageFile("file-1", "low")),
    ImageUrlContent(ImageUrl("https://a.test/b.png")),
]


@pytest.mark.parametrize(
    ("wanted", "content"),
    [
        (CreateMessage("user", "Hi"), [{"type": "input_text", "text": "Hi"}]),
        (
            CreateMessage("assistant", [TextPart("Hi"), TextPart("you")]),
            [
                {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []},
                {"type": "output_text", "text": "you", "annotations": [], "logprobs": []},
            ],
        ),
        (
            CreateMessage("user", [TextPart("Look"), *IMAGES]),
            [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "file_id": "file-1", "detail": "low"},
                {"type": "input_image", "image_url": "https://a.test/b.png", "detail": "auto"},
            ],
        ),
    ],
)
def test_the_item_has_the_shape_of_the_responses_api(
    wanted: CreateMessage, content: list[dict[str, Any]]
) -> None:
    item = item_of(wanted, "msg_1", 7)
    assert (item.id, item.type, item.created_at) == ("msg_1", "message", 7)
    assert item.document == {
        "type": "message",
        "id": "msg_1",
        "role": wanted.role,
        "status": "completed",
        "content": content,
    }


def test_files_of_both_dialects_are_kept_in_the_words_of_both() -> None:
    wanted = CreateMessage(
        "user",
        "x",
        attachments=[Attachment("file-1", [CODE]), Attachment("file-1", [SEARCH])],
        file_ids=["file-2"],
    )
    item = item_of(wanted, "msg_1", 7)
    assert item.extra["file_ids"] == ["file-1", "file-2"]
    assert message_of(item, "thread_1").attachments == [
        Attachment("file-1", [CODE]),
        Attachment("file-1", [SEARCH]),
        Attachment("file-2", [SEARCH]),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CreateMessage("user", "x"), []),
        (CreateMessage("user", "x", attachments=[Attachment("file-1", [CODE])]), []),
        (CreateMessage("user", "x", attachments=[Attachment("file-1", [])]), ["file-1"]),
        (
            CreateMessage("user", "x", attachments=[Attachment("file-1", [CODE, SEARCH])]),
            ["file-1"],
        ),
        (CreateMessage("user", "x", file_ids=["file-1", "file-2"]), ["file-1", "file-2"]),
    ],
)
def test_which_files_are_searched(wanted: CreateMessage, found: list[str]) -> None:
    assert searched_files(wanted) == found


def test_a_message_that_a_model_began_is_shown_as_far_as_it_is() -> None:
    document = {"type": "message", "role": "assistant", "status": "in_progress", "content": []}
    begun = Item("msg_1", "message", 7, document, run_id="run_1", assistant_id="asst_1")
    shown = message_of(begun, "thread_1")
    assert (shown.status, shown.content, shown.completed_at) == ("in_progress", [], None)
    assert (shown.run_id, shown.assistant_id, shown.attachments) == ("run_1", "asst_1", [])
