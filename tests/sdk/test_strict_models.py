"""Raw answers are valid by the models of the openai releases that have them, and by OpenAI's API
description: the packages themselves accept anything.
"""

import itertools
from typing import Any

import pytest
from tests.sdk.clients import Report, python_client
from tests.sdk.servers import RunningServer
from tests.sdk.validation import errors_of_answer, errors_of_object

RELEASES = ("openai-1.14.3", "openai-1.35.3", "openai-2.54.0", "openai-3.52.0")
SECTIONS = ("chats", "chat_streams", "others", "completion_stream")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in RELEASES],
)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["embedded", "echoing"])
def report(request: pytest.FixtureRequest, release: str) -> Report:
    server = request.getfixturevalue(request.param)
    client = python_client(release, "strict_models.py")
    if request.param == "embedded":
        return client.report(server, *SECTIONS)
    return client.report(server, *SECTIONS, MODEL="echo", EMBEDDING_MODEL="echo-embedding")


def _faults(answers: list[Any]) -> list[str]:
    """Return what the release's models found, and what the API description finds."""
    found = [fault for judged in answers for fault in judged["faults"]]
    for judged in answers:
        method, _, path = judged["route"].partition(" ")
        path = "/models/{model}" if path.startswith("/models/") else path
        found += errors_of_answer(method, path, 200, judged["answer"])
    return found


def _faults_of_streams(streams: list[Any]) -> list[str]:
    found = [fault for judged in streams for fault in judged["faults"]]
    chunks = itertools.chain.from_iterable(judged["chunks"] for judged in streams)
    faults = (errors_of_object("CreateChatCompletionStreamResponse", chunk) for chunk in chunks)
    return found + [fault for some in faults for fault in some]


def test_plain_chat_answers(report: Report) -> None:
    assert len(report["chats"]) == 6
    assert not _faults(report["chats"])


def test_chat_chunks(report: Report) -> None:
    assert all(len(judged["chunks"]) > 2 for judged in report["chat_streams"])
    assert not _faults_of_streams(report["chat_streams"])


def test_completions_embeddings_and_models(report: Report) -> None:
    assert len(report["others"]) == 4
    assert not _faults(report["others"])


def test_completion_chunks(report: Report) -> None:
    streamed = report["completion_stream"]
    assert len(streamed["chunks"]) > 1
    found = [errors_of_object("CreateCompletionResponse", chunk) for chunk in streamed["chunks"]]
    assert not [*streamed["faults"], *itertools.chain.from_iterable(found)]


def test_logprobs_of_a_provider(release: str, echoing: RunningServer) -> None:
    client = python_client(release, "strict_models.py")
    plain, streamed = client.report(echoing, "logprobs", MODEL="echo")["logprobs"]
    tokens = plain["answer"]["choices"][0]["logprobs"]["content"]
    assert [token["token"] for token in tokens] == ["You", " said:", " Hello"]
    assert not _faults([plain])
    assert not _faults_of_streams([streamed])
