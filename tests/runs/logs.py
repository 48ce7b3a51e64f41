"""Items of threads as runs write them, for tests of what is made of them."""

import json
from typing import Any

from understudy.store.items import Item

RUN = "run_now"


def said(
    role: str, *parts: str | dict[str, Any], id_: str = "", run: str | None = None, **extra: Any
) -> Item:
    """Return a message; a string is a text of it."""
    kind = "input_text" if role == "user" else "output_text"
    content = [{"type": kind, "text": p} if isinstance(p, str) else p for p in parts]
    document = {"type": "message", "role": role, "status": "completed", "content": content}
    return Item(id_ or f"msg_{len(str(parts))}", "message", 0, document, run_id=run, extra=extra)


def user(*parts: str | dict[str, Any], **more: Any) -> Item:
    return said("user", *parts, **more)


def assistant(*parts: str | dict[str, Any], **more: Any) -> Item:
    return said("assistant", *parts, **more)


def call(
    id_: str,
    name: str = "ping",
    arguments: str = "{}",
    *,
    run: str | None = RUN,
    step: str | None = "step_1",
) -> Item:
    document = {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments}
    return Item(f"fc_{id_}", "function_call", 0, document, run_id=run, step_id=step)


def output(id_: str, text: str, *, run: str | None = RUN) -> Item:
    document = {"type": "function_call_output", "call_id": id_, "output": text}
    return Item(f"fco_{id_}", "function_call_output", 0, document, run_id=run)


def search(
    id_: str, *texts: str, run: str = RUN, step: str = "step_1", note: str | None = None
) -> Item:
    results = [
        {"file_id": f"file-{t}", "filename": f"{t}.pdf", "score": 0.5, "text": t, "page": 2}
        for t in texts
    ]
    document = {
        "type": "file_search_call",
        "call_id": id_,
        "queries": [f"where is {id_}?"],
        "status": "completed",
        "results": results,
    }
    extra = {} if note is None else {"note": note}
    return Item(f"fs_{id_}", "file_search_call", 0, document, run_id=run, step_id=step, extra=extra)


def called(id_: str, name: str = "ping", **arguments: Any) -> dict[str, Any]:
    """Return a call as a chat message has it."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": id_, "type": "function", "function": function}


def answered(id_: str, text: str) -> dict[str, Any]:
    """Return the output of a call as a chat message."""
    return {"role": "tool", "tool_call_id": id_, "content": text}
