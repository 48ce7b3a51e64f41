"""What every command owes: a quick start, and a page that documents it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from tests.cli.running import Workplace

from understudy.cli import app

DOCS = Path(__file__).parents[2] / "docs" / "command-line.md"
SECTION = re.compile(
    r"^## `understudy ([a-z ]+?)(?: \[?[A-Z]+\]?)?`$\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
HEAVY = (
    "aiohttp alembic anyio asyncio fastapi httpx2 jsonschema msgspec numpy openai pydantic "
    "pydantic_settings sqlalchemy starlette uvicorn understudy.settings understudy.server"
).split()
REPORT_IMPORTS = """
import sys
from understudy.cli import main
sys.argv = ["understudy", "--help"]
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
print("imported:", *sys.modules)
"""


def test_help_imports_nothing_heavy() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", REPORT_IMPORTS], capture_output=True, text=True, check=True
    )
    imported = set(ran.stdout.partition("imported:")[2].split())
    assert "understudy.cli.doctor" in imported
    assert not imported & set(HEAVY)


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every command's full name with its options."""
    for name, command in typer.main.get_command(app).commands.items():
        for full_name, leaf in [
            (f"{name} {sub}", leaf) for sub, leaf in getattr(command, "commands", {}).items()
        ] or [(name, command)]:
            options = [o for p in leaf.params if p.param_type_name == "option" for o in p.opts]
            yield full_name, options


@pytest.mark.parametrize(("name", "options"), list(_commands()), ids=str)
def test_every_command_and_flag_is_documented(name: str, options: list[str]) -> None:
    sections = dict(SECTION.findall(DOCS.read_text(encoding="utf-8")))
    assert name in sections
    missing = [o for o in options if not re.search(rf"`{re.escape(o)}[` ]", sections[name])]
    assert not missing


def test_a_wrong_setting_is_one_sentence_and_exit_code_1(workplace: Workplace) -> None:
    workplace.write_settings("prot = 8000\n")
    ran = workplace.run("config", "show")
    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"understudy: Settings: .*line 1: prot: is no setting.*\n", ran.err)
