"""Passages of documents inside a prompt, and the markers by which an answer cites them.

Retrieval renders passages into a prompt; a model cites one as 【n】; the marker is turned back into
a citation. Engines and retrieval share this form and nothing else.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape, unescape

_HEAD = re.compile(r'<passage n="(\d+)" file="([^"]*)"(?: page="([^"]*)")?>\n')
_END = "\n</passage>"
NONE_FOUND = "No passage was found."
"""What a search without results is shown as."""
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
    return "\n".join(_block(passage) for passage in passages)


def _block(passage: Passage) -> str:
    page = "" if passage.page is None else f' page="{escape(passage.page)}"'
    head = f'<passage n="{passage.number}" file="{escape(passage.filename)}"{page}>'
    return f"{head}\n{escape(passage.text, quote=False)}{_END}"


def parse(prompt: str) -> list[Passage]:
    """Return the passages that `render` wrote into `prompt`, in their order."""
    return [
        Passage(
            number=int(head[1]),
            filename=unescape(head[2]),
            text=unescape(prompt[head.end() : end]),
            page=None if head[3] is None else unescape(head[3]),
        )
        for head, end in _blocks(prompt)
    ]


def without_passages(prompt: str) -> str:
    """Return `prompt` without its passage blocks."""
    kept, start = [], 0
    for head, end in _blocks(prompt):
        kept.append(prompt[start : head.start()])
        start = end + len(_END)
    return "".join([*kept, prompt[start:]]).strip()


def _blocks(prompt: str) -> Iterator[tuple[re.Match[str], int]]:
    """Yield the head of each block and where its text ends; a block without end is none."""
    position = 0
    while head := _HEAD.search(prompt, position):
        if (end := prompt.find(_END, head.end())) < 0:
            return
        yield head, end
        position = end + len(_END)
