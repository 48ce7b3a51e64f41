"""The lines of a PDF page as text that reads on: hyphens joined, paragraphs rewrapped.

Also what repeats in the margins of nearly all pages. Pure; knows nothing of PDF libraries.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

# PDFium marks a hyphen at a line's end with one of these; a soft hyphen is the author's own.
_BROKEN_WORD = re.compile("(?<=\\w)[\x02\ufffe\xad][ \r\n]*(?=\\w)")
_HYPHENATED = re.compile(r"(?<=[^\W\d_]{2})-\n(?=[^\W\d_A-Z]{2})")
_DIGITS = re.compile(r"\d+")
_SENTENCE_END = tuple(".:;!?\u3002\uff1a\uff1b\uff01\uff1f")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")
_FULL_LINE = 0.75
_LETTERS_OF_PROSE = 0.85
_NEARLY_ALL = 0.8
_FEWEST_PAGES = 4
_LONGEST_TITLE = 100
_NO_TITLE = frozenset(".;!?,\u3002\uff0c\uff1b\uff01\uff1f")
"""What sentences and items of lists end with; a colon leads over to a table."""


def plain_lines(text: str) -> list[str]:
    """Return the lines of what PDFium gives, words broken at line ends joined."""
    text = _BROKEN_WORD.sub("", text.replace("\r\n", "\n").replace("\r", " "))
    text = _HYPHENATED.sub("", text)
    text = text.replace("\x02", "-").replace("\ufffe", "-")
    return [stripped for line in text.split("\n") if (stripped := line.strip())]


def reflowed(lines: Sequence[str]) -> str:
    """Return `lines` with those joined that continue a sentence."""
    longest = max(map(len, lines), default=0)
    parts: list[str] = []
    for number, line in enumerate(lines):
        if number:
            parts.append(_joint(lines[number - 1], line, longest))
        parts.append(line)
    return "".join(parts)


def _joint(line: str, following: str, longest: int) -> str:
    if line.endswith(_SENTENCE_END) or len(line) < _FULL_LINE * longest:
        return "\n"
    if _CJK.match(line[-1]) and _CJK.match(following[0]):
        return ""
    if following[0].islower() or (_is_prose(line) and _is_prose(following)):
        return " "
    return "\n"


def _is_prose(line: str) -> bool:
    """Tell a line of sentences from one of columns or figures, which must stay a line."""
    dense = line.replace(" ", "")
    return sum(map(str.isalpha, dense)) >= _LETTERS_OF_PROSE * len(dense)


def last_title(text: str) -> str | None:
    """Return the last line of reflowed text that names what follows: short, and no sentence."""
    for line in reversed(text.split("\n")):
        is_begun = line[0].isalnum() and not line[0].islower()
        if is_begun and len(line) <= _LONGEST_TITLE and line[-1] not in _NO_TITLE:
            return line
    return None


def running(margins: Sequence[Iterable[str]]) -> frozenset[str]:
    """Return what the margins of nearly all sampled pages share, numbers made equal."""
    if len(margins) < _FEWEST_PAGES:
        return frozenset()
    counts = Counter(line for margin in margins for line in {_numberless(line) for line in margin})
    return frozenset(line for line, n in counts.items() if n >= _NEARLY_ALL * len(margins))


def running_in(margin: Iterable[str], repeated: Collection[str]) -> frozenset[str]:
    """Return the lines of one page's margin that are among the repeated ones."""
    return frozenset(line for line in margin if _numberless(line) in repeated)


def _numberless(line: str) -> str:
    return _DIGITS.sub("#", line)
