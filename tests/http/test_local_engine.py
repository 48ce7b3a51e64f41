"""Local models behind a whole server: any name and key, what goes wrong, who goes away."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import HELLO, WAIT_S, LogLines, Served, error_of, serve, settings_for
from tests.local_engines import engines_of

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
ENDLESS = {"ignore_eos": True, "max_tokens": 100_000, "temperature": 0}
"""An answer that goes on until the context is full."""
CONTEXT = 4096


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, tiny_chat_gguf: Path, tiny_embedding_gguf: Path
) -> Iterator[Served]:
    """`serve --model tiny-chat.gguf`, with a model for embeddings and one that is broken."""
    folder = tmp_path_factory.mktemp("local")
    broken = folder / "broken.gguf"
    broken.write_bytes(tiny_chat_gguf.read_bytes()[:-100_000])
    settings = settings_for(
        folder / "data",
        default_model=str(tiny_chat_gguf),
        retrieval={"embedding_model": "local/vectors"},
        local={
            "threads": 1,
            "context_length": CONTEXT,
            "models": {
                "vectors": {"path": tiny_embedding_gguf, "context_length": 512},
                "broken": {"path": broken},
            },
        },
    )
    with serve(settings) as served:
        yield served


@pytest.fixture
def client(server: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{server.root}/v1", api_key="sk-whatever", max_retries=0
    ) as client:
        yield client


def test_any_model_name_is_answered(client: openai.OpenAI) -> None:
    for name in ("gpt-4", "gpt-3.5-turbo", "local/tiny-chat"):
        answer = client.chat.completions.create(model=name, messages=HELLO, max_tokens=4)
        assert answer.model == "tiny-chat"
        assert answer.usage and answer.usage.completion_tokens == 4
        assert answer.choices[0].finish_reason == "length"


def test_a_stream(server: Served) -> None:
    *chunks, last = server.events(max_tokens=5, stream_options={"include_usage": True})
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert last["usage"]["completion_tokens"] == 5
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["length"]
    assert all("prompt_progress" not in chunk for chunk in chunks)


def test_text_completions_are_the_models_own(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="davinci", prompt="\x05", max_tokens=3, temperature=0)
    assert answer.object == "text_completion"
    assert answer.usage and answer.usage.prompt_tokens == 1, "no chat template around it"
    assert answer.usage.completion_tokens == 3


def test_unknown_fields_do_not_reach_the_engine_with_a_text(server: Served) -> None:
    wanted = {"prompt": "Once", "max_tokens": 3, "ignore_eos": True, "n_predict": 9, "foo": 1}
    answer = server.client.post("/v1/completions", json=wanted)
    assert answer.json()["usage"]["completion_tokens"] == 3
    assert answer.headers["x-understudy-ignored"] == "n_predict, foo"


def test_embeddings(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="vectors", input=["one", "two", "one", "3", "4", "5"])
    vectors = [item.embedding for item in answer.data]
    assert [len(vector) for vector in vectors] == [128] * 6
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-4)
    assert vectors[0] != pytest.approx(vectors[1], abs=1e-2)
    assert sum(value * value for value in vectors[0]) == pytest.approx(1, abs=1e-3)
    short = client.embeddings.create(model="vectors", input="one", dimensions=16).data[0].embedding
    assert len(short) == 16
    assert sum(value * value for value in short) == pytest.approx(1, abs=1e-3)
    with pytest.raises(openai.BadRequestError, match="128 dimensions, not 129"):
        client.embeddings.create(model="vectors", input="one", dimensions=129)


def test_unknown_embedding_models_stay_with_the_embedded_one(client: openai.OpenAI) -> None:
    assert client.embeddings.create(model="ada", input="one").model == "understudy-lexical"
    with pytest.raises(openai.BadRequestError, match="is a model for chat"):
        client.embeddings.create(model="local/tiny-chat", input="one")


def test_a_vector_store_is_embedded_by_a_local_model(client: openai.OpenAI) -> None:
    text = "The cat sleeps on the warm roof."
    file = client.files.create(file=("cat.txt", text.encode()), purpose="assistants")
    store = client.vector_stores.create(name="animals")
    done = client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
    assert done.status == "completed"
    # No word in common: found by its vector, or not at all.
    (found,) = client.vector_stores.search(store.id, query="Zzyzx").data
    assert found.filename == "cat.txt"


def test_a_prompt_longer_than_the_context(server: Served, client: openai.OpenAI) -> None:
    long = "\x05" * 9000
    error = error_of(server.chat(messages=[{"role": "user", "content": long}]), 400)
    assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    begin = f"This model's maximum context length is {CONTEXT} tokens. However, your messages"
    assert error["message"].startswith(begin)
    with pytest.raises(openai.BadRequestError, match="your prompt resulted in 9000 tokens"):
        client.completions.create(model="tiny-chat", prompt=long)
    with pytest.raises(openai.BadRequestError, match=r"length is 512 tokens.* in 9000 tokens"):
        client.embeddings.create(model="vectors", input=["short", long])


def test_a_broken_model_says_so_and_others_go_on(server: Served) -> None:
    for is_streamed in (False, True):
        response = server.chat(model="broken", stream=is_streamed)
        error = error_of(response, 500)
        assert error["code"] == "model_unusable"
        assert "'broken' cannot be loaded: the file is cut off or damaged" in error["message"]
        assert response.headers["x-should-retry"] == "false"
    assert server.chat(max_tokens=1).status_code == 200


@ON_LINUX
def test_an_engine_that_is_killed_in_the_middle_of_answers(
    serve_with: ServeWith, logs: LogLines, tiny_chat_gguf: Path
) -> None:
    """20 streams and one that waits for a slot: each is told, and the next is answered."""
    before = engines_of(os.getpid())
    local = {"threads": 1, "slots": 20, "context_length": 16_384, "prompt_cache_bytes": 0}
    with serve_with(default_model=str(tiny_chat_gguf), local=local) as server:
        assert server.chat(max_tokens=1).status_code == 200
        (child,) = engines_of(os.getpid()) - before
        under_way = threading.Barrier(21)
        with ThreadPoolExecutor(21) as pool:
            streams = [pool.submit(last_event_of, server, under_way) for _ in range(20)]
            under_way.wait(WAIT_S)
            waiting = pool.submit(server.chat, **ENDLESS)
            until(lambda: connection_count(child) == 21)
            os.kill(child, signal.SIGKILL)
            endings = [stream.result(WAIT_S) for stream in streams]
            error = error_of(waiting.result(WAIT_S), 502)
        for said in [*(ending["error"]["message"] for ending in endings), error["message"]]:
            assert said.startswith("The local engine of 'tiny-chat' ended")
            assert "(killed by signal 9" in said
            assert said.endswith("send the request once more.")
        assert {ending["error"]["code"] for ending in endings} == {"provider_stream_broken"}
        assert server.chat(max_tokens=1).status_code == 200
        assert (engines_of(os.getpid()) - before).isdisjoint({child})
        assert logs.wait_for(level="error")["message"].startswith("the local engine of 'tiny-chat'")
    assert engines_of(os.getpid()) == before


def connection_count(child: int) -> int:
    """Return how many connections an engine has taken."""
    connections = psutil.Process(child).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED for one in connections)


def last_event_of(server: Served, under_way: threading.Barrier) -> dict[str, Any]:
    """Return the last event of an endless stream, telling when its first has come."""
    body = {"messages": HELLO, "stream": True, **ENDLESS}
    with server.client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        events = (line for line in response.iter_lines() if line.startswith("data: "))
        last = next(events)
        under_way.wait(WAIT_S)
        for event in events:
            last = event if event != "data: [DONE]" else last
    return dict(json.loads(last.removeprefix("data: ")))


@ON_LINUX
def test_a_model_is_loaded_at_the_start(serve_with: ServeWith, tiny_chat_gguf: Path) -> None:
    before = engines_of(os.getpid())
    models = {"small": {"path": tiny_chat_gguf, "preload": True, "context_length": 256}}
    with serve_with(local={"threads": 1, "models": models}) as server:
        listed = server.client.get("/v1/models").json()["data"]
        assert "local/small" in [model["id"] for model in listed]
        until(lambda: len(engines_of(os.getpid()) - before) == 1)
    assert engines_of(os.getpid()) == before


def until(is_so: Callable[[], bool]) -> None:
    """Return once it is so; fail where it never is."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
