"""The tools of a run as a model sees them: functions as they are, file search as one more.

Pure. Searching itself is `file_search`'s work; the tool code_interpreter is not offered to models.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SEARCH_NAMES = ("file_search", "search_attached_files", "understudy_file_search")
_QUERY_FIELDS = ("queries", "query", "q")
_SEARCH_TYPES = ("file_search", "retrieval")
_MOST_QUERIES = 5
_LONGEST_QUERY = 1_000
_SEARCH_DESCRIPTION = (
    "Search the attached documents and return the passages that match best, each with its number. "
    "Use it whenever the answer may stand in these documents, before saying that it is not known. "
    "Cite a passage by its number in these brackets, right after what it supports: 【1】."
)
_SEARCH_PARAMETERS = {
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": _MOST_QUERIES,
            "description": "What to look for, each a whole question or phrase in the words and "
            "the language that the documents may use",
        }
    },
    "required": ["queries"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """Tools of a chat request; `search_name` is what file search is called there, if it is."""

    tools: list[dict[str, Any]]
    search_name: str | None


def offered(tools: Sequence[dict[str, Any]]) -> OfferedTools:
    """Return the tools of a run as those of a chat request.

    File search has another name where a function of the client bears its own.
    """
    functions = [tool for tool in tools if tool["type"] == "function"]
    if not any(tool["type"] in _SEARCH_TYPES for tool in tools):
        return OfferedTools(functions, None)
    taken = {tool["function"]["name"] for tool in functions}
    name = next(name for name in _search_names(len(functions)) if name not in taken)
    definition = {
        "name": name,
        "description": _SEARCH_DESCRIPTION,
        "parameters": _SEARCH_PARAMETERS,
    }
    return OfferedTools([*functions, {"type": "function", "function": definition}], name)


def _search_names(functions: int) -> list[str]:
    """Return more names than there are functions, so that one is free."""
    return [*_SEARCH_NAMES, *(f"{_SEARCH_NAMES[0]}_{n}" for n in range(2, functions + 2))]


def choice(wanted: str | dict[str, Any] | None, tools: OfferedTools) -> str | dict[str, Any] | None:
    """Return a run's `tool_choice` as that of its first chat request; None where it has no tools.

    A tool that is not offered cannot be forced: the model then chooses.
    """
    if not tools.tools:
        return None
    if wanted is None or isinstance(wanted, str):
        return wanted
    if wanted["type"] == "function":
        return {"type": "function", "function": {"name": wanted["function"]["name"]}}
    if wanted["type"] in _SEARCH_TYPES and tools.search_name is not None:
        return {"type": "function", "function": {"name": tools.search_name}}
    return "auto"


def choice_after_calls(
    first: str | dict[str, Any] | None,
) -> str | dict[str, Any] | None:
    """Return the `tool_choice` once a call was made: what was forced is done, and would not end."""
    return first if first in (None, "none") else "auto"


def search_queries(arguments: str, asked: str) -> list[str]:
    """Return the queries in the arguments that a model wrote, 1 to 5.

    What cannot be read is replaced by `asked`, the user's last message.
    """
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        given = None
    if isinstance(given, dict):
        given = next((given[name] for name in _QUERY_FIELDS if given.get(name)), None)
    found = _texts(given) or [asked.strip()]
    return [text[:_LONGEST_QUERY] for text in found[:_MOST_QUERIES]]


def _texts(given: object) -> list[str]:
    """Return the texts of a text or of a list, each once."""
    listed = given if isinstance(given, list) else [given]
    texts = [text.strip() for text in listed if isinstance(text, str)]
    return list(dict.fromkeys(text for text in texts if text))
