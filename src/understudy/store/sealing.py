"""Secrets at rest: texts are sealed with a key in a file of its own, beside the database.

A copy of the database alone opens none of them. Knows nothing of what it seals.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.errors import UnderstudyError
from understudy.store.data_dir import create_data_dir

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_FILE = "seal.key"


class SealBroken(UnderstudyError):
    """A sealed text cannot be opened: the key is another one, or the text was changed."""

    code = "seal_broken"


class Sealer:
    """Seals and opens texts with the key of one data directory, which it makes at first use."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / _FILE
        self._fernet: Fernet | None = None

    def seal(self, text: str) -> str:
        """Return `text` so that only `open` can read it."""
        return self._cipher().encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Return what was sealed. Raises SealBroken."""
        from cryptography.fernet import InvalidToken

        try:
            return self._cipher().decrypt(sealed).decode()
        except InvalidToken as error:
            raise SealBroken(
                f"What was sealed cannot be opened: the key in {self._path.name} is not the one it "
                "was sealed with. Send the request again."
            ) from error

    def _cipher(self) -> "Fernet":
        from cryptography.fernet import Fernet

        if self._fernet is None:
            try:
                self._fernet = Fernet(_key(self._path))
            except ValueError as error:
                raise SealBroken(
                    f"The file {self._path.name} in the data directory holds no key: remove it. "
                    "What was sealed before is lost."
                ) from error
        return self._fernet


def _key(path: Path) -> bytes:
    """Return the key in the file, which is made unless it is there."""
    if not path.exists():
        create_data_dir(path.parent)
        _make(path)
    return path.read_bytes()


def _make(path: Path) -> None:
    """Write a key whole or not at all; one that another process made meanwhile stays."""
    from cryptography.fernet import Fernet

    partial = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        _name(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _name(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        partial.rename(path)
