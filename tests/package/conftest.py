"""The wheel of this checkout, and an empty environment with nothing but it and what it needs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_UV: list[str | Path] = [sys.executable, "-m", "uv"]
_PIP: list[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel installed into it."""

    python: Path
    folder: Path
    """An empty folder to work in."""

    def variables(self) -> dict[str, str]:
        """The environment of a person who has never set anything."""
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        path = f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin"
        return {**kept, "HOME": str(self.folder), "PATH": path}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the files of the checkout."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def build_wheel(checkout: Path, folder: Path) -> Path:
    """Build a wheel with the pinned build backend, and return its file in `folder`."""
    pins = ROOT / "constraints.txt"
    pip = [*_PIP, "wheel", "--no-deps", "--build-constraint", pins, "--wheel-dir", folder, checkout]
    return build(checkout, folder, "wheel", pip)


def build(checkout: Path, folder: Path, kind: str, *others: list[str | Path]) -> Path:
    """Build a `wheel` or an `sdist`, with uv or by another command, and return its file."""
    pins = ROOT / "constraints.txt"
    uv = [*_UV, "build", f"--{kind}", "--build-constraints", pins, "--out-dir", folder, checkout]
    _run_first([*uv, "--offline"], uv, *others)
    (made,) = [file for file in folder.iterdir() if file.suffix in (".whl", ".gz")]
    return made


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Install the wheel into an empty environment."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    python = environment / "bin" / "python"
    pins = ROOT / "constraints.txt"
    _run_first([*_UV, "venv", "--python", sys.executable, environment])
    install = [*_UV, "pip", "install", "--python", python, "--constraints", pins, wheel]
    pip = [*_PIP, "--python", python, "install", "--constraint", pins, wheel]
    _run_first([*install, "--offline"], install, pip)
    workplace = folder / "workplace"
    workplace.mkdir()
    yield Installed(python, workplace)
    shutil.rmtree(folder)


def _run_first(*commands: list[str | Path]) -> None:
    """Run the first command that works: uv without network, uv with it, pip."""
    said = []
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        said.append((command, done.stdout, done.stderr))
    raise AssertionError(said)
