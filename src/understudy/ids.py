"""Identifiers and the clock: the only module that draws random ids or reads the time of day."""

import hashlib
import os
import time

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UNBIASED = 256 - 256 % len(_ALPHABET)
_CHARACTER_OF_BYTE = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
_REJECTED = bytes(range(_UNBIASED, 256))
"""Bytes that would make the alphabet's first letters likelier than the others."""


def new_id(prefix: str, length: int = 24) -> str:
    """Return `prefix` followed by `length` random letters and digits, e.g. `run_8fJ...`.

    The separator belongs to the prefix (`chatcmpl-`, `file-`) and is `_` where it has none.
    """
    separator = "" if prefix.endswith(("-", "_")) else "_"
    drawn = b""
    while len(drawn) < length:
        drawn += os.urandom(2 * length).translate(_CHARACTER_OF_BYTE, _REJECTED)
    return prefix + separator + drawn[:length].decode("ascii")


def derived_id(prefix: str, *origins: str | int, length: int = 24) -> str:
    """Return the id that these origins always lead to: who repeats a work makes the same ids."""
    digest = hashlib.sha512("\0".join(map(str, origins)).encode()).digest()
    drawn = digest.translate(_CHARACTER_OF_BYTE)[:length]
    return f"{prefix}_{drawn.decode('ascii')}"


def now_s() -> int:
    """Return the current Unix time in whole seconds, as OpenAI's `created` fields hold it."""
    return int(time.time())
