"""The API key with which the assistant is asked: the application's, or one of the user's own.

A user's key is checked before it is stored, stored sealed, and never shown whole.
"""

import hashlib

from sqlalchemy import select, update

from understudy_apps.errors import BadRequest, Conflict, NotFound, ProviderFailed
from understudy_apps.negotiator.dependencies import Services
from understudy_apps.negotiator.model_server import ModelServer
from understudy_apps.negotiator.tables import users
from understudy_apps.sealing import CannotOpen

_CHECK_TIMEOUT_S = 10.0
_SHORTEST_SHOWN = 12
"""Of shorter keys not even the ends are shown."""


async def key_of(parts: Services, user_id: int) -> str:
    """Return the key to ask with for a user.

    Raises NotFound, and Conflict when the key file was replaced since the key was stored.
    """
    query = select(users.c.sealed_api_key).where(users.c.id == user_id)
    async with parts.database.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("The account does not exist any more.", "not_found")
    if row.sealed_api_key is None:
        return parts.settings.key
    try:
        return parts.sealer.open_(row.sealed_api_key)
    except CannotOpen as error:
        raise Conflict(
            "Your API key cannot be read any more. Enter it again, or remove it.",
            "api_key_unreadable",
        ) from error


async def store(parts: Services, user_id: int, key: str) -> str:
    """Check a key and store it as a user's own; return its hint.

    Raises BadRequest for one that the model's server refuses, and ProviderFailed when there is no
    answer to be had.
    """
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise _refused_key("An API key has no blanks and only ASCII characters.")
    await check(parts.model_server, key)
    await _write(parts, user_id, parts.sealer.seal(key), hint_of(key))
    return hint_of(key)


async def remove(parts: Services, user_id: int) -> None:
    """Forget a user's own key; the application's is used from then on."""
    await _write(parts, user_id, None, None)


async def check(server: ModelServer, key: str) -> None:
    """Ask the model's server once whether it takes a key; see `store` for what is raised."""
    import openai

    client = server.with_key(key).with_options(max_retries=0, timeout=_CHECK_TIMEOUT_S)
    try:
        await client.models.list()
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise _refused_key("The model's server refuses this API key.") from error
    except openai.APIConnectionError as error:
        raise ProviderFailed(
            "The model's server cannot be reached, so the key was not checked. Nothing was "
            "stored. Try again later.",
            "provider_unreachable",
        ) from error
    except openai.OpenAIError as error:
        raise ProviderFailed(
            "The model's server did not check the key: it is busy, its quota is used up, or it "
            "failed. Nothing was stored. Try again later.",
            "provider_failed",
        ) from error


def hint_of(key: str) -> str:
    """Return what may be shown of a key, as in `sk-…abcd`."""
    return f"{key[:3]}…{key[-4:]}" if len(key) >= _SHORTEST_SHOWN else "…"


def owner_of(base_url: str, key: str) -> str:
    """Return the name under which is remembered what was made at a server with a key."""
    return hashlib.sha256(f"{base_url}\n{key}".encode()).hexdigest()


def _refused_key(message: str) -> BadRequest:
    return BadRequest(message, "invalid_api_key", "api_key")


async def _write(parts: Services, user_id: int, sealed: str | None, hint: str | None) -> None:
    statement = update(users).where(users.c.id == user_id)
    async with parts.database.write() as connection:
        await connection.execute(statement.values(sealed_api_key=sealed, api_key_hint=hint))
