"""From search results to the passages shown to a model, and from its markers back to citations.

Pure. Whole answers and streams take the same way, so that they cannot disagree.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from understudy.retrieval.search import SearchResult
from understudy.retrieval.terms import index_terms, query_words
from understudy.wire.passages import Passage, marker

_LONGEST_MARKER = 40
_LONGEST_QUOTE = 400
# Models add to the marker what they have seen elsewhere: 【2†source】, 【 2 】.
_MARKER = re.compile(r"[ \t]*【\s*(?:passage\s*)?(\d{1,6})\s*(?:†[^】]*)?】", re.IGNORECASE)
_PENDING = re.compile(r"[ \t]*(?:【[^】]*)?\Z")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。!?！？])|\n+")  # noqa: RUF001
_ANOTHER_MARKER = re.compile("【[^】]*】")


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer names a passage: `text[start:end]` is the marker, in code points."""

    file_id: str
    filename: str
    page: int | None
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CitedText:
    """Text to append to an answer, and the citations whose markers it completes."""

    text: str
    citations: tuple[Citation, ...]


def passages(results: Sequence[SearchResult], first: int = 1) -> list[Passage]:
    """Return the results as passages numbered from `first`, for `wire.passages.render`."""
    return [
        Passage(number, result.filename, result.text, _page(result))
        for number, result in enumerate(results, start=first)
    ]


def _page(result: SearchResult) -> str | None:
    return None if result.page is None else str(result.page)


def cite(answer: str, results: Sequence[SearchResult]) -> CitedText:
    """Return a whole answer with its markers in their plain form, and what they cite.

    A marker that names no result, repeats the one before it, or is cut off leaves the text.
    """
    stream = CitationStream(results)
    first, last = stream.feed(answer), stream.finish()
    return CitedText(first.text + last.text, first.citations + last.citations)


class CitationStream:
    """Turns markers into citations while an answer arrives in pieces of any size."""

    def __init__(self, results: Sequence[SearchResult]) -> None:
        self._results = results
        self._held = ""
        self._sent = ""
        self._last: tuple[int, int] | None = None
        """Number and end of the marker sent last."""

    def feed(self, piece: str) -> CitedText:
        """Return what can be sent on; the beginning of a marker waits for its end."""
        self._held += piece
        pending = _PENDING.search(self._held)
        cut = pending.start() if pending else len(self._held)
        if len(self._held) - cut > _LONGEST_MARKER:
            cut = len(self._held)
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._cited(ready)

    def finish(self) -> CitedText:
        """Return what is still held, without a marker that was cut off."""
        rest, self._held = self._held.partition("【")[0].rstrip(" \t"), ""
        return self._cited(rest)

    def _cited(self, ready: str) -> CitedText:
        before = len(self._sent)
        citations = []
        position = 0
        for match in _MARKER.finditer(ready):
            self._sent += ready[position : match.start()]
            position = match.end()
            if citation := self._citation(int(match[1]), match[0]):
                citations.append(citation)
        self._sent += ready[position:]
        return CitedText(self._sent[before:], tuple(citations))

    def _citation(self, number: int, written: str) -> Citation | None:
        if not 1 <= number <= len(self._results) or self._last == (number, len(self._sent)):
            return None
        result = self._results[number - 1]
        quoted = _quote(_claim(self._sent), result.text)
        self._sent += written[: len(written) - len(written.lstrip(" \t"))]
        start = len(self._sent)
        self._sent += marker(number)
        self._last = (number, len(self._sent))
        end = len(self._sent)
        return Citation(result.file_id, result.filename, result.page, quoted, start, end)


def _claim(text: str) -> str:
    """Return the last sentence of `text`, without its markers: what the next marker supports."""
    plain = _ANOTHER_MARKER.sub("", text[-4 * _LONGEST_QUOTE :])
    sentences = [sentence for sentence in _SENTENCE_END.split(plain) if sentence.strip()]
    return sentences[-1] if sentences else ""


def _quote(claim: str, passage: str) -> str:
    """Return the sentence of the passage that shares most words with the claim, or the first."""
    sentences = [part.strip() for part in _SENTENCE_END.split(passage) if part.strip()]
    wanted = {word.term for word in query_words(claim)}

    def shared(sentence: str) -> int:
        return len(wanted & set(index_terms(sentence).split()))

    return max(sentences, key=shared, default="")[:_LONGEST_QUOTE]
