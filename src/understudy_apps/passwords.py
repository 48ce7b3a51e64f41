"""Passwords as argon2id hashes. Knows nothing of who they belong to."""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import anyio.to_thread

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# What OWASP's Password Storage Cheat Sheet gives for argon2id.
_MEMORY_KIB = 19 * 1024
_ROUNDS = 2
_THREADS = 1
_AT_ONCE = 2
"""A hash takes a core; more at once would let a crowd of logins starve the rest."""

_limiter: anyio.lowlevel.RunVar[anyio.CapacityLimiter] = anyio.lowlevel.RunVar("argon2")


async def hash_password(text: str) -> str:
    """Return the hash to store, with its salt and parameters."""
    return await anyio.to_thread.run_sync(_hash, _normal(text), limiter=_own_limiter())


async def is_right(stored_hash: str | None, text: str) -> bool:
    """Tell whether `text` is the password of `stored_hash`.

    None stands for an account that does not exist, and takes as long as a wrong password.
    """
    return await anyio.to_thread.run_sync(
        _verify, stored_hash, _normal(text), limiter=_own_limiter()
    )


def _own_limiter() -> anyio.CapacityLimiter:
    """Return the limiter of the running event loop."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_AT_ONCE)
        _limiter.set(limiter)
        return limiter


def _normal(text: str) -> str:
    """Return one spelling of characters that keyboards enter in several."""
    return unicodedata.normalize("NFKC", text)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(memory_cost=_MEMORY_KIB, time_cost=_ROUNDS, parallelism=_THREADS)


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("nobody has this password")


def _hash(text: str) -> str:
    return _hasher().hash(text)


def _verify(stored_hash: str | None, text: str) -> bool:
    from argon2.exceptions import VerifyMismatchError

    # Made before the comparison in either case, so that its cost tells nothing.
    nobodys_hash = _nobodys_hash()
    try:
        _hasher().verify(stored_hash or nobodys_hash, text)
    except VerifyMismatchError:
        return False
    return stored_hash is not None
