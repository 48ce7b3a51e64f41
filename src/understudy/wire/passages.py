"""Passages of documents inside a prompt, and the markers by which an answer cites them.

Retrieval renders passages into a prompt; a model cites one as 【n】; the marker is turned back into
a citation. Engines and retrieval share this form and nothing else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr, unescape

_BLOCK = re.compile(
    r'<passage n="(?P<number>\d+)" file=(?P<file>"[^"]*"|\'[^\']*\')(?: page="(?P<page>[^"]*)")?>\n'
    r"(?P<text>.*?)\n</passage>",
    re.DOTALL,
)
MARKER = re.compile(r"【(?P<number>\d+)】")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, numbered from 1 within its prompt; `page` may be None."""

    number: int
    filename: str
    text: str
    page: str | None = None


def marker(number: int) -> str:
    """Return the text by which an answer cites passage `number`."""
    return f"【{number}】"


def render(passages: Iterable[Passage]) -> str:
    """Return the block that shows `passages` to a model."""
    blocks = []
    for passage in passages:
        page = f" page={quoteattr(passage.page)}" if passage.page is not None else ""
        head = f'<passage n="{passage.number}" file={quoteattr(passage.filename)}{page}>'
        blocks.append(f"{head}\n{escape(passage.text)}\n</passage>")
    return "\n".join(blocks)


def parse(prompt: str) -> list[Passage]:
    """Return the passages that `render` wrote into `prompt`, in their order."""
    return [
        Passage(
            number=int(match["number"]),
            filename=unescape(match["file"][1:-1], {"&quot;": '"'}),
            text=unescape(match["text"]),
            page=match["page"],
        )
        for match in _BLOCK.finditer(prompt)
    ]


def without_passages(prompt: str) -> str:
    """Return `prompt` without its passage blocks."""
    return _BLOCK.sub("", prompt).strip()
