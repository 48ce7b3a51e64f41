"""openai-agents runs agents on the Responses API and on chat completions, unmodified."""

from collections.abc import Iterator

import pytest
from tests.docs.pages import ROOT, snippets
from tests.responses.mcp.playing import RealServer, real_server
from tests.sdk.clients import Client, Report, python_client
from tests.sdk.servers import RunningServer
from tests.upstreams.scripted import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("openai-agents")

APIS = ("responses", "chat")
ON_BOTH = ("tools", "handoffs", "typed", "remembered", "guarded")
ON_RESPONSES = ("conversations", "continued", "stateless", "file_search")
SECTIONS = (*(f"{name} on {api}" for api in APIS for name in ON_BOTH), *ON_RESPONSES)
BLOCKS = snippets(ROOT / "docs" / "agents.md")
PAGE = "\n".join(block.text for block in BLOCKS if block.language == "python")
ONLY_WITH_A_PROVIDER = ("thoughts", "hosted_mcp")
CALLED = ["tool_call_item", "tool_call_output_item", "message_output_item"]
KEPT = ["user", "function_call", "function_call_output", "assistant", "user", "assistant"]
SUNNY = {"echo": "The tool says: sunny in Madrid", "gpt-4o-mini": "sunny in Madrid"}
THANKED = {"echo": "You said: Thank you", "gpt-4o-mini": "You are welcome."}


@pytest.fixture(scope="module")
def client() -> Client:
    return python_client("openai-agents", "agents_client.py")


@pytest.fixture(scope="module")
def adding() -> Iterator[RealServer]:
    """An MCP server that adds numbers."""
    with real_server() as server:
        yield server


@pytest.fixture(scope="module")
def echoed(client: Client, echoing: RunningServer, adding: RealServer) -> Report:
    """What every section saw with a provider behind the server."""
    variables = {"MODEL": "echo", "THINKING_MODEL": "thinker", "MCP_URL": adding.url}
    return client.report(echoing, *SECTIONS, *ONLY_WITH_A_PROVIDER, **variables)


@pytest.fixture(scope="module")
def quoted(client: Client, embedded: RunningServer) -> Report:
    """What the sections saw with the embedded model."""
    program = PAGE.replace("http://127.0.0.1:8000/v1", embedded.base_url)
    return client.report(embedded, *SECTIONS, "page", MODEL="gpt-4o-mini", PAGE=program)


@pytest.fixture(scope="module", params=["echo", "gpt-4o-mini"])
def reported(request: pytest.FixtureRequest) -> tuple[Report, str]:
    """A report, and the model that was asked for."""
    name = "echoed" if request.param == "echo" else "quoted"
    return request.getfixturevalue(name), request.param


@pytest.mark.parametrize("api", APIS)
def test_tools_plain_and_streamed(reported: tuple[Report, str], api: str) -> None:
    report, model = reported
    saw = report[f"tools on {api}"]
    answered = {"answer": SUNNY[model], "items": CALLED}
    assert (saw["plain"], saw["streamed"], saw["deltas"]) == (answered, answered, SUNNY[model])
    assert saw["called"] == ["tool_called", "tool_output", "message_output_created"]
    assert saw["is_counted"]


@pytest.mark.parametrize("api", APIS)
def test_an_agent_hands_over_to_another(reported: tuple[Report, str], api: str) -> None:
    saw = reported[0][f"handoffs on {api}"]
    assert saw["agent"] == "Traductor"
    assert saw["items"] == ["handoff_call_item", "handoff_output_item", "message_output_item"]


@pytest.mark.parametrize("api", APIS)
def test_typed_answers(reported: tuple[Report, str], api: str) -> None:
    assert reported[0][f"typed on {api}"] == [{"name": "Ana", "age": 41}] * 2


@pytest.mark.parametrize("api", APIS)
def test_a_session_in_sqlite(reported: tuple[Report, str], api: str) -> None:
    report, model = reported
    saw = report[f"remembered on {api}"]
    assert saw == {"answers": [SUNNY[model], THANKED[model]], "kept": KEPT}


@pytest.mark.parametrize("api", APIS)
def test_a_guardrail_stops_a_run(reported: tuple[Report, str], api: str) -> None:
    assert reported[0][f"guarded on {api}"] not in ("", "not stopped")


def test_a_session_that_is_a_conversation(reported: tuple[Report, str]) -> None:
    report, model = reported
    assert report["conversations"] == {
        "answers": [SUNNY[model], THANKED[model]],
        "kept": KEPT,
        "popped": THANKED[model],
        "left": KEPT[:-1],
    }


def test_the_server_knows_what_was_said(reported: tuple[Report, str]) -> None:
    report, model = reported
    saw = report["continued"]
    assert saw["answers"] == [SUNNY[model], THANKED[model]] * 2
    called = ["function_call", "function_call_output"]
    assert saw["items"] == ["message", *called, "message", "message", "message"]


def test_nothing_is_kept_and_everything_sent_back(reported: tuple[Report, str]) -> None:
    report, model = reported
    assert report["stateless"] == [SUNNY[model], THANKED[model]]


def test_the_server_searches_files(reported: tuple[Report, str]) -> None:
    saw = reported[0]["file_search"]
    assert "The cat sleeps on the warm roof." in saw["answer"]
    assert saw["found"] == ["cat.txt"]
    assert saw["items"] == ["tool_call_item", "message_output_item"]


def test_thoughts_go_back_with_the_calls_that_they_led_to(
    echoed: Report, provider: ScriptedUpstream
) -> None:
    saw = echoed["thoughts"]
    assert saw["answers"] == [SUNNY["echo"], THANKED["echo"]]
    assert saw["kept"].count("reasoning") == 3
    shown = [call.json["messages"] for call in provider.calls if call.json["model"] == "thinker"]
    messages = next(said for said in reversed(shown) if said[-1]["content"] == "Thank you")
    roles = [message["role"] for message in messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    (call,) = messages[1]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert messages[2]["tool_call_id"] == call["id"]


def test_the_server_calls_tools_of_an_mcp_server(echoed: Report, adding: RealServer) -> None:
    saw = echoed["hosted_mcp"]
    free, approved = saw["seen"]
    assert free["answer"] == approved["answer"] == "The tool says: 42"
    assert free["items"] == ["mcp_list_tools_item", "tool_call_item", "message_output_item"]
    assert (saw["outputs"], saw["asked"]) == (["42", "42"], ["add"])
    assert adding.calls == [("add", {"a": 20, "b": 22})] * 2


def test_the_page_about_agents_does_what_it_says(quoted: Report) -> None:
    shown = [block.text for block in BLOCKS if block.language == "text"]
    assert shown and quoted["page"] == "".join(shown)
