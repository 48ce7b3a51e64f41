"""`python -m bench.local`: one model, two ways to it, one table."""

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
from pathlib import Path

from bench.local import torch_model
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
        figures = asyncio.run(_measure(model, load, Path(folder)))
    direct, ours = figures["direct"], figures["Understudy"]
    other = _transformers(options.transformers, size, load, direct.prompt_tokens)
    print(table(direct, ours, other, _STREAMS))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.local", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt-words", type=int, default=200, help="of the long prompt")
    parser.add_argument("--tokens", type=int, default=64, help="of each answer")
    parser.add_argument("--requests", type=int, default=20, help="short ones, in each round")
    parser.add_argument("--tiny", action="store_true", help="a model of 1 MB: does it all run?")
    parser.add_argument(
        "--transformers",
        metavar="PYTHON",
        type=Path,
        help="a Python with torch and transformers, to measure those as well",
    )
    return parser.parse_args()


async def _measure(model: Path, load: Load, folder: Path) -> dict[str, Figures]:
    """Return the figures of both ways by their names."""
    length = load.prompt_words * _MOST_TOKENS_A_WORD + load.tokens + _SPARE_CONTEXT
    shape = Shape(slots=_STREAMS, context_length=length)
    with directly(model, shape) as direct, through_understudy(model, shape, folder) as ours:
        async with Client(direct) as one, Client(ours) as other:
            return await measure([one, other], load)


def _transformers(
    python: Path | None, size: dict[str, int], load: Load, prompt_tokens: int
) -> dict[str, float]:
    if python is None:
        return {}
    done = subprocess.run(
        [
            python, torch_model.__file__, json.dumps(size),
            f"--prompt={prompt_tokens}", f"--tokens={load.tokens}",
            f"--streams={load.streams}", f"--rounds={load.rounds}",
        ],
        stdout=subprocess.PIPE,
        check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
