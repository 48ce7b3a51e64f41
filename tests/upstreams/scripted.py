"""The scripted upstream: a real HTTP server on loopback that plays a model provider.

    with ScriptedUpstream() as upstream:
        upstream.play(answer({"error": {"message": "busy"}}, 503), hang())
        ...                               # call upstream.base_url
        assert upstream.calls[0].json["model"] == "m"

Every request takes the next step that `play` queued; when none is left, the behaviour answers
(`chat_echo` unless another is given). As a process, for other suites and for benches:

    python -m tests.upstreams.scripted --port 9000 [--behaviour dashscope --region cn]
"""

import argparse
import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Self

from tests.upstreams.chat_echo import chat_echo
from tests.upstreams.dashscope import KEYS, dashscope
from tests.upstreams.http_server import Behaviour, Call, HttpServer, Reply


class ScriptedUpstream:
    """A provider that does what the test says, and remembers what it was asked."""

    def __init__(
        self, behaviour: Behaviour = chat_echo, *, prefix: str = "/v1", port: int = 0
    ) -> None:
        self._behaviour = behaviour
        self._prefix = prefix
        self._steps: deque[Behaviour] = deque()
        self._server = HttpServer(self._next, port)
        self._arrived = threading.Condition()
        self.calls: list[Call] = []

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def base_url(self) -> str:
        """What a client gives as `base_url`."""
        return self._server.address + self._prefix

    @property
    def connections(self) -> int:
        """How many connections were opened so far."""
        return self._server.connections

    def play(self, *steps: Behaviour) -> None:
        """Queue what happens with the next requests, one step each."""
        self._steps.extend(steps)

    def close_idle(self) -> None:
        """Close the kept-alive connections that wait for a request."""
        self._server.close_idle()

    def wait_for_calls(self, count: int, timeout_s: float = 10.0) -> list[Call]:
        """Block until `count` requests have come, and return all so far."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.calls) >= count, timeout_s):
                raise AssertionError(f"{len(self.calls)} of {count} requests came")
        return self.calls

    async def _next(self, call: Call, reply: Reply) -> None:
        with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
        step = self._steps.popleft() if self._steps else self._behaviour
        call.path = call.path.removeprefix(self._prefix)
        await step(call, reply)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer with JSON."""

    async def step(_: Call, reply: Reply) -> None:
        await reply.json(body, status, headers)

    return step


def raw(
    body: bytes,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Answer with these bytes as the body."""

    async def step(_: Call, reply: Reply) -> None:
        await reply.text(body, status, {"content-type": content_type, **(headers or {})})

    return step


def stream(chunks: Iterable[Any], pace_s: float = 0.0, *, is_done: bool = True) -> Behaviour:
    """Answer with events, `[DONE]` after them unless told not to, `pace_s` between two."""
    held = list(chunks)

    async def step(_: Call, reply: Reply) -> None:
        await reply.events(held, pace_s, is_done=is_done)

    return step


def stream_bytes(pieces: Iterable[bytes], content_type: str = "text/event-stream") -> Behaviour:
    """Answer with these bytes as an event stream, each piece a chunk of its own."""
    held = list(pieces)

    async def step(_: Call, reply: Reply) -> None:
        await reply.start(content_type)
        for piece in held:
            await reply.send(piece)
        await reply.end()

    return step


def break_off(pieces: Iterable[bytes] = (), *, with_reset: bool = False) -> Behaviour:
    """Begin an event stream, send the pieces, and close or reset the connection amid the body."""
    held = list(pieces)

    async def step(_: Call, reply: Reply) -> None:
        await reply.start()
        for piece in held:
            await reply.send(piece)
        if with_reset:
            reply.reset()
        reply.close()

    return step


def stall(pieces: Iterable[bytes] = ()) -> Behaviour:
    """Begin an event stream, send the pieces, and fall silent until the client goes away."""
    held = list(pieces)

    async def step(_: Call, reply: Reply) -> None:
        await reply.start()
        for piece in held:
            await reply.send(piece)
        await asyncio.Event().wait()

    return step


def hang() -> Behaviour:
    """Never answer."""

    async def step(_: Call, __: Reply) -> None:
        await asyncio.Event().wait()

    return step


def drop() -> Behaviour:
    """Close the connection without a byte of an answer."""

    async def step(_: Call, reply: Reply) -> None:
        reply.close()

    return step


def reset() -> Behaviour:
    """Reset the connection without a byte of an answer."""

    async def step(_: Call, reply: Reply) -> None:
        reply.reset()

    return step


def truncate(body: bytes, declared_bytes: int) -> Behaviour:
    """Announce a longer JSON body than is sent, then close."""

    async def step(_: Call, reply: Reply) -> None:
        head = (
            f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {declared_bytes}"
        )
        await reply.send(head.encode() + b"\r\n\r\n" + body)
        reply.close()

    return step


def delayed(seconds: float, step: Behaviour = chat_echo) -> Behaviour:
    """Wait, then do `step`."""

    async def later(call: Call, reply: Reply) -> None:
        await asyncio.sleep(seconds)
        await step(call, reply)

    return later


def main() -> None:
    """Serve until interrupted, and print the base URL."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--behaviour", choices=("chat_echo", "dashscope"), default="chat_echo")
    parser.add_argument("--region", choices=sorted(KEYS), default="intl")
    options = parser.parse_args()
    is_echo = options.behaviour == "chat_echo"
    upstream = ScriptedUpstream(
        chat_echo if is_echo else dashscope(options.region),
        prefix="/v1" if is_echo else "/compatible-mode/v1",
        port=options.port,
    )
    with upstream, contextlib.suppress(KeyboardInterrupt):
        print(upstream.base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
