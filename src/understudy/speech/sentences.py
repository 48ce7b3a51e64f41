"""Where text to be spoken is cut, so that its beginning is heard before its end is made. Pure."""

import re
from typing import Final

from understudy.engines.extractive.abbreviations import joined

_SHORTEST_BYTES: Final = 16
"""What is shorter goes with what follows: one character of Chinese says as much as a short word."""
_LONGEST_CHARS: Final = 300
_CLOSING = "\u00bb\u2019\u201d\u300d\u300f\uff09"
"""What closes a quotation or a bracket, in all three languages."""
_END = re.compile(
    rf"[.!?\u2026]+[\"')\]*_{_CLOSING}]*(?=\s)"
    rf"|[\u3002\uff01\uff1f\uff1b]+[{_CLOSING}]*"  # as Chinese ends a sentence
    r"|\n+"
)
_PAUSE = re.compile(r"[,;:\u3001\uff0c\uff1a](?=\s|[^\x00-\x7f])|\s")


class SentenceCutter:
    """Cuts text that comes bit by bit; what it returns is whole sentences without outer spaces."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """Return the sentences that are complete now."""
        self._rest += text
        return self._take(is_last=False)

    def finish(self) -> list[str]:
        """Return what is left."""
        return self._take(is_last=True)

    def _take(self, *, is_last: bool) -> list[str]:
        found = []
        while end := _end_of_first(self._rest):
            found.append(self._rest[:end].strip())
            self._rest = self._rest[end:]
        if is_last and self._rest.strip():
            found.append(self._rest.strip())
            self._rest = ""
        return found


def cut(text: str) -> list[str]:
    """Return the parts in which a whole text is spoken: its first sentence, then longer ones."""
    cutter = SentenceCutter()
    first, *rest = [*cutter.feed(text), *cutter.finish()] or [""]
    parts = [first]
    for sentence in rest:
        if len(parts) > 1 and len(parts[-1]) + len(sentence) < _LONGEST_CHARS:
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            parts.append(sentence)
    return parts


def _end_of_first(text: str) -> int:
    """Return where the first sentence ends, 0 where its end has not come."""
    for match in _END.finditer(joined(text)):
        if len(text[: match.end()].strip().encode()) >= _SHORTEST_BYTES:
            return min(match.end(), _pause(text, match.end()))
    return _pause(text, len(text)) if len(text) > _LONGEST_CHARS else 0


def _pause(text: str, end: int) -> int:
    """Return the last place before `end` at which one may breathe, if that is too far."""
    if end <= _LONGEST_CHARS:
        return end
    pauses = [match.end() for match in _PAUSE.finditer(text, 1, _LONGEST_CHARS)]
    return pauses[-1] if pauses else _LONGEST_CHARS
