"""What of a request must not be read at rest: how MCP servers are reached. Pure but for the seal.

A response in the background keeps it sealed until its end; otherwise it stays in memory.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, structs

from understudy.store.sealing import Sealer
from understudy.wire.response_tools import McpTool, ResponseTool


class _Secret(Struct, omit_defaults=True):
    """The secret fields of an MCP tool; URLs hold keys too."""

    server_url: str | None = None
    authorization: str | None = None
    headers: dict[str, str] | None = None


_decoder = msgspec.json.Decoder(dict[str, _Secret])


def without_secrets(tools: Sequence[ResponseTool]) -> list[ResponseTool]:
    """Return the tools as they may be stored in the clear."""
    return [
        structs.replace(tool, server_url=None, authorization=None, headers=None)
        if isinstance(tool, McpTool)
        else tool
        for tool in tools
    ]


def sealed_secrets(tools: Sequence[ResponseTool], sealer: Sealer) -> str | None:
    """Return the secrets of the tools, sealed; None where there are none."""
    secrets = {
        tool.server_label: _Secret(tool.server_url, tool.authorization, tool.headers)
        for tool in tools
        if isinstance(tool, McpTool)
    }
    return sealer.seal(msgspec.json.encode(secrets).decode()) if secrets else None


def with_secrets(tools: Sequence[ResponseTool], sealed: str, sealer: Sealer) -> list[ResponseTool]:
    """Return stored tools with their secrets. Raises SealBroken."""
    secrets = _decoder.decode(sealer.open(sealed))
    return [
        structs.replace(tool, **structs.asdict(secrets[tool.server_label]))
        if isinstance(tool, McpTool)
        else tool
        for tool in tools
    ]
