"""One child process with one model, as the server sees it: begun, ready, ended, and why."""

import asyncio
import logging
import time
from collections import deque
from typing import Final

import anyio
import msgspec
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.text import TextReceiveStream

from understudy import children
from understudy.engines.llama.child import ENVIRONMENT, Launch, Report
from understudy.engines.llama.failures import how_it_ended, load_failure

_MODULE: Final = "understudy.engines.llama.child"
_LONGEST_REPORT_BYTES: Final = 64 * 1024
_WORDS_KEPT: Final = 40
_LONGEST_WORD: Final = 2_000
_CLEAN_UP_S: Final = 10.0
_log = logging.getLogger(__name__)


class LoadFailed(Exception):
    """The child ended before its model was loaded; the message is the cause."""


class EngineProcess:
    """A child that is started at once, and watched by a task that this object owns."""

    def __init__(self, launch: Launch, load_timeout_s: float) -> None:
        self.launch = launch
        self.began_at = time.monotonic()
        self.ready_at: float | None = None
        self._load_timeout_s = load_timeout_s
        self._words: deque[str] = deque(maxlen=_WORDS_KEPT)
        self._process: Process | None = None
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(), name=f"local engine of {launch.name}")

    async def url(self) -> str:
        """Return where the model answers, as soon as it does; raises LoadFailed."""
        return await asyncio.shield(self._url)

    @property
    def has_ended(self) -> bool:
        """Whether the child is gone."""
        # Why a model was not loaded is known only when the last words are read.
        return self._task.done() or (self.is_ready and self._status is not None)

    @property
    def is_ready(self) -> bool:
        """Whether the model was loaded."""
        return self.ready_at is not None

    @property
    def failure(self) -> str:
        """Why the model was not loaded; empty where it was, or may still be."""
        error = self._url.exception() if self._url.done() else None
        return str(error) if error else ""

    @property
    def end(self) -> str:
        """How it ended, in words."""
        return how_it_ended(self._status)

    @property
    def pid(self) -> int | None:
        """The child's process id, once it was begun."""
        return self._process.pid if self._process else None

    async def ends_within(self, seconds: float) -> bool:
        """Wait for the end for so long, and tell whether it came."""
        await asyncio.wait([self._task], timeout=seconds)
        return self.has_ended

    async def aclose(self) -> None:
        """End the child, and return when its memory is free."""
        self._task.cancel()
        await asyncio.wait([self._task])
        self._give_up("it was unloaded before it was ready")
        self._url.exception()  # Nobody may have waited for it.

    @property
    def _status(self) -> int | None:
        return self._process.returncode if self._process else None

    async def _live(self) -> None:
        """Start the child, tell when it is ready, and stay until it ends."""
        try:
            self._process = process = await anyio.open_process(
                children.command(_MODULE), env=children.environment() | ENVIRONMENT
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen, process)
                await self._await_report(process)
                await process.wait()
        except OSError as error:
            self._give_up(f"its process cannot be started: {error.strerror}")
        finally:
            await self._clear_up()

    async def _await_report(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with anyio.fail_after(self._load_timeout_s):
                await process.stdin.send(msgspec.json.encode(self.launch) + b"\n")
                line = await BufferedByteReceiveStream(process.stdout).receive_until(
                    b"\n", _LONGEST_REPORT_BYTES
                )
        except TimeoutError:
            self._give_up(
                f"loading took longer than {self._load_timeout_s:g} s. Take a smaller one, or "
                "raise local.load_timeout_s"
            )
            process.kill()
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.EndOfStream):
            return  # It ends, and its last words say why.
        else:
            self.ready_at = time.monotonic()
            self._url.set_result(msgspec.json.decode(line, type=Report).url)

    async def _listen(self, process: Process) -> None:
        """Keep the last lines that the engine writes."""
        assert process.stderr is not None
        rest = ""
        async for text in TextReceiveStream(process.stderr, errors="replace"):
            *lines, rest = (rest + text).split("\n")
            rest = rest[-_LONGEST_WORD:]
            for line in filter(str.strip, lines):
                _log.debug("%s: %s", self.launch.name, line)
                self._words.append(line[:_LONGEST_WORD])

    async def _clear_up(self) -> None:
        process = self._process
        if process is not None:
            with anyio.move_on_after(_CLEAN_UP_S, shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()
        if not self._url.done():
            self._give_up(self._why_not_loaded())

    def _why_not_loaded(self) -> str:
        status = self._status
        if status is not None and status < 0:
            return f"its engine ended ({self.end})"
        return load_failure(self._words)

    def _give_up(self, cause: str) -> None:
        if not self._url.done():
            self._url.set_exception(LoadFailed(cause))
