"""What requests for messages may say, and which field is named when they may not."""

from typing import Any

import pytest

from understudy.errors import InvalidRequest
from understudy.wire.messages import (
    AttachedTo,
    Attachment,
    ImageFile,
    ImageFileContent,
    ImageUrl,
    ImageUrlContent,
    Text,
    TextContent,
    content_of,
    parse_create_message,
)

LIMIT = 256_000


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def image(**fields: Any) -> dict[str, Any]:
    return {"type": "image_file", "image_file": fields}


def test_text() -> None:
    request = parse_create_message({"role": "user", "content": "x" * LIMIT, "new_field": 1})
    assert content_of(request) == [TextContent(Text("x" * LIMIT))]


def test_parts() -> None:
    linked = {"type": "image_url", "image_url": {"url": "https://a.example/b", "detail": "low"}}
    parts = [text("See"), image(file_id="file-1"), linked, text("")]
    request = parse_create_message({"role": "assistant", "content": parts})
    assert content_of(request) == [
        TextContent(Text("See")),
        ImageFileContent(ImageFile("file-1", "auto")),
        ImageUrlContent(ImageUrl("https://a.example/b", "low")),
        TextContent(Text("")),
    ]


def test_an_image_alone_is_a_message() -> None:
    request = parse_create_message({"role": "user", "content": [image(file_id="file-1")]})
    assert len(content_of(request)) == 1


def test_files_of_both_dialects() -> None:
    tools = [{"type": "file_search"}, {"type": "code_interpreter"}]
    attachment = {"file_id": "file-1", "tools": tools}
    body = {"role": "user", "content": "x", "attachments": [attachment], "file_ids": ["f"] * 10}
    request = parse_create_message(body)
    attached = [AttachedTo("file_search"), AttachedTo("code_interpreter")]
    assert request.attachments == [Attachment("file-1", attached)]
    assert request.file_ids == ["f"] * 10


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"role": None}, "role"),
        ({"role": "system"}, "role"),
        ({"content": None}, "content"),
        ({"content": ""}, "content"),
        ({"content": []}, "content"),
        ({"content": [text(""), text("")]}, "content"),
        ({"content": "x" * (LIMIT + 1)}, "content"),
        ({"content": [text("x" * LIMIT), text("x")]}, "content"),
        ({"content": [{"type": "audio"}]}, "content[0].type"),
        ({"content": [{"text": "x"}]}, "content[0].type"),
        ({"content": [text("x"), {"type": "text"}]}, "content[1].text"),
        ({"content": [{"type": "text", "text": {"value": "x"}}]}, "content[0].text"),
        ({"content": [image()]}, "content[0].image_file.file_id"),
        ({"content": [image(file_id="f", detail="best")]}, "content[0].image_file.detail"),
        ({"content": [{"type": "image_url"}]}, "content[0].image_url"),
        (
            {"content": [{"type": "image_url", "image_url": {"url": ""}}]},
            "content[0].image_url.url",
        ),
        ({"attachments": {}}, "attachments"),
        ({"attachments": [{"tools": []}]}, "attachments[0].file_id"),
        ({"attachments": [{"file_id": "f"}]}, "attachments[0].tools"),
        (
            {"attachments": [{"file_id": "f", "tools": [{"type": "function"}]}]},
            "attachments[0].tools[0].type",
        ),
        ({"file_ids": ["f"] * 11}, "file_ids"),
        ({"file_ids": ["a\0b"]}, "file_ids[0]"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
    ],
    ids=lambda given: str(given)[:60],
)
def test_wrong_messages(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_create_message({"role": "user", "content": "Hi", **fields})
    assert caught.value.param == param


@pytest.mark.parametrize("field", ["role", "content"])
def test_missing_fields(field: str) -> None:
    body = {"role": "user", "content": "Hi"}
    del body[field]
    with pytest.raises(InvalidRequest) as caught:
        parse_create_message(body)
    assert (caught.value.param, caught.value.code) == (field, "missing_required_parameter")
