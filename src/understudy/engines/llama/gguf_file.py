"""Reads what the header of a GGUF file says of its model. Knows neither engine nor settings.

The reader of the package `gguf` makes an object of every token and needs seconds for a large
vocabulary; this one steps over them. Format: ggml-org/ggml, docs/gguf.md, versions 2 and 3.
"""

import math
import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

_MAGIC: Final = b"GGUF"
_COUNT_OF_TENSORS_AT, _COUNT_OF_VALUES_AT, _VALUES_AT = 8, 16, 24
_TYPE_AND_PLACE_BYTES: Final = 12
_USUAL_ALIGNMENT: Final = 32
_VERSIONS: Final = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS: Final[Mapping[int, struct.Struct]] = {
    kind: struct.Struct(f"<{code}")
    for kind, code in {
        0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
    }.items()
}  # fmt: skip
_U32 = _NUMBERS[4]
_U64 = _NUMBERS[10]
_LONGEST_LIST: Final = 4096
"""Longer lists are vocabularies; shorter ones hold a number per layer."""
_POOLS_TO_ONE_VECTOR: Final = (1, 2, 3)
"""Mean, CLS and last of llama.cpp's `llama_pooling_type`."""
_ENCODERS: Final = ("bert", "gemma-embedding", "embedding")
_FIRST_OF: Final = re.compile(r"(.+)-00001-of-(\d{5})\.gguf")
_BYTES_PER_CACHED_VALUE: Final = 2

Value = int | float | bool | str | list[int | float | bool]


class UnreadableGguf(Exception):
    """The file is no model that can be loaded; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a file says of its model."""

    size_bytes: int
    """Of all files together, where the model is split."""
    values: Mapping[str, Value]
    """Its keys, but for vocabularies."""
    parameters: int = 0
    """How many weights the file holds."""

    @property
    def architecture(self) -> str:
        """The name of the model's architecture, such as `qwen3`."""
        return str(self.values.get("general.architecture", ""))

    @property
    def context_length(self) -> int | None:
        """How many tokens the model was made for."""
        return self._number("context_length") or None

    @property
    def chat_template(self) -> str | None:
        """The Jinja template of conversations."""
        template = self.values.get("tokenizer.chat_template")
        return template if isinstance(template, str) else None

    @property
    def kind(self) -> Literal["chat", "embedding"]:
        """Whether the model makes vectors or writes."""
        is_encoder = any(name in self.architecture for name in _ENCODERS)
        pools = self._number("pooling_type") in _POOLS_TO_ONE_VECTOR
        return "embedding" if is_encoder or pools else "chat"

    @property
    def cache_bytes_per_token(self) -> int:
        """What the attention cache takes for one token, at most."""
        heads = self._number("attention.head_count") or 1
        usual = (self._number("embedding_length") or 0) // heads
        key = self._number("attention.key_length") or usual
        value = self._number("attention.value_length") or usual
        return self._cached_heads(heads) * (key + value) * _BYTES_PER_CACHED_VALUE

    def _cached_heads(self, heads: int) -> int:
        """Return how many heads keep keys and values, over all layers."""
        given = self.values.get(f"{self.architecture}.attention.head_count_kv", heads)
        if isinstance(given, list):
            return sum(int(number) for number in given)
        return (self._number("block_count") or 0) * int(given)

    def _number(self, name: str) -> int | None:
        value = self.values.get(f"{self.architecture}.{name}")
        if isinstance(value, list):
            value = max(value, default=None)
        return int(value) if isinstance(value, int | float) else None


def read_header(path: Path) -> GgufHeader:
    """Return the header of a file; raises UnreadableGguf. What was read is remembered."""
    try:
        state = path.stat()
    except OSError as error:
        raise UnreadableGguf(f"{path} cannot be read: {error.strerror}") from error
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int, size_bytes: int) -> GgufHeader:
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise UnreadableGguf(f"{path} is no GGUF file: give one that ends in .gguf")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                values, end = _values(data)
                weights = _weights(data, end)
                return GgufHeader(size_bytes + _size_of_others(path), values, weights)
    except OSError as error:
        raise UnreadableGguf(
            f"{error.filename or path} cannot be read: {error.strerror}"
        ) from error
    except (struct.error, IndexError) as error:
        raise UnreadableGguf(f"{path} is cut off: download it again") from error
    except UnicodeDecodeError as error:
        raise UnreadableGguf(f"{path} is damaged: download it again") from error


