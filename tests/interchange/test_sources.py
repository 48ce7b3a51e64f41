"""What is read of folders and zips, what is refused, and where contents of files are found."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from tests.interchange.exports import write_zip

from understudy.errors import StartupError
from understudy.interchange import sources
from understudy.interchange.sources import Contents, Entry, open_source


def names(path: Path) -> list[str]:
    with open_source(path) as source:
        return [entry.name for entry in source.entries]


def test_a_folder_is_read_without_hidden_files_and_links(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    folder = tmp_path / "export"
    (folder / "b/.git").mkdir(parents=True)
    for name in ("b/2.json", "a.json", ".hidden.json", "b/.git/config.json"):
        (folder / name).write_text("{}")
    os.symlink(secret, folder / "link.json")
    os.symlink(tmp_path, folder / "around")
    os.mkfifo(folder / "pipe.json")
    with open_source(folder) as source:
        assert [entry.name for entry in source.entries] == ["a.json", "b/2.json"]
        assert [each.place.name for each in source.refused] == ["link.json"]


def test_a_zip_is_read_in_order_and_never_extracted(tmp_path: Path) -> None:
    members = {"b/2.json": b"2", "a.json": b"1", "__MACOSX/a.json": b"", ".DS_Store": b""}
    path = write_zip(tmp_path / "export.zip", members)
    with open_source(path) as source:
        assert [(entry.name, entry.size_bytes) for entry in source.entries] == [
            ("a.json", 1),
            ("b/2.json", 1),
        ]
        assert source.open(source.entries[1]).read() == b"2"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name", ["../a.json", "a/../../b.json", "/etc/a.json", "C:/a.json", "a\\..\\b.json", "//x/y"]
)
def test_a_zip_with_a_name_outside_of_it_is_refused(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "export.zip", {"good.json": b"{}", name: b"{}"})
    with pytest.raises(StartupError, match="refused, and nothing was imported"):
        names(path)


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("passwd.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(StartupError, match="is a link"):
        names(path)


def test_a_zip_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.json", "{}")
        archive.writestr("a.json", "[]")
    with pytest.raises(StartupError, match="twice"):
        names(path)


def test_a_zip_that_is_encrypted_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "export.zip", {"a.json": b"{}"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(StartupError, match="encrypted"):
        names(path)


def test_a_zip_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "export.zip", {"a.json": b" " * 600, "b.json": b" " * 500})
    monkeypatch.setattr(sources, "LARGEST_ZIP_BYTES", 1100)
    assert len(names(path)) == 2
    monkeypatch.setattr(sources, "LARGEST_ZIP_BYTES", 1099)
    with pytest.raises(StartupError, match="Unpack it"):
        names(path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06 too short"])
def test_what_is_no_zip_in_spite_of_its_name_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(content)
    with pytest.raises(StartupError, match="no zip file"):
        names(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="There is no file or folder"):
        names(tmp_path / "absent")


def test_errors_of_the_block_are_not_taken_for_those_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk"), open_source(tmp_path):
        raise OSError("the disk is full")


def entries(*paths: str) -> list[Entry]:
    return [Entry(path, 1) for path in paths]


@pytest.mark.parametrize(
    "path",
    [
        "file-abc123",
        "deep/file-abc123",
        "file-abc123.pdf",
        "files/file-abc123.tar.gz",
        "files/file-abc123/rates.txt",
    ],
)
def test_contents_are_found_by_the_id_of_their_file(path: str) -> None:
    contents = Contents(entries("file-other1.txt", path, "threads/thread_1.json"))
    found = contents.find("file-abc123", "rates.txt")
    assert found is not None and found.name == path
    assert contents.find("file-none99", "rates.txt") is None


def test_of_several_contents_the_one_of_the_right_name_counts() -> None:
    contents = Contents(entries("file-abc123/a.txt", "file-abc123/rates.txt"))
    found = contents.find("file-abc123", "rates.txt")
    assert found is not None and found.name == "file-abc123/rates.txt"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("rates.pdf", "docs/rates.pdf"),
        ("docs/rates.pdf", "docs/rates.pdf"),
        ("../top.pdf", "top.pdf"),
        ("../../top.pdf", None),
        ("/etc/passwd", None),
        ("..\\top.pdf", "top.pdf"),
    ],
)
def test_a_path_stays_within_the_source(path: str, found: str | None) -> None:
    contents = Contents(entries("docs/rates.pdf", "top.pdf"))
    entry = contents.at(path, "docs/files.json")
    assert (entry and entry.name) == found


def test_a_damaged_member_is_found_out_when_it_is_read(tmp_path: Path) -> None:
    content = os.urandom(100)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.json", content)
    path = tmp_path / "export.zip"
    path.write_bytes(buffer.getvalue().replace(content, content[::-1]))
    with open_source(path) as source, pytest.raises(zipfile.BadZipFile):
        source.open(source.entries[0]).read()
