"""The MCP servers that requests name: judged before anything is done, asked for their tools, and
called. Knows no response: what it gives becomes items elsewhere.
"""

import importlib
import importlib.util
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio
import msgspec

from understudy.errors import InvalidRequest, InvalidValue
from understudy.responses.mcp.addresses import ServerUrl, UrlRefused, server_url
from understudy.responses.mcp.approvals import is_allowed
from understudy.responses.mcp.failures import INVALID_PARAMS, ServerFailure
from understudy.responses.mcp.listing import listed
from understudy.responses.mcp.resolving import Resolve, resolve_by_system
from understudy.responses.mcp.results import McpResult, result_of
from understudy.responses.mcp.session import all_tools, call_tool
from understudy.responses.mcp.targets import Action, Limits, Network, Result, Server
from understudy.settings.mcp import McpSettings
from understudy.wire.response_items import ItemDocument
from understudy.wire.response_tools import McpTool, ResponseTool

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,8192}")
_OWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "content-type", "expect"),
        *("host", "keep-alive", "last-event-id", "te", "trailer", "transfer-encoding", "upgrade"),
    }
)
_NOT_INSTALLED = (
    "MCP servers need a part that is not installed on this server: "
    "pip install 'understudy[mcp]', and start it again."
)


class McpServers:
    """Reaches MCP servers; one for a process."""

    def __init__(self, settings: McpSettings, resolve: Resolve = resolve_by_system) -> None:
        """`resolve` gives the addresses of host names."""
        self._settings = settings
        self._resolve = resolve
        self._network: Network | None = None

    def check(self, tools: Sequence[ResponseTool]) -> None:
        """Raise InvalidRequest for an MCP server among `tools` that is not to be reached."""
        for index, tool in enumerate(tools):
            if isinstance(tool, McpTool):
                self._check(tool, f"tools[{index}]")

    async def list_tools(self, tool: McpTool) -> ItemDocument:
        """Return the item `mcp_list_tools`, without an id; its `error` says why it is empty."""
        item: ItemDocument = {"type": "mcp_list_tools", "server_label": tool.server_label}
        settings = self._settings
        limits = Limits(settings.connect_s, settings.list_s, settings.listing_limit_bytes)
        try:
            found = await self._use(tool, limits, all_tools)
            allowed = [one for one in found if is_allowed(tool, one)]
            return {**item, "tools": listed(allowed, settings.most_tools), "error": None}
        except ServerFailure as failure:
            return {**item, "tools": [], "error": failure.message}

    async def call(self, tool: McpTool, name: str, arguments: str) -> McpResult:
        """Return what a call gave, or its error; `arguments` is the JSON text of a model."""
        settings = self._settings
        limits = Limits(settings.connect_s, settings.call_s, settings.answer_limit_bytes)
        try:
            given = _arguments(arguments)
            answer = await self._use(tool, limits, partial(call_tool, name=name, arguments=given))
        except ServerFailure as failure:
            return McpResult(None, failure.document)
        return result_of(answer, settings.most_output_tokens)

    # --- judging ------------------------------------------------------------------------------

    def _check(self, tool: McpTool, at: str) -> None:
        if importlib.util.find_spec("mcp") is None:
            raise InvalidRequest(_NOT_INSTALLED, param=f"{at}.type", code="mcp_not_installed")
        try:
            self._url(tool)
        except UrlRefused as refused:
            raise InvalidValue(f"{at}.server_url", str(refused)) from refused
        if tool.authorization is not None and not _HEADER_VALUE.fullmatch(tool.authorization):
            raise InvalidValue(f"{at}.authorization", "expected printable ASCII")
        if problem := _header_problem(tool):
            raise InvalidValue(f"{at}.headers", problem)

    def _url(self, tool: McpTool) -> ServerUrl:
        is_private_allowed = self._settings.allow_private_networks
        return server_url(tool.server_url or "", is_private_allowed=is_private_allowed)

    # --- asking -------------------------------------------------------------------------------

    async def _use(self, tool: McpTool, limits: Limits, action: Action[Result]) -> Result:
        try:
            server = Server(self._url(tool), headers_of(tool))
        except UrlRefused as refused:  # it was accepted before the settings were changed
            raise ServerFailure(f"The MCP server is not reached: {refused}.") from refused
        if self._network is None:
            self._network = await anyio.to_thread.run_sync(self._opened_network)
        from understudy.responses.mcp.connection import use

        return await use(server, self._network, limits, action)

    def _opened_network(self) -> Network:
        """Load certificates and the package, which take a second."""
        import httpx2

        importlib.import_module("mcp")
        return Network(
            self._resolve, httpx2.create_ssl_context(), self._settings.allow_private_networks
        )


def headers_of(tool: McpTool) -> dict[str, str]:
    """Return the headers that a server gets, which are secrets."""
    headers = dict(tool.headers or {})
    if tool.authorization is not None:
        headers["authorization"] = f"Bearer {tool.authorization}"
    return headers


def _header_problem(tool: McpTool) -> str | None:
    """Return what is wrong with the headers of a tool; their values are not repeated."""
    names = [name.lower() for name in tool.headers or {}]
    if twice := {name for name in names if names.count(name) > 1}:
        return f"'{min(twice)}' is there twice"
    if "authorization" in names and tool.authorization is not None:
        return "'authorization' is given beside the field 'authorization': give one of them"
    for name, value in (tool.headers or {}).items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            return "expected names and values that HTTP allows, in printable ASCII"
        if name.lower() in _OWN_HEADERS or name.lower().startswith(("mcp-", "proxy-")):
            return f"'{name}' belongs to the connection and cannot be set"
    return None


def _arguments(given: str) -> dict[str, Any]:
    """Return the arguments that a model wrote. Raises ServerFailure."""
    try:
        arguments = msgspec.json.decode(given or "{}")
    except (msgspec.DecodeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise ServerFailure("The arguments are not a JSON object.", code=INVALID_PARAMS)
    return arguments
