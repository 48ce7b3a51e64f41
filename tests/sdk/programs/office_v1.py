"""A user's program of 2023 for the Assistants API v1, which openai 1.14 speaks: three PDFs, an
assistant with nine functions and retrieval, and two questions whose runs are polled.
"""

import os
import time
from pathlib import Path
from typing import Any

from office import (
    ABOUT_A_DOCUMENT,
    ABOUT_THE_WEATHER,
    FUNCTIONS,
    INSTRUCTIONS,
    NAMES,
    call,
)
from recording import Recorder
from reporting import main

POLL_S = float(os.environ.get("POLL_S", "3"))
FOLDER = Path(os.environ["PDFS"])
TOOLS: Any = [{"type": "function", "function": function} for function in FUNCTIONS]

recorder = Recorder()
client = recorder.client
threads = client.beta.threads


def office() -> Any:
    files = {
        client.files.create(file=FOLDER / name, purpose="assistants").id: name for name in NAMES
    }
    assistant: Any = client.beta.assistants.create(
        model="gpt-4-1106-preview",
        name="Town hall",
        instructions=INSTRUCTIONS,
        tools=[*TOOLS, {"type": "retrieval"}],
        file_ids=list(files),
    )
    thread = threads.create()
    return {
        "tools": [tool.type for tool in assistant.tools],
        "file_ids": assistant.file_ids == list(files),
        "weather": _ask(assistant.id, thread.id, ABOUT_THE_WEATHER, files),
        "document": _ask(assistant.id, thread.id, ABOUT_A_DOCUMENT, files),
        "messages": [message.role for message in threads.messages.list(thread.id, order="asc")],
        "runs": [run.status for run in threads.runs.list(thread.id)],
        "answers": recorder.taken(),
    }


def _ask(assistant_id: str, thread_id: str, text: str, files: dict[str, str]) -> Any:
    """Ask one question and follow the run as programs did then: look, sleep, look again."""
    threads.messages.create(thread_id, role="user", content=text)
    run = threads.runs.create(thread_id, assistant_id=assistant_id)
    called = []
    while run.status in ("queued", "in_progress", "requires_action"):
        if run.status == "requires_action":
            calls = run.required_action.submit_tool_outputs.tool_calls
            called += [[one.function.name, one.function.arguments] for one in calls]
            outputs: Any = [
                {"tool_call_id": one.id, "output": call(one.function.name, one.function.arguments)}
                for one in calls
            ]
            threads.runs.submit_tool_outputs(run.id, thread_id=thread_id, tool_outputs=outputs)
        time.sleep(POLL_S)
        run = threads.runs.retrieve(run.id, thread_id=thread_id)
    message = next(iter(threads.messages.list(thread_id)))
    steps = list(threads.runs.steps.list(run.id, thread_id=thread_id, order="asc"))
    return {
        "status": run.status,
        "error": run.last_error and run.last_error.message,
        "called": called,
        "steps": [_kind(step.step_details) for step in steps],
        "text": message.content[0].text.value,
        "cited": [_cited(one, files) for one in message.content[0].text.annotations],
    }


def _kind(details: Any) -> Any:
    is_calls = details.type == "tool_calls"
    return [one.type for one in details.tool_calls] if is_calls else details.type


def _cited(annotation: Any, files: dict[str, str]) -> Any:
    citation = annotation.file_citation
    return {"file": files[citation.file_id], "quote": citation.quote, "text": annotation.text}


if __name__ == "__main__":
    main({"office": office})
