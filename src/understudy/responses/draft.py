"""One answer of the model as it becomes items of a response, and the events about them.

Pure: chunks go in, items and events come out. Of what the model writes, one item is open at a time;
searches and calls of MCP tools stay open until they are made.
"""

from typing import Any, Literal

from understudy.responses.draft_calls import CallsDraft
from understudy.responses.draft_parts import (
    REASONING,
    REFUSAL,
    SUMMARY,
    TEXT,
    PartKind,
    PartsDraft,
)
from understudy.responses.drafted import Drafted, DraftedCall, Options, Place, Sheet
from understudy.responses.offered import OfferedTools
from understudy.retrieval.cite import CitationStream, CitedText
from understudy.wire.chat import ChatChunk, ChunkChoice, Usage

__all__ = ["Draft", "Drafted", "DraftedCall", "Options", "Place"]

Speech = Literal["message", "reasoning"]
Ending = Literal["completed", "incomplete"]
_CUT = ("length", "content_filter")
_PLAIN = Options()


class Draft:
    """What the model answers in one call."""

    def __init__(
        self,
        place: Place,
        offered: OfferedTools,
        *,
        citations: CitationStream | None = None,
        options: Options = _PLAIN,
    ) -> None:
        """`citations` turns markers into citations, where searches have found passages."""
        self._sheet = Sheet(place, place.first_output_index)
        self._calls = CallsDraft(self._sheet, offered)
        self._citations = citations
        self._options = options
        self._open: tuple[Speech, PartsDraft] | None = None
        self._cited_length = 0
        self._held: tuple[str, list[dict[str, Any]]] = ("", [])
        """White space with which no message is begun, and its tokens."""
        self._late: list[tuple[PartKind, str, list[dict[str, Any]]]] = []
        """What was said after calls began: it is told after them."""
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.service_tier: str | None = None

    @property
    def is_dirty(self) -> bool:
        """Whether `take` has something to give."""
        has_grown = self._open is not None and self._open[1].has_news
        return bool(self._sheet.drafted.events) or has_grown or self._calls.has_news

    @property
    def calls(self) -> list[DraftedCall]:
        """The calls, in their order, once finished; none where the answer was cut off."""
        return list(self._calls.made)

    @property
    def is_cut(self) -> bool:
        """Whether the answer ended before its end: at a limit, or by a filter."""
        return self.finish_reason in _CUT

    @property
    def next_output_index(self) -> int:
        """The index of the next item of the response."""
        return self._sheet.next_output_index

    def add(self, chunk: ChatChunk) -> None:
        """Take the next chunk of the answer."""
        if isinstance(chunk.usage, Usage):
            self.usage = chunk.usage
        if chunk.service_tier:
            self.service_tier = chunk.service_tier
        for choice in chunk.choices:
            self._add(choice)

    def take(self) -> Drafted:
        """Return what is new since the last time."""
        if self._open is not None:
            self._open[1].tell()
        self._calls.tell()
        return self._sheet.take()

    def finish(self) -> Drafted:
        """Return the rest, with everything closed but the calls that this server has to make.

        Where the answer was cut off, what is open is incomplete, and no call is made.
        """
        self._end("incomplete" if self.is_cut else "completed")
        is_empty = self._sheet.next_output_index == self._sheet.place.first_output_index
        if is_empty and not self.is_cut:
            self._message().add(TEXT, "")
            self._close("completed")
        return self._sheet.take()

    def abandon(self) -> Drafted:
        """Return the rest, with what is open closed as incomplete: the answer broke off."""
        self._end("incomplete")
        return self._sheet.take()

    def _end(self, status: Ending) -> None:
        self._close(status)
        if status == "completed":
            self._calls.finish()
        else:
            self._calls.cut()
        for kind, text, logprobs in self._late:
            self._say(kind, text, logprobs)
        self._close(status)

    def _add(self, choice: ChunkChoice) -> None:
        delta = choice.delta
        if delta.reasoning_content:
            thought = SUMMARY if self._options.summary else REASONING
            self._hear(thought, delta.reasoning_content, [])
        if delta.content:
            self._hear(TEXT, delta.content, self._logprobs(choice))
        if delta.refusal:
            self._hear(REFUSAL, delta.refusal, [])
        if delta.tool_calls:
            self._close("completed")
            for piece in delta.tool_calls:
                self._calls.add(piece)
        if choice.finish_reason is not None:
            self.finish_reason = choice.finish_reason

    def _logprobs(self, choice: ChunkChoice) -> list[dict[str, Any]]:
        if not self._options.logprobs or not choice.logprobs:
            return []
        return [_logprob(one) for one in choice.logprobs.get("content") or ()]

    def _hear(self, kind: PartKind, text: str, logprobs: list[dict[str, Any]]) -> None:
        if self._calls:
            self._late.append((kind, text, logprobs))
        else:
            self._say(kind, text, logprobs)

    def _say(self, kind: PartKind, text: str, logprobs: list[dict[str, Any]]) -> None:
        if kind is TEXT:
            cited = CitedText(text, ()) if self._citations is None else self._citations.feed(text)
            self._say_cited(cited, logprobs)
        elif kind is REFUSAL:
            self._message().add(kind, text)
        else:
            self._reasoning().add(kind, text)

    def _say_cited(self, cited: CitedText, logprobs: list[dict[str, Any]]) -> None:
        """Append text to the message; white space alone begins none."""
        held, tokens = self._held
        text, logprobs = held + cited.text, [*tokens, *logprobs]
        is_message_open = self._open is not None and self._open[0] == "message"
        if not is_message_open and not text.strip():
            self._held = (text, logprobs)
            self._cited_length += len(cited.text)
            return
        self._held = ("", [])
        offset = self._cited_length - len(held)
        self._cited_length += len(cited.text)
        self._message().add(TEXT, text, offset=offset, citations=cited.citations, logprobs=logprobs)

    def _message(self) -> PartsDraft:
        document = {"type": "message", "role": "assistant", "content": []}
        return self._opened("message", "msg", document)

    def _reasoning(self) -> PartsDraft:
        return self._opened("reasoning", "rs", {"type": "reasoning", "summary": [], "content": []})

    def _opened(self, speech: Speech, prefix: str, document: dict[str, Any]) -> PartsDraft:
        if self._open is not None and self._open[0] == speech:
            return self._open[1]
        if speech == "reasoning":
            self._close("completed")
        else:  # the beginning of a marker may still wait for its end, in this message
            self._shut("completed")
        opened = PartsDraft(self._sheet, prefix, document)
        self._open = (speech, opened)
        return opened

    def _close(self, status: Ending) -> None:
        """End what is said: what waited for the end of a marker is said, and the item closed."""
        if self._citations is not None and (rest := self._citations.finish()).text:
            self._say_cited(rest, [])
        self._held = ("", [])
        self._shut(status)

    def _shut(self, status: Ending) -> None:
        if self._open is not None:
            self._open[1].close(status)
        self._open = None


def _logprob(given: dict[str, Any]) -> dict[str, Any]:
    """Return a token's probability as the Responses API has it."""
    likely = [_token(one) for one in given.get("top_logprobs") or ()]
    return {**_token(given), "top_logprobs": likely}


def _token(given: dict[str, Any]) -> dict[str, Any]:
    bytes_ = given.get("bytes")
    return {
        "token": given["token"],
        "logprob": given["logprob"],
        "bytes": list(given["token"].encode()) if bytes_ is None else bytes_,
    }
