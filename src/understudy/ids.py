"""Identifiers and the clock: the only module that draws random ids or reads the time of day."""

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(prefix: str, length: int = 24) -> str:
    """Return `prefix` followed by `length` random letters and digits, e.g. `run_8fJ...`.

    The separator belongs to the prefix (`chatcmpl-`, `file-`) and is `_` where it has none.
    """
    separator = "" if prefix.endswith(("-", "_")) else "_"
    return prefix + separator + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def now_s() -> int:
    """Return the current Unix time in whole seconds, as OpenAI's `created` fields hold it."""
    return int(time.time())
