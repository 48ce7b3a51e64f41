"""The conversations that the model's server keeps, erased there when their person leaves."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from understudy_apps.errors import Conflict
from understudy_apps.negotiator.api_keys import key_of, owner_of
from understudy_apps.negotiator.dependencies import Services
from understudy_apps.negotiator.model_server import ModelServer

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_TIMEOUT_S = 10.0
_log = logging.getLogger(__name__)


async def keys_at_hand(parts: Services, user_id: int) -> dict[str, str]:
    """Return, by owner, the keys with which a user's conversations can be reached."""
    keys = {parts.settings.key}
    try:
        keys.add(await key_of(parts, user_id))
    except Conflict:
        pass  # What was made with a key that cannot be read any more cannot be reached.
    return {owner_of(parts.settings.base_url, key): key for key in keys}


async def erase(
    server: ModelServer, keys: Mapping[str, str], threads: Sequence[tuple[str, str]]
) -> None:
    """Delete conversations, given as (owner, thread id), as far as the server can be reached.

    What stays there is logged by its id, for whoever runs the server.
    """
    for owner, thread_id in threads:
        if owner in keys:
            await _erase_one(server.with_key(keys[owner]), thread_id)
        else:
            _log.warning("the thread %s stays: the key that made it was removed", thread_id)


async def _erase_one(client: "AsyncOpenAI", thread_id: str) -> None:
    import openai

    hurried = client.with_options(max_retries=1, timeout=_TIMEOUT_S)
    try:
        await hurried.beta.threads.delete(thread_id)
    except openai.NotFoundError:
        pass
    except openai.OpenAIError as error:
        _log.warning("the thread %s stays: %s", thread_id, error)
