"""PocketSphinx as a transcribing engine: English, from a model that comes with the package."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from understudy.errors import InvalidRequest
from understudy.speech.base import Heard, Listening, Segment, TranscribeCapabilities
from understudy.speech.extras import require
from understudy.speech.languages import base_code
from understudy.speech.workers.frames import Start
from understudy.speech.workers.pool import PoolLimits, WorkerPool
from understudy.speech.workers.work import ListenWork

NAME: Final = "understudy-sphinx"
_IDLE_S: Final = 300.0


class SphinxEngine:
    """Transcribes with PocketSphinx, in its own processes."""

    name = NAME

    def __init__(self, workers: int) -> None:
        start = Start(engine="sphinx", model={}, threads=1, idle_s=_IDLE_S, parent=0)
        self._pool = WorkerPool(NAME, start, PoolLimits(workers))

    def capabilities(self) -> TranscribeCapabilities:
        """Return what it can do: words and their times, in English."""
        return TranscribeCapabilities(languages=("en",), word_times=True)

    async def transcribe(
        self, audio: AsyncGenerator[bytes, None], listening: Listening
    ) -> AsyncGenerator[Heard | Segment, None]:
        """Yield what is heard. Raises InvalidRequest for any language but English."""
        require("pocketsphinx", "speech", NAME)
        if listening.language is not None and base_code(listening.language) != "en":
            raise InvalidRequest(
                f"'{NAME}' hears English only, not '{listening.language}': install Whisper (pip "
                "install 'understudy[whisper]') and name it as the model, 'whisper/small', or use "
                "a provider's model.",
                param="language",
            )
        async with aclosing(self._pool.run(ListenWork(listening), audio)) as results:
            async for found in results:
                assert not isinstance(found, bytes)
                yield found

    async def aclose(self) -> None:
        """End its processes."""
        await self._pool.aclose()
