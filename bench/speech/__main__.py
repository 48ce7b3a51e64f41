"""`python -m bench.speech`: what speech costs with the embedded engine."""

import argparse
import asyncio
import math
import os
import statistics
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from bench.processes import cpu_s, free_port, resident_mb
from bench.servers import Server, understudy
from bench.speech.client import Client, Spoken

_MODEL = "understudy-espeak"
_FORMATS = ("pcm", "mp3", "opus", "aac", "flac", "wav")
_SAMPLE_BYTES, _RATE_HZ = 2, 24_000
_SENTENCE = "The server speaks as soon as it knows the first words of a sentence. "
_WARM_UP = 5
Row = tuple[str, str, str]


def main() -> None:
    """Measure and print one figure a line as soon as it is known."""
    options = _options()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the run\n")
    print("| figure | value | target |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="understudy-speech-") as name:
        # No model is asked for anything, so that nobody has to listen at the provider's port.
        with understudy(Path(name), free_port()) as server:
            asyncio.run(_print_all(server, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speech", description=__doc__)
    parser.add_argument("--requests", type=int, default=50, help="speeches one after another")
    parser.add_argument("--sentences", type=int, default=16, help="sentences of the long text")
    parser.add_argument("--streams", type=int, default=16, help="speeches at the same time")
    return parser.parse_args()


async def _print_all(server: Server, options: argparse.Namespace) -> None:
    client = Client(server.endpoint.port, _MODEL)
    try:
        async for row in _measure(client, server, options):
            print("| {} | {} | {} |".format(*row), flush=True)
    finally:
        await client.aclose()


async def _measure(
    client: Client, server: Server, options: argparse.Namespace
) -> AsyncIterator[Row]:
    yield _memory(server, "idle after start", "")
    for audio_format in ("pcm", "mp3"):
        yield await _first_byte(client, audio_format, options.requests)
    text = _SENTENCE * options.sentences
    lasts_s = (await client.speak(text, "pcm")).size_bytes / _SAMPLE_BYTES / _RATE_HZ
    for audio_format in _FORMATS:
        spoken = await client.speak(text, audio_format)
        figure = f"real-time factor, {audio_format}, {lasts_s:.0f} s of speech"
        yield figure, f"{spoken.end_s / lasts_s:.3f}", "< 0.1"
    yield _memory(server, "after each format, without workers", "< 150 MB")
    async for row in _side_by_side(client, server, text, options.streams):
        yield row
    yield _memory(server, f"after {options.streams} side by side, without workers", "< 150 MB")


async def _first_byte(client: Client, audio_format: str, requests: int) -> Row:
    for _ in range(_WARM_UP):
        await client.speak(_SENTENCE, audio_format)
    spoken = [await client.speak(_SENTENCE, audio_format) for _ in range(requests)]
    times_s = [each.first_byte_s for each in spoken]
    return f"first byte, {audio_format}, p50", _ms(times_s), "< 60 ms"


async def _side_by_side(
    client: Client, server: Server, text: str, streams: int
) -> AsyncIterator[Row]:
    alone = await client.speak(text, "mp3")
    before_s = cpu_s(server.pid)
    ends = await asyncio.gather(
        *(client.speak(text, "mp3") for _ in range(streams)), return_exceptions=True
    )
    spent_s = cpu_s(server.pid) - before_s
    whole = [end for end in ends if isinstance(end, Spoken) and _is_whole(end, alone)]
    yield f"{streams} speeches side by side, failed", str(streams - len(whole)), "0"
    if not whole:
        return
    yield "their first byte, p50", _ms([each.first_byte_s for each in whole]), ""
    yield "their last byte, p50", _ms([each.end_s for each in whole]), ""
    yield "their CPU in the server", f"{spent_s / streams * 1000:.0f} ms a speech", ""


def _memory(server: Server, when: str, target: str) -> Row:
    return f"resident memory, {when}", f"{resident_mb(server.pid):.0f} MB", target


def _is_whole(spoken: Spoken, alone: Spoken) -> bool:
    # eSpeak does not make the very same samples twice.
    return math.isclose(spoken.size_bytes, alone.size_bytes, rel_tol=0.01)


def _ms(times_s: list[float]) -> str:
    return f"{statistics.median(times_s) * 1000:.1f} ms"


if __name__ == "__main__":
    main()
