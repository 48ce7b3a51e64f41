"""From the items of a thread to the messages of a chat request.

Pure: which items are shown is decided in `truncation`, names and images of files come ready from
`attachments`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from understudy.retrieval.cite import passages
from understudy.retrieval.search import SearchResult
from understudy.store.items import Item
from understudy.wire.passages import NONE_FOUND, render

UNANSWERED = "The call was not answered."
_SUMMARY = "What was said before, in short:\n"
_TEXT_TYPES = ("input_text", "output_text")

ChatMessage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a prompt needs besides the items.

    `filenames` and `images` (data URLs) are by file id, `search_name` is what file search is
    called in this request, and `summary` stands for items that are not shown.
    """

    run_id: str
    instructions: str = ""
    summary: str = ""
    search_name: str | None = None
    sees_images: bool = False
    filenames: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)


def build(items: Sequence[Item], setting: Setting) -> list[ChatMessage]:
    """Return the chat messages that show the items, in their order.

    Searches of earlier runs are left out: their answers are there. A call that nobody answered
    gets an output that says so, since providers refuse a call without one.
    """
    outputs = {**_function_outputs(items, setting), **_search_outputs(items, setting)}
    shown = [item for item in items if _is_shown(item, setting)]
    messages = _system(setting)
    rounds = _rounds(items)
    for kind, group in groupby(shown, key=lambda item: _turn_of(item, rounds)):
        if kind is None:
            messages += (made for item in group if (made := _message(item, setting)))
        else:
            messages += _calls(list(group), outputs, setting)
    return list(_joined(messages))


def results_of_run(items: Sequence[Item], run_id: str) -> list[SearchResult]:
    """Return what all searches of a run found, so that passage n is the result n - 1."""
    searches = (item for item in items if item.type == "file_search_call" and item.run_id == run_id)
    return [result for item in searches for result in _results(item)]


def _system(setting: Setting) -> list[ChatMessage]:
    summary = _SUMMARY + setting.summary if setting.summary else ""
    parts = [part for part in (setting.instructions, summary) if part.strip()]
    return [{"role": "system", "content": "\n\n".join(parts)}] if parts else []


def _is_shown(item: Item, setting: Setting) -> bool:
    if item.type == "file_search_call":
        return item.run_id == setting.run_id and setting.search_name is not None
    return item.type in ("message", "function_call")


def _rounds(items: Sequence[Item]) -> dict[str, int]:
    """Return, by item, how many outputs stand before a call that says no step: clients add such."""
    rounds: dict[str, int] = {}
    outputs = 0
    for item in items:
        outputs += item.type == "function_call_output"
        if item.type == "function_call" and item.step_id is None:
            rounds[item.id] = outputs
    return rounds


def _turn_of(
    item: Item, rounds: Mapping[str, int]
) -> tuple[str | None, str | None, int | None] | None:
    """Return what calls of one turn have in common, None for a message."""
    return None if item.type == "message" else (item.run_id, item.step_id, rounds.get(item.id))


# --- messages ---------------------------------------------------------------------------------


def _message(item: Item, setting: Setting) -> ChatMessage | None:
    """Return a message, None when there is nothing in it."""
    role = item.document["role"]
    content = item.document["content"]
    if item.run_id != setting.run_id:
        content = [_without_markers(part) for part in content]
    parts: list[dict[str, Any]] = []
    for part in content:
        if part["type"] == "input_image" and role == "user" and setting.sees_images:
            parts += _image(part, setting)
        elif part["type"] == "input_file" and part.get("file_id"):
            continue  # it is named with the files that are attached
        elif text := _text(part, setting):
            parts.append({"type": "text", "text": text})
    if attached := _attached(item, setting):
        parts.append({"type": "text", "text": attached})
    if not parts:
        return None
    if all(part["type"] == "text" for part in parts):
        return {"role": role, "content": "\n".join(part["text"] for part in parts)}
    return {"role": role, "content": parts}


def _text(part: dict[str, Any], setting: Setting) -> str:
    if part["type"] in _TEXT_TYPES:
        return str(part["text"])
    if part["type"] == "refusal":
        return str(part["refusal"])
    if part["type"] == "input_file":
        id_ = part.get("file_id") or ""
        named = setting.filenames.get(id_) or part.get("filename") or id_
        return f"[file: {named or 'without a name'}]"
    named = setting.filenames.get(part.get("file_id") or "") or part.get("image_url") or ""
    # A data URL is the image itself: as words it would fill the prompt.
    return f"[image: {named}]" if named and not named.startswith("data:") else "[image]"


def _without_markers(part: dict[str, Any]) -> dict[str, Any]:
    """Return a text without the markers of its citations, whose passages are no longer there."""
    annotations = part.get("annotations") or ()
    cited = (one for one in annotations if one.get("type") == "file_citation")
    # Citations that clients brought have no marker, and no offsets.
    spans = [(one["start_index"], one["end_index"]) for one in cited if "start_index" in one]
    for start, end in sorted(spans, reverse=True):
        text = part["text"]
        part = {**part, "text": text[:start].rstrip(" ") + text[end:]}
    return part


