"""Downloads of models: which files of a repository are meant, and how they come to the disk.

Nothing is fetched but by `download`, which a user's command calls.
"""

import errno
import shutil
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from understudy.engines.llama import library
from understudy.engines.llama.fetch import (
    Broken,
    Download,
    Refused,
    WrongContent,
    fetch,
    make_client,
)
from understudy.engines.llama.library import LocalFile, Record, Source
from understudy.engines.llama.variants import Variant, choose, variants
from understudy.errors import StartupError

if TYPE_CHECKING:
    from understudy.engines.llama.source import ModelSource

_PACKAGES: Final[dict[Source, str]] = {
    "huggingface": "huggingface_hub",
    "modelscope": "modelscope_hub",
}
_RESERVE_BYTES: Final = 256 * 1024**2
"""Left free on the disk, for the database and everything else."""
_MB: Final = 10**6

ReportProgress = Callable[[int, int], None]
"""Told how many bytes are done, of how many."""


def resolve(reference: str, source: Source) -> Record:
    """Return what `OWNER/REPO` or `OWNER/REPO:QUANT` means at a hub now.

    Raises a StartupError that names cause and remedy.
    """
    repository, colon, label = reference.partition(":")
    if not library.is_repository(repository) or (colon and not label):
        raise StartupError(
            f"'{reference}' is no model of a hub: give OWNER/REPO or OWNER/REPO:QUANT, for example "
            "Qwen/Qwen3-0.6B-GGUF:Q8_0."
        )
    found = _source(source).look_up(repository)
    offered = variants(found.files)
    chosen = choose(offered, label or None)
    if chosen is None:
        raise StartupError(_nothing_chosen(repository, label, offered))
    return Record(repository, chosen.label, source, found.revision, chosen.files)


def download(record: Record, models_dir: Path, report_progress: ReportProgress) -> LocalFile:
    """Fetch what is missing of a model, and put it in its place when all of it is right.

    What came before a failure or an interruption is kept, and the next call goes on there. Raises
    a StartupError that names cause and remedy.
    """
    from filelock import FileLock, Timeout

    try:
        _require_space(models_dir, record)
        library.begin(models_dir, record)
        with FileLock(library.lock_path(models_dir, record), timeout=0):
            _fetch_all(record, models_dir, report_progress)
            return library.finish(models_dir, record)
    except Timeout as error:
        raise StartupError(
            f"'{record.name}' is being pulled by another command already."
        ) from error
    except OSError as error:
        raise StartupError(_disk_refuses(error, models_dir, record)) from error


def is_current(record: Record, local: LocalFile | None) -> bool:
    """Tell whether what is installed is what the hub offers."""
    return local is not None and local.record.files == record.files


def _source(source: Source) -> "ModelSource":
    package = _PACKAGES[source]
    if find_spec(package) is None:
        raise StartupError(
            f"The package {package} is missing: install understudy[local], for example "
            'with `pip install "understudy[local]"`.'
        )
    return cast("ModelSource", import_module(f"understudy.engines.llama.{source}"))


def _nothing_chosen(repository: str, label: str, offered: list[Variant]) -> str:
    if not offered:
        return (
            f"'{repository}' holds no GGUF file: only such models run here. The names of "
            "repositories that do often end in -GGUF."
        )
    listing = ", ".join(f"{one.label} ({one.size_bytes / _MB:,.0f} MB)" for one in offered)
    what = f"no {label}" if label else "no usual quantisation"
    return f"'{repository}' has {what}: name one as {repository}:QUANT. There are {listing}."


def _require_space(models_dir: Path, record: Record) -> None:
    folder = next(path for path in (models_dir, *models_dir.parents) if path.is_dir())
    free_bytes = shutil.disk_usage(folder).free
    needed_bytes = record.size_bytes - library.done_bytes(models_dir, record)
    if needed_bytes + _RESERVE_BYTES > free_bytes:
        raise StartupError(
            f"'{record.name}' needs {needed_bytes / _MB:,.0f} MB more, and {models_dir} has "
            f"{free_bytes / _MB:,.0f} MB free, of which {_RESERVE_BYTES / _MB:,.0f} MB are kept "
            "for other things: make room, or choose another --data-dir."
        )


def _fetch_all(record: Record, models_dir: Path, report_progress: ReportProgress) -> None:
    source = _source(record.source)
    headers = source.headers()
    before_bytes = 0

    def report(done_bytes: int) -> None:
        report_progress(before_bytes + done_bytes, record.size_bytes)

    with make_client() as client:
        for file in record.files:
            url = source.url_of(record.repository, record.revision, file.path)
            part = library.part_path(models_dir, record, file)
            try:
                fetch(client, Download(file, url, headers), part, report)
            except Refused as error:
                words = source.explain(record.repository, error.status, error.code)
                raise StartupError(words) from error
            except Broken as error:
                raise StartupError(
                    f"The connection to {source.NAME} broke off ({error}). What came is kept: the "
                    "same command goes on there."
                ) from error
            except WrongContent as error:
                raise StartupError(
                    f"What came as '{error}' does not have the checksum that {source.NAME} names, "
                    "so it was removed: pull it again."
                ) from error
            before_bytes += file.size_bytes


def _disk_refuses(error: OSError, models_dir: Path, record: Record) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"The disk of {models_dir} is full. What came of '{record.name}' is kept: make room, "
            "and the same command goes on there."
        )
    return (
        f"{error.filename or models_dir} cannot be written ({error.strerror}): make it writable, "
        "or choose another --data-dir."
    )
