"""Writes a GGUF of the Qwen3 shape with random weights: a real file for a real engine, no download.

Everything derives from a fixed seed. A few successions of tokens are planted into the weights, so
that such a model thinks, stops thinking and ends: "\\n" opens `<think>`, "?" closes it, "!" ends.
"""

import argparse
import itertools
import string
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]

SEED = 20_260_301
CONTEXT_LENGTH = 32_768
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKERS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
WORDS = ("system", "user", "assistant", "tool", "name", "arguments", "the", "and", "\u0120the")
"""Tokens of several characters, in the alphabet of byte-level BPE, where U+0120 is the space."""
NEWLINE = "\u010a"
SUCCESSIONS = (
    (NEWLINE, "<think>"),
    ("?", "</think>"),
    ("!", "<|im_end|>"),
    ("<tool_call>", NEWLINE),
    ("</tool_call>", "<|im_end|>"),
)
_SUCCESSION_LOGIT = 30.0
_FREQUENT_LOGIT = 2.0
_RARE_LOGIT = -7.0
_NEVER_LOGIT = -12.0
_SIGNAL = 4.0
"""The first number of every embedding, so that the first column of the output matrix is a bias.

The numbers after it tell whether the token is the first of a succession, one number for each.
"""
_SIGNALS = 1 + len(SUCCESSIONS)
_LIKELY = frozenset(string.ascii_letters + string.digits + string.punctuation + "\u0120")
_FREQUENT = frozenset('?!"\u0120')
_WEIGHT_TYPES = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}

CHAT_TEMPLATE = r"""
{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- 'Functions, one a line:\n<tools>' }}
    {%- for tool in tools %}
        {{- '\n' + tool | tojson }}
    {%- endfor %}
    {{- '\n</tools>\nCall one so:\n<tool_call>\n' }}
    {{- '{"name": NAME, "arguments": OBJECT}\n</tool_call>' }}
    {{- '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'tool' %}
        {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response>' }}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\n' }}
        {%- if message.reasoning_content %}
            {{- '<think>\n' + message.reasoning_content + '\n</think>\n\n' }}
        {%- endif %}
        {%- if message.content %}
            {{- message.content }}
        {%- endif %}
        {%- for call in message.tool_calls or [] %}
            {{- '\n<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
            {%- if call.function.arguments is string %}
                {{- call.function.arguments }}
            {%- else %}
                {{- call.function.arguments | tojson }}
            {%- endif %}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif not (tools and loop.first and message.role == 'system') %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}
""".strip()


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the model is."""

    layers: int = 3
    width: int = 128
    heads: int = 4
    kv_heads: int = 2
    head_size: int = 32
    ffn: int = 256
    vocabulary: int = 512


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens of a byte-level BPE tokenizer in the order of their ids."""

    tokens: list[str]
    merges: list[str]

    @property
    def types(self) -> list[gguf.TokenType]:
        """The type of every token."""
        special = dict.fromkeys(CONTROLS, gguf.TokenType.CONTROL)
        special |= dict.fromkeys(MARKERS, gguf.TokenType.USER_DEFINED)
        return [special.get(token, gguf.TokenType.NORMAL) for token in self.tokens]


def main() -> None:
    """Write the file that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--embedding", action="store_true", help="a model of embeddings")
    parser.add_argument("--type", choices=_WEIGHT_TYPES, default="f16", help="type of the weights")
    for field in fields(Shape):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=int, default=field.default)
    asked = vars(parser.parse_args())
    shape = Shape(**{field.name: asked[field.name] for field in fields(Shape)})
    write_model(asked["out"], shape, asked["type"], is_embedding=asked["embedding"])


def write_model(path: Path, shape: Shape, weight_type: str, *, is_embedding: bool = False) -> None:
    """Write a model of `shape` to `path`, one tensor in memory at a time."""
    vocabulary = make_vocabulary(shape.vocabulary)
    writer = gguf.GGUFWriter(path, "qwen3")
    _describe(writer, shape, weight_type)
    _add_tokenizer(writer, vocabulary)
    if is_embedding:
        writer.add_pooling_type(gguf.PoolingType.LAST)
    else:
        writer.add_chat_template(CHAT_TEMPLATE)
    _write_tensors(writer, shape, vocabulary, weight_type)
    writer.close()


def make_vocabulary(size: int) -> Vocabulary:
    """Return bytes, special tokens, a few words, and strings of letters until there are `size`."""
    tokens = [*_byte_alphabet(), *CONTROLS, *MARKERS]
    if size < len(tokens) + 64:
        raise SystemExit(f"--vocabulary is at least {len(tokens) + 64}.")
    known, merges = set(tokens), []
    for left, right in itertools.chain(_word_merges(), _letter_merges()):
        if len(tokens) == size:
            break
        if left + right not in known:
            known.add(left + right)
            tokens.append(left + right)
            merges.append(f"{left} {right}")
    return Vocabulary(tokens, merges)


def _byte_alphabet() -> list[str]:
    """Return one printable character for each byte, as byte-level BPE of GPT-2 writes them."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    stand_ins = itertools.count(0x100)
    return [chr(byte if byte in printable else next(stand_ins)) for byte in range(256)]


