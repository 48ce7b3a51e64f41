"""The functions by which a model changes an instance's memory: as tools, and what a call does.

Pure. Which of a request's answers are such calls is decided in `split_calls`.
"""

import json
from collections.abc import Collection
from typing import Any, Literal, get_args

from understudy.characters.memory import (
    ARCHIVE,
    HUMAN,
    Blocks,
    Edit,
    apply,
    archiving,
    block_of,
    forgetting,
    remembering,
    replacing,
)
from understudy.errors import UnderstudyError

Function = Literal["remember", "replace", "forget"]
FUNCTIONS: tuple[Function, ...] = get_args(Function)
_PREFIX = "memory_"
_DESCRIPTIONS: dict[Function, str] = {
    "remember": "Add one short statement to the lasting memory.",
    "replace": "Replace a line of the lasting memory that has changed, or shorten one.",
    "forget": "Remove from the lasting memory every line that contains a text.",
}
_NOTHING = "No line of the memory contains that text. Nothing was changed."
_KNOWN = "That is remembered already."
_DONE = "Done. Go on with the answer to the person; do not repeat what was said."


def names(taken: Collection[str]) -> dict[Function, str]:
    """Return what the functions are called in a request whose own tools have the names `taken`."""
    is_free = not set(FUNCTIONS) & set(taken)
    return {function: function if is_free else _PREFIX + function for function in FUNCTIONS}


def tools(named: dict[Function, str], blocks: Blocks) -> list[dict[str, Any]]:
    """Return the functions as entries of `tools`."""
    labels = [*(block.label for block in blocks), ARCHIVE]
    block = {
        "type": "string",
        "enum": labels,
        "description": f"Where it belongs: '{HUMAN}' is about the person; '{ARCHIVE}' is searched "
        "when it may matter, the others are always shown.",
    }
    parameters: dict[Function, dict[str, Any]] = {
        "remember": {"block": block, "text": _text("The statement, one line.")},
        "replace": {
            "old": _text("Words of the line as it stands."),
            "new": _text("The whole new line."),
        },
        "forget": {"text": _text("Words of the line or lines to remove.")},
    }
    return [
        {
            "type": "function",
            "function": {
                "name": named[function],
                "description": _DESCRIPTIONS[function],
                "parameters": {
                    "type": "object",
                    "properties": parameters[function],
                    "required": list(parameters[function]),
                    "additionalProperties": False,
                },
            },
        }
        for function in FUNCTIONS
    ]


def called(blocks: Blocks, function: Function, arguments: str) -> tuple[list[Edit], str]:
    """Return the edits that a call makes, and what the model is told; no edits when it may not.

    A block that would overflow is such a case: the model is told the numbers, and must shorten.
    """
    try:
        edits, told = _edits(blocks, function, _read(arguments))
        for edit in edits:
            blocks = apply(blocks, edit)
    except (UnderstudyError, ValueError) as error:
        return [], f"Not done: {error}"
    return edits, told


def _edits(blocks: Blocks, function: Function, arguments: dict[str, str]) -> tuple[list[Edit], str]:
    match function:
        case "remember":
            text = _given(arguments, "text")
            if (label := arguments.get("block", HUMAN)) == ARCHIVE:
                return [archiving(text)], _DONE
            label = label if label != HUMAN or not blocks else _first(blocks)
            block_of(blocks, label)
            made = remembering(blocks, label, text)
            return ([made], _DONE) if made else ([], _KNOWN)
        case "replace":
            made = replacing(blocks, _given(arguments, "old"), _given(arguments, "new"))
            return ([made], _DONE) if made else ([], _NOTHING)
        case "forget":
            found = forgetting(blocks, _given(arguments, "text"))
            return (found, _DONE) if found else ([], _NOTHING)


def _first(blocks: Blocks) -> str:
    """Return the label that stands for the block about the person."""
    labels = [block.label for block in blocks]
    return HUMAN if HUMAN in labels else labels[0]


def _read(arguments: str) -> dict[str, str]:
    try:
        decoded = json.loads(arguments or "{}")
    except RecursionError as error:
        raise ValueError("the arguments are nested too deeply") from error
    if not isinstance(decoded, dict):
        raise ValueError("the arguments are no JSON object")
    return {name: value for name, value in decoded.items() if isinstance(value, str)}


def _given(arguments: dict[str, str], name: str) -> str:
    if not arguments.get(name, "").strip():
        raise ValueError(f"the argument '{name}' is missing")
    return arguments[name]


def _text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}
