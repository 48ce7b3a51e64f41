"""Downloads of models from a hub on loopback, by ModelScope's own library."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.upstreams.hub import FakeHub, HubFile

from understudy.engines.llama import fetch, library
from understudy.engines.llama.hub import download, is_current, resolve
from understudy.engines.llama.library import LocalFile
from understudy.errors import StartupError

pytest.importorskip("modelscope_hub")

REPOSITORY = "Qwen/Qwen3-0.6B-GGUF"
WEIGHTS = os.urandom(300_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub() as running:
        running.put(REPOSITORY, Qwen3__0_6B__Q8_0=WEIGHTS, Qwen3__0_6B__Q4_K_M=b"less")
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", running.url)
        monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "modelscope"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running


def pull(models_dir: Path, reference: str, told: list[tuple[int, int]] | None = None) -> LocalFile:
    """Pull a model, with what is reported in `told`."""
    reports = told if told is not None else []
    wanted = resolve(reference, "modelscope")
    return download(wanted, models_dir, lambda done, total: reports.append((done, total)))


def refusal(models_dir: Path, reference: str) -> str:
    with pytest.raises(StartupError) as caught:
        pull(models_dir, reference)
    return caught.value.message


def test_a_pulled_model_is_found_by_its_name(hub: FakeHub, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    local = pull(tmp_path, f"{REPOSITORY}:q8_0", told)
    assert local.name == f"{REPOSITORY}:Q8_0"
    assert local.path.read_bytes() == WEIGHTS
    assert library.installed(tmp_path) == [local]
    assert library.find(tmp_path, REPOSITORY) == library.find(tmp_path, local.name) == local
    assert (told[0], told[-1]) == ((0, 300_000), (300_000, 300_000))

    pull(tmp_path, f"{REPOSITORY}:Q4_K_M")
    assert library.find(tmp_path, f"{REPOSITORY}:q8_0") == local
    assert library.find(tmp_path, REPOSITORY) is None  # Two are there now.


def test_a_new_revision_takes_the_place_of_the_old(hub: FakeHub, tmp_path: Path) -> None:
    local = pull(tmp_path, REPOSITORY)
    assert is_current(resolve(REPOSITORY, "modelscope"), local)
    hub.put(REPOSITORY, Qwen3__0_6B__Q8_0=b"better")
    assert not is_current(resolve(REPOSITORY, "modelscope"), local)
    assert pull(tmp_path, REPOSITORY).path.read_bytes() == b"better"
    assert len(library.installed(tmp_path)) == 1


def test_a_split_model_is_pulled_whole(hub: FakeHub, tmp_path: Path) -> None:
    parts = {f"q4/big-q4_k_m-0000{n}-of-00003.gguf": b"part %d" % n for n in (1, 2, 3)}
    hub.put_files("acme/big-GGUF", dict(parts))
    told: list[tuple[int, int]] = []
    local = pull(tmp_path, "acme/big-GGUF", told)
    assert (local.name, local.size_bytes) == ("acme/big-GGUF:Q4_K_M", 18)
    assert local.path.read_bytes() == b"part 1"
    held = [path.read_bytes() for path in sorted(local.path.parent.iterdir())]
    assert held == list(parts.values())
    assert told[-1] == (18, 18)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    local.path.with_name("big-q4_k_m-00002-of-00003.gguf").unlink()
    assert library.installed(tmp_path) == []


def test_a_broken_connection_is_continued_at_once(hub: FakeHub, tmp_path: Path) -> None:
    hub.cut(100_000)
    hub.cut(50_000)
    assert pull(tmp_path, REPOSITORY).path.read_bytes() == WEIGHTS
    assert hub.ranges == ["bytes=0-", "bytes=100000-", "bytes=150000-"]


def test_a_server_without_ranges_sends_the_whole_again(hub: FakeHub, tmp_path: Path) -> None:
    hub.cut(100_000)
    hub.ignores_ranges = True
    assert pull(tmp_path, REPOSITORY).path.read_bytes() == WEIGHTS


def test_a_connection_that_keeps_breaking_is_given_up_and_what_came_kept(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PAUSES_S", (0.0, 0.0))
    for after_bytes in (1000, 0, 0):
        hub.cut(after_bytes)
    assert "goes on there" in refusal(tmp_path, REPOSITORY)
    assert library.installed(tmp_path) == []
    (left,) = library.unfinished(tmp_path)
    assert (left.name, left.done_bytes) == (f"{REPOSITORY}:Q8_0", 1000)

    assert pull(tmp_path, REPOSITORY).path.read_bytes() == WEIGHTS
    assert hub.ranges[-1] == "bytes=1000-"
    assert library.unfinished(tmp_path) == []


def test_beginning_anew_again_and_again_is_given_up(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PAUSES_S", (0.0, 0.0))
    hub.ignores_ranges = True
    for after_bytes in (1000, 900, 800, 700):
        hub.cut(after_bytes)
    assert "goes on there" in refusal(tmp_path, REPOSITORY)
    assert len(hub.cuts) == 1


def test_another_content_never_continues_a_download(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PAUSES_S", ())
    hub.cut(1000)
    refusal(tmp_path, REPOSITORY)
    hub.put(REPOSITORY, Qwen3__0_6B__Q8_0=WEIGHTS[::-1])
    local = pull(tmp_path, REPOSITORY)
    assert local.path.read_bytes() == WEIGHTS[::-1]
    assert sorted(path.name for path in local.path.parent.iterdir()) == [
        "Q8_0.json",
        "Qwen3-0_6B-Q8_0.gguf",
    ]


@pytest.mark.parametrize(
    "file",
    [
        HubFile(b"content", sha256="0" * 64),
        HubFile(b"longer than was promised", size_bytes=5),
    ],
)
def test_what_is_not_as_promised_is_removed(hub: FakeHub, tmp_path: Path, file: HubFile) -> None:
    hub.put(REPOSITORY, A__Q8_0=file)
    assert "'A-Q8_0.gguf' does not have the checksum" in refusal(tmp_path, REPOSITORY)
    assert library.installed(tmp_path) == []
    assert list(tmp_path.rglob("*.gguf*")) == []


def test_refusals_say_what_to_do(hub: FakeHub, tmp_path: Path) -> None:
    hub.put("acme/huge-GGUF", Huge__Q4_K_M=HubFile(b"", size_bytes=10**15))
    hub.put_files("acme/no-GGUF", {"model.safetensors": b"x", "mmproj-F16.gguf": b"x"})
    hub.put("acme/many-GGUF", A__Q2_K=b"x", A__Q3_K_S=b"x")
    assert "no repository 'acme/absent'" in refusal(tmp_path, "acme/absent")
    assert "has no Q2_K: name one" in (missing := refusal(tmp_path, f"{REPOSITORY}:Q2_K"))
    assert "Q4_K_M (0 MB), Q8_0 (0 MB)" in missing
    assert "no usual quantisation" in refusal(tmp_path, "acme/many-GGUF")
    assert "holds no GGUF file" in refusal(tmp_path, "acme/no-GGUF")
    assert "1,000,000,000 MB more" in refusal(tmp_path, "acme/huge-GGUF")
    assert "OWNER/REPO" in refusal(tmp_path, "../../etc:passwd")
    assert hub.file_calls == []
    assert not list(tmp_path.glob("acme*"))


def test_one_command_at_a_time_pulls_a_model(hub: FakeHub, tmp_path: Path) -> None:
    from filelock import FileLock

    wanted = resolve(REPOSITORY, "modelscope")
    lock = library.lock_path(tmp_path, wanted)
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        assert "another command" in refusal(tmp_path, REPOSITORY)
    assert hub.file_calls == []


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(StartupError, match=r"understudy\[local\]"):
        resolve(REPOSITORY, "huggingface")
