"""Someone who follows a page: types its commands, runs its programs, and compares the output."""

import re
import shlex
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import Self

from tests.cli.running import WAIT_S, Workplace
from tests.docs.pages import ROOT, Snippet

from understudy.settings.load import load_settings

_ADDRESS = re.compile(r"(127\.0\.0\.1|localhost):8000\b")
_IN_VENV = re.compile(r"\.venv/bin/")
_BIN = f"{sys.prefix}/bin/"
_DONE = [word for mark in ("installed", "dev", "pages") for word in ("-o", f".venv/.{mark}")]


class Reader:
    """Follows one page in a folder of its own; servers that the page starts get a free port."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._server = ExitStack()
        self._address = "127.0.0.1:8000"
        self._output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def follow(self, snippet: Snippet) -> None:
        """Do what a snippet says; raises AssertionError where that does not work."""
        match snippet.language:
            case "sh" if "make " in snippet.text:
                for line in snippet.text.splitlines():
                    self._make(shlex.split(line, comments=True))
            case "sh":
                self._output = self._run(["bash", "-euo", "pipefail", "-c", snippet.text])
            case "python":
                self._output = self._run([sys.executable, "-c", snippet.text])
            case "text":
                assert matches(self._output, snippet.text), (str(snippet), self._output)
            case "toml":
                (self._workplace.folder / "understudy.toml").write_text(snippet.text)
                load_settings(None, {}, self._workplace.folder)
                (self._workplace.folder / "understudy.toml").unlink()
            case "json":
                pass
            case other:
                raise AssertionError(f"{snippet}: nothing follows a block of {other}")

    def _make(self, words: list[str]) -> None:
        """Let make say what it would do; do it where that is to serve."""
        variables = words[: words.index("make")]
        target, *options = words[words.index("make") + 1 :]
        plan = subprocess.run(
            ["make", "-n", "-s", *_DONE, target, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if target == "serve":
            (command,) = plan.splitlines()
            self._serve(shlex.join(variables) + " " + command.removeprefix("exec "))

    def _serve(self, command: str) -> None:
        self._server.close()
        command = command.replace("0.0.0.0", "127.0.0.1") + " --port 0"
        process = self._server.enter_context(
            subprocess.Popen(
                ["bash", "-c", f"exec env {_IN_VENV.sub(_BIN, command)}"],
                cwd=self._workplace.folder,
                env=self._workplace.variables(),
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        self._server.callback(process.wait, WAIT_S)
        self._server.callback(process.terminate)
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r'base_url = "http://([^/]+)/v1"', line):
                self._address = found[1]
                break
        else:
            raise AssertionError("".join(said))
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()

    def _run(self, command: list[str]) -> str:
        *words, text = command
        text = _IN_VENV.sub(_BIN, _ADDRESS.sub(self._address, text))
        done = subprocess.run(
            [*words, text],
            cwd=self._workplace.folder,
            env=self._workplace.variables(),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.returncode == 0, (text, done.stdout, done.stderr)
        return done.stdout


def matches(output: str, shown: str) -> bool:
    """Compare with what a page shows, where three dots stand for anything."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("..."))
    return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None
