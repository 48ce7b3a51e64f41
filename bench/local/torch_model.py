"""The same shape in transformers, bf16 with random weights, run by a Python that has it.

Knows nothing of the rest of the bench: it is run as a script, and prints tokens a second as JSON.
"""

import argparse
import json
import os
import time
from typing import Any

_WARM_UP_TOKENS = 8


def main() -> None:
    """Measure what the command line asks for, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", help="the options of scripts/make_tiny_gguf.py, as JSON")
    for name in ("prompt", "tokens", "streams", "rounds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(_figures(json.loads(options.size), options)))


def _model(size: dict[str, int]) -> Any:
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(1)
    torch.set_num_threads(os.cpu_count() or 1)
    config = Qwen3Config(
        vocab_size=size["vocabulary"],
        hidden_size=size["width"],
        intermediate_size=size["ffn"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["kv-heads"],
        head_dim=size["head-size"],
        tie_word_embeddings=False,
        eos_token_id=None,
        bos_token_id=None,
    )
    return Qwen3ForCausalLM(config).to(torch.bfloat16).eval()


def _figures(size: dict[str, int], options: argparse.Namespace) -> dict[str, float]:
    import torch

    model = _model(size)

    def spent_s(batch: int, prompt: int, tokens: int) -> float:
        shown = torch.randint(300, size["vocabulary"], (batch, prompt))
        began = time.perf_counter()
        with torch.inference_mode():
            model.generate(
                shown,
                attention_mask=torch.ones_like(shown),
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                do_sample=False,
            )
        return time.perf_counter() - began

    spent_s(1, _WARM_UP_TOKENS, _WARM_UP_TOKENS)
    best: dict[str, float] = {}
    for _ in range(options.rounds):
        first_s = spent_s(1, _WARM_UP_TOKENS, 1)
        found = {
            "prefill": options.prompt / spent_s(1, options.prompt, 1),
            "decode": (options.tokens - 1)
            / (spent_s(1, _WARM_UP_TOKENS, options.tokens) - first_s),
            "streams": options.streams
            * options.tokens
            / spent_s(options.streams, _WARM_UP_TOKENS, options.tokens),
        }
        best = {name: max(value, best.get(name, 0.0)) for name, value in found.items()}
    return best


if __name__ == "__main__":
    main()
