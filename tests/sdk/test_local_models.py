"""Every client generation, unmodified, asks a server that was given a model file and nothing else.

Its model is tiny and random: what it says means nothing, how it says it has to be right.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sdk.clients import Client, Report, node_client, python_client
from tests.sdk.servers import RunningServer, running_server

CLIENTS = ("openai-0.28.1", "openai-1.14.3", "openai-1.35.3", "openai-2.54.0", "openai-3.52.0")
NODE = "openai-node-6.49.0"
MOST_TOKENS = 40
ANSWERED_BY = "tiny-chat"
_SETTINGS = """
default_model = "{chat}"
default_embedding_model = "{embedding}"

[local]
threads = 1
context_length = 512

[models."local/tiny-chat"]
temperature = 0
max_tokens = {most_tokens}
"""


@pytest.fixture(scope="module")
def local(
    tmp_path_factory: pytest.TempPathFactory, tiny_chat_gguf: Path, tiny_embedding_gguf: Path
) -> Iterator[RunningServer]:
    settings = _SETTINGS.format(
        chat=tiny_chat_gguf, embedding=tiny_embedding_gguf, most_tokens=MOST_TOKENS
    )
    with running_server(tmp_path_factory.mktemp("local"), settings) as server:
        yield server


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in (*CLIENTS, NODE)],
)
def report(
    request: pytest.FixtureRequest, local: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    client = _client(str(request.param), tmp_path_factory)
    return client.report(local, "chat", "stream", "stream_usage", "embeddings", "completions")


def _client(name: str, folders: pytest.TempPathFactory) -> Client:
    if name == NODE:
        return node_client(folders.mktemp("node"))
    if name.startswith("openai-0."):
        return python_client(name, "openai_0_28.py", "OPENAI_API_BASE")
    return python_client(name, "openai_1_and_later.py")


def test_the_model_answers_whatever_name_was_asked_for(report: Report) -> None:
    for answered in report["chat"].values():
        assert answered["model"] == ANSWERED_BY
        assert answered["choices"][0]["finish_reason"] in ("stop", "length")
        used = answered["usage"]
        assert 0 < used["completion_tokens"] <= MOST_TOKENS
        assert used["total_tokens"] == used["prompt_tokens"] + used["completion_tokens"]


def test_a_stream_says_what_the_plain_answer_says(report: Report) -> None:
    for streamed in report["stream"].values():
        assert streamed["streamed"] == (streamed["plain"] or "")
        assert streamed["finish_reasons"] in (["stop"], ["length"])
        assert streamed["roles"] == ["assistant"]


def test_a_stream_counts_what_the_plain_answer_counts(report: Report) -> None:
    counted = report["stream_usage"]
    fields = ("prompt_tokens", "completion_tokens", "total_tokens")
    plain, streamed = counted["plain"], counted["usages"][-1]
    assert [plain[field] for field in fields] == [streamed[field] for field in fields]


def test_texts_are_embedded(report: Report) -> None:
    embedded = report["embeddings"]
    assert len({len(vector) for vector in embedded["default"]}) == 1
    for vector, numbers in zip(embedded["default"], embedded["float"], strict=True):
        assert vector == pytest.approx(numbers, abs=1e-6)
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)


def test_texts_are_completed(report: Report) -> None:
    completed = report["completions"]
    (choice,) = completed["plain"]["choices"]
    assert completed["plain"]["model"] == ANSWERED_BY
    assert completed["streamed"] == choice["text"] != ""
    assert completed["finish_reasons"] == [choice["finish_reason"]]
