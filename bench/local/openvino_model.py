"""The same file in openvino-genai: run by a Python that has it."""

import argparse
from typing import Any

from bench.local.answer import Answer, Request, serve

_PLAIN_TOKENS = (300, 500)
"""Of every model of the bench, the tiny one too: none ends an answer."""


def main() -> None:
    """Load the model, and answer what is asked."""
    import openvino_genai

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a GGUF file")
    pipeline = openvino_genai.LLMPipeline(parser.parse_args().model, "CPU")

    def generate(request: Request) -> Answer:
        return _generate(pipeline, request)

    serve(generate)


def _generate(pipeline: Any, request: Request) -> Answer:
    import numpy as np
    import openvino
    import openvino_genai

    texts = np.random.default_rng()
    shape = (request.streams, request.prompt_tokens)
    shown = texts.integers(*_PLAIN_TOKENS, shape)
    mask = openvino.Tensor(np.ones_like(shown))
    result = pipeline.generate(
        openvino_genai.TokenizedInputs(openvino.Tensor(shown), mask),
        max_new_tokens=request.tokens,
        ignore_eos=True,
        do_sample=False,
    )
    metrics = result.perf_metrics
    return Answer(
        metrics.get_ttft().mean / 1000,
        metrics.get_generate_duration().mean / 1000,
        request.prompt_tokens,
        request.tokens,
    )


if __name__ == "__main__":
    main()
