from pathlib import Path

import msgspec

from understudy.responses.mcp.secrets import sealed_secrets, with_secrets, without_secrets
from understudy.store.sealing import Sealer
from understudy.wire.response_tools import FunctionTool, McpTool

TOOLS = [
    FunctionTool(name="f"),
    McpTool(
        server_label="one",
        server_url="https://mcp.example.com/secret-path",
        authorization="secret-token",
        headers={"x-key": "secret-header"},
        require_approval="never",
    ),
    McpTool(server_label="two", server_url="https://two.example.com/"),
]


def test_secrets_are_nowhere_in_the_clear_and_come_back(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path)
    kept, sealed = without_secrets(TOOLS), sealed_secrets(TOOLS, sealer)
    assert sealed is not None
    stored = msgspec.json.encode(kept).decode() + sealed
    assert "secret" not in stored
    assert with_secrets(kept, sealed, Sealer(tmp_path)) == TOOLS


def test_without_mcp_servers_nothing_is_sealed(tmp_path: Path) -> None:
    assert sealed_secrets(TOOLS[:1], Sealer(tmp_path)) is None
    assert not list(tmp_path.iterdir())
