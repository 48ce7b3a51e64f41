"""`python -m bench.local`: one model, two ways to it, other engines beside them, one table."""

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.local.beside import Beside, beside
from bench.local.client import Client
from bench.local.engines import Shape, directly, through_understudy
from bench.local.measure import Figures, Load, measure
from bench.local.model import QWEN3_0_6B, TINY, made
from bench.local.report import table

_STREAMS = 8
_SPARE_CONTEXT = 256
_MOST_TOKENS_A_WORD = 3


def main() -> None:
    """Make the model, measure each way to it, and print the table."""
    options = _options()
    size = TINY if options.tiny else QWEN3_0_6B
    load = Load(options.rounds, options.prompt_words, options.tokens, _STREAMS, options.requests)
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the run\n")
    model = made(size)
    with tempfile.TemporaryDirectory(prefix="understudy-local-") as folder:
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(other) for other in _others(options, size, model)]
            figures = asyncio.run(_measure(model, load, Path(folder), others))
    direct, ours = figures.pop("direct"), figures.pop("Understudy")
    print(table(direct, ours, figures, _STREAMS))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.local", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt-words", type=int, default=200, help="of the long prompt")
    parser.add_argument("--tokens", type=int, default=64, help="of each answer")
    parser.add_argument("--requests", type=int, default=20, help="short ones, in each round")
    parser.add_argument("--tiny", action="store_true", help="a model of 1 MB: does it all run?")
    for name in ("transformers", "openvino"):
        parser.add_argument(
            f"--{name}", metavar="PYTHON", type=Path, help="a Python that has it: measured as well"
        )
    return parser.parse_args()


def _others(
    options: argparse.Namespace, size: dict[str, int], model: Path
) -> Iterator[contextlib.AbstractContextManager[Beside]]:
    """Yield the engines beside which ours is measured, not yet begun."""
    if options.transformers:
        yield beside(
            "transformers", options.transformers, "bench.local.torch_model", json.dumps(size)
        )
    if options.openvino:
        yield beside("openvino-genai", options.openvino, "bench.local.openvino_model", str(model))


async def _measure(
    model: Path, load: Load, folder: Path, others: Sequence[Beside]
) -> dict[str, Figures]:
    """Return the figures of all by their names."""
    length = load.prompt_words * _MOST_TOKENS_A_WORD + load.tokens + _SPARE_CONTEXT
    shape = Shape(slots=_STREAMS, context_length=length)
    with directly(model, shape) as direct, through_understudy(model, shape, folder) as ours:
        async with Client(direct) as one, Client(ours) as other:
            return await measure([one, other], others, load)


if __name__ == "__main__":
    main()
