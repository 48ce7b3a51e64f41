"""`understudy chat` as a process: against the real server, and against providers that misbehave."""

import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
from pathlib import Path

import httpx2
import pytest
from tests.cli.running import WAIT_S, Workplace
from tests.upstreams.http_server import Behaviour
from tests.upstreams.scripted import (
    ScriptedUpstream,
    answer,
    break_off,
    raw,
    stall,
    stream,
    stream_bytes,
)

REFUSAL = {"error": {"message": "You are not known here", "type": "x", "param": None, "code": None}}
PIECE = b'data: {"choices": [{"index": 0, "delta": {"content": "Half an"}}]}\n\n'


def _kept(workplace: Workplace) -> dict[str, object]:
    return json.loads((workplace.data_dir / "last-conversation.json").read_text())


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_it_talks_to_the_server_of_its_data_directory(served: tuple[Workplace, str]) -> None:
    workplace, _ = served
    ran = workplace.run("chat", "Hello, who are you?")
    assert (ran.code, ran.err) == (0, "")
    assert "Understudy" in ran.out
    assert "\x1b" not in ran.out


def test_it_talks_to_an_instance_on_the_instances_thread(served: tuple[Workplace, str]) -> None:
    workplace, url = served
    kept = workplace.data_dir / "last-conversation.json"
    kept.unlink(missing_ok=True)  # of a test that ran before on the same server
    with httpx2.Client(base_url=url, trust_env=False) as client:
        character = client.post("characters", json={"name": "Rosa"}).json()["id"]
        client.post(f"characters/{character}/instances", json={"name": "josé"})
        assert workplace.run("chat", "--as", "josé", "My name is Ana.").code == 0
        ran = workplace.run("chat", "--as", "josé", "What is my name?")
        assert (ran.code, ran.out, ran.err) == (0, "Your name is Ana.\n", "")
        thread = client.get("instances/jos%C3%A9").json()["thread_id"]
        assert len(client.get(f"threads/{thread}/messages").json()["data"]) == 4
    assert not kept.exists()
    ran = workplace.run("chat", "--as", "nobody", "Hi")
    assert ran.code == 1
    assert "nobody" in ran.err
    ran = workplace.run("chat", "--as", "josé", "--model", "m", "Hi")
    assert ran.code == 1
    assert "leave out" in ran.err


def test_without_a_server_it_starts_one_and_says_so(workplace: Workplace) -> None:
    ran = workplace.run("chat", "Hello, who are you?")
    assert ran.code == 0
    assert "Understudy" in ran.out
    assert ran.err.startswith("No server is running: starting one") and ran.err.count("\n") == 1


def test_a_server_that_cannot_start_says_why(workplace: Workplace) -> None:
    workplace.environment = {"UNDERSTUDY_DATABASE_URL": "mysql://db/app"}
    ran = workplace.run("chat", "Hello")
    assert (ran.code, ran.out) == (1, "")
    assert "unknown scheme 'mysql'" in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


def test_piped_text_is_the_message(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    ran = workplace.run(
        "chat", "--url", upstream.base_url, "-m", "echo", stdin="from a pipe ñ 你\n"
    )
    assert ran.code == 0
    assert ran.out.startswith("You said: from a pipe ñ 你")


def test_nothing_to_send_is_said(workplace: Workplace) -> None:
    ran = workplace.run("chat", stdin=" \n")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("understudy: There is nothing to send")


def test_a_conversation_continues(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    flags = ("--url", upstream.base_url, "--key", "sk-mine")
    workplace.run("chat", *flags, "-m", "echo", "-s", "Be brief.", "one")
    workplace.run("chat", *flags, "-c", "two")
    first, second = (call.json for call in upstream.calls)
    assert [m["content"] for m in first["messages"]] == ["Be brief.", "one"]
    assert [(m["role"], m["content"]) for m in second["messages"]] == [
        ("system", "Be brief."),
        ("user", "one"),
        ("assistant", "You said: one"),
        ("user", "two"),
    ]
    assert (second["model"], upstream.calls[1].key) == ("echo", "sk-mine")
    assert stat.S_IMODE((workplace.data_dir / "last-conversation.json").stat().st_mode) == 0o600


def test_new_instructions_replace_the_old(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    flags = ("--url", upstream.base_url, "-m", "echo")
    workplace.run("chat", *flags, "-s", "Be brief.", "one")
    workplace.run("chat", *flags, "-c", "-s", "Be long.", "-m", "other", "two")
    sent = upstream.calls[1].json
    assert [m["content"] for m in sent["messages"] if m["role"] == "system"] == ["Be long."]
    assert sent["model"] == "other"


def test_a_new_conversation_forgets_the_old(
    workplace: Workplace, upstream: ScriptedUpstream
) -> None:
    workplace.run("chat", "--url", upstream.base_url, "-m", "echo", "one")
    workplace.run("chat", "--url", upstream.base_url, "-m", "echo", "two")
    assert [m["content"] for m in upstream.calls[1].json["messages"]] == ["two"]
    assert len(_kept(workplace)["messages"]) == 2


@pytest.mark.parametrize("content", [None, "{", '{"messages": 1, "model": null}'])
def test_nothing_to_continue_is_said(workplace: Workplace, content: str | None) -> None:
    workplace.data_dir.mkdir()
    if content is not None:
        (workplace.data_dir / "last-conversation.json").write_text(content)
    ran = workplace.run("chat", "-c", "two")
    assert ran.code == 1
    assert "without --continue" in ran.err
    assert "Traceback" not in ran.err


def test_no_server_at_the_url_is_said(workplace: Workplace) -> None:
    ran = workplace.run("chat", "--url", f"http://127.0.0.1:{_closed_port()}", "Hello")
    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"understudy: No server answers at .*understudy serve.*\n", ran.err)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "asks for an API key: give one with --key"),
        (("--key", "bad"), "does not accept the key"),
    ],
)
def test_a_refused_key_is_said(
    workplace: Workplace, upstream: ScriptedUpstream, flags: tuple[str, ...], said: str
) -> None:
    upstream.play(answer(REFUSAL, 401))
    ran = workplace.run("chat", "--url", upstream.base_url, *flags, "Hello")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (answer(REFUSAL, 400), "answered 400: You are not known here"),
        (raw(b"<html>", 502, "text/html"), "answered 502 without a reason"),
    ],
)
def test_a_refusal_is_said(
    workplace: Workplace, upstream: ScriptedUpstream, step: Behaviour, said: str
) -> None:
    upstream.play(step)
    ran = workplace.run("chat", "--url", upstream.base_url, "Hello")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


