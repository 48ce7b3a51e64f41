"""Writes a Whisper for CTranslate2 with next to no weights: a real model folder, no download.

Everything derives from a fixed seed. What it hears does not depend on the audio: each token makes
the next one nearly certain, so that it detects Spanish, and hears or translates one word.
"""

import argparse
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ctranslate2.specs import WhisperSpec, attention_spec, common_spec, model_spec, transformer_spec
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SEED = 20_260_301
WIDTH = 64
HEADS = 2
MEL_BINS = 80
AUDIO_POSITIONS = 1_500
TEXT_POSITIONS = 448
LANGUAGES = ("en", "zh", "de", "es", "fr")
DETECTED = "es"
HEARD = "planted"
TRANSLATED = "rock"
"""Both without a letter that occurs twice, since a token knows only what follows it."""
SPOKEN_S = "1.00"
_CERTAIN_LOGIT = 30.0

Weights = NDArray[np.float32]


def main() -> None:
    """Write the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    write(parser.parse_args().out)


def write(folder: Path) -> None:
    """Write a model into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    texts, controls = _texts(), _controls()
    tokens = [*texts, *controls, *(f"<|{step * 0.02:.2f}|>" for step in range(1_501))]
    spec = WhisperSpec(1, HEADS, 1, HEADS)
    _fill(spec, tokens)
    spec.register_vocabulary(tokens)
    spec.config.lang_ids = [tokens.index(f"<|{code}|>") for code in LANGUAGES]
    spec.config.alignment_heads = [(0, 0)]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.validate()
    spec.save(str(folder))
    _write_tokenizer(folder, texts, controls)
    features = {"feature_size": MEL_BINS, "sampling_rate": 16_000, "hop_length": 160}
    (folder / "preprocessor_config.json").write_text(json.dumps(features))


def _texts() -> list[str]:
    """Return byte-level tokens; the empty one marks a multilingual model."""
    return [*sorted(pre_tokenizers.ByteLevel.alphabet()), ""]


def _controls() -> list[str]:
    names = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    return [f"<|{name}|>" for name in ("endoftext", "startoftranscript", *LANGUAGES, *names)]


def _successions() -> list[tuple[str, str]]:
    """Return which token follows which."""
    heard = ["<|transcribe|>", "<|0.00|>", *HEARD, f"<|{SPOKEN_S}|>"]
    translated = ["<|translate|>", "<|0.02|>", *TRANSLATED, f"<|{SPOKEN_S}|>"]
    ends = [(f"<|{SPOKEN_S}|>", "<|endoftext|>"), ("<|notimestamps|>", HEARD[0])]
    detection = ("<|startoftranscript|>", f"<|{DETECTED}|>")
    return [*itertools.pairwise(heard), *itertools.pairwise(translated), *ends, detection]


def _fill(spec: WhisperSpec, tokens: list[str]) -> None:
    random = np.random.default_rng(SEED)
    embeddings = _unit(random, len(tokens))
    for layer in _layers(spec):
        _fill_layer(layer, random)
    spec.encoder.position_encodings.encodings = _noise(random, AUDIO_POSITIONS, WIDTH)
    spec.decoder.position_encodings.encodings = np.zeros((TEXT_POSITIONS, WIDTH), np.float32)
    _convolve(spec.encoder.conv1, random, MEL_BINS)
    _convolve(spec.encoder.conv2, random, WIDTH)
    spec.decoder.embeddings.weight = embeddings
    projection = np.zeros((len(tokens), WIDTH), np.float32)
    for token, following in _successions():
        projection[tokens.index(following)] += embeddings[tokens.index(token)]
    # The last normalisation makes every vector as long as the root of its width.
    spec.decoder.projection.weight = projection * np.float32(_CERTAIN_LOGIT / np.sqrt(WIDTH))


def _layers(layer: model_spec.LayerSpec) -> Iterator[model_spec.LayerSpec]:
    """Yield a layer and all that it is made of."""
    yield layer
    for value in vars(layer).values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, model_spec.LayerSpec):
                yield from _layers(part)


def _fill_layer(layer: object, random: np.random.Generator) -> None:
    """Give weights to a layer; its last projection is zero, so that it changes nothing."""
    match layer:
        case common_spec.LayerNormSpec():
            layer.gamma = np.ones(WIDTH, np.float32)
            layer.beta = np.zeros(WIDTH, np.float32)
        case attention_spec.MultiHeadAttentionSpec():
            sizes = [3] if len(layer.linear) == 2 else [1, 2]
            for linear, size in zip(layer.linear[:-1], sizes, strict=True):
                _connect(linear, _noise(random, size * WIDTH, WIDTH))
            _connect(layer.linear[-1], np.zeros((WIDTH, WIDTH), np.float32))
        case transformer_spec.FeedForwardSpec():
            _connect(layer.linear_0, _noise(random, 4 * WIDTH, WIDTH))
            _connect(layer.linear_1, np.zeros((WIDTH, 4 * WIDTH), np.float32))


def _connect(linear: common_spec.LinearSpec, weight: Weights) -> None:
    linear.weight = weight
    linear.bias = np.zeros(weight.shape[0], np.float32)


def _convolve(layer: common_spec.Conv1DSpec, random: np.random.Generator, channels: int) -> None:
    layer.weight = _noise(random, WIDTH, channels, 3)
    layer.bias = np.zeros(WIDTH, np.float32)


def _noise(random: np.random.Generator, *shape: int) -> Weights:
    return (0.05 * random.standard_normal(shape)).astype(np.float32)


def _unit(random: np.random.Generator, count: int) -> Weights:
    """Return vectors of mean zero and length one, nearly orthogonal to each other."""
    vectors = random.standard_normal((count, WIDTH))
    vectors -= vectors.mean(axis=1, keepdims=True)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _write_tokenizer(folder: Path, texts: list[str], controls: list[str]) -> None:
    vocabulary = {token: at for at, token in enumerate(texts)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in controls])
    tokenizer.save(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    main()
