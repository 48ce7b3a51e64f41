"""Files that people and machines rely on: change fragments, the script of the build, the map."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAGMENTS = sorted(path for path in (ROOT / "changes").iterdir() if path.name != "README.md")
_NAME = re.compile(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md")


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_a_change_fragment_is_named_and_says_something(fragment: Path) -> None:
    assert _NAME.fullmatch(fragment.name)
    text = fragment.read_text(encoding="utf-8")
    assert text.strip().endswith(".")
    assert text.endswith("\n")


def test_the_script_of_the_build_runs_both_commands() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    first, *commands = script.read_text(encoding="utf-8").splitlines()
    assert first == "#!/usr/bin/env bash"
    assert commands == ["set -euo pipefail", "make check", "make test"]


def test_the_architecture_fits_on_a_few_screens_and_names_files_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    package = ROOT / "src" / "understudy"
    names = re.findall(r"`((?:api|chat|engines|store|wire|settings)/[\w/]+\.py)`", text)
    assert len(names) > 10
    assert [name for name in names if not (package / name).is_file()] == []
