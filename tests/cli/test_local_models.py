"""`understudy serve --model FILE.gguf`, and what is said of local models before one is loaded."""

import json
import sys
import time
from pathlib import Path
from typing import IO

import httpx2
import pytest
from tests.cli.running import WAIT_S, Workplace
from tests.local_engines import engines_of, is_running

from understudy.cli.default_model import default_model_outlook
from understudy.errors import StartupError
from understudy.settings import Settings

HELLO = [{"role": "user", "content": "hi"}]
SMALL = 'path = "small.gguf"\ncontext_length = 256\n'


@pytest.fixture
def workplace(tmp_path: Path, tiny_chat_gguf: Path) -> Workplace:
    """A folder with the model `small.gguf`."""
    (tmp_path / "small.gguf").write_bytes(tiny_chat_gguf.read_bytes())
    place = Workplace(tmp_path)
    place.environment["UNDERSTUDY_LOCAL__THREADS"] = "1"
    return place


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_the_front_door(workplace: Workplace) -> None:
    """Any program is answered, and the engine does not outlive a server that is killed."""
    with workplace.start("serve", "--port", "0", "--model", "small.gguf") as process:
        try:
            said = until_announced(process.stderr)
            assert "local/small:" in said
            answer = httpx2.post(
                said.split('"')[-2] + "/chat/completions",
                json={"model": "gpt-4o", "messages": HELLO, "max_tokens": 2},
                headers={"authorization": "Bearer any"},
                timeout=WAIT_S,
                trust_env=False,
            )
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-understudy-model"] == "local/small"
            (engine,) = engines_of(process.pid)
        finally:
            process.kill()
        process.communicate()
    end = time.monotonic() + WAIT_S
    while is_running(engine):
        assert time.monotonic() < end, "the engine lives on"
        time.sleep(0.02)


def until_announced(lines: IO[str] | None) -> str:
    """Return what a server says until it has told its base URL."""
    assert lines is not None
    said = ""
    while "base_url" not in said:
        said += lines.readline()
    return said


def test_a_model_that_cannot_work_stops_the_start(workplace: Workplace) -> None:
    result = workplace.run("serve", "--port", "0", "--model", "absent.gguf")
    assert result.code == 1
    assert "absent.gguf cannot be read: No such file" in result.err


@pytest.mark.parametrize(
    ("name", "limit_bytes", "said"),
    [
        ("text.gguf", None, "is no GGUF file"),
        ("local/absent", None, "no local model 'local/absent'; there are: local/vectors."),
        ("local/vectors", None, "is a model for embeddings"),
        ("small.gguf", 1_000_000, r"raise local\.memory_limit_bytes"),
    ],
)
def test_default_models_that_cannot_answer(
    workplace: Workplace,
    tiny_embedding_gguf: Path,
    name: str,
    limit_bytes: int | None,
    said: str,
) -> None:
    (workplace.folder / "text.gguf").write_text("hello", encoding="utf-8")
    folder = workplace.folder
    local = {
        "memory_limit_bytes": limit_bytes,
        "models": {"vectors": {"path": tiny_embedding_gguf, "context_length": 64}},
    }
    model = str(folder / name) if name.endswith(".gguf") else name
    settings = Settings(data_dir=folder / "data", default_model=model, local=local)
    with pytest.raises(StartupError, match=said):
        default_model_outlook(settings)


def test_doctor_judges_every_local_model(workplace: Workplace) -> None:
    (workplace.folder / "broken.gguf").write_bytes(b"GGUF")
    workplace.write_settings(
        f'[local.models.good]\n{SMALL}[local.models.bad]\npath = "broken.gguf"\n'
        '[local.models.absent]\nrepository = "Qwen/Qwen3-0.6B-GGUF"\n'
    )
    result = workplace.run("doctor", "--json")
    found = {
        finding["name"]: (finding["state"], finding["detail"])
        for finding in json.loads(result.out)["findings"]
        if finding["name"].startswith("local model")
    }
    assert found["local model good"][0] == "ok"
    assert found["local model good"][1].startswith("chat, loaded at first use, takes up to ")
    assert found["local model bad"][0] == "problem"
    assert "cut off" in found["local model bad"][1]
    assert found["local model absent"][0] == "problem"
    assert "understudy models pull" in found["local model absent"][1]
