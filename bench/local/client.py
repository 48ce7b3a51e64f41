"""The client that asks a model for streams and takes the time of each token's arrival."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import httpx2

from bench.local.answer import Answer
from bench.local.engines import Target

_LIMIT_S = 600.0
_SPECIAL_TOKENS = range(256, 263)
"""Of the model's tokenizer: ends of text, and marks of thoughts and calls. None is to come, so that
every token is seen and no answer ends early."""


class NoAnswer(Exception):
    """A stream ended without its tokens."""


class Client:
    """A client of one way to the model."""

    def __init__(self, target: Target) -> None:
        self.name = target.name
        self._target = target
        headers = {"authorization": f"Bearer {target.key}"} if target.key else {}
        self._http = httpx2.AsyncClient(timeout=_LIMIT_S, trust_env=False, headers=headers)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, text: str, tokens: int) -> Answer:
        """Ask for exactly so many tokens, and read them as they come. Raises NoAnswer."""
        try:
            return await self._ask(text, tokens)
        except httpx2.RemoteProtocolError:
            # The engine closes kept connections now and then, maybe just when one is used again.
            return await self._ask(text, tokens)

    async def ask_together(self, texts: Sequence[str], tokens: int) -> float:
        """Ask for all of them at once, and return the seconds until the last one ended."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for text in texts:
                tasks.create_task(self.ask(text, tokens))
        return time.perf_counter() - began

    async def _ask(self, text: str, tokens: int) -> Answer:
        body = {
            "model": self._target.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": tokens,
            "temperature": 0,
            "ignore_eos": True,
            "logit_bias": {str(token): -100 for token in _SPECIAL_TOKENS},
            "chat_template_kwargs": {"enable_thinking": False},
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        began = time.perf_counter()
        arrivals: list[float] = []
        usage: dict[str, Any] = {}
        url = f"{self._target.base_url}/chat/completions"
        async with self._http.stream("POST", url, json=body) as answer:
            if answer.status_code != 200:
                raise NoAnswer((await answer.aread()).decode())
            async for line in answer.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                event = json.loads(line.removeprefix("data: "))
                usage = event.get("usage") or usage
                if _has_text(event):
                    arrivals.append(time.perf_counter() - began)
        if usage.get("completion_tokens") != tokens or not arrivals:
            raise NoAnswer(f"{self.name}: {tokens} tokens were asked for, got {usage}")
        return Answer(arrivals[0], arrivals[-1], usage["prompt_tokens"], tokens)


def _has_text(event: dict[str, Any]) -> bool:
    deltas = [choice["delta"] for choice in event["choices"]]
    return any(delta.get("content") or delta.get("reasoning_content") for delta in deltas)
