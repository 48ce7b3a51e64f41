"""The bodies of calls to OpenAI-compatible servers. Pure."""

from collections.abc import Mapping

_STREAM_FIELDS = frozenset({"stream", "stream_options"})


def plain_body(request: Mapping[str, object]) -> dict[str, object]:
    """Return the body of a plain call, without nulls: they mean the same as absent fields."""
    return {
        name: value
        for name, value in request.items()
        if value is not None and name not in _STREAM_FIELDS
    }


def streamed_body(request: Mapping[str, object]) -> dict[str, object]:
    """Return the body of a streamed call, which always asks for usage."""
    options = request.get("stream_options")
    asked = options if isinstance(options, dict) else {}
    return {
        **plain_body(request),
        "stream": True,
        "stream_options": {**asked, "include_usage": True},
    }
