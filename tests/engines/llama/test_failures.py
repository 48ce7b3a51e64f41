"""The words for what llama.cpp says, and says of itself, when it fails."""

import re

import pytest

from understudy.engines.llama.failures import how_it_ended, in_our_words, load_failure
from understudy.errors import ContextLengthExceeded, ProviderRefused

REFUSED = (
    "Provider 'local' answered 400: request (18017 tokens) exceeds the available context size "
    "(4096 tokens), try increasing it (code exceed_context_size_error). Shorten the messages."
)


@pytest.mark.parametrize(
    ("reason", "param"),
    [
        ("Field 'dry_allowed_length': Value must be between 0 and 9, but got -1.",
         "dry_allowed_length"),
        ("Failed to initialize samplers: failed to parse grammar.", "grammar"),
        ("Prompt contains invalid tokens.", "input"),
        ("something new.", None),
    ],
)  # fmt: skip
def test_a_refusal_names_the_model_and_the_field(reason: str, param: str | None) -> None:
    refused = ProviderRefused(f"Provider 'local' answered 400: {reason}")
    told = in_our_words(refused, "small", "input")
    assert told.message == f"The local model 'small' refuses the request: {reason}"
    assert (told.param, told.status) == (param, 400)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["0.01 E llama_model_load: error loading model: unknown model architecture: 'qwen9'"],
            "'qwen9' is unknown",
        ),
        (
            ["tensor 'blk.1' data is not within the file bounds, model is corrupted or incomplete"],
            "download it again",
        ),
        (["E llama_init_from_model: failed to initialize: std::bad_alloc"], "not enough memory"),
        (["ModuleNotFoundError: No module named 'xllamacpp'"], r"understudy\[local\]"),
        (["0.00.008 E srv    load_model: something new", "more"], "^something new$"),
        ([], "gave no reason"),
    ],
)
def test_why_a_model_was_not_loaded(words: list[str], said: str) -> None:
    assert re.search(said, load_failure(words))


@pytest.mark.parametrize(
    ("status", "said"),
    [(-9, "killed by signal 9, as happens when memory runs out"), (-11, "killed by signal 11"),
     (1, "status 1")],
)  # fmt: skip
def test_how_a_child_ended(status: int, said: str) -> None:
    assert how_it_ended(status) == said


@pytest.mark.parametrize("param", ["messages", "prompt", "input"])
def test_a_prompt_that_is_too_long_is_told_as_openai_does(param: str) -> None:
    error = in_our_words(ContextLengthExceeded(REFUSED), "small", param)
    assert error.message == (
        f"This model's maximum context length is 4096 tokens. However, your {param} resulted in "
        f"18017 tokens. Please reduce the length of the {param}."
    )
    assert (error.status, error.code, error.param) == (400, "context_length_exceeded", param)
