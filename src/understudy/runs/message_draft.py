"""The message of a turn while the model writes it: text, citations, refusal. Pure."""

from typing import Any

from msgspec import UNSET

from understudy.ids import now_s
from understudy.retrieval.cite import Citation, CitedText
from understudy.runs.drafts import Draft
from understudy.runs.project_messages import message_of
from understudy.store.items import Item
from understudy.wire.messages import MessageStatus
from understudy.wire.run_events import (
    AddedText,
    CitedFileDelta,
    ContentDelta,
    FileCitationDelta,
    FilePathDelta,
    MessageChange,
    MessageDelta,
    RefusalDelta,
    TextDelta,
    event_of_message,
)
from understudy.wire.runs import RunUsage
from understudy.wire.steps import CreatedMessage, MessageCreationDetails, RunStep


class MessageDraft:
    """A message that is open from its making on, until `close`."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._text = ""
        self._annotations: list[dict[str, Any]] = []
        self._refusal = ""
        self._refusal_index = 1
        self._told_text = 0
        self._told_annotations = 0
        self._told_refusal = 0
        run = draft.run
        id_ = draft.id("msg")
        details = MessageCreationDetails(CreatedMessage(id_))
        self.step: RunStep = draft.open_step("message", "message_creation", details)
        self._opened = Item(
            id=id_,
            type="message",
            created_at=now_s(),
            document={"type": "message", "id": id_, "role": "assistant"},
            run_id=run.id,
            step_id=self.step.id,
            assistant_id=run.assistant_id,
        )
        opened = self._write("in_progress", [], {})
        draft.tell("thread.message.created", message_of(opened, run.thread_id))
        draft.tell("thread.message.in_progress", message_of(opened, run.thread_id))

    @property
    def has_news(self) -> bool:
        """Whether `tell` has something to tell."""
        return bool(
            len(self._text) > self._told_text
            or len(self._annotations) > self._told_annotations
            or len(self._refusal) > self._told_refusal
        )

    def add_text(self, cited: CitedText) -> None:
        """Append text with its citations."""
        self._text += cited.text
        self._annotations += [annotation(each, self._text) for each in cited.citations]

    def add_refusal(self, text: str) -> None:
        """Append to the refusal, which stands before the text if it began before it."""
        if not self._text:
            self._refusal_index = 0
        self._refusal += text

    def tell(self) -> None:
        """Tell what was added since the last time."""
        deltas: list[ContentDelta] = []
        if added := self._new_text():
            deltas.append(TextDelta(1 - self._refusal_index, added))
        if refusal := self._refusal[self._told_refusal :]:
            deltas.append(RefusalDelta(self._refusal_index, refusal))
            self._told_refusal = len(self._refusal)
        if deltas:
            deltas.sort(key=lambda delta: delta.index)
            delta = MessageDelta(self._opened.id, MessageChange(UNSET, deltas))
            self._draft.tell("thread.message.delta", delta)

    def close(self, status: MessageStatus, usage: RunUsage | None) -> None:
        """Tell the rest, and that message and step have ended; the tokens count for the step."""
        self.tell()
        now = now_s()
        extra: dict[str, Any] = {"completed_at": now}
        if status == "incomplete":
            extra = {"incomplete_at": now, "incomplete_details": {"reason": "max_tokens"}}
        closed = self._write(status, self._content(), extra)
        message = message_of(closed, self._draft.run.thread_id)
        self._draft.tell(event_of_message(status), message)
        self.step.status = "completed"
        self.step.completed_at = now
        self.step.usage = usage
        self._draft.close_step(self.step)

    def _new_text(self) -> AddedText | None:
        text = self._text[self._told_text :]
        new = self._annotations[self._told_annotations :]
        if not text and not new:
            return None
        deltas: list[FileCitationDelta | FilePathDelta] = [
            _annotation_delta(annotation, index)
            for index, annotation in enumerate(new, start=self._told_annotations)
        ]
        is_first = self._told_text == 0
        self._told_text = len(self._text)
        self._told_annotations = len(self._annotations)
        return AddedText(text, deltas if deltas or is_first else UNSET)

    def _content(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        if self._text or not self._refusal:
            text = {"text": self._text, "annotations": self._annotations, "logprobs": []}
            parts.append({"type": "output_text", **text})
        if self._refusal:
            parts.insert(self._refusal_index, {"type": "refusal", "refusal": self._refusal})
        return parts

    def _write(
        self, status: MessageStatus, content: list[dict[str, Any]], extra: dict[str, Any]
    ) -> Item:
        opened = self._opened
        item = Item(
            id=opened.id,
            type=opened.type,
            created_at=opened.created_at,
            document={**opened.document, "status": status, "content": content},
            run_id=opened.run_id,
            step_id=opened.step_id,
            assistant_id=opened.assistant_id,
            extra=extra,
        )
        self._draft.write_item(item)
        return item


def annotation(citation: Citation, text: str, offset: int = 0) -> dict[str, Any]:
    """Return a citation in the form that holds what both APIs show of it.

    `offset` is where `text` begins in what was cited.
    """
    start, end = citation.start - offset, citation.end - offset
    return {
        "type": "file_citation",
        "file_id": citation.file_id,
        "filename": citation.filename,
        "index": start,
        "text": text[start:end],
        "start_index": start,
        "end_index": end,
        "quote": citation.quote,
        "page": citation.page,
    }


def _annotation_delta(annotation: dict[str, Any], index: int) -> FileCitationDelta:
    return FileCitationDelta(
        index,
        text=annotation["text"],
        start_index=annotation["start_index"],
        end_index=annotation["end_index"],
        file_citation=CitedFileDelta(annotation["file_id"], annotation["quote"]),
    )
