"""MCP servers for tests: a real one, made with the official package, and ones that play a part.

A real one runs in a thread behind a port of its own; the others are behaviours of a scripted
upstream.
"""

import asyncio
import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.upstreams.http_server import Behaviour, Call, Reply

Transport = Literal["streams", "json", "events"]

ADD = types.Tool(
    name="add",
    description="Add two numbers.",
    input_schema={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
    annotations=types.ToolAnnotations(read_only_hint=True),
)
DELETE = types.Tool(name="delete.all", input_schema={"type": "object"})
SLOW = types.Tool(name="slow", input_schema={"type": "object"})
_ANYWHERE = TransportSecuritySettings(enable_dns_rebinding_protection=False)
_WAIT_S = 10.0


@dataclass
class RealServer:
    """A server that runs; `calls` are (tool, arguments) and `headers` those of each request."""

    port: int
    path: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    called: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """What a request gives as `server_url`."""
        return f"http://127.0.0.1:{self.port}{self.path}"


@contextlib.contextmanager
def real_server(
    transport: Transport = "streams", *, certificate: tuple[Path, Path] | None = None
) -> Iterator[RealServer]:
    """Serve the tools `add`, `delete.all` and `slow`; `certificate` is its file and its key's."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        path = "/sse" if transport == "events" else "/mcp"
        served = RealServer(listener.getsockname()[1], path)
        config = uvicorn.Config(
            _noting(_app(served, transport), served),
            log_config=None,
            ws="none",
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate and str(certificate[0]),
            ssl_keyfile=certificate and str(certificate[1]),
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join(_WAIT_S)


def _app(served: RealServer, transport: Transport) -> ASGIApp:
    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[ADD, DELETE, SLOW])

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        arguments = params.arguments or {}
        served.calls.append((params.name, arguments))
        served.called.set()
        if params.name == "slow":
            await asyncio.sleep(60)
        if params.name != "add":
            return _text("nothing is deleted here", is_error=True)
        return _text(str(arguments["a"] + arguments["b"]))

    server: Server[Any] = Server("tests", on_list_tools=list_tools, on_call_tool=call_tool)
    if transport == "events":
        return _events_app(server)
    return server.streamable_http_app(
        json_response=transport == "json", transport_security=_ANYWHERE
    )


def _events_app(server: Server[Any]) -> ASGIApp:
    events = SseServerTransport("/messages/", security_settings=_ANYWHERE)

    async def connect(request: Request) -> Response:
        async with events.connect_sse(request.scope, request.receive, request._send) as streams:
            await server.run(*streams, server.create_initialization_options())
        return Response()

    return Starlette(
        routes=[
            Route("/sse", connect, methods=["GET"]),
            Mount("/messages/", app=events.handle_post_message),
        ]
    )


def _text(text: str, *, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], is_error=is_error
    )


def _noting(app: ASGIApp, served: RealServer) -> ASGIApp:
    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            pairs = scope["headers"]
            served.headers.append({name.decode(): value.decode() for name, value in pairs})
        await app(scope, receive, send)

    return noting


# --- servers that play a part -------------------------------------------------------------------

Answer = Callable[[Call, Reply], Awaitable[None]]


def tool(name: str = "add", **fields: Any) -> dict[str, Any]:
    """Return a tool as a server lists it."""
    return {"name": name, "inputSchema": {"type": "object"}, **fields}


def result(made: Any) -> Answer:
    """Answer a request with this result, in JSON."""

    async def step(call: Call, reply: Reply) -> None:
        await reply.json({"jsonrpc": "2.0", "id": call.json["id"], "result": made})

    return step


def pages_without_end() -> Answer:
    """Answer every request for tools with a page of none and a new cursor."""
    cursors = itertools.count()

    async def step(call: Call, reply: Reply) -> None:
        await result({"tools": [], "nextCursor": f"page {next(cursors)}"})(call, reply)

    return step


MODERN = {
    "server/discover": result(
        {
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}},
            "resultType": "complete",
            "ttlMs": 0,
            "cacheScope": "public",
        }
    )
}
"""What a server of the protocol without a handshake answers first."""


def error(code: int) -> Answer:
    """Answer a request with an error of JSON-RPC."""

    async def step(call: Call, reply: Reply) -> None:
        said = {"code": code, "message": "no"}
        await reply.json({"jsonrpc": "2.0", "id": call.json["id"], "error": said})

    return step


def one_after_another(*answers: Answer) -> Answer:
    """Answer the first request as the first says, and so on."""
    left = iter(answers)

    async def step(call: Call, reply: Reply) -> None:
        await next(left)(call, reply)

    return step


def speaking(answers: Mapping[str, Answer]) -> Behaviour:
    """Shake hands as a server of the protocol does, and answer as told by method."""
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "played", "version": "1"},
    }
    known = {"initialize": result(hello), **answers}

    async def behaviour(call: Call, reply: Reply) -> None:
        message = json.loads(call.body) if call.method == "POST" else {}
        if call.method != "POST":
            await reply.json({}, 405)
        elif "id" not in message:
            await reply.text(b"", 202, {})
        elif (answer := known.get(message["method"])) is not None:
            await answer(call, reply)
        else:
            error = {"code": -32601, "message": "Method not found"}
            await reply.json({"jsonrpc": "2.0", "id": message["id"], "error": error})

    return behaviour
