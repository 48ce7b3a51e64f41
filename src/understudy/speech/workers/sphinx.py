"""PocketSphinx inside a worker: audio is cut where nobody speaks, and each stretch is decoded."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from understudy.speech.base import HEARD_RATE_HZ, Heard, Segment, Word
from understudy.speech.workers.exchange import Exchange

if TYPE_CHECKING:
    from pocketsphinx import Decoder

_LONGEST_STRETCH_S: Final = 30.0
_PEAK: Final = 0.8 * 32_767
_MOST_GAIN: Final = 30.0
_NOISE: Final = 30.0
"""Standard deviation, of 32,767."""
_MARGIN_S: Final = 0.25
"""Of noise before and after: words at the edge are misheard without."""
_FRAMES_PER_S: Final = 100
_BYTES_PER_S: Final = 2 * HEARD_RATE_HZ


class SphinxWorker:
    """Transcribes English; its model comes with the package and is loaded with the first job."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def run(self, work: msgspec.Raw, exchange: Exchange) -> None:
        """Transcribe one recording; there is nothing to choose."""
        del work
        decoder = self._decoder or self._load()
        audio = b"".join(exchange.audio())
        exchange.heard(Heard("en", len(audio) / _BYTES_PER_S))
        for start_s, pcm in _stretches(audio):
            segment = _decode(decoder, start_s, pcm)
            if segment is not None:
                exchange.segment(segment)

    def _load(self) -> "Decoder":
        from pocketsphinx import Decoder

        # The mean of each stretch alone: what was heard before must not change what is heard now.
        self._decoder = Decoder(samprate=HEARD_RATE_HZ, cmn="batch", loglevel="FATAL")
        return self._decoder


def _stretches(audio: bytes) -> Iterator[tuple[float, bytes]]:
    """Yield where somebody speaks: the start in seconds, and the audio."""
    from pocketsphinx import Endpointer

    endpointer = Endpointer(sample_rate=HEARD_RATE_HZ)
    size = endpointer.frame_bytes
    held = bytearray()
    start_s = 0.0
    for at in range(0, len(audio), size):
        is_last = at + size >= len(audio)
        frame = audio[at : at + size]
        speech = endpointer.end_stream(frame) if is_last else endpointer.process(frame)
        if speech is not None:
            start_s = start_s if held else endpointer.speech_start
            held += speech
        is_long = len(held) >= _LONGEST_STRETCH_S * _BYTES_PER_S
        if held and (is_long or not endpointer.in_speech):
            yield start_s, bytes(held)
            start_s += len(held) / _BYTES_PER_S
            held.clear()


def _decode(decoder: "Decoder", start_s: float, pcm: bytes) -> Segment | None:
    decoder.start_utt()
    decoder.process_raw(_prepared(pcm), full_utt=True)
    decoder.end_utt()
    words = _words(decoder, start_s, start_s + len(pcm) / _BYTES_PER_S)
    if not words:
        return None
    return Segment(
        text=" ".join(word.text for word in words),
        start_s=words[0].start_s,
        end_s=words[-1].end_s,
        words=words,
    )


def _words(decoder: "Decoder", start_s: float, end_s: float) -> tuple[Word, ...]:
    """Return the words between two times; the decoder counts from before the first."""
    zero_s = start_s - _MARGIN_S
    return tuple(
        Word(
            text=_spelled(found.word),
            start_s=round(max(start_s, zero_s + found.start_frame / _FRAMES_PER_S), 2),
            end_s=min(end_s, round(zero_s + (found.end_frame + 1) / _FRAMES_PER_S, 2)),
        )
        for found in decoder.seg() or ()
        if found.word[0] not in "<["
    )


def _prepared(pcm: bytes) -> bytes:
    """Return audio as loud as recordings are, over the faint noise that they have.

    Synthetic speech has none, and is then misheard four times as often.
    """
    import numpy as np

    padded = np.pad(np.frombuffer(pcm, np.int16), round(_MARGIN_S * HEARD_RATE_HZ))
    samples = padded.astype(np.float32)
    gain = np.float32(min(_PEAK / float(np.abs(samples).max(initial=1)), _MOST_GAIN))
    # A seed of its own: the same audio gives the same text.
    noise = np.random.default_rng(0).standard_normal(len(samples), np.float32)
    return (samples * gain + np.float32(_NOISE) * noise).astype(np.int16).tobytes()


def _spelled(word: str) -> str:
    """Return a word of the dictionary without the number of its pronunciation, `a(2)`."""
    return word.partition("(")[0]
