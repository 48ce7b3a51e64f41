"""Stored chat completions as the official client uses them, on SQLite and on PostgreSQL."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.cli.running import Workplace
from tests.http.serving import Served, error_of, events_of, provider_at, serve, settings_for
from tests.sdk.validation import errors_of_answer
from tests.upstreams.scripted import ScriptedUpstream, break_off, stream

if TYPE_CHECKING:
    from tests.databases import Database

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
def served(
    request: pytest.FixtureRequest, tmp_path: Path, module_upstream: ScriptedUpstream
) -> Iterator[Served]:
    """A server with a database of its own for every test."""
    module_upstream.calls.clear()
    url = None
    if request.param == "postgresql":
        database: Database = request.getfixturevalue("migrated_postgres_database")
        url = database.url
    settings = settings_for(
        tmp_path / "data",
        database_url=url,
        default_model="up/echo",
        upstream_retries=0,
        providers={"up": provider_at(module_upstream)},
    )
    with serve(settings) as served:
        yield served


@contextlib.contextmanager
def client_of(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with client_of(served) as client:
        yield client


def ask(client: openai.OpenAI, text: str = "hello", **fields: Any) -> Any:
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(
        **{"model": "up/echo", "messages": messages, "store": True, **fields}
    )


def ids(client: openai.OpenAI, **query: Any) -> list[str]:
    return [each.id for each in client.chat.completions.list(**query)]


def test_a_completion_is_kept_as_it_was_answered(client: openai.OpenAI) -> None:
    answered = ask(client, metadata={"shop": "north"})
    kept = client.chat.completions.retrieve(answered.id)
    assert kept.metadata == {"shop": "north"}
    expected, found = answered.model_dump(), kept.model_dump()
    assert found | {"metadata": None} == expected | {"metadata": None}
    assert kept.choices[0].message.content == "You said: hello"


def test_a_stream_is_kept_whole_under_the_id_of_its_chunks(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True, metadata={"a": "b"}))
    (id_,) = {chunk.id for chunk in chunks}
    kept = client.chat.completions.retrieve(id_)
    streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert kept.choices[0].message.content == streamed == "You said: hello"
    assert kept.choices[0].finish_reason == "stop"
    assert kept.usage is not None and kept.usage.total_tokens > 0
    assert (kept.object, kept.metadata) == ("chat.completion", {"a": "b"})


@pytest.mark.parametrize("streams", [False, True])
def test_the_legacy_form_is_kept_in_its_own_shape(client: openai.OpenAI, streams: bool) -> None:
    answered = ask(client, "weather?", functions=[TOOL["function"]], stream=streams)
    id_ = [*answered][-1].id if streams else answered.id
    (choice,) = client.chat.completions.retrieve(id_).choices
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call is not None
    assert choice.message.function_call.name == "get_weather"
    assert choice.message.tool_calls is None


def test_lists_filter_order_and_page(client: openai.OpenAI) -> None:
    odd_key = 'k"[x]$.é'
    made = [
        ask(client, metadata={"n": str(n % 2), odd_key: "yes" if n == 3 else "no"}).id
        for n in range(5)
    ]
    assert ids(client) == made
    assert ids(client, order="desc", limit=2) == made[::-1]
    assert ids(client, metadata={"n": "1"}) == [made[1], made[3]]
    assert ids(client, metadata={"n": "1", odd_key: "yes"}) == [made[3]]
    assert ids(client, metadata={"absent": "1"}) == []
    assert ids(client, after=made[2]) == made[3:]
    model = client.chat.completions.retrieve(made[0]).model
    assert ids(client, model=model) == made
    assert ids(client, model="another") == []
    page = client.chat.completions.list(limit=2)
    assert page.has_more
    assert [each.id for each in page.data] == made[:2]


def test_deleting_while_iterating_reaches_every_one(client: openai.OpenAI) -> None:
    made = [ask(client).id for _ in range(5)]
    deleted = []
    for each in client.chat.completions.list(limit=2):
        assert client.chat.completions.delete(each.id).deleted
        deleted.append(each.id)
    assert deleted == made
    assert ids(client) == []
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(made[0])
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.messages.list(made[0])


def test_an_update_replaces_the_metadata_alone(client: openai.OpenAI) -> None:
    answered = ask(client, metadata={"old": "1", "both": "1"})
    updated = client.chat.completions.update(answered.id, metadata={"both": "2"})
    assert updated.metadata == {"both": "2"}
    assert client.chat.completions.retrieve(answered.id) == updated
    assert updated.choices == answered.choices
    assert ids(client, metadata={"old": "1"}) == []
    assert client.chat.completions.update(answered.id, metadata=None).metadata == {}


def test_messages_come_back_as_they_were_sent(client: openai.OpenAI) -> None:
    parts = [
        {"type": "text", "text": "what is this? \x00"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": "{}"},
    }
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": parts, "name": "ana"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    answered = ask(client, messages=messages, tools=[TOOL])
    kept = list(client.chat.completions.messages.list(answered.id, limit=3))
    assert [message.role for message in kept] == ["system", "user", "assistant", "tool"]
    assert len({message.id for message in kept}) == 4
    assert (kept[0].content, kept[0].content_parts) == ("Be brief.", None)
    assert kept[1].content is None
    assert [part.model_dump(exclude_none=True) for part in kept[1].content_parts or ()] == parts
    assert [each.model_dump() for each in kept[2].tool_calls or ()] == [call]
    assert kept[3].content == "sunny"
    turned = client.chat.completions.messages.list(answered.id, order="desc", after=kept[1].id)
    assert [message.id for message in turned] == [kept[0].id]


def test_answers_obey_the_api_description(served: Served) -> None:
    made = served.chat(store=True, metadata={"a": "b"}).json()
    path = f"/chat/completions/{made['id']}"
    for method, place, body in (
        ("GET", "/chat/completions", None),
        ("GET", path, None),
        ("POST", path, {"metadata": {"c": "d"}}),
        ("DELETE", path, None),
    ):
        response = served.client.request(method, f"/v1{place}", json=body)
        assert response.status_code == 200
        assert errors_of_answer(method, place, 200, response.json()) == []


def test_messages_obey_it_but_for_the_roles_it_forgets(served: Served) -> None:
    """The description says that every message is the assistant's."""
    made = served.chat(store=True).json()
    path = f"/chat/completions/{made['id']}/messages"
    page = served.client.get(f"/v1{path}").json()
    assert page["data"][0]["role"] == "user"
    page["data"][0]["role"] = "assistant"
    assert errors_of_answer("GET", path, 200, page) == []


