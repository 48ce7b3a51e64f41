"""`understudy check`: passes where the API is kept, and names what is not."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Workplace
from tests.upstreams.chat_echo import chat_echo
from tests.upstreams.http_server import Behaviour, Call, Reply
from tests.upstreams.scripted import ScriptedUpstream, answer

NAMES = [
    "health",
    "models",
    "chat",
    "stream",
    "stop words",
    "tools",
    "JSON schema",
    "embeddings",
    "unknown route",
    "bad JSON",
    "wrong type",
    "wrong method",
]


def test_our_server_passes(served: tuple[Workplace, str]) -> None:
    workplace, url = served
    ran = workplace.run("check")
    assert ran.code == 0, ran.out
    lines = ran.out.splitlines()
    assert [line.removeprefix("✓ ") for line in lines if line.startswith("✓ ")] == NAMES
    assert lines[-1] == "all passed"
    assert ran.err == f"Checking {url}\n"
    assert "    chat: 'Hello! Who are you?'" in lines
    assert any(line.startswith("    -> calls get_weather(") for line in lines)


def test_the_url_may_lack_its_path(served: tuple[Workplace, str]) -> None:
    workplace, url = served
    told = workplace.run("check", url.removesuffix("/v1"), "--json").json
    assert (told["url"], told["passed"]) == (url, True)
    assert [check["state"] for check in told["checks"]] == ["passed"] * len(NAMES)


def test_signs_become_words_where_they_cannot_be_shown(served: tuple[Workplace, str]) -> None:
    workplace, url = served
    plain = Workplace(workplace.folder)
    plain.environment = {"PYTHONIOENCODING": "ascii"}
    ran = plain.run("check", url)
    assert ran.code == 0
    assert ran.out.startswith("ok   health\n") and ran.out.isascii()


def test_no_server_is_said(workplace: Workplace) -> None:
    ran = workplace.run("check")
    assert (ran.code, ran.out) == (1, "")
    assert "understudy serve" in ran.err and "understudy check http://" in ran.err


def test_a_server_that_is_away_is_said_once(workplace: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ran = workplace.run("check", f"http://127.0.0.1:{port}")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[1].startswith("understudy: No server answers at")


def _checked(workplace: Workplace, upstream: ScriptedUpstream, *flags: str) -> dict[str, Any]:
    ran = workplace.run("check", upstream.base_url, "--json", *flags)
    assert "Traceback" not in ran.err
    told = ran.json
    assert ran.code == (0 if told["passed"] else 1)
    return {check["name"]: (check["state"], check["reason"]) for check in told["checks"]}


def test_model_and_key_are_sent(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    _checked(workplace, upstream, "--model", "mine", "--key", "sk-mine")
    assert {call.key for call in upstream.calls} == {"sk-mine"}
    asked = [call for call in upstream.calls if call.path == "/chat/completions" and call.body]
    assert {call.json["model"] for call in asked if b'"model"' in call.body} == {"mine"}


def _lying(path: str, change: Any) -> Behaviour:
    """Behave well, but change the JSON of what is answered on `path`."""

    async def behave(call: Call, reply: Reply) -> None:
        if call.path == path and not call.json.get("stream"):
            send = reply.json

            async def changed(body: Any, status: int = 200, headers: Any = None) -> None:
                body = json.loads(json.dumps(body))
                await send(change(call.json, body) or body, status, headers)

            reply.json = changed  # type: ignore[method-assign]
        await chat_echo(call, reply)

    return behave


def _no_usage(_: Any, body: Any) -> None:
    body.pop("usage", None)


def _wrong_reason(asked: Any, body: Any) -> None:
    if asked.get("tools"):
        body["choices"][0]["finish_reason"] = "stop"


def _broken_arguments(asked: Any, body: Any) -> None:
    for call in body["choices"][0]["message"].get("tool_calls") or []:
        call["function"]["arguments"] = "{not json"


def _unstopped(asked: Any, body: Any) -> None:
    if asked.get("stop"):
        body["choices"][0]["message"]["content"] += "".join(asked["stop"])


def _not_of_the_schema(asked: Any, body: Any) -> None:
    if asked.get("response_format"):
        body["choices"][0]["message"]["content"] = '{"name": 5}'


@pytest.mark.parametrize(
    ("change", "failing", "reason"),
    [
        (_no_usage, "chat", "there is no 'usage'"),
        (_wrong_reason, "tools", "'finish_reason' is not 'tool_calls'"),
        (_broken_arguments, "tools", "arguments is no JSON"),
        (_unstopped, "stop words", "is in the answer"),
        (_not_of_the_schema, "JSON schema", "does not fit the schema"),
    ],
)
def test_a_broken_promise_is_named(
    workplace: Workplace, change: Any, failing: str, reason: str
) -> None:
    def careful(asked: Any, body: Any) -> None:
        if "choices" in body:
            change(asked, body)

    with ScriptedUpstream(_lying("/chat/completions", careful)) as upstream:
        state, said = _checked(workplace, upstream)[failing]
    assert state == "failed"
    assert reason in said


def test_a_stream_without_end_or_usage_is_named(workplace: Workplace) -> None:
    async def behave(call: Call, reply: Reply) -> None:
        if call.json.get("stream") if call.body.startswith(b'{"mo') else False:
            delta = {"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}
            await reply.events([{"choices": [delta]}], is_done=False)
        else:
            await chat_echo(call, reply)

    with ScriptedUpstream(behave) as upstream:
        state, said = _checked(workplace, upstream, "--model", "echo")["stream"]
    assert (state, said) == ("failed", "the stream did not end with [DONE]")


def test_what_a_server_does_not_offer_is_skipped(workplace: Workplace) -> None:
    async def behave(call: Call, reply: Reply) -> None:
        if call.path == "/chat/completions" and b'"tools"' in call.body:
            refusal = {"message": "no tools", "type": "x", "param": "tools", "code": None}
            await reply.json({"error": refusal}, 400)
        elif call.path == "/models":
            await reply.json({"object": "list", "data": [{"id": "only-chat", "object": "model"}]})
        else:
            await chat_echo(call, reply)

    with ScriptedUpstream(behave) as upstream:
        checked = _checked(workplace, upstream)
    assert checked["tools"][0] == "skipped"
    assert checked["embeddings"] == ("skipped", "the server lists no embedding model")
    assert checked["health"][0] == "skipped"


def test_the_summary_names_what_failed(workplace: Workplace, upstream: ScriptedUpstream) -> None:
    async def nonsense(_: Call, reply: Reply) -> None:
        await reply.json({"surprise": True})

    with ScriptedUpstream(nonsense) as odd:
        ran = workplace.run("check", odd.base_url)
    assert ran.code == 1
    last = ran.out.splitlines()[-1]
    assert "failed: " in last and "chat" in last and "unknown route" in last
    assert "all passed" not in ran.out


def test_a_key_that_is_missing_or_wrong_is_the_only_thing_said(tmp_path: Path) -> None:
    told = {"message": "no key", "type": "invalid_request_error", "code": "invalid_api_key"}
    with ScriptedUpstream() as upstream:
        upstream.play(*[answer({"error": told}, 401)] * 2)
        workplace = Workplace(tmp_path)
        without = workplace.run("check", upstream.base_url)
        wrong = workplace.run("check", upstream.base_url, "--key", "sk-wrong-key")
    assert (without.code, without.out) == (1, "") and "asks for an API key" in without.err
    assert (wrong.code, wrong.out) == (1, "") and "does not accept the key" in wrong.err
