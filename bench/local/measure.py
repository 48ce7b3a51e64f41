"""Takes each figure on one way to the model and then on the other: both share the moment."""

import asyncio
import random
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.local.client import Client

_WORD_LETTERS = 4
_SHORT = "Hello"
_FOLLOW_UPS = 6
"""How often a known beginning is asked about, in each round."""


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
    prompt_tokens: int = 0
    """Of the long prompt."""


async def measure(clients: Sequence[Client], load: Load) -> dict[str, Figures]:
    """Return the figures by the name of the way."""
    figures = {client.target.name: Figures() for client in clients}
    for client in clients:
        await client.ask(_SHORT, 4)
    for number in range(load.rounds):
        texts = random.Random(number)
        prompts = [_words(texts, load.prompt_words) for _ in range(load.streams)]
        # Who is first changes with each round: a machine under load slows down by and by.
        ordered = clients if number % 2 else clients[::-1]
        for figure in (_prefill, _follow_ups, _alone, _together):
            for client in ordered:
                await figure(client, figures[client.target.name], load, prompts)
        await _first_tokens(ordered, figures, load.first_tokens)
    return figures


async def _prefill(client: Client, figures: Figures, _: Load, prompts: Sequence[str]) -> None:
    cold = await client.ask(prompts[0], 1)
    figures.prompt_tokens = cold.prompt_tokens
    figures.prefill_tokens_s.append(cold.prompt_tokens / cold.first_token_s)


async def _follow_ups(client: Client, figures: Figures, _: Load, prompts: Sequence[str]) -> None:
    for number in range(_FOLLOW_UPS):
        warm = await client.ask(f"{prompts[0]} And now {number}?", 1)
        figures.warm_first_token_s.append(warm.first_token_s)


async def _alone(client: Client, figures: Figures, load: Load, _: Sequence[str]) -> None:
    answer = await client.ask(_SHORT, load.tokens)
    figures.decode_tokens_s.append(answer.tokens_per_s)


async def _together(client: Client, figures: Figures, load: Load, _: Sequence[str]) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(load.streams):
            tasks.create_task(client.ask(f"{_SHORT} {number}", load.tokens))
    spent_s = time.perf_counter() - began
    figures.together_tokens_s.append(load.streams * load.tokens / spent_s)


async def _first_tokens(
    clients: Sequence[Client], figures: dict[str, Figures], requests: int
) -> None:
    """Time short requests, one here and one there."""
    for _ in range(requests):
        for client in clients:
            answer = await client.ask(_SHORT, 1)
            figures[client.target.name].first_token_s.append(answer.first_token_s)


def _words(texts: random.Random, count: int) -> str:
    """Return a text that no prompt began with before, so that nothing of it is remembered."""
    letters = (texts.choices(string.ascii_lowercase, k=_WORD_LETTERS) for _ in range(count))
    return " ".join(map("".join, letters))
