"""Where an export goes: a new folder, or a zip. What is there already is never replaced."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from understudy.errors import StartupError

_SUFFIX = ".zip"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Of a zip's members: the same objects make the same archive."""


class Sink(Protocol):
    """Files to be written, one at a time."""

    def open(self, name: str) -> BinaryIO:
        """Open a new file; the name has `/` between folders."""


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str) -> BinaryIO:
        path = self._root / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        return os.fdopen(descriptor, "wb")


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def open(self, name: str) -> BinaryIO:
        member = zipfile.ZipInfo(name, _EARLIEST)
        member.compress_type = zipfile.ZIP_DEFLATED
        member.external_attr = 0o600 << 16
        return cast("BinaryIO", self._archive.open(member, "w", force_zip64=True))


@contextmanager
def open_sink(path: Path) -> Iterator[Sink]:
    """Open a zip where the name says so, else a folder, which must be empty or absent.

    A zip appears only once it is whole. Raises StartupError.
    """
    is_zip = path.suffix.lower() == _SUFFIX
    if path.exists() and (is_zip or not path.is_dir() or any(path.iterdir())):
        raise StartupError(f"There is something already at {path}: choose another place.")
    try:
        if not is_zip:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            yield _Folder(path)
            return
        with _written_whole(path) as archive:
            yield _Zip(archive)
    except OSError as error:
        raise StartupError(
            f"The export cannot be written ({error.strerror}: {error.filename or path})."
        ) from error


@contextmanager
def _written_whole(path: Path) -> Iterator[zipfile.ZipFile]:
    unfinished = path.with_name(f"{path.name}.part")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file, zipfile.ZipFile(file, "w") as archive:
            yield archive
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
