"""One server a data directory: the lock that `serve` holds, and how other commands find its URL.

The system drops the lock when its holder dies, so what the file says counts while it is locked.
"""

import os
import sys
import time
from pathlib import Path
from types import TracebackType

from understudy.errors import StartupError
from understudy.store.data_dir import create_data_dir

_FILE = "serve.lock"
# `running_url` holds the lock for an instant; a server that starts in it tries again.
_ATTEMPTS = 5
_PAUSE_S = 0.02

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Windows locks bytes, and a locked byte cannot be read: lock one that is never written."""

    def try_lock(file: int) -> bool:
        """Lock an open file until it is closed or its process ends; tell whether that worked."""
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: int) -> bool:
        """Lock an open file until it is closed or its process ends; tell whether that worked."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class ServeLock:
    """The right to serve from a data directory, held from `with` to its end."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file: int | None = None

    def __enter__(self) -> "ServeLock":
        """Take the lock. Raises a StartupError that names the server which has it."""
        file = _open(self._data_dir)
        try:
            self._take(file)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return self

    def announce(self, url: str) -> None:
        """Write where this server answers, for `running_url` and for a second `serve`."""
        if self._file is None:
            raise RuntimeError("announce() outside of `with ServeLock(...)`")
        _write(self._file, url)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back."""
        if self._file is not None:
            _write(self._file, "")
            os.close(self._file)
            self._file = None

    def _take(self, file: int) -> None:
        for _ in range(_ATTEMPTS):
            if try_lock(file):
                _write(file, "")
                return
            time.sleep(_PAUSE_S)
        url, pid = _read(file)
        raise StartupError(
            f"Another server already uses the data directory {self._data_dir}: "
            f"{url or 'still starting'} (process {pid or 'unknown'}). Stop it, or choose another "
            "with --data-dir."
        )


def running_url(data_dir: Path) -> str | None:
    """Return the URL of the server that uses this data directory, or None when there is none.

    None as well while that server is still starting.
    """
    try:
        file = os.open(data_dir / _FILE, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if try_lock(file) else _read(file)[0] or None
    finally:
        os.close(file)


def _open(data_dir: Path) -> int:
    create_data_dir(data_dir)
    try:
        return os.open(data_dir / _FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartupError(
            f"The data directory {data_dir} cannot be written ({error.strerror}): choose another "
            "with --data-dir, or make it writable for the user that runs Understudy."
        ) from error


def _write(file: int, url: str) -> None:
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, f"{url}\n{os.getpid()}\n".encode())


def _read(file: int) -> tuple[str, str]:
    """Return URL and process id as the lock's holder wrote them; empty where it did not yet."""
    os.lseek(file, 0, os.SEEK_SET)
    lines = os.read(file, 4096).decode("utf-8", "replace").splitlines()
    return (lines[0] if lines else "", lines[1] if len(lines) > 1 else "")
