"""Model files on disk: `models/OWNER/REPO/`, a record beside each. Knows no hub and no engine.

A model is installed when its record is there and every file that the record names is whole.
"""

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import msgspec

Source = Literal["huggingface", "modelscope"]

MODELS_FOLDER: Final = "models"
"""Where in the data directory models are kept."""
_RECORD: Final = ".json"
_UNFINISHED: Final = ".json.part"
_PART: Final = ".part"
_CHECKSUM_SHOWN: Final = 12
_SEGMENT: Final = re.compile(r"\w[\w.-]*", re.ASCII)
_log = logging.getLogger(__name__)


class StoredFile(msgspec.Struct, frozen=True):
    """A file of a model; `path` is relative to the repository's folder, with slashes."""

    path: str
    size_bytes: int
    sha256: str


class Record(msgspec.Struct, frozen=True):
    """What is kept of a download: where the files came from, and what they must be."""

    repository: str
    label: str
    """The quantisation, or what else tells the models of one repository apart."""
    source: Source
    revision: str
    files: tuple[StoredFile, ...]
    """More than one where a model is split; engines are given the first."""

    @property
    def name(self) -> str:
        """`OWNER/REPO:QUANT`."""
        return f"{self.repository}:{self.label}"

    @property
    def size_bytes(self) -> int:
        """Size of all files together."""
        return sum(file.size_bytes for file in self.files)


class LocalFile(msgspec.Struct, frozen=True):
    """A model that is installed."""

    name: str
    path: Path
    """The file that an engine loads."""
    size_bytes: int
    sha256: str
    """Of that file; the other parts of a split model are in the record."""
    source: Source
    record: Record


class Unfinished(msgspec.Struct, frozen=True):
    """A model whose download was begun and not brought to its end."""

    name: str
    done_bytes: int
    size_bytes: int


def is_repository(text: str) -> bool:
    """Tell whether `text` is `OWNER/REPO`, and so a safe name of a folder in a folder."""
    owner, slash, name = text.partition("/")
    return bool(slash) and all(_SEGMENT.fullmatch(part) for part in (owner, name))


def is_safe_path(path: str) -> bool:
    """Tell whether a file's path in a repository stays below the repository's folder."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not any(
        part in {"/", ".", ".."} or not part.isprintable() or set(part) & set('\\:*?"<>|')
        for part in parts
    )


def installed(models_dir: Path) -> list[LocalFile]:
    """Return the models that are installed, by name."""
    found = (_local_file(models_dir, record) for record in _records(models_dir, "*/*", _RECORD))
    return sorted((file for file in found if file is not None), key=lambda file: file.name)


def unfinished(models_dir: Path) -> list[Unfinished]:
    """Return the models whose download can go on, by name."""
    found = _records(models_dir, "*/*", _UNFINISHED)
    return sorted(
        (
            Unfinished(record.name, done_bytes(models_dir, record), record.size_bytes)
            for record in found
        ),
        key=lambda one: one.name,
    )


def find(models_dir: Path, name: str) -> LocalFile | None:
    """Return the installed model of that name, None where there is none.

    The quantisation may be left out while only one of the repository is installed; its case does
    not count. The name may come from anyone: it leads to nothing outside of `models_dir`.
    """
    repository, _, label = name.partition(":")
    if not is_repository(repository):
        return None
    records = _records(models_dir, repository, _RECORD)
    local = [file for record in records if (file := _local_file(models_dir, record))]
    if label:
        wanted = label.removesuffix(".gguf").casefold()
        local = [file for file in local if file.record.label.casefold() == wanted]
    return local[0] if len(local) == 1 else None


def find_unfinished(models_dir: Path, name: str) -> Record | None:
    """Return the record of a download that can go on, None where there is none of that name."""
    repository, _, label = name.partition(":")
    if not is_repository(repository):
        return None
    found = list(_records(models_dir, repository, _UNFINISHED))
    if label:
        found = [record for record in found if record.label.casefold() == label.casefold()]
    return found[0] if len(found) == 1 else None


def folder_of(models_dir: Path, record: Record) -> Path:
    """Return the folder that holds a repository's files."""
    return models_dir / record.repository


