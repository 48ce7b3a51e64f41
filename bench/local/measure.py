"""Takes each figure on one way to the model and then on the next: all share the moment."""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.local.answer import Answer

_WORD_LETTERS = 4
_SHORT = "Hello"
_FOLLOW_UPS = 6
"""How often a known beginning is asked about, in each round."""


class Way(Protocol):
    """A way to a model."""

    name: str

    async def ask(self, text: str, tokens: int) -> Answer:
        """Ask for exactly so many tokens."""

    async def ask_together(self, texts: Sequence[str], tokens: int) -> float:
        """Ask for all of them at once, and return the seconds until the last one ended."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked."""

    rounds: int
    prompt_words: int
    tokens: int
    streams: int
    first_tokens: int
    """Short requests that are timed one after another, in each round."""


@dataclass(slots=True)
class Figures:
    """What was measured on one way; one number a round, of first tokens one a request."""

    prefill_tokens_s: list[float] = field(default_factory=list)
    decode_tokens_s: list[float] = field(default_factory=list)
    together_tokens_s: list[float] = field(default_factory=list)
    warm_first_token_s: list[float] = field(default_factory=list)
    first_token_s: list[float] = field(default_factory=list)


async def measure(ways: Sequence[Way], beside: Sequence[Way], load: Load) -> dict[str, Figures]:
    """Return the figures by name; `beside` is not asked for what is known or short."""
    everyone = [*ways, *beside]
    figures = {way.name: Figures() for way in everyone}
    for way in everyone:
        await way.ask(_SHORT, 4)
    for number in range(load.rounds):
        prompt = _words(random.Random(number), load.prompt_words)
        # Who is first changes with each round: a machine under load slows down by and by.
        step = 1 if number % 2 else -1
        for way in everyone[::step]:
            await _prefill(way, figures[way.name], prompt)
        known = [f"{prompt} And now {turn}?" for turn in range(_FOLLOW_UPS)]
        for way, first_token_s in await _first_tokens(ways[::step], known):
            figures[way.name].warm_first_token_s.append(first_token_s)
        for figure in (_alone, _together):
            for way in everyone[::step]:
                await figure(way, figures[way.name], load)
        for way, first_token_s in await _first_tokens(ways[::step], [_SHORT] * load.first_tokens):
            figures[way.name].first_token_s.append(first_token_s)
    return figures


async def _prefill(way: Way, figures: Figures, prompt: str) -> None:
    cold = await way.ask(prompt, 1)
    figures.prefill_tokens_s.append(cold.prompt_tokens / cold.first_token_s)


async def _alone(way: Way, figures: Figures, load: Load) -> None:
    answer = await way.ask(_SHORT, load.tokens)
    figures.decode_tokens_s.append(answer.tokens_per_s)


async def _together(way: Way, figures: Figures, load: Load) -> None:
    asked = [f"{_SHORT} {number}" for number in range(load.streams)]
    spent_s = await way.ask_together(asked, load.tokens)
    figures.together_tokens_s.append(load.streams * load.tokens / spent_s)


async def _first_tokens(ways: Sequence[Way], texts: Sequence[str]) -> list[tuple[Way, float]]:
    """Return the seconds until each text's first token, asked one here and one there."""
    return [(way, (await way.ask(text, 1)).first_token_s) for text in texts for way in ways]


def _words(texts: random.Random, count: int) -> str:
    """Return a text that no prompt began with before, so that nothing of it is remembered."""
    letters = (texts.choices(string.ascii_lowercase, k=_WORD_LETTERS) for _ in range(count))
    return " ".join(map("".join, letters))
