"""Whisper inside a worker, through faster-whisper; nothing is fetched from a network here."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from understudy.speech.base import HEARD_RATE_HZ, Heard, Listening, Segment, Word
from understudy.speech.workers.exchange import Exchange
from understudy.speech.workers.frames import Refused, WorkFailed
from understudy.speech.workers.work import ListenWork

if TYPE_CHECKING:
    import faster_whisper
    import numpy as np
    from faster_whisper import transcribe

_TEMPERATURES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Tried in turn while the result repeats itself or is improbable, as OpenAI's own code does."""
_LEAST_SAMPLES: Final = HEARD_RATE_HZ // 10


class WhisperWorker:
    """Transcribes and translates with the model in a folder, or of a name in the local cache."""

    def __init__(self, path: str, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._model: faster_whisper.WhisperModel | None = None

    def run(self, work: msgspec.Raw, exchange: Exchange) -> None:
        """Transcribe one recording."""
        listening = msgspec.msgpack.decode(work, type=ListenWork).listening
        model = self._model or self._load()
        _check(model, listening)
        samples = _samples(exchange.audio())
        duration_s = len(samples) / HEARD_RATE_HZ
        if len(samples) < _LEAST_SAMPLES:
            exchange.heard(Heard(listening.language or "en", duration_s))
            return
        segments, info = model.transcribe(
            samples,
            language=listening.language,
            task="translate" if listening.translate else "transcribe",
            initial_prompt=listening.prompt,
            temperature=listening.temperature or _TEMPERATURES,
            word_timestamps=listening.words,
            vad_filter=True,
            condition_on_previous_text=False,
        )
        exchange.heard(Heard(info.language, duration_s))
        for segment in segments:
            exchange.segment(_segment(segment))

    def _load(self) -> "faster_whisper.WhisperModel":
        import faster_whisper
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            self._model = faster_whisper.WhisperModel(
                self._path,
                device="cpu",
                compute_type="int8",
                cpu_threads=self._threads,
                local_files_only=True,
            )
        except LocalEntryNotFoundError:
            raise Refused("model", _not_here(self._path)) from None
        except HFValidationError:
            raise WorkFailed(
                f"there is no folder '{self._path}': mend its path in speech.whisper."
            ) from None
        except Exception as error:  # The root of a foreign loader: damage shows in any way.
            raise WorkFailed(
                f"the model '{self._path}' cannot be loaded ({error}): fetch its files again."
            ) from error
        return self._model


def _check(model: "faster_whisper.WhisperModel", listening: Listening) -> None:
    """Raise Refused for what the model cannot do."""
    language = listening.language
    if language is not None and language not in model.supported_languages:
        raise Refused(
            "language",
            f"Invalid value for 'language': this model does not know '{language}'; it takes codes "
            "of ISO 639-1, such as 'es'.",
        )
    if listening.translate and not model.model.is_multilingual:
        raise Refused("model", "This model hears English only and translates nothing.")


def _not_here(name: str) -> str:
    repository = name if "/" in name else f"Systran/faster-whisper-{name}"
    return (
        f"The weights of the Whisper model '{name}' are not on the server, which fetches nothing "
        f"unasked: run `hf download {repository}` there, or name a folder that has them in "
        "speech.whisper."
    )


def _samples(audio: Iterable[bytes]) -> "np.ndarray":
    """Return PCM as float32 from -1 to 1."""
    import numpy as np

    return np.frombuffer(b"".join(audio), np.int16).astype(np.float32) / 32_768


def _segment(found: "transcribe.Segment") -> Segment:
    # Where words are timed, numpy's numbers stand in for Python's.
    return Segment(
        text=found.text.strip(),
        start_s=float(found.start),
        end_s=float(found.end),
        words=tuple(
            Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            for word in found.words or ()
        ),
        average_logprob=found.avg_logprob,
        no_speech_probability=found.no_speech_prob,
        compression_ratio=found.compression_ratio,
        temperature=found.temperature,
        tokens=tuple(found.tokens),
    )
