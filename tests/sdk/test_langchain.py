"""langchain-openai: its own calls, and the standard suites of langchain-tests."""

import itertools
import math
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from tests.sdk.clients import PROGRAMS, Client, python_client
from tests.sdk.environments import python_of
from tests.sdk.programs.reporting import TEXTS
from tests.sdk.servers import RunningServer, clean_environ

pytestmark = pytest.mark.xdist_group("langchain")

SUITES = PROGRAMS / "langchain_suites"
ECHO_MODELS = {"MODEL": "echo", "EMBEDDING_MODEL": "echo-embedding"}
SUITE_TIMEOUT_S = 240
LEAST = {"TestChat": 36, "TestResponses": 36, "TestEmbeddings": 5}
"""Of each suite, how many tests must pass: whoever finds fewer has not run it."""
NEED_FILES_FROM_THE_NETWORK = (
    "test_pdf_inputs",
    "test_audio_inputs",
    "test_image_inputs",
    "test_image_tool_message",
    "test_pdf_tool_message",
)
NEED_RECORDED_TRAFFIC = ("test_stream_time",)
LEFT_OUT = (*NEED_FILES_FROM_THE_NETWORK, *NEED_RECORDED_TRAFFIC)
NO_OTHER_MODEL = (
    "test_invoke_with_model_override",
    "test_ainvoke_with_model_override",
    "test_stream_with_model_override",
    "test_astream_with_model_override",
)
NEED_A_REAL_MODEL = ("test_json_mode", "test_unicode_tool_call_integration")


@pytest.fixture(scope="module")
def client() -> Client:
    return python_client("langchain", "langchain_client.py")


def test_chat_streams_and_calls_in_parallel(client: Client, embedded: RunningServer) -> None:
    report = client.report(embedded, "chat", "stream", "in_parallel")
    answers = report["chat"]
    for language, streamed in report["stream"].items():
        assert "Understudy" in answers[language]["content"]
        assert streamed["streamed"] == streamed["plain"] == answers[language]["content"]
        assert streamed["finish_reason"] == "stop"
    *plain, streamed = report["in_parallel"]
    assert plain == [answers[language]["content"] for language in TEXTS]
    assert streamed == plain[1]


@pytest.mark.parametrize("server_name", ["embedded", "echoing"])
def test_tools_and_typed_answers(
    client: Client, server_name: str, request: pytest.FixtureRequest
) -> None:
    variables = ECHO_MODELS if server_name == "echoing" else {}
    server = request.getfixturevalue(server_name)
    report = client.report(server, "tools", "structured", **variables)
    (call,) = report["tools"]["calls"]
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Madrid"})
    assert "21" in report["tools"]["answer"]
    assert report["structured"] == [{"name": "Ana", "age": 41}] * 2


@pytest.mark.parametrize("server_name", ["echoing", "embedded"])
def test_embeddings_as_token_ids_and_as_texts(
    client: Client, server_name: str, request: pytest.FixtureRequest
) -> None:
    variables = ECHO_MODELS if server_name == "echoing" else {}
    server = request.getfixturevalue(server_name)
    vectors = client.report(server, "embeddings", **variables)["embeddings"]
    assert vectors["query"] == vectors["texts"][0]
    for sent in (vectors["tokens"], vectors["texts"]):
        assert len(sent) == len(TEXTS)
        assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-5) for vector in sent)
        assert all(a != b for a, b in itertools.combinations(sent, 2))


def test_responses_go_on_and_search_files(client: Client, embedded: RunningServer) -> None:
    saw = client.report(embedded, "responses")["responses"]
    assert saw["going_on"] == "Your name is Ana."
    plain, streamed = saw["searched"]
    assert "The cat sleeps on the warm roof." in plain["text"]
    assert plain == streamed
    assert plain["cited"] == ["cat.txt"]


def _run_suites(
    file: str, suites: set[str], server: RunningServer, folder: Path
) -> dict[str, set[str]]:
    """Run a file, which holds these suites, and return the names of its tests by outcome."""
    environ = clean_environ(
        OPENAI_BASE_URL=server.base_url,
        OPENAI_API_BASE=server.base_url,
        OPENAI_API_KEY=server.key,
        PYTHONPATH=f"{PROGRAMS}:{SUITES}",
    )
    options = ["--noconftest", "-p", "no:cacheprovider", "-c", str(SUITES / "pytest.ini"), "-v"]
    done = subprocess.run(
        [str(python_of("langchain")), "-m", "pytest", *options, "--tb=short", str(SUITES / file)],
        env=environ,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=SUITE_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = re.findall(r"::(Test\w+)::(test_\w+)\S* (PASSED|SKIPPED|XFAIL)\b", done.stdout)
    outcomes: dict[str, set[str]] = {"PASSED": set(), "SKIPPED": set(), "XFAIL": set()}
    for _, name, outcome in lines:
        outcomes[outcome].add(name)
    passed = Counter(suite for suite, _, outcome in lines if outcome == "PASSED")
    assert set(passed) == suites and all(passed[suite] >= LEAST[suite] for suite in suites), passed
    return outcomes


def test_standard_suites_with_a_provider(echoing: RunningServer, tmp_path: Path) -> None:
    outcomes = _run_suites("provider_suites.py", set(LEAST), echoing, tmp_path)
    assert outcomes["SKIPPED"] == set(LEFT_OUT)
    assert outcomes["XFAIL"] == set()


def test_standard_suites_with_the_embedded_models(embedded: RunningServer, tmp_path: Path) -> None:
    suites = {"TestChat", "TestEmbeddings"}
    outcomes = _run_suites("embedded_suites.py", suites, embedded, tmp_path)
    assert outcomes["SKIPPED"] == {*LEFT_OUT, *NO_OTHER_MODEL}
    assert outcomes["XFAIL"] == set(NEED_A_REAL_MODEL)
