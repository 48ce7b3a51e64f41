"""Engines of other Pythons, each in a process that is asked over its standard input."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.local.answer import Answer, Request

_ROOT = Path(__file__).resolve().parents[2]


class EngineEnded(Exception):
    """The process ended without an answer; what it wrote on standard error says why."""


class Beside:
    """An engine that is asked for tokens alone: it sees prompts of random ones."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process

    async def ask(self, text: str, tokens: int) -> Answer:
        """Ask for exactly so many tokens after a prompt as long as `text`. Raises EngineEnded."""
        return self._asked(Request(1, _token_count(text), tokens))

    async def ask_together(self, texts: Sequence[str], tokens: int) -> float:
        """Ask for as many streams, and return the seconds until the last one ended."""
        longest = max(map(_token_count, texts))
        return self._asked(Request(len(texts), longest, tokens)).last_token_s

    def _asked(self, request: Request) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(request)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise EngineEnded(f"{self.name} gave no answer")
        return Answer(**json.loads(line))


@contextlib.contextmanager
def beside(name: str, python: Path, module: str, told: str) -> Iterator[Beside]:
    """Run the module by that Python."""
    command = [str(python.absolute()), "-m", module, told]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Beside(name, process)
        finally:
            process.kill()


def _token_count(text: str) -> int:
    """Return how many tokens the model's tokenizer makes of a text of random letters."""
    return len(text.encode())