def _image(part: dict[str, Any], setting: Setting) -> list[dict[str, Any]]:
    url = part.get("image_url") or setting.images.get(part.get("file_id") or "")
    if not url:
        named = setting.filenames.get(part.get("file_id") or "", "it was deleted")
        return [{"type": "text", "text": f"[image that cannot be shown: {named}]"}]
    image = {"url": url, "detail": part.get("detail") or "auto"}
    return [{"type": "image_url", "image_url": image}]


def _attached(item: Item, setting: Setting) -> str:
    """Return the line that names a message's files, so that the model can refer to them."""
    ids = attached_ids(item)
    if not ids:
        return ""
    return "Attached: " + ", ".join(f"{setting.filenames.get(id_, 'file')} ({id_})" for id_ in ids)


def attached_ids(item: Item) -> list[str]:
    """Return the ids of the files attached to a message, or parts of it, each once."""
    attachments = (one.get("file_id") for one in item.extra.get("attachments") or ())
    parts = item.document.get("content") or ()
    of_parts = (part.get("file_id") for part in parts if part["type"] == "input_file")
    ids = [*attachments, *(item.extra.get("file_ids") or ()), *of_parts]
    return list(dict.fromkeys(id_ for id_ in ids if id_))


# --- calls ------------------------------------------------------------------------------------


def _function_outputs(items: Sequence[Item], setting: Setting) -> dict[str, str]:
    """Return the outputs of functions by the item of their call.

    Some providers number the calls of each answer anew, so an output goes with the last call of
    its id: of its run, else of any, since a conversation may answer what a run left open.
    """
    last_call: dict[tuple[str | None, str], str] = {}
    last_of_any: dict[str, str] = {}
    outputs: dict[str, str] = {}
    for item in items:
        id_ = _call_id(item)
        if item.type == "function_call":
            last_call[item.run_id, id_] = last_of_any[id_] = item.id
        elif item.type == "function_call_output":
            called_by = last_call.get((item.run_id, id_)) or last_of_any.get(id_)
            if called_by is not None:
                outputs[called_by] = _output(item.document["output"], setting)
    return outputs


def _output(output: str | list[dict[str, Any]], setting: Setting) -> str:
    """Return what a function returned as text: images and files in it by their names."""
    if isinstance(output, str):
        return output
    return "\n".join(text for part in output if (text := _text(part, setting)))


def _calls(
    items: Sequence[Item], outputs: Mapping[str, str], setting: Setting
) -> list[ChatMessage]:
    """Return the calls of one turn as a message of the assistant, and their outputs after it."""
    calls = []
    answers = []
    for item in items:
        id_ = _call_id(item)
        function = {"name": _name(item, setting), "arguments": _arguments(item)}
        calls.append({"id": id_, "type": "function", "function": function})
        output = outputs.get(item.id, UNANSWERED)
        answers.append({"role": "tool", "tool_call_id": id_, "content": output})
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *answers]


def _joined(messages: Sequence[ChatMessage]) -> Iterator[ChatMessage]:
    """Yield the messages; what the assistant said before its calls goes with them."""
    said: ChatMessage | None = None
    for message in messages:
        if said is not None and "tool_calls" in message:
            message = {**message, "content": said["content"]}
        elif said is not None:
            yield said
        is_said = message["role"] == "assistant" and "tool_calls" not in message
        said = message if is_said else None
        if said is None:
            yield message
    if said is not None:
        yield said


def _call_id(item: Item) -> str:
    return str(item.document.get("call_id") or item.id)


def _name(item: Item, setting: Setting) -> str:
    if item.type == "function_call":
        return str(item.document["name"])
    return setting.search_name or ""


def _arguments(item: Item) -> str:
    """Return the arguments as JSON of an object: templates of models stumble over anything else."""
    if item.type == "file_search_call":
        return json.dumps({"queries": item.document["queries"]}, ensure_ascii=False)
    try:
        decoded = json.loads(item.document["arguments"])
    except (ValueError, RecursionError):
        return "{}"
    return str(item.document["arguments"]) if isinstance(decoded, dict) else "{}"


# --- searches ---------------------------------------------------------------------------------


def _search_outputs(items: Sequence[Item], setting: Setting) -> dict[str, str]:
    """Return what each search of this run found, its passages numbered through all of them."""
    outputs: dict[str, str] = {}
    first = 1
    for item in items:
        if item.type != "file_search_call" or item.run_id != setting.run_id:
            continue
        results = _results(item)
        found = render(passages(results, first)) or NONE_FOUND
        first += len(results)
        note = item.extra.get("note")
        outputs[item.id] = f"{found}\n{note}" if note else found
    return outputs


def _results(item: Item) -> list[SearchResult]:
    return [
        SearchResult(
            file_id=one["file_id"],
            filename=one["filename"],
            score=one["score"],
            attributes=one.get("attributes") or {},
            text=one["text"],
            page=one.get("page"),
            heading=None,
            position=0,
        )
        for one in item.document.get("results") or ()
    ]
