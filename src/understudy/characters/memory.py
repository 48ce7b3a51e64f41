"""What an instance remembers: labelled blocks of lines, each with a limit, and how they change.

Pure. Knows no store, no model and no language.
"""

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from understudy.errors import Conflict, InvalidRequest, InvalidValue
from understudy.wire.instances import BLOCK_LIMIT, BLOCKS, RESERVED_LABEL

HUMAN = "human"
"""The block of what is known of the person."""
NOTES = "notes"

ARCHIVE = RESERVED_LABEL
"""Stands for a block in edits that only put something into the archive."""
_LONGEST_ARCHIVED = 4_000

Operation = Literal["remember", "forget", "replace", "write", "archive", "undo"]
_LABEL = re.compile(r"[^\W_][\w-]{0,63}")
_HEADING = re.compile(r"(?P<escapes>\\*)# (?P<label>.*)")


@dataclass(frozen=True, slots=True)
class Block:
    """One labelled part of a memory; `limit` is in characters of `text`, whose lines are facts."""

    label: str
    text: str = ""
    limit: int = BLOCK_LIMIT

    @property
    def lines(self) -> list[str]:
        """The lines that say something."""
        return [line for line in self.text.split("\n") if line.strip()]


Blocks = tuple[Block, ...]
EMPTY: Blocks = (Block(HUMAN), Block(NOTES))


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines of one block that go and lines that come in their place, else at `place` or the end."""

    operation: Operation
    block: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    place: int | None = None

    def inverse(self) -> "Edit":
        """Return the edit that takes this one back."""
        return Edit("undo", self.block, self.added, self.removed, self.place)


class MemoryFull(InvalidRequest):
    """A block would be longer than its limit."""

    code = "memory_full"

    def __init__(self, label: str, size: int, limit: int, param: str = "memory") -> None:
        super().__init__(
            f"The memory block '{label}' would have {size} characters; its limit is {limit}. "
            "Shorten it by replacing or forgetting lines, or raise its limit.",
            param=param,
        )


# --- changes ----------------------------------------------------------------------------------


def remembering(blocks: Blocks, label: str, text: str) -> Edit | None:
    """Return the edit that adds a line, None when it is there already. Raises InvalidValue."""
    line = one_line(text)
    if not line:
        raise InvalidValue("text", "there is nothing to remember in it")
    block = block_of(blocks, label)
    if any(_folded(line) == _folded(known) for known in block.lines):
        return None
    return Edit("remember", label, added=(line,), place=len(block.lines))


def archiving(text: str) -> Edit:
    """Return the edit that keeps a text where only a search finds it. Raises InvalidValue."""
    line = one_line(text)
    if not 0 < len(line) <= _LONGEST_ARCHIVED:
        raise InvalidValue(
            "text", f"it has {len(line)} characters; the archive takes 1 to {_LONGEST_ARCHIVED}"
        )
    return Edit("archive", ARCHIVE, added=(line,))


def forgetting(blocks: Blocks, text: str) -> list[Edit]:
    """Return the edits that remove every line which holds `text`, without regard to case."""
    wanted = _folded(one_line(text))
    found = []
    for block in blocks:
        lines = [line for line in block.lines if wanted and wanted in _folded(line)]
        if lines:
            place = block.lines.index(lines[0])
            found.append(Edit("forget", block.label, removed=tuple(lines), place=place))
    return found


def replacing(blocks: Blocks, old: str, new: str) -> Edit | None:
    """Return the edit that puts one line in the place of the first that holds `old`, if one does.

    Raises InvalidValue when the new line is empty.
    """
    line = one_line(new)
    if not line:
        raise InvalidValue("new", "there is nothing to remember in it")
    for edit in forgetting(blocks, old):
        return Edit("replace", edit.block, edit.removed[:1], (line,), edit.place)
    return None


def written(before: Blocks, after: Blocks) -> list[Edit]:
    """Return the edits that make `after` of the lines of `before`, in their order."""
    known = {block.label: block for block in before}
    edits = []
    for block in after:
        was = known.pop(block.label, Block(block.label)).lines
        edits += _differences(block.label, was, block.lines)
    for gone in known.values():
        if gone.lines:
            edits.append(Edit("write", gone.label, removed=tuple(gone.lines), place=0))
    return edits


def apply(blocks: Blocks, edit: Edit) -> Blocks:
    """Return the blocks after an edit.

    Raises Conflict when a line that is to go is not there, MemoryFull when the block overflows.
    """
    if edit.block == ARCHIVE:
        return blocks
    block = block_of(blocks, edit.block)
    lines = block.lines
    place = len(lines) if edit.place is None else min(edit.place, len(lines))
    for line in edit.removed:
        if line not in lines:
            raise Conflict(f"The memory block '{edit.block}' no longer holds the line: {line}")
        # A line can be there twice: the one in its place is meant.
        is_there = place < len(lines) and lines[place] == line
        place = place if is_there else min(place, lines.index(line))
        del lines[place if is_there else lines.index(line)]
    lines[place:place] = edit.added
    changed = replace(block, text="\n".join(lines))
    if edit.added:
        check_size(changed)
    return tuple(changed if one.label == edit.block else one for one in blocks)


def making_room(block: Block, line: str) -> Edit | None:
    """Return the edit that takes out the oldest lines, as many as `line` needs; None for none.

    Raises MemoryFull for a line that is longer than the whole block may be.
    """
    if len(line) > block.limit:
        raise MemoryFull(block.label, len(line), block.limit)
    kept = block.lines
    removed = []
    while kept and len("\n".join([*kept, line])) > block.limit:
        removed.append(kept.pop(0))
    return Edit("archive", block.label, removed=tuple(removed), place=0) if removed else None


def block_of(blocks: Blocks, label: str) -> Block:
    """Return the block of this label. Raises InvalidValue that names those there are."""
    for block in blocks:
        if block.label == label:
            return block
    labels = ", ".join(block.label for block in blocks)
    raise InvalidValue("block", f"there is no block '{label}'; the memory has: {labels}")


def check_size(block: Block, param: str = "memory") -> None:
    """Raise MemoryFull, with the numbers, when a block is over its limit."""
    if len(block.text) > block.limit:
        raise MemoryFull(block.label, len(block.text), block.limit, param)


def one_line(text: str) -> str:
    """Return `text` as a line of a block can hold it."""
    return " ".join(text.replace("\0", "").split())


def _differences(label: str, was: list[str], now: list[str]) -> list[Edit]:
    edits = []
    moved = 0
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    for change, start, end, new_start, new_end in matcher.get_opcodes():
        if change == "equal":
            continue
        removed, added = tuple(was[start:end]), tuple(now[new_start:new_end])
        edits.append(Edit("write", label, removed, added, start + moved))
        moved += len(added) - len(removed)
    return edits


def _folded(text: str) -> str:
    return text.casefold().rstrip(" .。")


# --- as one text ------------------------------------------------------------------------------


def as_text(blocks: Blocks) -> str:
    """Return the blocks as one text: `# label` before the lines of each."""
    return "\n\n".join(f"# {block.label}\n{_escaped(block.text)}".rstrip() for block in blocks)


def from_text(text: str, blocks: Blocks) -> Blocks:
    """Return the blocks that a text means; limits are those of `blocks`, by label.

    Lines before the first heading belong to the first block. A block that the text does not name is
    left empty. Raises InvalidValue for a label that is none, or is there twice.
    """
    sections = _sections(text, blocks[0].label if blocks else HUMAN)
    known = {block.label: block for block in blocks}
    labels = [*known, *(label for label in sections if label not in known)]
    if len(labels) > BLOCKS:
        raise InvalidValue("memory", f"expected at most {BLOCKS} blocks")
    made = tuple(
        replace(known.get(label, Block(label)), text="\n".join(sections.get(label, ())).strip("\n"))
        for label in labels
    )
    for block in made:
        check_size(block)
    return made


def _sections(text: str, first: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    label = first
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading is None or heading["escapes"]:
            if line.strip() or label in sections:
                sections.setdefault(label, []).append(line[1:] if heading else line)
            continue
        label = _checked_label(heading["label"].strip())
        if label in sections:
            raise InvalidValue("memory", f"the heading '# {label}' is there twice")
        sections[label] = []
    return sections


def _checked_label(label: str) -> str:
    if label == ARCHIVE:
        raise InvalidValue("memory", "the heading '# archive' stands for the archive: no block")
    if not _LABEL.fullmatch(label):
        raise InvalidValue(
            "memory",
            f"'{label[:80]}' is no label of a block: up to 64 letters, digits, '_' and '-'. A line "
            "that begins with '# ' and is no heading is written with '\\' before it",
        )
    return label


def _escaped(text: str) -> str:
    lines = (f"\\{line}" if _HEADING.fullmatch(line) else line for line in text.split("\n"))
    return "\n".join(lines)
