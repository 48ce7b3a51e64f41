"""What MCP servers that requests name may be, and what one may cost."""

from pydantic import BaseModel, ConfigDict, Field


class McpSettings(BaseModel):
    """The limits of the tool `mcp`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_private_networks: bool = False
    """Whether servers may be on this machine or its networks, and without TLS."""
    connect_s: float = Field(default=5.0, gt=0)
    """How long each of a server's addresses may take to accept a connection."""
    list_s: float = Field(default=20.0, gt=0)
    """How long a server may take in all to say which tools it has."""
    call_s: float = Field(default=120.0, gt=0)
    """How long a call of a tool may take in all."""
    listing_limit_bytes: int = Field(default=1024**2, ge=1024)
    """What a server may send until its tools are known."""
    answer_limit_bytes: int = Field(default=1024**2, ge=1024)
    """What a server may send until a call is answered."""
    most_tools: int = Field(default=128, ge=1)
    """Tools of one server."""
    most_output_tokens: int = Field(default=16_000, ge=1)
    """What a model is shown of one call's output."""
