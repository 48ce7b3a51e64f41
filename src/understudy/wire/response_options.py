"""Options of a response that have parts of their own: its stream, its reasoning, its text. Pure."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from understudy.errors import UnsupportedParameter
from understudy.wire.assistant_tools import FunctionName
from understudy.wire.assistants import ReasoningEffort
from understudy.wire.json_schemas import check_schema
from understudy.wire.kept_json import check_kept_json
from understudy.wire.vector_stores import Text

_Summary = Literal["auto", "concise", "detailed"]


class StreamOptions(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """`stream_options`: with obfuscation, deltas are padded so that their lengths say nothing."""

    include_obfuscation: bool | None = None


class Reasoning(Struct):
    """How the model thinks; a summary is what it thought, in full."""

    effort: ReasoningEffort | None = None
    summary: _Summary | None = None
    generate_summary: _Summary | None = None
    mode: str | None = None
    context: str | None = None


class TextFormat(Struct, tag="text", tag_field="type"):
    """Plain text."""


class JsonObjectFormat(Struct, tag="json_object", tag_field="type"):
    """Any JSON object."""


class JsonSchemaFormat(Struct, tag="json_schema", tag_field="type"):
    """JSON that obeys a schema."""

    name: FunctionName
    schema: dict[str, Any]
    description: Text | None = None
    strict: bool | None = None


class TextOptions(Struct):
    """`text`: the format of the answer, and how much the model says."""

    format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


def check_text(text: TextOptions) -> None:
    """Raise InvalidRequest for a format whose schema is none."""
    if isinstance(text.format, JsonSchemaFormat):
        check_kept_json(text.format.schema, "text.format.schema")
        check_schema(text.format.schema, "text.format.schema")


def check_reasoning(reasoning: Reasoning) -> None:
    """Raise UnsupportedParameter for what this server cannot have a model do."""
    if reasoning.mode not in (None, "standard"):
        raise UnsupportedParameter(
            "'reasoning.mode': only 'standard' is supported. Use 'reasoning.effort'.",
            param="reasoning.mode",
        )
    if reasoning.context not in (None, "auto"):
        raise UnsupportedParameter(
            "'reasoning.context': models are not shown what they thought before. Use 'auto'.",
            param="reasoning.context",
        )


def echoed_reasoning(reasoning: Reasoning) -> dict[str, Any]:
    """Return `reasoning` as a response shows it."""
    return {
        "effort": reasoning.effort,
        "summary": reasoning.summary or reasoning.generate_summary,
    }


def echoed_text(text: TextOptions) -> dict[str, Any]:
    """Return `text` as a response shows it."""
    format_: dict[str, Any] = msgspec.to_builtins(text.format or TextFormat())
    if isinstance(text.format, JsonSchemaFormat):
        format_["strict"] = bool(text.format.strict)
        if text.format.description is None:
            del format_["description"]
    return {"format": format_, "verbosity": text.verbosity or "medium"}
