"""The scripted model server behind every measured path: canned plain answers, paced streams.

Written against asyncio's protocols so that it bounds nothing. Runs as a process of its own:
`python -m bench.upstream --port 9000`.
"""

import argparse
import asyncio
import contextlib
import json
import socket
from typing import cast

import uvloop

MODEL = "scripted"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_STREAM_FLAGS = (b'"stream":true', b'"stream": true')
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _response(value: object) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def _event(choices: list[object], **fields: object) -> bytes:
    chunk = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": MODEL,
        "choices": choices,
        **fields,
    }
    data = b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


_USAGE = {"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 32}
_PLAIN = _response(
    {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1767225600,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "The quick brown fox jumps. " * 8},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
)
_MODELS = _response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
_FIRST = _event([{"index": 0, "delta": {"role": "assistant", "content": ""}}])
_WORD = _event([{"index": 0, "delta": {"content": " word"}, "finish_reason": None}])
_LAST = (
    _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    + _event([], usage=_USAGE)
    + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
)


class _Connection(asyncio.Protocol):
    """One kept connection; requests are told apart by length, their kind by a few bytes."""

    def __init__(self, chunks: int, pace_s: float) -> None:
        self._chunks = chunks
        self._pace_s = pace_s
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(_HEAD_END)
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        body_at = head_end + len(_HEAD_END)
        _, _, length = head.partition(_LENGTH)
        size_bytes = int(length.partition(b"\r\n")[0] or 0)
        if len(self._received) < body_at + size_bytes:
            return
        body = self._received[body_at : body_at + size_bytes]
        self._received = self._received[body_at + size_bytes :]
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        assert self._transport is not None
        if not body:
            self._transport.write(_MODELS)
        elif any(flag in body for flag in _STREAM_FLAGS):
            self._transport.write(_STREAM_HEAD + _FIRST)
            self._next_at = asyncio.get_running_loop().time()
            self._schedule(self._chunks)
        else:
            self._transport.write(_PLAIN)

    def _schedule(self, left: int) -> None:
        self._next_at += self._pace_s
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._next_at, self._send_chunk, left)

    def _send_chunk(self, left: int) -> None:
        assert self._transport is not None
        if left == 0:
            self._transport.write(_LAST)
            return
        self._transport.write(_WORD)
        self._schedule(left - 1)


async def _serve(port: int, chunks: int, pace_s: float) -> None:
    listener = socket.create_server(("127.0.0.1", port), backlog=256)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(chunks, pace_s), sock=listener
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--pace-ms", type=float, default=20.0)
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(options.port, options.chunks, options.pace_ms / 1000))


if __name__ == "__main__":
    main()
