"""What the header of a model file says, and the words for files that have none."""

from pathlib import Path

import pytest
from gguf import GGUFReader

from understudy.engines.llama.gguf_file import UnreadableGguf, read_header


def test_a_chat_model(tiny_chat_gguf: Path) -> None:
    header = read_header(tiny_chat_gguf)
    assert header.architecture == "qwen3"
    assert header.context_length == 32_768
    assert header.kind == "chat"
    assert header.size_bytes == tiny_chat_gguf.stat().st_size
    assert header.chat_template and "tools" in header.chat_template
    reader = GGUFReader(tiny_chat_gguf)
    assert header.parameters == sum(int(tensor.n_elements) for tensor in reader.tensors)
    said = reader.fields
    layers, heads, key, value = (
        int(said[f"qwen3.{name}"].contents())
        for name in (
            "block_count",
            "attention.head_count_kv",
            "attention.key_length",
            "attention.value_length",
        )
    )
    assert header.cache_bytes_per_token == layers * heads * (key + value) * 2


def test_an_embedding_model(tiny_embedding_gguf: Path) -> None:
    assert read_header(tiny_embedding_gguf).kind == "embedding"


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path, tiny_chat_gguf: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(UnreadableGguf):
        read_header(path)
    path.write_bytes(tiny_chat_gguf.read_bytes())
    assert read_header(path).kind == "chat"


@pytest.mark.parametrize(
    ("length", "said"),
    [(0, "no GGUF"), (4, "cut off"), (20, "cut off"), (3000, "cut off")],
)
def test_the_beginning_of_a_file(
    tmp_path: Path, tiny_chat_gguf: Path, length: int, said: str
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(tiny_chat_gguf.read_bytes()[:length])
    with pytest.raises(UnreadableGguf, match=said):
        read_header(path)


def test_a_file_whose_last_tensor_is_missing(tmp_path: Path, tiny_chat_gguf: Path) -> None:
    last = max(int(tensor.data_offset) for tensor in GGUFReader(tiny_chat_gguf).tensors)
    path = tmp_path / "model.gguf"
    path.write_bytes(tiny_chat_gguf.read_bytes()[:last])
    with pytest.raises(UnreadableGguf, match="cut off"):
        read_header(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7 and more", "no GGUF"),
        (b"GGUF" + (9).to_bytes(4, "little") + bytes(16), "version 9"),
        (b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + b"\xff" * 8, "cut off"),
        (
            b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + (1).to_bytes(8, "little")
            + (1).to_bytes(8, "little") + b"k" + (77).to_bytes(4, "little"),
            "damaged",
        ),
    ],
)  # fmt: skip
def test_what_is_no_model(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(UnreadableGguf, match=said):
        read_header(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableGguf, match="No such file"):
        read_header(tmp_path / "model.gguf")


def test_a_model_in_several_files(tmp_path: Path, tiny_chat_gguf: Path) -> None:
    first = tmp_path / "model-00001-of-00003.gguf"
    first.write_bytes(tiny_chat_gguf.read_bytes())
    for number in (2, 3):
        (tmp_path / f"model-0000{number}-of-00003.gguf").write_bytes(bytes(number))
    assert read_header(first).size_bytes == tiny_chat_gguf.stat().st_size + 5
    lonely = tmp_path / "other-00001-of-00002.gguf"
    lonely.write_bytes(first.read_bytes())
    with pytest.raises(UnreadableGguf, match=r"other-00002-of-00002\.gguf cannot be read"):
        read_header(lonely)
