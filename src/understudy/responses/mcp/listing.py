"""The tools that an MCP server lists: judged, and as the item `mcp_list_tools` holds them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from understudy.errors import InvalidRequest
from understudy.responses.mcp.failures import INVALID_ANSWER, ServerFailure
from understudy.wire.json_schemas import check_schema

_LONGEST_NAME = 128
_LONGEST_DESCRIPTION = 8_192
_LARGEST_SCHEMA_BYTES = 65_536


def listed(tools: Sequence[Mapping[str, Any]], most_tools: int) -> list[dict[str, Any]]:
    """Return tools as a server sent them in the shape of the item. Raises ServerFailure.

    One that no model can be shown makes the whole list a failure: a server of which a part is
    missing would be harder to understand.
    """
    if len(tools) > most_tools:
        raise _refused(
            f"offers more than {most_tools} tools: name fewer in 'allowed_tools', or raise the "
            "setting mcp.most_tools"
        )
    names = [_name(tool) for tool in tools]
    if twice := {name for name in names if names.count(name) > 1}:
        raise _refused(f"has several tools of the name {min(twice)!r}")
    return [_shown(name, tool) for name, tool in zip(names, tools, strict=True)]


def _name(tool: Mapping[str, Any]) -> str:
    name = str(tool["name"])
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise _refused(f"has a tool whose name is not 1 to {_LONGEST_NAME} printable characters")
    return name


def _shown(name: str, tool: Mapping[str, Any]) -> dict[str, Any]:
    schema = tool["inputSchema"]
    _check(name, schema)
    description = tool.get("description")
    if description is not None and len(description) > _LONGEST_DESCRIPTION:
        raise _refused(f"describes the tool {name!r} in over {_LONGEST_DESCRIPTION} characters")
    return {
        "name": name,
        "description": description,
        "input_schema": schema,
        "annotations": tool.get("annotations"),
    }


def _check(name: str, schema: dict[str, Any]) -> None:
    if len(msgspec.json.encode(schema)) > _LARGEST_SCHEMA_BYTES:
        raise _refused(f"has a tool {name!r} whose schema is over {_LARGEST_SCHEMA_BYTES} bytes")
    if any(not reference.startswith("#") for reference in _references(schema)):
        raise _refused(f"has a tool {name!r} whose schema refers to another document")
    try:
        check_schema(schema, name)
    except InvalidRequest as error:
        raise _refused(f"has a tool {name!r} without a valid schema: {error.message}") from error


def _references(schema: object) -> Iterator[str]:
    """Yield what `$ref` and its like say, anywhere; the parser bounds the depth."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _refused(what: str) -> ServerFailure:
    return ServerFailure(f"The MCP server {what}.", code=INVALID_ANSWER)