@pytest.mark.parametrize(
    "step",
    [break_off([PIECE], with_reset=True), break_off([PIECE]), stream_bytes([PIECE])],
    ids=["reset", "closed", "ended without a reason"],
)
def test_a_broken_answer_is_no_answer(
    workplace: Workplace, upstream: ScriptedUpstream, step: Behaviour
) -> None:
    upstream.play(step)
    ran = workplace.run("chat", "--url", upstream.base_url, "Hello")
    assert ran.code == 1
    assert "incomplete" in ran.err
    assert not (workplace.data_dir / "last-conversation.json").exists()


def test_an_error_amid_the_stream_is_said(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    upstream.play(stream_bytes([PIECE, b'data: {"error": {"message": "out of memory"}}\n\n']))
    ran = workplace.run("chat", "--url", upstream.base_url, "Hello")
    assert (ran.code, ran.out) == (1, "Half an\n")
    assert ran.err == "understudy: The answer broke off: out of memory\n"


def test_a_models_control_characters_do_not_reach_the_terminal(
    workplace: Workplace, upstream: ScriptedUpstream
) -> None:
    ran = workplace.run("chat", "--url", upstream.base_url, "-m", "echo", "red \x1b[31mtext\x07")
    assert ran.out == "You said: red [31mtext\n"


def test_another_model_than_asked_is_said(served: tuple[Workplace, str]) -> None:
    workplace, _ = served
    ran = workplace.run("chat", "-m", "gpt-4", "Hello")
    assert ran.code == 0
    assert "'understudy-extractive' answered" in ran.err


def test_a_providers_missing_key_is_said(served: tuple[Workplace, str]) -> None:
    workplace, _ = served
    ran = workplace.run("chat", "-m", "dashscope/qwen-plus", "Hello")
    assert (ran.code, ran.out) == (1, "")
    assert "DASHSCOPE_API_KEY" in ran.err and "--key" not in ran.err


def test_a_cut_answer_is_marked(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    cut = {"index": 0, "delta": {"content": "Half an"}, "finish_reason": "length"}
    upstream.play(stream([{"choices": [cut]}]))
    ran = workplace.run("chat", "--url", upstream.base_url, "Hello")
    assert (ran.code, ran.out) == (0, "Half an\n")
    assert "limit of tokens" in ran.err


def test_the_server_it_starts_keeps_asking_for_keys(workplace: Workplace) -> None:
    key = workplace.run("keys", "create").out.strip()
    refused = workplace.run("chat", "Hello")
    assert refused.code == 1
    assert "asks for an API key" in refused.err
    assert workplace.run("chat", "--key", key, "Hello").code == 0


def test_ctrl_c_ends_quietly(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    upstream.play(stall([PIECE]))
    with workplace.start("chat", "--url", upstream.base_url, "Hello") as process:
        assert process.stdout is not None
        assert process.stdout.read(len("Half an")) == "Half an"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert (out, err) == ("\n", "")
    assert upstream.calls[0].disconnected.wait(WAIT_S)


def test_a_terminal_gets_a_prompt(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    upstream.play(answer(REFUSAL, 500))
    output = _at_terminal(
        workplace, "first\nsecond\n\x04", "chat", "--url", upstream.base_url, "-m", "echo"
    )
    assert "You are not known here" in output
    assert "You said: second" in output
    assert [m["content"] for m in upstream.calls[1].json["messages"]] == ["second"]


def _at_terminal(workplace: Workplace, typed: str, *words: str) -> str:
    """Run a command at a terminal of its own, type, and return what the terminal showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        workplace.command(*words),
        cwd=Path(workplace.folder),
        env={**workplace.variables(), "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while piece := _read(ours):
            shown += piece
        assert process.wait(WAIT_S) == 0
    os.close(ours)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # The other end was closed.
        return b""