def _size_of_others(path: Path) -> int:
    """Return the size of the further files of a model that was split; `path` is its first."""
    if not (split := _FIRST_OF.fullmatch(path.name)):
        return 0
    stem, count = split[1], split[2]
    names = (f"{stem}-{number:05d}-of-{count}.gguf" for number in range(2, int(count) + 1))
    return sum(path.with_name(name).stat().st_size for name in names)


def _values(data: mmap.mmap) -> tuple[dict[str, Value], int]:
    """Return the keys with their values, and where they end."""
    (version,) = _U32.unpack_from(data, len(_MAGIC))
    if version not in _VERSIONS:
        raise UnreadableGguf(f"GGUF version {version} is not understood: convert the model anew")
    (count,) = _U64.unpack_from(data, _COUNT_OF_VALUES_AT)
    values: dict[str, Value] = {}
    offset = _VALUES_AT
    for _ in range(count):
        key, offset = _string(data, offset)
        (kind,) = _U32.unpack_from(data, offset)
        value, offset = _value(data, kind, offset + 4)
        if value is not None:
            values[key] = value
    return values, offset


def _weights(data: mmap.mmap, offset: int) -> int:
    """Return how many weights the tensors have that are described at `offset`.

    Raises IndexError where the last of them would begin after the file's end.
    """
    (tensors,) = _U64.unpack_from(data, _COUNT_OF_TENSORS_AT)
    total = last_place = 0
    for _ in range(tensors):
        _, offset = _string(data, offset)
        (dimensions,) = _U32.unpack_from(data, offset)
        shape = struct.unpack_from(f"<{dimensions}Q", data, offset + 4)
        total += math.prod(shape)
        offset += 4 + 8 * dimensions + _TYPE_AND_PLACE_BYTES
        last_place = max(last_place, *_U64.unpack_from(data, offset - _U64.size))
    # The places count from the end of these descriptions, rounded up.
    last_begins = -(-offset // _USUAL_ALIGNMENT) * _USUAL_ALIGNMENT + last_place
    if tensors and last_begins >= len(data):
        raise IndexError(last_begins)
    return total


def _value(data: mmap.mmap, kind: int, offset: int) -> tuple[Value | None, int]:
    """Return the value at `offset` and where the next one begins; None for a vocabulary."""
    if kind == _STRING:
        return _string(data, offset)
    if kind != _ARRAY:
        return _number(data, kind, offset)
    (inner,) = _U32.unpack_from(data, offset)
    (length,) = _U64.unpack_from(data, offset + 4)
    offset += 12
    if inner == _STRING:
        return None, _after_strings(data, length, offset)
    size = _form(inner).size
    if length > _LONGEST_LIST:
        return None, offset + length * size
    numbers = [_number(data, inner, offset + index * size)[0] for index in range(length)]
    return numbers, offset + length * size


def _number(data: mmap.mmap, kind: int, offset: int) -> tuple[int | float | bool, int]:
    form = _form(kind)
    (number,) = form.unpack_from(data, offset)
    return number, offset + form.size


def _form(kind: int) -> struct.Struct:
    if kind not in _NUMBERS:
        raise UnreadableGguf("The GGUF file is damaged: download it again")
    return _NUMBERS[kind]


def _string(data: mmap.mmap, offset: int) -> tuple[str, int]:
    (length,) = _U64.unpack_from(data, offset)
    end = offset + 8 + length
    if end > len(data):
        raise IndexError(end)
    return data[offset + 8 : end].decode(), end


def _after_strings(data: mmap.mmap, length: int, offset: int) -> int:
    unpack = _U64.unpack_from
    for _ in range(length):
        offset += 8 + unpack(data, offset)[0]
    return offset
