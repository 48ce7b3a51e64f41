"""Folders in the data directory for work in progress, and the end of those whose process died.

A folder holds a locked file while its process lives, wherever that runs: process ids would not tell
across containers that share the directory. Blocks.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from understudy.errors import StartupError
from understudy.store.lock import try_lock

Work = Literal["backup", "restore"]

_MARK = "in-use.lock"


@contextmanager
def scratch_folder(data_dir: Path, work: Work) -> Iterator[Path]:
    """Yield a new folder of the data directory, readable by its owner alone; it goes at the end.

    Besides what the caller puts there it holds the locked file.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{work}-", dir=data_dir))
    try:
        with _locked(folder / _MARK):
            yield folder
    finally:
        _remove(folder)


def sweep_scratch_folders(data_dir: Path) -> None:
    """Remove the folders that killed processes have left, and no others.

    What only bears such a name is somebody's own: without the file nothing is touched.
    """
    for work in get_args(Work):
        for mark in data_dir.glob(f"{work}-*/{_MARK}"):
            if not _is_locked(mark):
                _remove(mark.parent)


def _remove(folder: Path) -> None:
    """Remove a folder, the locked file last: who is killed meanwhile leaves it to be found."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _MARK:
            path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(mark: Path) -> Iterator[None]:
    file = os.open(mark, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        if not try_lock(file):  # only a sweep between these two lines
            raise StartupError("A server that was clearing up came between: try again.")
        yield
    finally:
        os.close(file)


def _is_locked(mark: Path) -> bool:
    try:
        file = os.open(mark, os.O_RDWR)
    except FileNotFoundError:
        return True  # its process has just ended, and removes it
    try:
        return not try_lock(file)
    finally:
        os.close(file)
