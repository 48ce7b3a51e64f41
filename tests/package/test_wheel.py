"""What the wheel holds, and that it serves from an empty environment in an empty folder."""

import json
import re
import shutil
import subprocess
import tarfile
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.package.conftest import ROOT, Installed, build, build_wheel

from understudy import __version__

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("package"), pytest.mark.timeout(600)]

_WAIT_S = 60
_HEAVY = ("fastapi", "sqlalchemy", "openai", "pydantic", "aiohttp", "alembic", "uvicorn")


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in names_in(wheel) if ".dist-info/" not in name}
    source = ROOT / "src"
    expected = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == expected
    assert {
        "understudy/py.typed",
        "understudy/engines/extractive/lexicon.txt",
        "understudy/store/migrations/env.py",
        "understudy/store/migrations/versions/r0001_keys.py",
        "understudy/web/dist/index.html",
        "understudy_apps/py.typed",
        "understudy_apps/negotiator/static/index.html",
        "understudy_apps/sales/static/index.html",
        "understudy_apps/sales/static/widget/index.html",
    } <= names


def test_no_wheel_is_built_without_the_pages(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "src", checkout / "src", ignore=shutil.ignore_patterns("dist"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(ROOT / name, checkout)
    with pytest.raises(AssertionError, match="make pages"):
        build(checkout, tmp_path / "wheel", "wheel")


def test_a_source_archive_holds_the_pages_and_builds_the_same_wheel(
    wheel: Path, tmp_path: Path
) -> None:
    archive = build(ROOT, tmp_path, "sdist")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    again = build_wheel(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "again")
    assert names_in(again) == names_in(wheel)


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = f"understudy-{__version__}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert "Requires-Python: >=3.11" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    assert "understudy = understudy.cli:main" in entry_points


@pytest.fixture(scope="module")
def base_url(installed: Installed) -> Iterator[str]:
    """Serve from the empty environment."""
    process = subprocess.Popen(
        [installed.python.parent / "understudy", "serve", "--port", "0"],
        cwd=installed.folder,
        env=installed.variables(),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield _announced(process)
        finally:
            process.terminate()
            process.wait(_WAIT_S)


def _announced(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r'base_url = "([^"]+)"', line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError("".join(said))


def _ask(base_url: str, system: str, question: str) -> Any:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        json.dumps({"messages": messages}).encode(),
        {"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_WAIT_S) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("system", "question", "answer"),
    [
        (
            "La piscina cierra a las 21:00. El desayuno es de 7 a 10.",
            "¿A qué hora cierra la piscina?",
            "La piscina cierra a las 21:00.",
        ),
        (
            "The pool closes at 21:00. Breakfast is from 7 to 10.",
            "When does the pool close?",
            "The pool closes at 21:00.",
        ),
        ("游泳池晚上九点关门。早餐七点开始。", "游泳池几点关门", "游泳池晚上九点关门。"),
    ],
    ids=["es", "en", "zh"],
)
def test_it_answers_in_three_languages(
    base_url: str, system: str, question: str, answer: str
) -> None:
    made = _ask(base_url, system, question)
    assert made["model"] == "understudy-extractive"
    assert made["choices"][0]["message"]["content"] == answer


def test_the_environment_holds_no_test_tool(installed: Installed) -> None:
    code = "import importlib.util as u; print([n for n in ('pytest', 'torch') if u.find_spec(n)])"
    assert _run(installed, "-c", code).strip() == "[]"


def test_help_imports_nothing_heavy(installed: Installed) -> None:
    code = (
        "import sys; sys.argv = ['understudy', '--help']\n"
        "from understudy.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', [name for name in {_HEAVY} if name in sys.modules])"
    )
    said = _run(installed, "-c", code)
    assert "serve" in said
    assert said.strip().endswith("HEAVY []")


def test_it_runs_as_a_module(installed: Installed) -> None:
    assert _run(installed, "-m", "understudy", "--version") == f"understudy {__version__}\n"


def _run(installed: Installed, *words: str) -> str:
    done = subprocess.run(
        [installed.python, *words],
        cwd=installed.folder,
        env=installed.variables(),
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        check=False,
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout
