"""The same shape in transformers, bf16 with random weights: run by a Python that has it."""

import argparse
import json
import os
import time
from typing import Any

from bench.local.answer import Answer, Request, serve

_WARM_UP_TOKENS = 8
_FIRST_PLAIN_TOKEN = 300


def main() -> None:
    """Make the model, and answer what is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", help="the options of scripts/make_tiny_gguf.py, as JSON")
    size: dict[str, int] = json.loads(parser.parse_args().size)
    model = _model(size)

    def generate(request: Request) -> Answer:
        return _generate(model, size["vocabulary"], request)

    generate(Request(1, _WARM_UP_TOKENS, _WARM_UP_TOKENS))
    serve(generate)


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


def _generate(model: Any, vocabulary: int, request: Request) -> Answer:
    import torch

    arrivals: list[float] = []

    def seen(ids: Any, _: Any, **__: Any) -> Any:
        arrivals.append(time.perf_counter() - began)
        return torch.zeros(len(ids), dtype=torch.bool)

    shape = (request.streams, request.prompt_tokens)
    shown = torch.randint(_FIRST_PLAIN_TOKEN, vocabulary, shape)
    began = time.perf_counter()
    with torch.inference_mode():
        model.generate(
            shown,
            attention_mask=torch.ones_like(shown),
            max_new_tokens=request.tokens,
            do_sample=False,
            stopping_criteria=[seen],
        )
    return Answer(arrivals[0], arrivals[-1], request.prompt_tokens, len(arrivals))


if __name__ == "__main__":
    main()
