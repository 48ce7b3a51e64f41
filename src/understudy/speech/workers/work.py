"""What the two halves of an engine tell each other: the jobs of each kind of worker."""

import msgspec

from understudy.speech.base import Listening


class EspeakWork(msgspec.Struct, frozen=True):
    """Text to speak by eSpeak NG."""

    text: str
    voice: str
    """As eSpeak names it: language and variant, `en-us+f2`."""
    pitch: int
    """0 to 99; 50 is the variant's own."""
    pitch_range: int
    """0 to 99; 50 is the variant's own."""
    tempo: float
    """By how much the audio is then hastened."""


class KokoroWork(msgspec.Struct, frozen=True):
    """Text to speak by Kokoro."""

    text: str
    voice: str
    language: str
    """As eSpeak, which finds the phonemes, names it."""
    speed: float
    """0.5 to 2."""
    tempo: float
    """By how much the audio is then hastened."""


class ListenWork(msgspec.Struct, frozen=True):
    """Audio to hear."""

    listening: Listening
