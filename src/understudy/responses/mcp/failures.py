"""What goes wrong with an MCP server, in words for whoever asked, and as errors of `mcp_call`."""

from typing import Any, Literal

Kind = Literal["http_error", "mcp_protocol_error"]

TIMED_OUT = -32001
"""Codes of JSON-RPC and of MCP's SDKs, for what the server itself gave no code."""
CLOSED = -32000
INVALID_ANSWER = -32603
INVALID_PARAMS = -32602


class ServerFailure(Exception):
    """A server that does not do what was asked; the text is a sentence about it."""

    def __init__(
        self, message: str, *, code: int = CLOSED, kind: Kind = "mcp_protocol_error"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.kind = kind

    @property
    def document(self) -> dict[str, Any]:
        """The failure as the `error` of an `mcp_call`."""
        return {"type": self.kind, "code": self.code, "message": self.message}


def http_failure(status: int) -> ServerFailure:
    """Return the failure that a status of HTTP is."""
    match status:
        case 401 | 403:
            message = (
                f"The MCP server refused access (HTTP {status}): give what it wants in "
                "'authorization' or 'headers'."
            )
        case 404:
            message = "The MCP server has nothing at this path (HTTP 404): correct 'server_url'."
        case _:
            message = f"The MCP server answered with HTTP {status}."
    return ServerFailure(message, code=status, kind="http_error")
