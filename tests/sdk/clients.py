"""Runs a client program as a process of its own and reads the report that it prints."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sdk.environments import node_folder, python_of
from tests.sdk.programs import reporting
from tests.sdk.servers import RunningServer, clean_environ

PROGRAMS = Path(__file__).parent / "programs"
_TIMEOUT_S = 120
_SHARED = ("TEXTS", "WEATHER", "QUESTION", "PERSON", "ABOUT_A_PERSON", "CAT", "DOG")


class Report:
    """What each section of a program saw; asking for one that raised fails with its traceback."""

    def __init__(self, sections: dict[str, Any]) -> None:
        self._sections = sections

    def __getitem__(self, name: str) -> Any:
        seen = self._sections[name]
        if isinstance(seen, dict) and "raised" in seen:
            raise AssertionError(f"{name}: {seen['raised']}")
        return seen


@dataclass(frozen=True)
class Client:
    """A program and what runs it, and the variable under which it reads the base URL."""

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    url_variable: str = "OPENAI_BASE_URL"

    def report(self, server: RunningServer, *sections: str, **variables: str) -> Report:
        """Run the sections against the server and return what each of them saw."""
        environ = {
            **self.environ,
            self.url_variable: server.base_url,
            "OPENAI_API_KEY": server.key,
            **variables,
        }
        done = subprocess.run(
            [*self.command, *sections],
            env=clean_environ(**environ),
            capture_output=True,
            encoding="utf-8",
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Report(json.loads(done.stdout))


def python_client(name: str, program: str, url_variable: str = "OPENAI_BASE_URL") -> Client:
    """Return the client that runs `programs/PROGRAM` in the environment of that name."""
    command = (str(python_of(name)), "-X", "utf8", str(PROGRAMS / program))
    return Client(command, url_variable=url_variable)


def node_client(folder: Path, program: str = "node.mjs") -> Client:
    """Return the client that runs `programs/PROGRAM`; `folder` gets what it needs beside it."""
    environment = node_folder()
    for name in (program, "reporting.mjs"):
        shutil.copy(PROGRAMS / name, folder)
    os.symlink(environment / "node_modules", folder / "node_modules")
    inputs = folder / "inputs.json"
    inputs.write_text(json.dumps({name: getattr(reporting, name) for name in _SHARED}))
    command = (str(environment / "bin" / "node"), str(folder / program))
    return Client(command, {"SHARED_INPUTS": str(inputs)})
