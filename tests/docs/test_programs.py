"""Pages whose blocks are one program, block by block against a server with the embedded model."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.running import Workplace
from tests.docs.pages import ROOT, snippets
from tests.docs.reader import matches

# OpenAI switched Assistants off, and its client says so.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server for every page."""
    with Workplace(tmp_path_factory.mktemp("pages")).serving() as url:
        yield url


@pytest.mark.parametrize("page", ["conversations.md", "migrate.md"])
def test_every_block_does_what_the_page_says(page: str, url: str) -> None:
    names: dict[str, Any] = {}
    printed = ""
    try:
        for snippet in snippets(ROOT / "docs" / page):
            if snippet.language == "text":
                assert matches(printed, snippet.text), (str(snippet), printed)
            else:
                program = snippet.text.replace("http://127.0.0.1:8000/v1", url)
                with contextlib.redirect_stdout(io.StringIO()) as output:
                    exec(compile(program, str(snippet), "exec"), names)
                printed = output.getvalue()
    finally:
        names["client"].close()
    assert printed
