"""`understudy models pull`, `list`, `show` and `rm`, against a hub on loopback."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import WAIT_S, Result, Workplace
from tests.upstreams.hub import REVISION, FakeHub

pytest.importorskip("huggingface_hub")
pytest.importorskip("modelscope_hub")

REPOSITORY = "Qwen/Qwen3-0.6B-GGUF"
WEIGHTS = os.urandom(300_000)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        running.put(REPOSITORY, Qwen3__0_6B__Q8_0=WEIGHTS, Qwen3__0_6B__Q4_K_M=b"less")
        yield running


@pytest.fixture
def place(workplace: Workplace, hub: FakeHub) -> Workplace:
    workplace.environment.update(
        HF_ENDPOINT=hub.url,
        HF_HOME=str(workplace.folder / "hf"),
        MODELSCOPE_ENDPOINT=hub.url,
        MODELSCOPE_HOME=str(workplace.folder / "modelscope"),
    )
    return workplace


def contents(place: Workplace) -> list[bytes]:
    """What is in the files of the folder of models."""
    models = place.data_dir / "models"
    return [path.read_bytes() for path in models.rglob("*") if path.is_file()]


def sentence(result: Result) -> str:
    """The one line that says why a command did not work."""
    assert result.code == 1
    return result.err.splitlines()[-1]


def test_a_model_is_pulled_listed_and_removed(place: Workplace) -> None:
    ran = place.run("models", "pull", f"{REPOSITORY}:q8_0", "--from", "modelscope")
    assert (ran.code, ran.out) == (0, f"local/{REPOSITORY}:Q8_0\n")
    listing = place.run("models", "list").out
    assert f"local/{REPOSITORY}:Q8_0  300.0 kB  modelscope" in listing

    assert place.run("models", "rm", f"local/{REPOSITORY}:Q8_0", stdin="n\n").code == 1
    assert WEIGHTS in contents(place)
    assert place.run("models", "rm", REPOSITORY, "--yes").code == 0
    assert contents(place) == []
    assert list((place.data_dir / "models").iterdir()) == []


def test_hugging_face_is_asked_what_is_needed_and_no_more(place: Workplace, hub: FakeHub) -> None:
    place.environment["HF_TOKEN"] = "hf_secret"
    assert place.run("models", "pull", REPOSITORY).code == 0
    again = place.run("models", "pull", REPOSITORY)
    assert "here already" in again.err
    assert WEIGHTS in contents(place)
    # No list of agents, no telemetry; and the token stays with the hub.
    asked = f"/api/models/{REPOSITORY}"
    fetched = f"/{REPOSITORY}/resolve/{REVISION}/Qwen3-0_6B-Q8_0.gguf"
    assert [call.path.partition("?")[0] for call in hub.calls] == [asked, fetched, asked]
    assert {call.key for call in hub.calls} == {"hf_secret"}
    assert [call.key for call in hub.file_calls] == [""]


def test_an_interrupted_download_goes_on_with_the_next(place: Workplace, hub: FakeHub) -> None:
    cut = hub.cut(200_000, is_silent=True)
    with place.start("models", "pull", REPOSITORY) as process:
        assert cut.reached.wait(WAIT_S)
        # The bytes were sent; they are taken once the file has them.
        while not any(path.stat().st_size == 200_000 for path in _parts(place)):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert "200.0 kB kept" in err

    listed = place.run("models", "list", "--json").json
    assert listed["pulled"] == []
    assert [one["done_bytes"] for one in listed["unfinished"]] == [200_000]
    assert place.run("models", "pull", REPOSITORY).code == 0
    assert hub.ranges == ["bytes=0-", "bytes=200000-"]
    assert WEIGHTS in contents(place)
    assert list(_parts(place)) == []


def _parts(place: Workplace) -> Iterator[Path]:
    return (place.data_dir / "models").rglob("*.gguf.*.part")


def test_without_a_network_the_message_says_how_to_go_on(place: Workplace) -> None:
    place.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    said = sentence(place.run("models", "pull", REPOSITORY))
    assert "http://127.0.0.1:9" in said
    assert "--model FILE.gguf" in said
    place.environment["HF_HUB_OFFLINE"] = "1"
    assert "HF_HUB_OFFLINE" in sentence(place.run("models", "pull", REPOSITORY))


def test_hugging_faces_refusals_say_what_to_do(place: Workplace, hub: FakeHub) -> None:
    assert "no repository 'a/absent'" in sentence(place.run("models", "pull", "a/absent"))
    hub.repositories[REPOSITORY].is_gated = True
    said = sentence(place.run("models", "pull", REPOSITORY))
    assert f"{hub.url}/{REPOSITORY}" in said
    assert "HF_TOKEN" in said
    # What was begun can be removed, though it never came to an end.
    assert place.run("models", "rm", REPOSITORY, "-y").code == 0
    assert contents(place) == []


def test_show_tells_what_the_file_says(
    place: Workplace, hub: FakeHub, tiny_chat_gguf: Path
) -> None:
    hub.put_files("acme/tiny-GGUF", {"tiny-F16.gguf": tiny_chat_gguf.read_bytes()})
    place.run("models", "pull", "acme/tiny-GGUF")
    lines = place.run("models", "show", "local/acme/tiny-GGUF:F16").out.splitlines()
    shown = {name: value.strip() for name, _, value in (line.partition("  ") for line in lines)}
    assert shown["architecture"] == "qwen3"
    assert shown["quantisation"] == "F16"
    assert shown["context"] == "32,768 tokens"
    assert shown["revision"] == REVISION

    listed = place.run("models", "list", "--json").json
    model = {"id": "local/acme/tiny-GGUF:F16", "kind": "chat", "owned_by": "local"}
    assert model in listed["models"]

    told = place.run("models", "show", str(tiny_chat_gguf), "--json").json
    assert told["parameters"] > 100_000
    assert told["size_bytes"] == tiny_chat_gguf.stat().st_size
    assert "<tool_call>" in told["chat_template"]

    cut_off = shutil.copy(tiny_chat_gguf, place.folder / "cut.gguf")
    os.truncate(cut_off, 5_000)
    assert "cut off" in sentence(place.run("models", "show", str(cut_off)))
