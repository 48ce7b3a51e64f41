"""Whisper as a transcribing engine, through faster-whisper on the processor.

The model is a folder of CTranslate2's form, or a name whose weights are in the local cache.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from understudy.speech.base import Heard, Listening, Segment, TranscribeCapabilities
from understudy.speech.extras import require
from understudy.speech.languages import base_code
from understudy.speech.workers.frames import Start
from understudy.speech.workers.pool import PoolLimits, WorkerPool
from understudy.speech.workers.work import ListenWork

_IDLE_S: Final = 1_800.0
_SILENCE_S: Final = 900.0
"""Large models take minutes to load from a slow disk, or to hear the first half minute."""


class WhisperEngine:
    """Transcribes with one Whisper model, in its own processes."""

    def __init__(self, name: str, model: str, workers: int, threads: int | None = None) -> None:
        """`name` is what requests call it; `model` is a folder, or a name of the local cache."""
        self.name = name
        start = Start(
            engine="whisper",
            model={"path": model},
            threads=threads or max(1, (os.cpu_count() or 1) // workers),
            idle_s=_IDLE_S,
            parent=0,
        )
        self._pool = WorkerPool(self.name, start, PoolLimits(workers, silence_s=_SILENCE_S))

    def capabilities(self) -> TranscribeCapabilities:
        """Return what Whisper can do; which languages a model knows shows when it is loaded."""
        return TranscribeCapabilities(
            languages=None,
            translation=True,
            word_times=True,
            logprobs=True,
            prompt=True,
            temperature=True,
        )

    async def transcribe(
        self, audio: AsyncGenerator[bytes, None], listening: Listening
    ) -> AsyncGenerator[Heard | Segment, None]:
        """Yield what is heard; segments carry average log probabilities.

        Raises InvalidRequest for a language that the model does not know, a translation by an
        English-only model, and weights that are not on this machine.
        """
        require("faster_whisper", "whisper", self.name)
        work = ListenWork(_normalised(listening))
        async with aclosing(self._pool.run(work, audio)) as results:
            async for found in results:
                assert not isinstance(found, bytes)
                yield found

    async def aclose(self) -> None:
        """End its processes."""
        await self._pool.aclose()


def _normalised(listening: Listening) -> Listening:
    if listening.language is None:
        return listening
    return replace(listening, language=base_code(listening.language))
