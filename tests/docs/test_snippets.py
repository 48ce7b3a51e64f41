"""Every snippet of the pages works as it is written."""

import re
import shutil
from pathlib import Path

import pytest
from tests.cli.running import Workplace
from tests.docs.pages import PAGES, ROOT, Snippet, snippets
from tests.docs.reader import Reader

from understudy.settings.load import load_settings

FOLLOWED = (
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("getting-started.md", "index.md", "functions.md")),
    ROOT / "docs" / "responses.md",
)
SETTINGS = [one for page in PAGES for one in snippets(page) if one.language == "toml"]


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.name)
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("the pages use curl, which is not on this machine")
    with Reader(Workplace(tmp_path)) as reader:
        for snippet in snippets(page):
            reader.follow(snippet)


@pytest.mark.parametrize("snippet", SETTINGS, ids=str)
def test_settings_in_the_pages_are_accepted(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "understudy.toml").write_text(snippet.text, encoding="utf-8")
    assert load_settings(None, {}, tmp_path).origins


def test_variables_in_the_settings_page_are_accepted(tmp_path: Path) -> None:
    (shell,) = [one for one in snippets(ROOT / "docs/settings.md") if one.language == "sh"]
    (tmp_path / ".env").write_text(shell.text, encoding="utf-8")
    loaded = load_settings(None, {}, tmp_path)
    assert loaded.settings.port == 8011
    assert loaded.settings.timeouts.read_s == 120
    assert len(loaded.settings.cors_origins) == 2
    assert loaded.settings.aliases == {"gpt-4o": "dashscope/qwen-plus"}
    assert loaded.settings.providers["acme"].enabled


def test_the_two_commands_are_near_the_top_of_the_readme() -> None:
    top = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:15])
    assert "make serve" in top
    assert "make test" in top


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