def _word_merges() -> Iterator[tuple[str, str]]:
    yield NEWLINE, NEWLINE
    for word in WORDS:
        for end in range(1, len(word)):
            yield word[:end], word[end]


def _letter_merges() -> Iterator[tuple[str, str]]:
    """Yield every way to write two letters, then three, then four, each from one letter fewer."""
    for length in (2, 3, 4):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            text = "".join(letters)
            yield text[:-1], text[-1]


def _describe(writer: gguf.GGUFWriter, shape: Shape, weight_type: str) -> None:
    writer.add_name("Tiny random Qwen3")
    writer.add_file_type(_WEIGHT_TYPES[weight_type][1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_size)
    writer.add_value_length(shape.head_size)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)


def _add_tokenizer(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_eos_token_id(vocabulary.tokens.index("<|im_end|>"))
    writer.add_pad_token_id(vocabulary.tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)


def _write_tensors(
    writer: gguf.GGUFWriter, shape: Shape, vocabulary: Vocabulary, weight_type: str
) -> None:
    sizes = _tensor_sizes(shape)
    types = {
        name: _WEIGHT_TYPES[weight_type][0] if len(size) == 2 else gguf.GGMLQuantizationType.F32
        for name, size in sizes.items()
    }
    for name, size in sizes.items():
        block, block_bytes = gguf.GGML_QUANT_SIZES[types[name]]
        size_bytes = int(np.prod(size)) // block * block_bytes
        writer.add_tensor_info(name, size, np.dtype(np.float32), size_bytes, types[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for number, (name, size) in enumerate(sizes.items()):
        weights = _weights(name, size, number, vocabulary)
        writer.write_tensor_data(gguf.quants.quantize(weights, types[name]))


def _tensor_sizes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the size of every tensor by its name, rows first."""
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    block: dict[str, tuple[int, ...]] = {
        "attn_norm.weight": (shape.width,),
        "attn_q.weight": (queries, shape.width),
        "attn_k.weight": (keys, shape.width),
        "attn_v.weight": (keys, shape.width),
        "attn_output.weight": (shape.width, queries),
        "attn_q_norm.weight": (shape.head_size,),
        "attn_k_norm.weight": (shape.head_size,),
        "ffn_norm.weight": (shape.width,),
        "ffn_gate.weight": (shape.ffn, shape.width),
        "ffn_up.weight": (shape.ffn, shape.width),
        "ffn_down.weight": (shape.width, shape.ffn),
    }
    table = (shape.vocabulary, shape.width)
    sizes: dict[str, tuple[int, ...]] = {"token_embd.weight": table}
    for layer in range(shape.layers):
        sizes |= {f"blk.{layer}.{name}": size for name, size in block.items()}
    return {**sizes, "output_norm.weight": (shape.width,), "output.weight": table}


def _weights(name: str, size: tuple[int, ...], number: int, vocabulary: Vocabulary) -> Weights:
    """Return the tensor `name`, the one with `number` in the file."""
    if len(size) == 1:
        return np.ones(size, np.float32)
    weights = _random(number, size, size[1] ** -0.5)
    if name == "token_embd.weight":
        weights = _embeddings(size, vocabulary)
    elif name == "output.weight":
        _plant(weights, vocabulary)
    elif name.endswith(("attn_output.weight", "ffn_down.weight")):
        weights[:_SIGNALS] = 0  # so that signals pass through every layer
    return weights


def _random(number: int, size: tuple[int, ...], deviation: float) -> Weights:
    generator = np.random.default_rng((SEED, number))
    weights: Weights = generator.standard_normal(size, np.float32)
    weights *= deviation
    return weights


def _embeddings(size: tuple[int, ...], vocabulary: Vocabulary) -> Weights:
    weights = _random(0, size, 1.0)
    weights[:, :_SIGNALS] = 0
    weights[:, 0] = _SIGNAL
    for number, (before, _) in enumerate(SUCCESSIONS, 1):
        weights[vocabulary.tokens.index(before), number] = _SIGNAL
    return weights


def _plant(weights: Weights, vocabulary: Vocabulary) -> None:
    """Make the matrix of the output prefer letters, and follow `SUCCESSIONS`."""
    weights *= 2.0
    weights[:, :_SIGNALS] = 0
    weights[:, 0] = [_bias(token) / _SIGNAL for token in vocabulary.tokens]
    for number, (_, after) in enumerate(SUCCESSIONS, 1):
        weights[vocabulary.tokens.index(after), number] = _SUCCESSION_LOGIT / _SIGNAL


def _bias(token: str) -> float:
    """Return by how much `token` is more or less likely than a letter, as a logit."""
    if token in CONTROLS or token in MARKERS:
        return _NEVER_LOGIT
    if token in _FREQUENT:
        return _FREQUENT_LOGIT
    return 0.0 if all(character in _LIKELY for character in token) else _RARE_LOGIT


if __name__ == "__main__":
    main()
