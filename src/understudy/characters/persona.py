"""The system prompt of a persona: character, memory and what the conversation calls for. Pure.

Made of named parts, so that a reader can be shown what the model sees and what it costs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from understudy.characters.learning import known_facts
from understudy.characters.memory import Block, Blocks
from understudy.characters.memory_functions import Function
from understudy.characters.placeholders import DEFAULT_USER, filled
from understudy.wire.characters import Character
from understudy.wire.tokens import count

PartName = Literal[
    "system",
    "description",
    "personality",
    "scenario",
    "example_dialogues",
    "lore",
    "knowledge",
    "memory",
    "archive",
    "greeting",
    "instructions",
    "functions",
    "summary",
    "post_history_instructions",
]
_TAG = re.compile(r"<(/?memory)", re.IGNORECASE)
_ORIGINAL = re.compile(r"\{\{original\}\}", re.IGNORECASE)
_DEFAULT_SYSTEM = (
    "You are {{char}}. Stay in character, and answer in the language that the person writes in."
)
_GOES_BY = "This {{char}} goes by the name {name}."
_DIALOGUES = "Examples of how {{char}} speaks:\n"
_SCENARIO = "Where the conversation takes place: "
_PERSONALITY = "{{char}}'s personality: "
_LORE = "What {{char}} knows of what was mentioned:\n"
_KNOWLEDGE = "What {{char}}'s documents say about it:\n"
_MEMORY = "What {{char}} remembers of earlier conversations:\n"
_ARCHIVE = "Older memories that may have to do with it:\n"
_GREETING = "{{char}} began the conversation with: "
_FUNCTIONS = (
    "{{char}} has a lasting memory, which is shown above. Call `{remember}` when the person tells "
    "something worth knowing in later conversations: names, preferences, dates, decisions. Call "
    "`{replace}` when something remembered has changed, and `{forget}` when it is no longer true "
    "or the person asks for it. Write short statements in the person's language. Do not remember "
    "what is remembered already, and do not mention these functions."
)


@dataclass(frozen=True, slots=True)
class Persona:
    """A character, and what an instance of it remembers; without an instance `name` is empty."""

    character: Character
    name: str = ""
    blocks: Blocks = ()

    @property
    def spoken_name(self) -> str:
        """What the character is called: a card's nickname stands for its name."""
        card = self.character.card
        return (card.nickname if card else "") or self.character.name

    @property
    def user(self) -> str:
        """What the person is called, as far as the memory knows."""
        names = [fact.value for fact in known_facts(self.blocks) if fact.key == "name"]
        return names[-1] if names else DEFAULT_USER

    def fill(self, text: str) -> str:
        """Return a text with the names of both in place of its placeholders."""
        return filled(text, self.spoken_name, self.user)


@dataclass(frozen=True, slots=True)
class Called:
    """What one conversation calls for: of the lorebook, the documents, the archive."""

    lore: Sequence[str] = ()
    knowledge: Sequence[str] = ()
    archive: Sequence[str] = ()
    is_first: bool = False
    """Whether nobody has answered yet, so that the greeting is the only thing said before."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the prompt."""

    name: PartName
    text: str

    @property
    def tokens(self) -> int:
        """How many tokens it has, as this server counts them."""
        return count(self.text)


def parts(
    persona: Persona, called: Called, functions: Mapping[Function, str] | None = None
) -> list[Part]:
    """Return the parts of the prompt that say something, in their order.

    `functions` are the names that remember, replace and forget have in this request, if any.
    """
    character = persona.character
    lines = "\n\n"
    texts: list[tuple[PartName, str]] = [
        ("system", _system(persona)),
        ("description", character.description),
        ("personality", _after(_PERSONALITY, character.personality)),
        ("scenario", _after(_SCENARIO, character.scenario)),
        ("example_dialogues", _after(_DIALOGUES, character.example_dialogues)),
        ("lore", _after(_LORE, lines.join(called.lore))),
        ("knowledge", _after(_KNOWLEDGE, lines.join(called.knowledge))),
        ("memory", _after(_MEMORY, _memory(persona.blocks, with_sizes=functions is not None))),
        ("archive", _after(_ARCHIVE, "\n".join(called.archive))),
        ("greeting", _after(_GREETING, character.greeting) if called.is_first else ""),
        ("instructions", "" if functions is None else _functions(functions)),
        ("post_history_instructions", _replaced(character.post_history_instructions, "")),
    ]
    return [Part(name, persona.fill(text.strip())) for name, text in texts if text.strip()]


def prompt(made: Sequence[Part]) -> str:
    """Return the parts as one system message."""
    return "\n\n".join(part.text for part in made)


def _system(persona: Persona) -> str:
    original = _DEFAULT_SYSTEM
    if persona.name and persona.name.casefold() != persona.spoken_name.casefold():
        original += " " + _GOES_BY.replace("{name}", persona.name)
    return _replaced(persona.character.system_template, original) or original


def _replaced(template: str, original: str) -> str:
    """Return a card's text with what it stands in for where it says `{{original}}`."""
    return _ORIGINAL.sub(lambda _: original, template)


def _after(heading: str, text: str) -> str:
    return heading + text if text.strip() else ""


def _memory(blocks: Blocks, *, with_sizes: bool) -> str:
    return "\n".join(
        _block(block, with_sizes=with_sizes) for block in blocks if _is_shown(block, with_sizes)
    )


def _is_shown(block: Block, with_sizes: bool) -> bool:
    return with_sizes or bool(block.lines)


def _block(block: Block, *, with_sizes: bool) -> str:
    """Return a block; a model that writes it has to know its label and what room is left."""
    if not with_sizes:
        return "\n".join(block.lines)
    head = f'<memory block="{block.label}" characters="{len(block.text)} of {block.limit}">'
    # A line that holds the tag itself must not end the block.
    return "\n".join([head, *(_TAG.sub(r"<\\\1", line) for line in block.lines), "</memory>"])


def _functions(names: Mapping[Function, str]) -> str:
    text = _FUNCTIONS
    for operation, name in names.items():
        text = text.replace("{" + operation + "}", name)
    return text
