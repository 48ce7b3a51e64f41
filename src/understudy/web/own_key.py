"""The key by which this server's own applications use its API. It stands in a file that only the
server's user can read, so that it stays the same: applications know their objects by it.
"""

import os
from pathlib import Path

from understudy.ids import new_id
from understudy.store.data_dir import create_data_dir

_FILE = "key"
_LENGTH = 48


def own_key(folder: Path) -> str:
    """Return the key in `folder`, which is made at first; one server at a time may do so."""
    path = folder / _FILE
    if path.exists():
        return path.read_text(encoding="ascii")
    create_data_dir(folder.parent)
    create_data_dir(folder)
    key = new_id("sk-", _LENGTH)
    partial = folder / f".{_FILE}"
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(key)
    partial.rename(path)
    return key
