"""Secrets at rest: sealed with a key that lies in a file of its owner's alone.

Who has the database but not the key file learns nothing of what was sealed.
"""

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from understudy_apps.errors import CannotStart

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_MODE = 0o600


class CannotOpen(Exception):
    """What was sealed cannot be opened with this key: the key file was replaced."""


class Sealer:
    """Seals texts with the key in `key_file`; `load` comes first."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def seal(self, text: str) -> str:
        """Return `text` sealed, as printable ASCII."""
        return self._fernet.encrypt(text.encode()).decode()

    def open_(self, sealed: str) -> str:
        """Return the text that was sealed. Raises CannotOpen."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise CannotOpen(f"It was not sealed with the key in {self._key_file}.") from error

    def load(self) -> None:
        """Read the key, and make it if there is none. Raises CannotStart."""
        _ = self._fernet

    @cached_property
    def _fernet(self) -> "Fernet":
        from cryptography.fernet import Fernet

        try:
            return Fernet(_key_in(self._key_file))
        except (ValueError, OSError) as error:
            raise CannotStart(
                f"The key file {self._key_file} cannot be used ({error}). Restore it from a "
                "backup; without it the stored API keys have to be entered again."
            ) from error


def _key_in(path: Path) -> bytes:
    """Return the key of the file, made if there is none; of several processes one makes it."""
    if not path.exists():
        _create(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(_MODE)
    return path.read_bytes().strip()


def _create(path: Path) -> None:
    """Write a new key beside `path`, then link it there unless another process was faster."""
    from cryptography.fernet import Fernet

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(Fernet.generate_key())
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
