"""Environments of the clients: one folder each, built once from its pins and reused, also offline.

They lie in the user's cache, outside the checkout. The name holds a hash of the pins, so changed
pins make a new folder.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent
_PINS = _HERE / "requirements"
_NODE_FILES = (_HERE / "node" / "package.json", _HERE / "node" / "package-lock.json")
_BUILD_TIMEOUT_S = 280


def python_of(client: str) -> Path:
    """Return the Python in which the packages of `requirements/CLIENT.txt` are installed."""
    pins = _PINS / f"{client}.txt"
    folder = _ready(client, (pins,), lambda folder: _install(folder, pins))
    return folder / "bin" / "python"


def node_folder() -> Path:
    """Return a folder with `bin/node` and the `node_modules` of `node/package-lock.json`."""
    pins = _PINS / "node.txt"
    return _ready("node", (pins, *_NODE_FILES), lambda folder: _install_node(folder, pins))


def _ready(client: str, inputs: tuple[Path, ...], build: Callable[[Path], None]) -> Path:
    """Return the client's folder, built first when it is missing or was left half built."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "understudy" / "clients" / f"{client}-{_hash(inputs)}"
    mark = folder / "complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if not mark.exists():
            shutil.rmtree(folder, ignore_errors=True)
            build(folder)
            mark.touch()
    return folder


def _hash(inputs: tuple[Path, ...]) -> str:
    made_for = f"{sys.base_prefix} {sys.version_info[:2]}".encode()
    return hashlib.sha256(made_for + b"".join(f.read_bytes() for f in inputs)).hexdigest()[:12]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(folder: Path, pins: Path) -> None:
    """Install with uv, which takes seconds; with pip where uv cannot reach the index."""
    python = str(folder / "bin" / "python")
    uv = [sys.executable, "-m", "uv"]
    try:
        _run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        _run([*uv, "pip", "install", "--quiet", "--python", python, "-r", str(pins)])
    except subprocess.CalledProcessError:
        _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", "-r", str(pins)])


def _install_node(folder: Path, pins: Path) -> None:
    _install(folder, pins)
    for file in _NODE_FILES:
        shutil.copy(file, folder)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    npm = [str(folder / "bin" / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    _run(npm, folder, {**os.environ, "PATH": path})


def _run(
    command: list[str], folder: Path | None = None, environ: dict[str, str] | None = None
) -> None:
    subprocess.run(command, cwd=folder, env=environ, check=True, timeout=_BUILD_TIMEOUT_S)