def part_path(models_dir: Path, record: Record, file: StoredFile) -> Path:
    """Return where a file grows until it is whole: another content never continues it."""
    whole = folder_of(models_dir, record) / file.path
    return whole.with_name(f"{whole.name}.{file.sha256[:_CHECKSUM_SHOWN]}{_PART}")


def lock_path(models_dir: Path, record: Record) -> Path:
    """Return the file whose lock says that a command is downloading this model."""
    return folder_of(models_dir, record) / f".{record.label}.lock"


def done_bytes(models_dir: Path, record: Record) -> int:
    """Return how much of a download is on disk already."""
    return sum(_size_bytes(part_path(models_dir, record, file)) or 0 for file in record.files)


def begin(models_dir: Path, record: Record) -> None:
    """Note that a download begins, so that it can be listed, continued and removed."""
    path = _record_path(models_dir, record, _UNFINISHED)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(record))


def finish(models_dir: Path, record: Record) -> LocalFile:
    """Put the files of a whole download in their places, and with them the record."""
    folder = folder_of(models_dir, record)
    for file in record.files:
        os.replace(part_path(models_dir, record, file), folder / file.path)
    os.replace(
        _record_path(models_dir, record, _UNFINISHED), _record_path(models_dir, record, _RECORD)
    )
    _remove_parts(models_dir, record)
    return _as_local_file(models_dir, record)


def remove(models_dir: Path, record: Record) -> None:
    """Remove a model or what there is of it, and the folders that this leaves empty."""
    folder = folder_of(models_dir, record)
    # The record goes first: a model without its record is not installed.
    for suffix in (_RECORD, _UNFINISHED):
        _record_path(models_dir, record, suffix).unlink(missing_ok=True)
    _remove_parts(models_dir, record)
    for file in record.files:
        (folder / file.path).unlink(missing_ok=True)
        _remove_empty_folders((folder / file.path).parent, models_dir)


def _remove_parts(models_dir: Path, record: Record) -> None:
    with contextlib.suppress(OSError):
        lock_path(models_dir, record).unlink(missing_ok=True)
    for file in record.files:
        whole = folder_of(models_dir, record) / file.path
        for part in whole.parent.glob(f"{whole.name}.*{_PART}"):
            part.unlink(missing_ok=True)


def _remove_empty_folders(folder: Path, top: Path) -> None:
    while folder != top:
        # Where something else is in it, it stays.
        with contextlib.suppress(OSError):
            folder.rmdir()
        folder = folder.parent


def _records(models_dir: Path, folder: str, suffix: str) -> Iterator[Record]:
    for path in models_dir.glob(f"{folder}/*{suffix}"):
        try:
            record = msgspec.json.decode(path.read_bytes(), type=Record)
        except (OSError, msgspec.DecodeError) as error:
            _log.warning("The record %s cannot be read (%s): pull its model again.", path, error)
            continue
        if record.repository == path.parent.relative_to(models_dir).as_posix():
            yield record


def _record_path(models_dir: Path, record: Record, suffix: str) -> Path:
    return folder_of(models_dir, record) / f"{record.label}{suffix}"


def _local_file(models_dir: Path, record: Record) -> LocalFile | None:
    folder = folder_of(models_dir, record)
    is_whole = record.files and all(
        is_safe_path(file.path) and _size_bytes(folder / file.path) == file.size_bytes
        for file in record.files
    )
    return _as_local_file(models_dir, record) if is_whole else None


def _as_local_file(models_dir: Path, record: Record) -> LocalFile:
    first = record.files[0]
    return LocalFile(
        name=record.name,
        path=folder_of(models_dir, record) / first.path,
        size_bytes=record.size_bytes,
        sha256=first.sha256,
        source=record.source,
        record=record,
    )


def _size_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
