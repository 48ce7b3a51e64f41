"""The client that drives runs, and the one that reads their streams, on asyncio and httpx2."""

import asyncio
import json
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

_LIMIT_S = 120.0
_FIRST_TOKEN = "thread.message.delta"
_LAST = "thread.run.completed"
_DONE = "[DONE]"
Result = TypeVar("Result")


class WrongStream(Exception):
    """A stream missed an event, repeated one, or did not come to its end."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a stream of a run was like; times are seconds since the request was sent."""

    first_token_s: float
    end_s: float
    events: int


class Client:
    """A client of one server with one assistant."""

    def __init__(self, port: int, model: str, connections: int = 256) -> None:
        limits = httpx2.Limits(max_connections=connections)
        self._http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/v1", timeout=_LIMIT_S, trust_env=False, limits=limits
        )
        self._model = model
        self._assistant_id = ""

    async def __aenter__(self) -> "Client":
        made = await self.post("/assistants", {"model": self._model, "name": "bench"})
        self._assistant_id = made["id"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the answer to a request; raises for one that is refused."""
        answer = await self._http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def get(self, path: str) -> float:
        """Return how many seconds an answer took."""
        began = time.perf_counter()
        answer = await self._http.get(path)
        answer.raise_for_status()
        return time.perf_counter() - began

    async def thread(self, messages: int = 1) -> str:
        """Make a thread with so many messages and return its id."""
        wanted = [{"role": "user", "content": f"Message number {n}."} for n in range(messages)]
        made = await self.post("/threads", {"messages": wanted})
        return str(made["id"])

    async def run(self, thread_id: str) -> Streamed:
        """Run the assistant on a thread and read its stream to the end. Raises WrongStream."""
        began = time.perf_counter()
        first_token_s = 0.0
        names: list[str] = []
        body = {"assistant_id": self._assistant_id, "stream": True}
        async with self._http.stream("POST", f"/threads/{thread_id}/runs", json=body) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if not line.startswith("event: "):
                    continue
                names.append(line.removeprefix("event: "))
                if names[-1] == _FIRST_TOKEN and not first_token_s:
                    first_token_s = time.perf_counter() - began
        if names[-2:] != [_LAST, "done"]:
            raise WrongStream(f"a stream ended with {names[-3:]}")
        return Streamed(first_token_s, time.perf_counter() - began, len(names))

    async def check_numbers(self, thread_id: str) -> None:
        """Read the stream of a thread's run again. Raises WrongStream when a number is missing."""
        answer = await self._http.get(f"/threads/{thread_id}/runs")
        run_id = answer.json()["data"][0]["id"]
        path = f"/threads/{thread_id}/runs/{run_id}"
        again = await self._http.get(path, params={"stream": "true", "starting_after": "0"})
        numbers = [int(number) for number in _fields(again.text, "id: ")]
        if numbers != list(range(1, len(numbers) + 1)):
            raise WrongStream(f"a stream has the numbers {numbers}")
        _check_text([json.loads(data) for data in _fields(again.text, "data: ") if data != _DONE])


def _fields(text: str, prefix: str) -> list[str]:
    lines = text.splitlines()
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


def _check_text(payloads: list[dict[str, Any]]) -> None:
    """Raise WrongStream unless the deltas make up the message."""
    deltas = [p for p in payloads if p.get("object") == "thread.message.delta"]
    said = "".join(part["text"]["value"] for d in deltas for part in d["delta"]["content"])
    messages = [p for p in payloads if p.get("object") == "thread.message"]
    if said != messages[-1]["content"][0]["text"]["value"]:
        raise WrongStream("the pieces of a stream do not make up its message")


async def together(works: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do all works at the same time and return their results."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(work) for work in works]
    return [task.result() for task in started]
