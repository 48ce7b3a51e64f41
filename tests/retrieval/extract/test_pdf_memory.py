"""A PDF is opened anew after so many bytes, and reads as if it had not been."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.retrieval.extract.documents import blocks_of, long_table, spanish_guide

from understudy.retrieval.extract import pdf


@pytest.mark.parametrize("write", [spanish_guide, lambda path: long_table(path, 120)])
def test_what_is_held_of_a_document_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], Path]
) -> None:
    path = write(tmp_path / "document.pdf")
    at_once = blocks_of(path)
    opened: list[Path] = []
    open_document = pdf._open

    def counted(path: Path) -> object:
        opened.append(path)
        return open_document(path)

    monkeypatch.setattr(pdf, "_open", counted)
    assert blocks_of(path) == at_once
    assert len(opened) == 2  # once to look at it, once to read it
    monkeypatch.setattr(pdf, "_HELD_BYTES", 1)
    assert blocks_of(path) == at_once
    pages = {block.page for block in at_once}
    assert len(opened) == 3 + len(pages)
