"""Lexical embeddings: stable, normalised, near for like words and far for others."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.engines import lexical
from understudy.engines.extractive import EMBEDDING_MODEL, ExtractiveEngine
from understudy.errors import InvalidRequest


def similarity(one: str | list[int], other: str | list[int]) -> float:
    pairs = zip(lexical.embed(one), lexical.embed(other), strict=True)
    return sum(a * b for a, b in pairs)


@given(text=st.text(max_size=200), dimensions=st.integers(1, 600))
def test_every_vector_has_length_one(text: str, dimensions: int) -> None:
    vector = lexical.embed(text, dimensions)
    assert len(vector) == dimensions
    assert math.isclose(math.sqrt(sum(value * value for value in vector)), 1.0, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pago en cuotas", "PAGO EN CUOTAS"),
        ("información", "informacion"),
        ("ﬁle", "file"),
        ("a  b", "a b!"),
        ("", "..."),
    ],
)
def test_what_does_not_count(one: str, other: str) -> None:
    assert lexical.embed(one) == lexical.embed(other)


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("payment plan in instalments", "a plan for payments by instalment", "the cat sleeps"),
        ("plan de pagos", "planes de pago mensuales", "el gato duerme en casa"),
        ("北京的天气", "今天北京天气很好", "我想还款"),
    ],
)
def test_like_words_are_near(question: str, near: str, far: str) -> None:
    assert similarity(question, near) > similarity(question, far) + 0.2


def test_the_hash_is_the_same_on_every_machine() -> None:
    # CRC-32 of "<a>" is 0x6FB782AB: bit 0 is set, so the sign is plus; 0x37DBC155 % 4 is 1.
    assert lexical.embed("a", 4) == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("dimensions", [0, -1, 4097])
def test_dimensions_out_of_range(dimensions: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        lexical.checked_dimensions(dimensions)
    assert caught.value.param == "dimensions"


@pytest.mark.anyio
async def test_the_engine_embeds_in_order() -> None:
    answer = await ExtractiveEngine().embed(
        {"model": EMBEDDING_MODEL, "input": ["hello world", "hola", ""], "dimensions": 16}
    )
    assert answer.model == EMBEDDING_MODEL
    assert answer.vectors == [lexical.embed(t, 16) for t in ("hello world", "hola", "")]
    assert answer.prompt_tokens == 5


def test_token_ids_that_are_shared_make_inputs_alike() -> None:
    assert math.isclose(math.hypot(*lexical.embed([10, 11, 12, 13])), 1.0)
    assert similarity([10, 11, 12, 13], [10, 11, 12, 99]) > 0.5
    assert abs(similarity([10, 11, 12, 13], [50, 51, 52, 53])) < 0.3


@pytest.mark.anyio
async def test_the_engine_embeds_token_ids_and_counts_them() -> None:
    answer = await ExtractiveEngine().embed({"input": [[1, 2, 3], [4]], "dimensions": 16})

    assert answer.vectors == [lexical.embed([1, 2, 3], 16), lexical.embed([4], 16)]
    assert answer.prompt_tokens == 4


@pytest.mark.anyio
async def test_long_input_is_embedded_in_a_thread() -> None:
    text = "una frase larga " * 5_000
    answer = await ExtractiveEngine().embed({"input": [text]})
    assert answer.vectors == [lexical.embed(text)]
