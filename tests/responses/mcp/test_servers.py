"""Real MCP servers, and servers that hang, lie and flood: each its own error."""

import asyncio
import datetime
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mcp_types import HEADER_MISMATCH
from tests.responses.mcp.playing import (
    MODERN,
    RealServer,
    Transport,
    error,
    one_after_another,
    pages_without_end,
    real_server,
    result,
    speaking,
    tool,
)
from tests.upstreams.http_server import Behaviour, Call, Reply
from tests.upstreams.scripted import (
    ScriptedUpstream,
    answer,
    drop,
    hang,
    raw,
    reset,
    stall,
    stream_bytes,
    truncate,
)

from understudy.errors import InvalidRequest
from understudy.responses.mcp.servers import McpServers
from understudy.settings.mcp import McpSettings
from understudy.wire.response_tools import McpTool, McpToolFilter

pytestmark = pytest.mark.anyio

PRIVATE = McpSettings(allow_private_networks=True)
STRICT = McpSettings(allow_private_networks=True, listing_limit_bytes=65_536, most_tools=5)
IMPATIENT = McpSettings(allow_private_networks=True, list_s=0.5, call_s=0.5)


def tool_at(url: str, **fields: Any) -> McpTool:
    return McpTool(server_label="tests", server_url=url, **fields)


@pytest.fixture(scope="module", params=["streams", "json", "events"])
def real(request: pytest.FixtureRequest) -> Iterator[RealServer]:
    transport: Transport = request.param
    with real_server(transport) as server:
        yield server


async def test_a_real_server_is_listed_and_called(real: RealServer) -> None:
    servers = McpServers(PRIVATE)
    wanted = tool_at(real.url, authorization="secret", headers={"X-Team": "blue"})
    listed = await servers.list_tools(wanted)
    assert (listed["type"], listed["server_label"]) == ("mcp_list_tools", "tests")
    assert listed["error"] is None
    add, delete, _ = listed["tools"]
    assert (add["name"], add["description"]) == ("add", "Add two numbers.")
    assert add["input_schema"]["required"] == ["a", "b"]
    assert add["annotations"] == {"readOnlyHint": True}
    assert delete["description"] is None

    called = await servers.call(wanted, "add", '{"a": 2, "b": 40}')
    assert (called.output, called.error) == ("42", None)
    refused = await servers.call(wanted, "delete.all", "{}")
    assert refused.output is None
    assert refused.error == {
        "type": "mcp_tool_execution_error",
        "content": [{"type": "text", "text": "nothing is deleted here"}],
    }
    assert {headers["authorization"] for headers in real.headers} == {"Bearer secret"}
    assert {headers["x-team"] for headers in real.headers} == {"blue"}


async def test_only_allowed_tools_are_listed(real: RealServer) -> None:
    servers = McpServers(PRIVATE)
    for allowed in (["add", "unknown"], McpToolFilter(read_only=True)):
        listed = await servers.list_tools(tool_at(real.url, allowed_tools=allowed))
        assert [one["name"] for one in listed["tools"]] == ["add"]


@pytest.mark.parametrize("arguments", ["[1]", "{", "null"])
async def test_arguments_that_are_no_object_are_not_sent(
    upstream: ScriptedUpstream, arguments: str
) -> None:
    called = await McpServers(PRIVATE).call(tool_at(upstream.base_url), "add", arguments)
    assert called.error == {
        "type": "mcp_protocol_error",
        "code": -32602,
        "message": "The arguments are not a JSON object.",
    }
    assert not upstream.calls


async def test_a_call_that_was_cancelled_ends_at_the_server() -> None:
    servers = McpServers(PRIVATE)
    with real_server() as real:
        work = asyncio.create_task(servers.call(tool_at(real.url), "slow", "{}"))
        await asyncio.to_thread(real.called.wait, 10)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert [name for name, _ in real.calls] == ["slow"]


# --- servers that do not behave -----------------------------------------------------------------


def settings_for(kind: str) -> McpSettings:
    """Return settings with little time for those who take it all, and plenty for the others."""
    return IMPATIENT if kind in ("hangs", "stalls") else STRICT


def events(*lines: bytes) -> Behaviour:
    return stream_bytes(lines)


