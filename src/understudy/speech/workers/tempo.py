"""Audio at the rate and tempo that are wanted, made by libavfilter as it arrives."""

from collections.abc import Iterator
from typing import Final

from understudy.speech.base import SPOKEN_RATE_HZ

_LEAST_STEP: Final = 0.5
"""What libavfilter can do in one step."""


class Tempo:
    """Signed 16-bit mono PCM in at `rate_hz`, out at `SPOKEN_RATE_HZ` and `tempo` times as fast."""

    def __init__(self, rate_hz: int, tempo: float) -> None:
        import av.filter

        self._rate_hz = rate_hz
        self._fed = 0
        self._graph = av.filter.Graph()
        links = [
            self._graph.add_abuffer(sample_rate=rate_hz, format="s16", layout="mono"),
            *(self._graph.add("atempo", f"{step:.6f}") for step in _steps(tempo)),
            self._graph.add("aresample", str(SPOKEN_RATE_HZ)),
            self._graph.add("aformat", f"sample_fmts=s16:sample_rates={SPOKEN_RATE_HZ}"),
            self._graph.add("abuffersink"),
        ]
        self._graph.link_nodes(*links).configure()

    def feed(self, pcm: bytes) -> bytes:
        """Return what can be said of the audio so far."""
        import av
        import numpy as np

        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(pcm, np.int16)[np.newaxis], format="s16", layout="mono"
        )
        frame.sample_rate = self._rate_hz
        frame.pts = self._fed
        self._fed += frame.samples
        self._graph.push(frame)
        return b"".join(self._ready())

    def finish(self) -> bytes:
        """Return the rest."""
        if not self._fed:
            return b""
        self._graph.push(None)
        return b"".join(self._ready())

    def _ready(self) -> Iterator[bytes]:
        import av

        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            yield frame.to_ndarray().tobytes()


def _steps(tempo: float) -> Iterator[float]:
    while tempo < _LEAST_STEP:
        yield _LEAST_STEP
        tempo /= _LEAST_STEP
    if tempo != 1:
        yield tempo
