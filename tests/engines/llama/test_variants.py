"""Which GGUF files of a repository are models, what they are called, and which is the default."""

import pytest

from understudy.engines.llama.library import StoredFile
from understudy.engines.llama.variants import choose, variants

GB = 10**9


def files(*names: str, size_bytes: int = 1) -> list[StoredFile]:
    return [StoredFile(name, size_bytes, "0" * 64) for name in names]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Qwen3-0.6B-Q8_0.gguf", "Q8_0"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("model.Q5_K_S.gguf", "Q5_K_S"),
        ("Qwen3-30B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Llama-IQ2_XXS.gguf", "IQ2_XXS"),
        ("BF16/Qwen3-BF16.gguf", "BF16"),
        ("tiny-fp16.gguf", "FP16"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("Q6_K.GGUF", "Q6_K"),
        ("my-model.gguf", "my-model"),
        ("qwen-q4-chat.gguf", "qwen-q4-chat"),
    ],
)
def test_a_label_is_the_quantisation_or_the_files_name(name: str, label: str) -> None:
    assert [one.label for one in variants(files(name))] == [label]


def test_names_that_are_not_unique_become_longer() -> None:
    found = variants(files("a-Q8_0.gguf", "b-Q8_0.gguf", "c-Q4_0.gguf", "x/d.gguf", "y/d.gguf"))
    assert {one.label for one in found} == {"a-Q8_0", "b-Q8_0", "Q4_0", "x-d", "y-d"}


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "mmproj-model-f16.gguf",
        "vision/mmproj.gguf",
        "imatrix_unsloth.gguf",
        "../../escape-Q8_0.gguf",
        "/etc/escape-Q8_0.gguf",
        "a\\b-Q8_0.gguf",
        "big-Q8_0-00001-of-00002.gguf",
    ],
)
def test_what_is_no_whole_model_is_left_out(name: str) -> None:
    assert variants(files(name)) == []


def test_parts_are_one_model_in_their_order() -> None:
    parts = files("b-Q8_0-00002-of-00002.gguf", "b-Q8_0-00001-of-00002.gguf", size_bytes=5)
    (model,) = variants(parts)
    assert (model.label, model.size_bytes) == ("Q8_0", 10)
    assert [part.path[7:12] for part in model.files] == ["00001", "00002"]


@pytest.mark.parametrize(
    ("sizes", "label"),
    [
        ({"Q8_0": 0.6, "Q4_K_M": 0.4}, "Q8_0"),
        ({"Q8_0": 1.8, "Q4_K_M": 1.1}, "Q4_K_M"),
        ({"Q8_0": 8, "Q5_K_M": 6, "Q2_K": 3}, "Q5_K_M"),
        ({"F16": 16}, "F16"),
        ({"F16": 16, "Q2_K": 3}, None),
    ],
)
def test_the_default(sizes: dict[str, float], label: str | None) -> None:
    found = variants([StoredFile(f"m-{q}.gguf", int(s * GB), "") for q, s in sizes.items()])
    chosen = choose(found, None)
    assert (chosen.label if chosen else None) == label


def test_a_wanted_one_is_found_in_any_case_and_by_its_file() -> None:
    found = variants(files("m-Q8_0.gguf", "other.gguf"))
    for wanted, label in (("q8_0", "Q8_0"), ("other.gguf", "other"), ("Q4_0", None)):
        chosen = choose(found, wanted)
        assert (chosen.label if chosen else None) == label