def redirect(location: str, status: int = 307) -> Behaviour:
    return answer({}, status, {"location": location})


async def another_id(call: Call, reply: Reply) -> None:
    await reply.json({"jsonrpc": "2.0", "id": "another", "result": {"tools": []}})


async def flood(call: Call, reply: Reply) -> None:
    await reply.start()
    while True:
        await reply.send(b"x" * 8192)


SCHEMA_ELSEWHERE = {"type": "object", "properties": {"a": {"$ref": "https://example.com/a.json"}}}
LARGE_SCHEMA = {"type": "object", "description": "x" * 65_536}
NOT_A_SCHEMA = {"type": "object", "properties": {"a": {"type": "wrong"}}}
DEEP = b'{"jsonrpc": "2.0", "id": 1, "result": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"

HOSTILE: dict[str, tuple[Behaviour, str]] = {
    "hangs": (hang(), "within 0.5 seconds"),
    "stalls": (stall([b": wait\n\n"]), "within 0.5 seconds"),
    "drops": (drop(), "what is not HTTP"),
    "resets": (reset(), "connection to the MCP server was lost"),
    "truncates": (truncate(b'{"jsonrpc"', 500), "what is not HTTP"),
    "redirects": (redirect("/elsewhere"), "redirects (HTTP 307)"),
    "redirects to another host": (redirect("http://169.254.169.254/", 302), "HTTP 302"),
    "refuses": (answer({"error": "token"}, 401), "refused access (HTTP 401)"),
    "is not there": (answer({}, 404), "nothing at this path (HTTP 404)"),
    "breaks": (raw(b"oops", 500, "text/plain"), "HTTP 500"),
    "sends a page": (raw(b"<html>", content_type="text/html"), "Unexpected content type"),
    "sends what is no JSON": (raw(b"{"), "not a message of JSON-RPC"),
    "sends what is no message": (raw(b"[1, 2]"), "not a message of JSON-RPC"),
    "sends deep JSON": (raw(DEEP), "not a message of JSON-RPC"),
    "answers another request": (speaking({"tools/list": another_id}), "another request"),
    "sends events that are none": (events(b"data: {\n\n"), "Failed to parse"),
    "floods": (flood, "more than 65536 bytes"),
    "sends much": (raw(b'"' + b"x" * 70_000 + b'"'), "more than 65536 bytes"),
    "compresses": (
        raw(gzip.compress(b"{}"), headers={"content-encoding": "gzip"}),
        "compressed its answer",
    ),
    "has another protocol": (
        speaking({"initialize": result({"protocolVersion": "1999-01-01"})}),
        "not of the protocol",
    ),
    "knows no tools": (speaking({}), "Method not found"),
    "lists what is no list": (
        speaking({"tools/list": result({"tools": 3})}),
        "not of the protocol",
    ),
    "lists without end": (speaking({"tools/list": pages_without_end()}), "more than 100 pages"),
    "lists too many": (
        speaking({"tools/list": result({"tools": [tool(f"t{n}") for n in range(6)]})}),
        "more than 5 tools: name fewer",
    ),
    "lists one twice": (
        speaking({"tools/list": result({"tools": [tool(), tool()]})}),
        "several tools of the name 'add'",
    ),
    "lists one without a name": (
        speaking({"tools/list": result({"tools": [tool("")]})}),
        "1 to 128 printable characters",
    ),
    "has a schema elsewhere": (
        speaking({"tools/list": result({"tools": [tool(inputSchema=SCHEMA_ELSEWHERE)]})}),
        "refers to another document",
    ),
    "has a large schema": (
        speaking({"tools/list": result({"tools": [tool(inputSchema=LARGE_SCHEMA)]})}),
        "65536 bytes",
    ),
    "has no schema": (
        speaking({"tools/list": result({"tools": [tool(inputSchema=NOT_A_SCHEMA)]})}),
        "without a valid schema",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_server_that_does_not_behave_is_an_error_of_its_own(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    behaviour, expected = HOSTILE[kind]
    with ScriptedUpstream(behaviour) as upstream:
        wanted = tool_at(upstream.base_url, authorization="a-secret")
        listed = await McpServers(settings_for(kind)).list_tools(wanted)
    assert expected in listed["error"]
    assert listed["tools"] == []
    assert "a-secret" not in listed["error"] + caplog.text


CALLS: dict[str, tuple[Behaviour, dict[str, Any]]] = {
    "hangs": (
        speaking({"tools/call": hang()}),
        {"type": "mcp_protocol_error", "code": -32001},
    ),
    "refuses": (
        speaking({"tools/call": answer({}, 403)}),
        {"type": "http_error", "code": 403},
    ),
    "is gone": (
        speaking({"tools/call": answer({}, 404)}),
        {"type": "http_error", "code": 404},
    ),
    "says what is wrong": (
        speaking({"tools/call": answer({"jsonrpc": "2.0", "id": 9, "error": {"code": -7}})}),
        {"type": "mcp_protocol_error", "code": -32603},
    ),
    "answers what is no answer": (
        speaking({"tools/call": result({"content": "text"})}),
        {"type": "mcp_protocol_error", "code": -32603},
    ),
}


@pytest.mark.parametrize("kind", CALLS)
async def test_a_call_that_goes_wrong_is_an_error_with_its_code(kind: str) -> None:
    behaviour, expected = CALLS[kind]
    with ScriptedUpstream(behaviour) as upstream:
        called = await McpServers(settings_for(kind)).call(tool_at(upstream.base_url), "add", "{}")
        asked = [call.json["method"] for call in upstream.calls if call.body]
    assert called.error is not None and called.output is None
    assert called.error.pop("message")
    assert called.error == expected
    assert asked.count("tools/call") == 1
    assert {call.method for call in upstream.calls} == {
        "POST"
    }  # no other protocol is tried once there is a session


async def test_a_server_that_asks_its_user_is_an_error() -> None:
    asks = {"resultType": "input_required", "requestState": "s", "inputRequests": {}}
    behaviour = speaking({**MODERN, "tools/call": result(asks)})
    with ScriptedUpstream(behaviour) as upstream:
        called = await McpServers(STRICT).call(tool_at(upstream.base_url), "add", "{}")
    assert called.error is not None
    assert "wants to ask its user" in called.error["message"]


async def test_a_server_that_wants_headers_of_its_tools_is_asked_for_these_first() -> None:
    """It has refused the call, so that making it is no repetition."""
    done = result({"content": [{"type": "text", "text": "done"}], "resultType": "complete"})
    tools = {"tools": [tool()], "resultType": "complete", "ttlMs": 0, "cacheScope": "public"}
    mismatch = one_after_another(error(HEADER_MISMATCH), done)
    behaviour = speaking({**MODERN, "tools/list": result(tools), "tools/call": mismatch})
    with ScriptedUpstream(behaviour) as upstream:
        called = await McpServers(STRICT).call(tool_at(upstream.base_url), "add", "{}")
        asked = [call.json["method"] for call in upstream.calls]
    assert called.output == "done"
    assert asked == ["server/discover", "tools/call", "tools/list", "tools/call"]


async def test_a_server_that_never_says_goodbye_has_answered() -> None:
    async def goodbye(call: Call, reply: Reply) -> None:
        if call.method == "DELETE":
            await asyncio.Event().wait()
        elif b'"initialize"' in call.body:
            headers = {"mcp-session-id": "one"}
            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {}}
            hello["serverInfo"] = {"name": "played", "version": "1"}
            body = {"jsonrpc": "2.0", "id": call.json["id"], "result": hello}
            await reply.json(body, headers=headers)
        else:
            await speaking({"tools/list": result({"tools": [tool()]})})(call, reply)

    with ScriptedUpstream(goodbye) as upstream:
        listed = await McpServers(STRICT).list_tools(tool_at(upstream.base_url))
    assert [one["name"] for one in listed["tools"]] == ["add"]


# --- names and addresses ------------------------------------------------------------------------


class Names:
    """A resolver that gives what it is told, and something else when it is asked again."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return list(self.answers) if len(self.asked) == 1 else ["192.0.2.1"]


@pytest.mark.parametrize("host", ["mcp.test", "xn--bcher-kva.test"])
async def test_a_name_is_resolved_once_and_the_address_kept(real: RealServer, host: str) -> None:
    names = Names("127.0.0.1")
    url = f"http://{host}:{real.port}{real.path}"
    called = await McpServers(PRIVATE, names).call(tool_at(url), "add", '{"a": 1, "b": 1}')
    assert called.output == "2"
    assert names.asked == [host]
    assert real.headers[-1]["host"] == f"{host}:{real.port}"


async def test_the_next_address_is_tried_when_one_takes_no_connection(real: RealServer) -> None:
    names = Names("127.0.0.2", "127.0.0.1")
    url = f"http://mcp.test:{real.port}{real.path}"
    listed = await McpServers(PRIVATE, names).list_tools(tool_at(url))
    assert listed["error"] is None


@pytest.mark.parametrize(
    "answers", [["10.0.0.7"], ["127.0.0.1"], ["93.184.215.14", "::1"], ["::ffff:8.8.8.8"]]
)
async def test_a_name_with_an_address_that_is_not_public_is_not_reached(answers: list[str]) -> None:
    names = Names(*answers)
    listed = await McpServers(McpSettings(), names).list_tools(tool_at("https://mcp.test/mcp"))
    assert "not on the public network" in listed["error"]
    assert not any(one in listed["error"] for one in answers)


async def test_a_name_that_is_not_known_is_an_error() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    listed = await McpServers(PRIVATE, unknown).list_tools(tool_at("https://mcp.test/"))
    assert listed["error"] == "The host name of the MCP server is not known: mcp.test."


# --- TLS ----------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate for `name` that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = (folder / "certificate.pem", folder / "key.pem")
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


async def test_a_certificate_is_checked_for_the_name_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificate(tmp_path, "mcp.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    with real_server(certificate=files) as real:
        right, wrong = [
            await McpServers(PRIVATE, Names("127.0.0.1")).list_tools(
                tool_at(f"https://{host}:{real.port}/mcp")
            )
            for host in ("mcp.test", "other.test")
        ]
    assert right["error"] is None
    assert "not valid for its name" in wrong["error"]


# --- what a request may name --------------------------------------------------------------------

PUBLIC = {"server_url": "https://mcp.example.com/mcp"}


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"server_url": "http://mcp.example.com/"}, "server_url", "expected https"),
        ({"server_url": "ftp://mcp.example.com/"}, "server_url", "expected a URL"),
        ({"server_url": "https://u:p@mcp.example.com/"}, "server_url", "a URL with a password"),
        ({"server_url": "https://localhost:8000/"}, "server_url", "not on the public network"),
        ({"server_url": "https://[fe80::1]/"}, "server_url", "not on the public network"),
        ({"server_url": "https://mcp.example.com:x/"}, "server_url", "expected a URL"),
        ({**PUBLIC, "authorization": "schl\u00fcssel"}, "authorization", "printable ASCII"),
        ({**PUBLIC, "headers": {"Host": "other"}}, "headers", "'Host' belongs to the connection"),
        ({**PUBLIC, "headers": {"a b": "c"}}, "headers", "that HTTP allows"),
        ({**PUBLIC, "headers": {"A": "1", "a": "2"}}, "headers", "'a' is there twice"),
        (
            {**PUBLIC, "headers": {"Authorization": "x"}, "authorization": "y"},
            "headers",
            "give one of them",
        ),
    ],
)
async def test_what_is_not_to_be_reached_is_refused_at_once(
    fields: dict[str, Any], param: str, words: str
) -> None:
    wanted = McpTool(server_label="tests", **fields)
    with pytest.raises(InvalidRequest, match=words) as refused:
        McpServers(McpSettings()).check([wanted])
    assert refused.value.param == f"tools[0].{param}"


async def test_without_the_package_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(InvalidRequest, match="understudy\\[mcp\\]") as refused:
        McpServers(McpSettings()).check([McpTool(server_label="tests", **PUBLIC)])
    assert refused.value.param == "tools[0].type"


async def test_what_may_be_reached_is_accepted() -> None:
    McpServers(McpSettings()).check([tool_at("https://mcp.example.com:8443/mcp?key=1")])
    McpServers(PRIVATE).check([tool_at("http://localhost:8000/mcp")])
