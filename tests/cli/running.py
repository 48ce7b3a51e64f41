"""The real command as a process, for the tests of the command line; and a real server beside it."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

WAIT_S = 60
_SECRETS = (
    "DASHSCOPE_API_KEY",
    "OPENAI_API_KEY",
    "VLLM_API_KEY",
    "SGLANG_API_KEY",
    "LLAMA_API_KEY",
)


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Workplace:
    """A folder of its own with a data directory in it, where commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.environment: dict[str, str] = {}

    def write_settings(self, text: str) -> None:
        (self.folder / "understudy.toml").write_text(text, encoding="utf-8")

    def run(self, *words: str, stdin: str = "") -> Result:
        """Run a command to its end."""
        with self.start(*words) as process:
            out, err = process.communicate(stdin, timeout=WAIT_S)
        return Result(process.returncode, out, err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command with pipes at all three ends."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "understudy", *words]

    def variables(self) -> Mapping[str, str]:
        """The environment without what would change the outcome: keys, our settings, proxies."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("UNDERSTUDY_")
            and name not in _SECRETS
            and not name.lower().endswith("_proxy")
        }
        return {
            **kept,
            "UNDERSTUDY_DATA_DIR": str(self.data_dir),
            "PYTHONIOENCODING": "utf-8",
            **self.environment,
        }

    @contextlib.contextmanager
    def serving(self, *words: str) -> Iterator[str]:
        """Run `understudy serve` on a free port, and give its base URL once it says so."""
        with self.start("serve", "--port", "0", *words) as process:
            assert process.stderr is not None
            # Read to the end: a full pipe would block the server.
            reader = threading.Thread(target=process.stderr.read)
            try:
                url = _announced_url(process.stderr)
                reader.start()
                yield url
            finally:
                process.terminate()
                process.wait(WAIT_S)
                if reader.ident is not None:
                    reader.join(WAIT_S)


def _announced_url(lines: IO[str]) -> str:
    said = ""
    for line in lines:
        said += line
        if line.split()[:1] == ["base_url"]:
            return line.split('"')[1]
    raise AssertionError(f"the server ended: {said}")
