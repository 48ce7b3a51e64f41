"""The conversations that the model's server keeps, erased there when their person leaves."""

import logging
from collections.abc import Mapping, Sequence

from understudy_apps.errors import Conflict
from understudy_apps.negotiator.api_keys import key_of, owner_of
from understudy_apps.negotiator.dependencies import Services

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


async def erase(base_url: str, keys: Mapping[str, str], threads: Sequence[tuple[str, str]]) -> None:
    """Delete conversations, given as (owner, thread id), as far as the server can be reached.

    What stays there is logged by its id, for whoever runs the server.
    """
    for owner, thread_id in threads:
        if owner in keys:
            await _erase_one(base_url, keys[owner], thread_id)
        else:
            _log.warning("the thread %s stays: the key that made it was removed", thread_id)


async def _erase_one(base_url: str, key: str, thread_id: str) -> None:
    import openai

    try:
        async with openai.AsyncOpenAI(
            base_url=base_url, api_key=key, max_retries=1, timeout=_TIMEOUT_S
        ) as client:
            await client.beta.threads.delete(thread_id)
    except openai.NotFoundError:
        pass
    except openai.OpenAIError as error:
        _log.warning("the thread %s stays: %s", thread_id, error)
