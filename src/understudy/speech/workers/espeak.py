"""eSpeak NG inside a worker, through its C interface; the only module that loads its library."""

import ctypes
from typing import TYPE_CHECKING, Final

import msgspec

from understudy.speech.workers.exchange import Cancelled, Exchange
from understudy.speech.workers.frames import WorkFailed
from understudy.speech.workers.tempo import Tempo
from understudy.speech.workers.work import EspeakWork

if TYPE_CHECKING:
    from collections.abc import Callable

# From speak_lib.h of eSpeak NG 1.52.
_OUTPUT_SYNCHRONOUS: Final = 2
_INITIALIZE_DONT_EXIT: Final = 0x8000
_CHARS_UTF8: Final = 1
_POSITION_CHARACTER: Final = 1
_RATE: Final = 1
_PITCH: Final = 3
_RANGE: Final = 4

_WORDS_PER_MINUTE: Final = 175
"""Never another one: twice as many words a minute make short sentences three times as fast."""
_BUFFER_MS: Final = 60
_PIECE_BYTES: Final = 16 * 1024
"""A third of a second; the first piece goes out as soon as there is any."""
_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class EspeakWorker:
    """Speaks; its library is loaded with the first job."""

    def __init__(self) -> None:
        self._library: ctypes.CDLL | None = None
        self._rate_hz = 0
        self._take: Callable[[bytes], None] = _drop
        self._error: Exception | None = None
        # Kept here, since the library keeps only its address.
        self._callback = _CALLBACK(self._on_audio)

    def run(self, work: msgspec.Raw, exchange: Exchange) -> None:
        """Speak one text."""
        self._speak(msgspec.msgpack.decode(work, type=EspeakWork), exchange)

    def _speak(self, work: EspeakWork, exchange: Exchange) -> None:
        library = self._library or self._load()
        _set_up(library, work)
        output = _Output(Tempo(self._rate_hz, work.tempo), exchange)
        self._take, self._error = output.feed, None
        text = work.text.encode() + b"\0"
        status = library.espeak_Synth(
            text, len(text), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        if self._error is not None:
            raise self._error
        if status != 0:
            raise WorkFailed(f"eSpeak NG could not speak (status {status})")
        output.finish()

    def _on_audio(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int) -> int:
        """Take what was made; 1 makes the library stop, since nothing is raised through it."""
        if not samples or count <= 0 or self._error is not None:
            return int(self._error is not None)
        try:
            self._take(ctypes.string_at(samples, 2 * count))
        except Exception as error:  # The root of a callback; `_speak` raises it past the library.
            self._error = error
            return 1
        return 0

    def _load(self) -> ctypes.CDLL:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate_hz = library.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS, _BUFFER_MS, data, _INITIALIZE_DONT_EXIT
        )
        if self._rate_hz <= 0:
            raise WorkFailed(
                "eSpeak NG finds no data: install it again, "
                "pip install --force-reinstall espeakng-loader"
            )
        library.espeak_SetSynthCallback(self._callback)
        self._library = library
        return library


class _Output:
    """Gathers small pieces, so that long texts cost few messages."""

    def __init__(self, tempo: Tempo, exchange: Exchange) -> None:
        self._tempo = tempo
        self._exchange = exchange
        self._held = bytearray()
        self._enough_bytes = 1

    def feed(self, pcm: bytes) -> None:
        self._held += self._tempo.feed(pcm)
        if len(self._held) >= self._enough_bytes:
            self._send()
        elif self._exchange.is_cancelled:
            raise Cancelled

    def finish(self) -> None:
        self._held += self._tempo.finish()
        if self._held:
            self._send()

    def _send(self) -> None:
        self._exchange.pcm(bytes(self._held))
        self._held.clear()
        self._enough_bytes = _PIECE_BYTES


def _set_up(library: ctypes.CDLL, work: EspeakWork) -> None:
    if library.espeak_SetVoiceByName(work.voice.encode()) != 0:
        raise WorkFailed(f"eSpeak NG has no voice {work.voice!r}")
    for parameter, value in (
        (_RATE, _WORDS_PER_MINUTE),
        (_PITCH, work.pitch),
        (_RANGE, work.pitch_range),
    ):
        library.espeak_SetParameter(parameter, value, 0)


def _drop(pcm: bytes) -> None:
    del pcm
