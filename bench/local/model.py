"""The model that is measured: the shape of Qwen3-0.6B with random weights, Q8_0, made once."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

_SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_tiny_gguf.py"
QWEN3_0_6B = {
    "layers": 28,
    "width": 1024,
    "heads": 16,
    "kv-heads": 8,
    "head-size": 128,
    "ffn": 3072,
    "vocabulary": 151_936,
}
"""The size options of the script. The real one shares its output matrix with the embeddings."""
TINY = {
    "layers": 2,
    "width": 128,
    "heads": 4,
    "kv-heads": 2,
    "head-size": 32,
    "ffn": 256,
    "vocabulary": 512,
}


def made(size: dict[str, int]) -> Path:
    """Return the model's file, from the system's temporary folder where it was made before."""
    options = [f"--{name}={value}" for name, value in size.items()]
    digest = hashlib.sha256(_SCRIPT.read_bytes() + " ".join(options).encode()).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"understudy-bench-{digest}.gguf"
    if not path.exists():
        growing = path.with_suffix(".part")
        command = [sys.executable, str(_SCRIPT), str(growing), "--type=q8_0", *options]
        subprocess.run(command, check=True)
        growing.replace(path)
    return path
