"""`understudy say` and `understudy transcribe` as processes, against the real server."""

import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import WAIT_S, Workplace
from tests.speech.recordings import decoded
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import ScriptedUpstream, truncate

SENTENCE = "The birch canoe slid on the smooth planks."


@pytest.fixture(scope="module")
def spoken(served: tuple[Workplace, str]) -> Path:
    """Return a sentence spoken into an MP3."""
    workplace, _ = served
    file = workplace.folder / "spoken.mp3"
    ran = workplace.run("say", SENTENCE, "-o", str(file))
    assert ran.code == 0, ran.err
    return file


def test_what_was_said_is_written_down(served: tuple[Workplace, str], spoken: Path) -> None:
    workplace, _ = served
    ran = workplace.run("transcribe", str(spoken), "--format", "verbose_json", "--language", "en")
    assert ran.code == 0, ran.err
    heard_s = decoded(spoken.read_bytes())[1]
    assert abs(ran.json["duration"] - heard_s) < 0.1
    assert ran.json["text"].strip()
    text = workplace.run("transcribe", str(spoken), "--language", "en")
    assert text.code == 0, text.err
    assert text.out.strip() and text.out.count("\n") == 1


def test_a_pipe_of_both(served: tuple[Workplace, str]) -> None:
    workplace, _ = served
    with (
        _piped(workplace, "say", "-", "--output", "-", "--format", "wav") as saying,
        _piped(workplace, "transcribe", "-", "-f", "srt", "--output", "said.srt") as hearing,
    ):
        wav, _ = saying.communicate(SENTENCE.encode(), WAIT_S)
        _, said = hearing.communicate(wav, WAIT_S)
    assert (saying.returncode, hearing.returncode) == (0, 0), said
    assert wav.startswith(b"RIFF")
    assert (workplace.folder / "said.srt").read_text().startswith("1\n00:00:0")


def test_options_change_the_speech(served: tuple[Workplace, str], spoken: Path) -> None:
    workplace, _ = served
    slow = workplace.folder / "slow.OGG"
    ran = workplace.run("say", SENTENCE, "-o", str(slow), "--speed", "0.5", "--voice", "onyx")
    assert ran.err == f"Wrote {slow} ({slow.stat().st_size / 1000:.1f} kB).\n"
    assert slow.read_bytes().startswith(b"OggS")
    ratio = decoded(slow.read_bytes())[1] / decoded(spoken.read_bytes())[1]
    assert ratio > 1.5


def test_a_terminal_is_shown_progress_apart_from_the_text(
    served: tuple[Workplace, str], spoken: Path
) -> None:
    workplace, _ = served
    ours, theirs = pty.openpty()
    command = workplace.command("transcribe", str(spoken))
    with subprocess.Popen(
        command,
        cwd=workplace.folder,
        env={**workplace.variables(), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        shown = _read_all(ours)
        text, _ = process.communicate(timeout=WAIT_S)
    os.close(ours)
    assert process.returncode == 0, shown
    assert "Sending" in shown and "Transcribing" in shown
    assert text.strip() and "Sending" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["say", "a", "-o", "a.m4a"], "No audio format is known by the name a.m4a"),
        (["transcribe", "missing.mp3", "--url", "127.0.0.1:9"], "missing.mp3 cannot be read"),
        (["say", "a", "-o", "no/a.mp3", "--url", "127.0.0.1:9"], "No server answers"),
    ],
)
def test_what_cannot_be_done_is_said(workplace: Workplace, words: list[str], said: str) -> None:
    ran = workplace.run(*words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"understudy: {said}") and "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["say", SENTENCE, "-o", "a.mp3", "--voice", "nobody"], "voice"),
        (["say", SENTENCE, "-o", "no/such/a.mp3"], "no/such/a.mp3 cannot be written"),
        (["transcribe", "understudy.txt"], "'file'"),
    ],
)
def test_what_the_server_refuses_leaves_no_file(
    served: tuple[Workplace, str], words: list[str], said: str
) -> None:
    workplace, _ = served
    (workplace.folder / "understudy.txt").write_text("This is no recording.")
    ran = workplace.run(*words)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err and "Traceback" not in ran.err
    assert not [*workplace.folder.glob("a.mp3*")]


@pytest.mark.parametrize(
    ("last", "said"),
    [([], "ended before the text did"), ([{"error": {"message": "worker died"}}], "worker died")],
)
def test_a_text_that_breaks_off_is_no_success(
    workplace: Workplace, last: list[Any], said: str
) -> None:
    async def behave(call: Call, reply: Reply) -> None:
        assert b'name="stream"' in call.body
        delta = {"type": "transcript.text.delta", "delta": "The birch"}
        await reply.events([delta, *last], is_done=False)

    (workplace.folder / "a.wav").write_bytes(b"RIFF")
    with ScriptedUpstream(behave) as upstream:
        ran = workplace.run("transcribe", "a.wav", "--url", upstream.base_url)
    assert (ran.code, ran.out) == (1, "The birch\n")
    assert said in ran.err


def test_a_file_that_breaks_off_is_not_kept(workplace: Workplace) -> None:
    with ScriptedUpstream(truncate(b"\xff\xf3\x84\xc4", 9999)) as upstream:
        ran = workplace.run("say", "a", "-o", "a.mp3", "--url", upstream.base_url)
    assert ran.code == 1
    assert "broke off" in ran.err
    assert not [*workplace.folder.glob("a.mp3*")]


def _piped(workplace: Workplace, *words: str) -> "subprocess.Popen[Any]":
    return subprocess.Popen(
        workplace.command(*words),
        cwd=workplace.folder,
        env=workplace.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _read_all(terminal: int) -> str:
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux says so when the other end is closed.
            return shown.decode()
        if not piece:
            return shown.decode()
        shown += piece
