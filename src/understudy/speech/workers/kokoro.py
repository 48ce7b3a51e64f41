"""Kokoro inside a worker, through kokoro-onnx, which finds phonemes with eSpeak NG."""

from typing import TYPE_CHECKING, Final

import msgspec

from understudy.speech.base import SPOKEN_RATE_HZ
from understudy.speech.workers.exchange import Exchange
from understudy.speech.workers.frames import WorkFailed
from understudy.speech.workers.tempo import Tempo
from understudy.speech.workers.work import KokoroWork

if TYPE_CHECKING:
    import kokoro_onnx
    import numpy as np

_PIECE_BYTES: Final = SPOKEN_RATE_HZ
"""Half a second."""


class KokoroWorker:
    """Speaks with the model and the voices in two files."""

    def __init__(self, model_path: str, voices_path: str, threads: int) -> None:
        self._model_path = model_path
        self._voices_path = voices_path
        self._threads = threads
        self._kokoro: kokoro_onnx.Kokoro | None = None

    def run(self, work: msgspec.Raw, exchange: Exchange) -> None:
        """Speak one text."""
        wanted = msgspec.msgpack.decode(work, type=KokoroWork)
        kokoro = self._kokoro or self._load()
        phonemes = kokoro.tokenizer.phonemize(wanted.text, wanted.language)
        if not phonemes:
            return
        samples, rate_hz = kokoro.create(
            phonemes, wanted.voice, speed=wanted.speed, lang=wanted.language, is_phonemes=True
        )
        tempo = Tempo(rate_hz, wanted.tempo)
        pcm = _pcm(samples)
        for at in range(0, len(pcm), _PIECE_BYTES):
            exchange.pcm(tempo.feed(pcm[at : at + _PIECE_BYTES]))
        exchange.pcm(tempo.finish())

    def _load(self) -> "kokoro_onnx.Kokoro":
        import kokoro_onnx
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        try:
            session = onnxruntime.InferenceSession(
                self._model_path, options, providers=["CPUExecutionProvider"]
            )
            self._kokoro = kokoro_onnx.Kokoro.from_session(session, self._voices_path)
        except Exception as error:  # The root of a foreign loader: damage shows in any way.
            raise WorkFailed(
                f"the model '{self._model_path}' with the voices '{self._voices_path}' cannot be "
                f"loaded ({error}): fetch its files again."
            ) from error
        return self._kokoro


def _pcm(samples: "np.ndarray") -> bytes:
    import numpy as np

    scaled: np.ndarray = np.clip(samples, -1, 1) * 32_767
    return scaled.astype(np.int16).tobytes()
