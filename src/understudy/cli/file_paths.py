"""Which files of the disk a command means: those that are named, and the readable ones in folders.

Knows nothing of servers.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from understudy.errors import StartupError


def find_files(paths: Sequence[Path]) -> tuple[list[Path], int]:
    """Return the files that `paths` mean, each once, and how many in folders were passed over.

    A file that is named is taken whatever its suffix. In a folder, those with a supported suffix
    are taken; hidden ones do not count. Raises StartupError for what is not there or unreadable.
    """
    found: dict[Path, Path] = {}
    passed_over = 0
    for path in paths:
        candidates = list(_below(path)) if path.is_dir() else [_existing(path)]
        wanted = list(filter(_is_supported, candidates)) if path.is_dir() else candidates
        passed_over += len(candidates) - len(wanted)
        for file in wanted:
            found.setdefault(file.resolve(), file)
    return list(found.values()), passed_over


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise StartupError(f"There is no file or folder {path}.")
    return path


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in the order of their names, without hidden ones."""
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(parent, name)
            if not name.startswith(".") and file.is_file():
                yield file


def _refuse(error: OSError) -> NoReturn:
    raise StartupError(
        f"The folder {error.filename} cannot be read ({error.strerror}): make it readable, or name "
        "the files themselves."
    ) from error


def _is_supported(file: Path) -> bool:
    from understudy.retrieval.extract.kinds import SUPPORTED_SUFFIXES

    return file.suffix.lower() in SUPPORTED_SUFFIXES
