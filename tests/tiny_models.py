"""Models that tests run for real: made by `scripts/make_tiny_gguf.py`, once per test process."""

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[1] / "scripts" / "make_tiny_gguf.py"


def make_tiny_gguf(path: Path, *options: str) -> Path:
    """Write a model as the script's `options` describe it, and return its path."""
    subprocess.run([sys.executable, str(_SCRIPT), str(path), *options], check=True)
    return path


@pytest.fixture(scope="session")
def tiny_chat_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model of 1 MB that thinks, calls tools, and says nothing that means anything."""
    return make_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny-chat.gguf")


@pytest.fixture(scope="session")
def tiny_embedding_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of embeddings with 128 numbers each."""
    path = tmp_path_factory.mktemp("models") / "tiny-embedding.gguf"
    return make_tiny_gguf(path, "--embedding")
