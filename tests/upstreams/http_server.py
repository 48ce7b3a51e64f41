"""A small HTTP/1.1 server for tests: it lets a behaviour send any bytes, or none, and break off.

`Call` is a request as it came, `Reply` the way to answer it. A behaviour is an async function of
both. The server runs in a thread with an event loop of its own, so that sync and async tests, and
child processes, can all call it.
"""

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized"}


@dataclass(slots=True)
class Call:
    """A request that the server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Number of the connection it came on, counted from 0."""
    disconnected: threading.Event = field(default_factory=threading.Event)
    """Set when the client went away before its answer was complete."""

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}

    @property
    def key(self) -> str:
        """The bearer key that was sent, empty where there was none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Reply:
    """The answer to one call: `json` and `events`, or `start`, `send`, `end` for anything else."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._is_chunked = False
        self.keeps_connection = True

    async def json(
        self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with a JSON body."""
        text = json.dumps(body, ensure_ascii=False).encode()
        await self.text(text, status, {"content-type": "application/json", **(headers or {})})

    async def text(self, body: bytes, status: int, headers: Mapping[str, str]) -> None:
        """Answer with a body of any kind."""
        await self._head(status, {**headers, "content-length": str(len(body))})
        self._writer.write(body)
        await self._writer.drain()

    async def start(
        self,
        content_type: str = "text/event-stream",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Begin a chunked body; `send` adds to it and `end` ends it."""
        self._is_chunked = True
        sent = {"content-type": content_type, "transfer-encoding": "chunked", **(headers or {})}
        await self._head(200, sent)

    async def send(self, data: bytes) -> None:
        """Send bytes, as one chunk of a chunked body or as they are."""
        if self._is_chunked and data:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._writer.write(data)
        await self._writer.drain()

    async def end(self) -> None:
        """End a chunked body."""
        self._is_chunked = False
        await self.send(b"0\r\n\r\n")

    async def events(
        self, chunks: Iterable[Any], pace_s: float = 0.0, *, is_done: bool = True
    ) -> None:
        """Answer with server-sent events, `[DONE]` after them, `pace_s` between two."""
        await self.start()
        for number, chunk in enumerate(chunks):
            if number and pace_s:
                await asyncio.sleep(pace_s)
            await self.send(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n")
        if is_done:
            await self.send(b"data: [DONE]\n\n")
        await self.end()

    def close(self) -> None:
        """Close the connection after what was sent so far."""
        self.keeps_connection = False

    def reset(self) -> None:
        """Tear the connection down: the client reads ECONNRESET."""
        self.keeps_connection = False
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()


Behaviour = Callable[[Call, Reply], Awaitable[None]]


_TURNS_TO_BEGIN = 5
"""Of the event loop, in which a connection that was just accepted comes to its task: cancelled
before, it would never be closed."""


class HttpServer:
    """Serves one behaviour on a loopback port. Use it as a context manager."""

    def __init__(self, behaviour: Behaviour, port: int = 0) -> None:
        self._behaviour = behaviour
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, name="scripted-upstream", daemon=True)
        self.connections = 0
        self.address = ""

    def start(self) -> None:
        """Serve from now on; returns once connections are taken."""
        self._thread.start()
        self._is_up.wait()
        if not self.address:
            raise OSError(f"cannot listen on port {self._port}")

    def stop(self) -> None:
        """End every connection and the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def close_idle(self) -> None:
        """Close the connections that wait for their next request, and return once it is done."""
        done = threading.Event()

        def close() -> None:
            for writer in self._idle:
                writer.close()
            done.set()

        self._loop.call_soon_threadsafe(close)
        done.wait()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            try:
                self._loop.run_until_complete(self._serve())
            finally:
                self._is_up.set()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", self._port)
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"http://{host}:{port}"
        self._is_up.set()
        await self._stop.wait()
        server.close()
        for _ in range(_TURNS_TO_BEGIN):
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number, self.connections = self.connections, self.connections + 1
        try:
            while call := await self._read(reader, writer, number):
                if not await self._answer(call, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._idle.discard(writer)
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> Call | None:
        self._idle.add(writer)
        try:
            first_byte = await reader.readexactly(1)
            if not first_byte.isalpha():
                return None  # A TLS greeting, say, which would never end in a blank line.
            head = first_byte + await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        self._idle.discard(writer)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Call(method, path, headers, body, number)

    async def _answer(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Run the behaviour while the client is there; return whether the connection stays."""
        reply = Reply(writer)
        work = asyncio.ensure_future(self._behaviour(call, reply))
        watch = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                call.disconnected.set()
                return False
            await work
        except ConnectionError:
            call.disconnected.set()
            return False
        finally:
            for task in (work, watch):
                task.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
        return reply.keeps_connection