def test_nothing_is_kept_that_was_not_asked_for(served: Served, client: openai.OpenAI) -> None:
    for fields in ({}, {"store": False}, {"store": None}):
        assert served.chat(**fields).status_code == 200
    ignored = served.chat(metadata={"a": "b"})
    assert ignored.headers["x-understudy-ignored"] == "metadata"
    assert "x-understudy-ignored" not in served.chat(store=True, metadata={"a": "b"}).headers
    assert len(ids(client)) == 1


def test_the_provider_learns_nothing_of_it(
    served: Served, module_upstream: ScriptedUpstream
) -> None:
    served.chat(store=True, metadata={"a": "b"})
    assert not {"store", "metadata"} & set(module_upstream.calls[0].json)


def test_a_stream_that_breaks_off_is_not_kept(
    served: Served, client: openai.OpenAI, module_upstream: ScriptedUpstream
) -> None:
    piece = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        b'[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n'
    )
    module_upstream.play(break_off([piece]))
    *_, last = events_of(served.chat(store=True, stream=True))
    assert last["error"]["code"] == "provider_stream_broken"
    assert ids(client) == []


def test_an_abandoned_stream_is_not_kept(client: openai.OpenAI) -> None:
    abandoned = ask(client, model="up/paced-200x20", stream=True)
    next(iter(abandoned))
    abandoned.close()
    last = ask(client)
    assert ids(client) == [last.id]


def test_providers_that_repeat_an_id_are_told_apart(
    client: openai.OpenAI, module_upstream: ScriptedUpstream
) -> None:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    module_upstream.play(*[stream([{**chunk, "choices": [choice]}])] * 2)
    made = [[*ask(client, stream=True)][-1].id for _ in range(2)]
    assert ids(client) == made
    assert made[0] != made[1]


@pytest.mark.parametrize(
    "metadata",
    [
        {f"k{n}": "v" for n in range(17)},
        {"k" * 65: "v"},
        {"k": "v" * 513},
        {"k": 1},
        {"k": "\x00"},
        ["k"],
    ],
    ids=["17 pairs", "long key", "long value", "number", "NUL", "list"],
)
def test_metadata_over_the_rules_is_refused(served: Served, metadata: Any) -> None:
    error = error_of(served.chat(store=True, metadata=metadata), 400)
    assert error["param"].startswith("metadata")
    id_ = served.chat(store=True, metadata={f"{n:064}": "v" * 512 for n in range(16)}).json()["id"]
    path = f"/v1/chat/completions/{id_}"
    refused = served.client.post(path, json={"metadata": metadata})
    assert error_of(refused, 400)["param"].startswith("metadata")


def test_what_is_not_there_is_said(served: Served) -> None:
    path = "/v1/chat/completions/chatcmpl-none"
    for method, place in (("GET", path), ("DELETE", path), ("GET", f"{path}/messages")):
        error_of(served.client.request(method, place), 404)
    error_of(served.client.post(path, json={"metadata": {}}), 404)
    assert error_of(served.client.post(path, json={}), 400)["param"] == "metadata"
    listed = served.client.get("/v1/chat/completions?after=chatcmpl-none")
    assert error_of(listed, 400)["param"] == "after"
    listed = served.client.get("/v1/chat/completions?limit=101")
    assert error_of(listed, 400)["param"] == "limit"


def test_an_acknowledged_completion_survives_kill_9(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("there is no SIGKILL")
    workplace = Workplace(tmp_path)
    with workplace.start("serve", "--port", "0") as process:
        assert process.stderr is not None
        url = next(
            line.split('"')[1] for line in process.stderr if line.split()[:1] == ["base_url"]
        )
        with openai.OpenAI(base_url=url, api_key="any", max_retries=0) as client:
            plain = ask(client, model="understudy-extractive").id
            streamed = [*ask(client, model="understudy-extractive", stream=True)][-1].id
            process.send_signal(signal.SIGKILL)
        process.wait()
    with workplace.serving() as url, openai.OpenAI(base_url=url, api_key="any") as client:
        assert ids(client) == [plain, streamed]


def test_another_project_sees_none_of_it(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    keys = [
        workplace.run("keys", "create", "--project", project).out.strip() for project in ("a", "b")
    ]
    with workplace.serving() as url:
        one, other = (openai.OpenAI(base_url=url, api_key=key, max_retries=0) for key in keys)
        with one, other:
            made = ask(one, model="understudy-extractive").id
            assert ids(one) == [made]
            assert ids(other) == []
            with pytest.raises(openai.NotFoundError):
                other.chat.completions.retrieve(made)
