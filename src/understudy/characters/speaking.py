"""An answer spoken sentence by sentence while it is written."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from understudy.speech.codec import encoded
from understudy.speech.sentences import SentenceCutter
from understudy.speech.tts import TurnVoice


async def spoken(texts: AsyncGenerator[str, None], voice: TurnVoice) -> AsyncGenerator[bytes, None]:
    """Yield the file of audio that a text makes, from its first sentence on."""
    async with aclosing(encoded(_pcm(texts, voice), voice.manner.audio_format)) as pieces:
        async for piece in pieces:
            yield piece


async def _pcm(texts: AsyncGenerator[str, None], voice: TurnVoice) -> AsyncGenerator[bytes, None]:
    async with aclosing(_sentences(texts)) as sentences:
        async for sentence in sentences:
            async with aclosing(voice.speak(sentence)) as blocks:
                async for block in blocks:
                    yield block


async def _sentences(texts: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    cutter = SentenceCutter()
    async with aclosing(texts):
        async for text in texts:
            for sentence in cutter.feed(text):
                yield sentence
    for sentence in cutter.finish():
        yield sentence
