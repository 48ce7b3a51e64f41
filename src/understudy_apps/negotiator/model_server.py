"""The server of the model, asked with anybody's key over one pool of connections.

Knows nothing of whose a key is.
"""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_TIMEOUT_S = 120.0


class ModelServer:
    """Opens nothing before it is first asked; `close` comes last."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def with_key(self, key: str) -> "AsyncOpenAI":
        """Return a client that sends a key; it is not to be closed."""
        return self._client.with_options(api_key=key)

    async def close(self) -> None:
        """Close every connection."""
        if "_client" in self.__dict__:
            await self._client.close()

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        # Making one reads the certificates of all authorities: for each request it would be slow.
        from openai import AsyncOpenAI

        return AsyncOpenAI(base_url=self.base_url, api_key="any", timeout=_TIMEOUT_S)
