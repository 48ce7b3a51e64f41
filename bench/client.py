"""The measuring client: raw sockets and asyncio protocols, so that its own cost stays small.

Every function is bounded by a number of requests and raises TimeoutError past its limit.
"""

import asyncio
import functools
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_LAST_CHUNK = b"0\r\n\r\n"
_LIMIT_S = 120.0
_STAGGER_S = 0.004
"""Streams begin this far apart, so that their chunks do not fall together."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server on loopback, and the name it knows the scripted model by."""

    port: int
    model: str


class UnexpectedAnswer(Exception):
    """A server did not answer 200; what it measures would be the cost of an error."""


def chat_request(endpoint: Endpoint, *, stream: bool) -> bytes:
    """Return a chat request as the official client would write it, head and body."""
    body = json.dumps(
        {
            "model": endpoint.model,
            "messages": [
                {"role": "system", "content": "You answer in one short paragraph."},
                {"role": "user", "content": "Tell me what the quick brown fox does. " * 4},
            ],
            "temperature": 0.2,
            "stream": stream,
        },
        separators=(",", ":"),
    ).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{endpoint.port}\r\n"
        "Accept: application/json\r\n"
        "Authorization: Bearer bench\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def is_complete(answer: bytes | bytearray) -> bool:
    """Whether `answer` is a whole response; raises UnexpectedAnswer unless its status is 200."""
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        return False
    if not answer.startswith(b"HTTP/1.1 200"):
        raise UnexpectedAnswer(answer[:500].decode("latin-1"))
    _, found, length = bytes(answer[:head_end]).lower().partition(_LENGTH)
    if not found:
        return answer.endswith(_LAST_CHUNK)
    size_bytes = int(length.partition(b"\r\n")[0])
    return len(answer) >= head_end + len(_HEAD_END) + size_bytes


def latencies_s(endpoint: Endpoint, requests: int) -> list[float]:
    """Return how long each of `requests` took, one after another on one connection."""
    request = chat_request(endpoint, stream=False)
    taken = []
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=_LIMIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(requests):
            began = time.perf_counter()
            connection.sendall(request)
            _receive(connection)
            taken.append(time.perf_counter() - began)
    return taken


def _receive(connection: socket.socket) -> None:
    answer = bytearray()
    while not is_complete(answer):
        piece = connection.recv(65536)
        if not piece:
            raise UnexpectedAnswer("the connection was closed within the answer")
        answer += piece


async def send_requests(endpoint: Endpoint, requests: int, connections: int) -> None:
    """Send `requests` plain requests over `connections` connections, and wait for every answer."""
    request = chat_request(endpoint, stream=False)
    left = requests

    def take_turn() -> bytes | None:
        nonlocal left
        left -= 1
        return request if left >= 0 else None

    async with asyncio.timeout(_LIMIT_S), asyncio.TaskGroup() as tasks:
        for _ in range(min(connections, requests)):
            tasks.create_task(_converse(endpoint.port, take_turn, _Exchange))


async def read_streams(endpoint: Endpoint, streams: int) -> int:
    """Read `streams` streams side by side; return how many events came in all."""
    request = chat_request(endpoint, stream=True)
    readers = []
    async with asyncio.timeout(_LIMIT_S), asyncio.TaskGroup() as tasks:
        for _ in range(streams):
            only_turn = functools.partial(next, iter([request]), None)
            readers.append(tasks.create_task(_converse(endpoint.port, only_turn, _StreamReader)))
            await asyncio.sleep(_STAGGER_S)
    return sum(reader.result().events for reader in readers)


class _Exchange(asyncio.Protocol):
    """Sends the next request as soon as an answer is complete, until there is none."""

    def __init__(self, next_request: Callable[[], bytes | None]) -> None:
        self._next_request = next_request
        self._answer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.events = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._go_on()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or UnexpectedAnswer("the connection was closed"))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        try:
            whole = is_complete(self._answer)
        except UnexpectedAnswer as error:
            self._end(error)
            return
        if whole:
            self._answer.clear()
            self._go_on()

    def _go_on(self) -> None:
        assert self._transport is not None
        if (request := self._next_request()) is None:
            self._end(None)
        else:
            self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        assert self._transport is not None
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        self._transport.close()


class _StreamReader(_Exchange):
    """Counts the events of a stream and keeps nothing but its end."""

    def data_received(self, data: bytes) -> None:
        self.events += data.count(b"data: ")
        if not self._answer and not data.startswith(b"HTTP/1.1 200"):
            self._end(UnexpectedAnswer(data[:500].decode("latin-1")))
            return
        self._answer[:] = (self._answer + data)[-len(_LAST_CHUNK) :]
        if self._answer == _LAST_CHUNK:
            self._go_on()


async def _converse(
    port: int, next_request: Callable[[], bytes | None], kind: type[_Exchange]
) -> _Exchange:
    loop = asyncio.get_running_loop()
    _, exchange = await loop.create_connection(lambda: kind(next_request), "127.0.0.1", port)
    await exchange.ended
    return exchange
