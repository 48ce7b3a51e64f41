"""What statements change in a memory: new facts are added, corrected ones take the old ones' place.

Pure. For models without functions; one that has them decides by itself.
"""

from collections.abc import Iterator, Sequence

from understudy.characters import facts
from understudy.characters.facts import Fact
from understudy.characters.memory import (
    HUMAN,
    Block,
    Blocks,
    Edit,
    apply,
    forgetting,
    making_room,
    remembering,
)
from understudy.characters.statements import Statement
from understudy.engines.extractive import words

_OPPOSITES = {"like": "dislike", "dislike": "like"}
_NOUNS = {
    "name": "nombre name 名字 姓名",
    "age": "edad age años 年龄 岁数",
    "birthday": "cumpleaños birthday 生日",
    "home": "ciudad casa domicilio city home address 住址 地址",
    "job": "trabajo profesión oficio job profession 职业 工作",
    "allergy": "alergia alergias allergy allergies 过敏",
    "like": "gustos likes tastes 爱好 喜好",
}
"""What people call the facts that they want to be forgotten."""


def changed(blocks: Blocks, said: Sequence[Statement], unwanted: Sequence[str]) -> list[Edit]:
    """Return the edits of what is stated and of what is asked to be forgotten, in this order."""
    edits = learned(blocks, said)
    for edit in edits:
        blocks = apply(blocks, edit)
    return [*edits, *dropped(blocks, unwanted)]


def learned(blocks: Blocks, said: Sequence[Statement]) -> list[Edit]:
    """Return the edits that statements make, in their order; each stands on those before it.

    Where the block of the person is full, its oldest lines go to the archive.
    """
    block = _home(blocks)
    edits: list[Edit] = []
    for statement in said:
        for edit in _edits(blocks, block, statement):
            blocks = apply(blocks, edit)
            edits.append(edit)
    return edits


def dropped(blocks: Blocks, wanted: Sequence[str]) -> list[Edit]:
    """Return the edits that forget what a person asks to be forgotten; `*` is everything."""
    edits: list[Edit] = []
    for text in wanted:
        for edit in _forgotten(blocks, text):
            blocks = apply(blocks, edit)
            edits.append(edit)
    return edits


def known_facts(blocks: Blocks) -> list[Fact]:
    """Return the facts that lines of a memory state in the words of `facts`."""
    read = (facts.read(line) for block in blocks for line in block.lines)
    return [fact for fact in read if fact is not None]


def _home(blocks: Blocks) -> str:
    """Return the label of the block that facts about the person go to."""
    labels = [block.label for block in blocks]
    return HUMAN if HUMAN in labels or not labels else labels[0]


def _edits(blocks: Blocks, label: str, statement: Statement) -> Iterator[Edit]:
    block = next((one for one in blocks if one.label == label), None)
    if block is None:
        return
    fact = statement.fact
    lines = [line for line in block.lines if _is_about(line, fact, statement.saying)]
    place = block.lines.index(lines[0]) if lines else None
    if statement.saying == "denied":
        if lines:
            yield Edit("forget", label, removed=tuple(lines), place=place)
        return
    if any((known := facts.read(line)) and known.is_like(fact) for line in block.lines):
        return
    if lines:
        yield from _in_place(block, Edit("replace", label, tuple(lines), (fact.line,), place))
        return
    yield from _appended(blocks, block, fact.line)


def _is_about(line: str, fact: Fact, saying: str) -> bool:
    """Tell whether a line goes when a fact is told or denied."""
    known = facts.read(line)
    if known is None:
        return False
    is_same_key = facts.fold_key(known.key) == facts.fold_key(fact.key)
    if saying == "denied":
        return is_same_key and (not fact.value or _overlap(known.value, fact.value))
    if fact.key in facts.SEVERAL:
        return known.key == _OPPOSITES.get(fact.key) and facts.same(known.value, fact.value)
    return is_same_key


def _overlap(one: str, other: str) -> bool:
    """Tell whether one value names the other: `Madrid` and `Madrid, Spain`."""
    known, said = facts.bare(one), facts.bare(other)
    return said in known or known in said


def _in_place(block: Block, edit: Edit) -> Iterator[Edit]:
    """Yield a replacement; in a block that it would overflow, older lines go first."""
    freed = sum(len(line) + 1 for line in edit.removed)
    needed = len(edit.added[0]) - freed
    if needed <= 0 or len(block.text) + needed + 1 <= block.limit:
        yield edit
        return
    yield Edit("forget", block.label, edit.removed, place=edit.place)
    rest = Block(
        block.label,
        "\n".join(line for line in block.lines if line not in edit.removed),
        block.limit,
    )
    yield from _appended((rest,), rest, edit.added[0])


def _appended(blocks: Blocks, block: Block, line: str) -> Iterator[Edit]:
    if len(line) > block.limit:
        return  # nothing that could be taken out would make room for it
    if (room := making_room(block, line)) is not None:
        yield room
        blocks = apply(blocks, room)
    if (edit := remembering(blocks, block.label, line)) is not None:
        yield edit


def _forgotten(blocks: Blocks, text: str) -> list[Edit]:
    if text == "*":
        return [
            Edit("forget", block.label, removed=tuple(block.lines), place=0)
            for block in blocks
            if block.lines
        ]
    if direct := forgetting(blocks, text):
        return direct
    asked = set(words.terms(text))
    keys = {key for key, nouns in _NOUNS.items() if asked & set(words.terms(nouns))}
    return [
        Edit("forget", block.label, removed=(line,), place=block.lines.index(line))
        for block in blocks
        for line in block.lines
        if _is_meant(line, asked, keys)
    ]


def _is_meant(line: str, asked: set[str], keys: set[str]) -> bool:
    known = facts.read(line)
    if known is not None and known.key in keys:
        return True
    value = known.value if known is not None else line
    named = set(words.terms(value))
    return bool(named) and named <= asked
