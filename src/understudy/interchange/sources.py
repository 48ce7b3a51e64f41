"""Where an import comes from: a folder, a zip or one file. A zip is read member by member and
never extracted. Knows nothing of what the files hold, but where the content of one may lie.
"""

import os
import posixpath
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from understudy.errors import StartupError
from understudy.interchange.kinds import FILE_ID, Place, Unreadable

LARGEST_ZIP_BYTES = 2 * 1024**3
"""Of a zip as it is unpacked."""

DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What reading a file of a source can raise."""

_MOST_MEMBERS = 1_000_000
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"[A-Za-z]:")
_DOCUMENT = ".json"
_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a source; the name has `/` between folders."""

    name: str
    size_bytes: int

    @property
    def is_document(self) -> bool:
        """Whether its name says JSON."""
        return self.name.lower().endswith(_DOCUMENT)

    @property
    def is_lines(self) -> bool:
        """Whether its name says lines of JSON."""
        return self.name.lower().endswith(_LINES)

    @property
    def content_of(self) -> str | None:
        """The file whose content it is by its name: `file-1`, `file-1.pdf` or `file-1/any.pdf`."""
        parts = self.name.split("/")
        if len(parts) > 1 and FILE_ID.fullmatch(parts[-2]):
            return parts[-2]
        stem = parts[-1].partition(".")[0]
        return stem if FILE_ID.fullmatch(stem) else None


class Source(Protocol):
    """Files to import. `open`, and reading what it gives, raises one of `DAMAGED`."""

    entries: list[Entry]
    refused: list[Unreadable]

    def open(self, entry: Entry) -> BinaryIO:
        """Open a file."""


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root
        self.entries: list[Entry] = []
        self.refused: list[Unreadable] = []
        for folder, folders, names in os.walk(root, onerror=self._refuse_folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    self._add(Path(folder, name))

    def open(self, entry: Entry) -> BinaryIO:
        return (self._root / entry.name).open("rb")

    def _add(self, path: Path) -> None:
        name = path.relative_to(self._root).as_posix()
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            self.refused.append(Unreadable(Place(name), "it is a link, and links are not followed"))
        elif stat.S_ISREG(status.st_mode):
            self.entries.append(Entry(name, status.st_size))

    def _refuse_folder(self, error: OSError) -> None:
        name = str(error.filename)
        self.refused.append(Unreadable(Place(name), f"it cannot be read ({error.strerror})"))


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries = [Entry(path.name, path.stat().st_size)]
        self.refused: list[Unreadable] = []

    def open(self, entry: Entry) -> BinaryIO:
        return self._path.open("rb")


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        members = [member for member in archive.infolist() if not member.is_dir()]
        _judge(members)
        self.entries = [
            Entry(member.filename, member.file_size)
            for member in sorted(members, key=lambda member: member.filename)
            if not _is_hidden(member.filename)
        ]
        self.refused: list[Unreadable] = []

    def open(self, entry: Entry) -> BinaryIO:
        return cast("BinaryIO", self._archive.open(entry.name))


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open what is to be imported. Raises StartupError for what cannot be, or must not be, read."""
    with ExitStack() as stack:
        try:
            source = _source(path, stack)
        except zipfile.BadZipFile as error:
            raise _refused(f"it is no zip file, or a damaged one ({error})") from error
        except OSError as error:
            raise StartupError(f"{path} cannot be read ({error.strerror}).") from error
        yield source


def _source(path: Path, stack: ExitStack) -> Source:
    if path.is_dir():
        return _Folder(path)
    if not path.is_file():
        raise StartupError(f"There is no file or folder {path}.")
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return _Zip(stack.enter_context(zipfile.ZipFile(path)))
    return _File(path)


def _judge(members: Iterable[zipfile.ZipInfo]) -> None:
    """Raise StartupError for a zip that could do harm, or that would never end."""
    names: set[str] = set()
    size_bytes = 0
    for member in members:
        name = member.filename
        if not _is_inside(name):
            raise _refused(f"'{name!a}' lies outside of it")
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _refused(f"'{name}' is a link")
        if member.flag_bits & _ENCRYPTED:
            raise _refused(f"'{name}' is encrypted")
        if name in names:
            raise _refused(f"'{name}' is in it twice")
        names.add(name)
        size_bytes += member.file_size
    if size_bytes > LARGEST_ZIP_BYTES or len(names) > _MOST_MEMBERS:
        raise _refused(
            f"unpacked it has {len(names)} files and {size_bytes // 1024**2} MiB, and at most "
            f"{_MOST_MEMBERS} and {LARGEST_ZIP_BYTES // 1024**2} are read. Unpack it, if you trust "
            "it, and import the folder"
        )


def _is_inside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return bool(parts[0]) and ".." not in parts and not _DRIVE.match(name) and "\0" not in name


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _refused(reason: str) -> StartupError:
    return StartupError(f"The zip is refused, and nothing was imported: {reason}.")


class Contents:
    """Which files of a source are the contents of files that are described elsewhere."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_name: dict[str, Entry] = {}
        self._by_id: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_name[entry.name] = entry
            for file_id in _possible_ids(entry):
                self._by_id.setdefault(file_id, []).append(entry)

    def remove(self, entry: Entry) -> None:
        """Note that a file holds objects, whatever its name is."""
        for file_id in _possible_ids(entry):
            self._by_id[file_id].remove(entry)

    def find(self, file_id: str, filename: str) -> Entry | None:
        """Return the content that lies there under the file's id."""
        found = self._by_id.get(file_id, [])
        named = (entry for entry in found if entry.name.rpartition("/")[2] == filename)
        return next(named, found[0] if found else None)

    def at(self, path: str, beside: str) -> Entry | None:
        """Return the file at a path that starts from the source, or from the folder of `beside`."""
        path = path.replace("\\", "/")
        folder = posixpath.dirname(beside)
        for start in (folder, ""):
            if found := self._by_name.get(posixpath.normpath(posixpath.join(start, path))):
                return found
        return None


def _possible_ids(entry: Entry) -> set[str]:
    """Return what may be the id of a file: its name without suffix, and that of its folder."""
    parts = entry.name.split("/")
    return {parts[-1].partition(".")[0], *parts[-2:-1]}
