"""What a persona answers by rules, where the embedded model stands behind it. Pure.

It greets in the character's words, says who it is, answers from memory and acknowledges what it is
told. All else is left to the model.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from understudy.characters import facts, recall
from understudy.characters.persona import Persona
from understudy.characters.placeholders import DEFAULT_USER
from understudy.characters.statements import Statement
from understudy.engines.extractive import language, smalltalk
from understudy.engines.extractive.lexicon import Language
from understudy.engines.extractive.phrases import say

_ADDRESSED = re.compile(r"[,\uff0c]?\s*(?:\{\{user\}\}|<user>)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a person said last, all that they said, and what of it went into the memory."""

    text: str
    texts: Sequence[str]
    statements: Sequence[Statement] = ()
    forgot: bool = False
    archived: Sequence[str] = ()
    """Lines of the archive that have to do with it."""


def reply(persona: Persona, heard: Heard) -> str | None:
    """Return the answer, None where the rules have none."""
    spoken = language.detect_last(list(heard.texts))
    if smalltalk.is_greeting(heard.text) and persona.character.greeting:
        return _greeting(persona)
    if smalltalk.asks_who(heard.text):
        return _introduction(persona, spoken)
    if not persona.name:
        return None  # a character without a memory
    lines = [*(line for block in persona.blocks for line in block.lines), *heard.archived]
    if (answer := recall.answer(heard.text, lines, spoken)) is not None:
        return answer
    if recall.asks(heard.text):
        return None
    if heard.forgot:
        return recall.forgotten(spoken)
    known = {line for block in persona.blocks for line in block.lines}
    return recall.acknowledgement([one for one in heard.statements if _holds(one, known)], spoken)


def _holds(statement: Statement, known: Collection[str]) -> bool:
    """Tell whether a statement went into the memory: one over its limit does not."""
    fact = statement.fact
    told = (read for line in known if (read := facts.read(line)) is not None)
    return statement.saying == "denied" or any(one.is_like(fact) for one in told)


def _greeting(persona: Persona) -> str:
    """Return the character's greeting; a person whose name is not known is not called anything."""
    greeting = persona.character.greeting
    if persona.user == DEFAULT_USER:
        greeting = _ADDRESSED.sub("", greeting)
    return persona.fill(greeting)


def _introduction(persona: Persona, spoken: Language) -> str:
    name = persona.name or persona.spoken_name
    if name.casefold() != persona.spoken_name.casefold():
        name = f"{name} ({persona.spoken_name})"
    return say("i_am", spoken, persona=name)
