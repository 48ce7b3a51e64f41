"""The folder of pulled models, as it is after accidents and for names that strangers give."""

from pathlib import Path

import pytest

from understudy.engines.llama import library
from understudy.engines.llama.library import Record, StoredFile

RECORD = Record("acme/m-GGUF", "Q8_0", "huggingface", "main", (StoredFile("m.gguf", 3, "0" * 64),))


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """A folder with one model, inside of a folder with what nobody may reach."""
    models_dir = tmp_path / "models"
    library.begin(models_dir, RECORD)
    library.part_path(models_dir, RECORD, RECORD.files[0]).write_bytes(b"abc")
    library.finish(models_dir, RECORD)
    library.begin(tmp_path, RECORD)
    return models_dir


@pytest.mark.parametrize(
    "name",
    [
        "../acme:Q8_0",
        "../acme/m-GGUF",
        "acme/..:Q8_0",
        "acme",
        "*/*",
        "acme/m-GGUF:Q4_0",
        "",
        "/",
        ":",
    ],
)
def test_no_name_leads_elsewhere(models_dir: Path, name: str) -> None:
    assert library.find(models_dir, name) is None
    assert library.find_unfinished(models_dir, name) is None


def test_a_file_that_was_cut_off_is_not_installed(models_dir: Path) -> None:
    (local,) = library.installed(models_dir)
    local.path.write_bytes(b"ab")
    assert library.installed(models_dir) == []


def test_a_record_that_cannot_be_read_hides_no_other(
    models_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (models_dir / "acme/m-GGUF/Q4_0.json").write_text("{")
    assert [one.name for one in library.installed(models_dir)] == ["acme/m-GGUF:Q8_0"]
    assert "Q4_0.json cannot be read" in caplog.text


def test_what_others_keep_there_stays(models_dir: Path) -> None:
    (models_dir / "acme" / "notes.txt").write_text("mine")
    library.remove(models_dir, RECORD)
    assert library.installed(models_dir) == []
    assert [path.name for path in (models_dir / "acme").iterdir()] == ["notes.txt"]
