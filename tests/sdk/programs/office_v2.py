"""The office program once it was moved to the Assistants API v2: the same PDFs, functions and
questions, with file search, and runs that are streamed to an event handler.
"""

import os
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
from openai import AssistantEventHandler
from recording import Recorder
from reporting import main
from typing_extensions import override

FOLDER = Path(os.environ["PDFS"])
TOOLS: Any = [{"type": "function", "function": function} for function in FUNCTIONS]

recorder = Recorder()
client = recorder.client
threads = client.beta.threads


class Handler(AssistantEventHandler):
    """Writes the answer down as it comes, and has functions called that the run waits for."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said = said

    @override
    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.said["text"] += delta.value or ""

    @override
    def on_tool_call_done(self, tool_call: Any) -> None:
        if tool_call.type == "function":
            function = tool_call.function
            self.said["called"].append([function.name, function.arguments])

    @override
    def on_tool_call_created(self, tool_call: Any) -> None:
        self.said["kinds"].append(tool_call.type)

    @override
    def on_text_done(self, text: Any) -> None:
        self.said["whole"] = text.value
        self.said["annotations"] = [one.to_dict() for one in text.annotations]

    @override
    def on_event(self, event: Any) -> None:
        if event.event == "thread.run.requires_action":
            run = event.data
            outputs: Any = [
                {"tool_call_id": one.id, "output": call(one.function.name, one.function.arguments)}
                for one in run.required_action.submit_tool_outputs.tool_calls
            ]
            with threads.runs.submit_tool_outputs_stream(
                run_id=run.id,
                thread_id=run.thread_id,
                tool_outputs=outputs,
                event_handler=Handler(self.said),
            ) as stream:
                stream.until_done()


def office() -> Any:
    files = {
        client.files.create(file=FOLDER / name, purpose="assistants").id: name for name in NAMES
    }
    assistant: Any = client.beta.assistants.create(
        model="gpt-4o",
        name="Town hall",
        instructions=INSTRUCTIONS,
        tools=[*TOOLS, {"type": "file_search"}],
        tool_resources={"file_search": {"vector_stores": [{"file_ids": list(files)}]}},
    )
    thread = threads.create()
    return {
        "tools": [tool.type for tool in assistant.tools],
        "weather": _ask(assistant.id, thread.id, ABOUT_THE_WEATHER, files),
        "document": _ask(assistant.id, thread.id, ABOUT_A_DOCUMENT, files),
        "messages": [message.role for message in threads.messages.list(thread.id, order="asc")],
        "runs": [run.status for run in threads.runs.list(thread.id)],
        "answers": recorder.taken(),
    }


def _ask(assistant_id: str, thread_id: str, text: str, files: dict[str, str]) -> Any:
    threads.messages.create(thread_id, role="user", content=text)
    said: dict[str, Any] = {"text": "", "called": [], "kinds": [], "annotations": []}
    with threads.runs.stream(
        thread_id=thread_id, assistant_id=assistant_id, event_handler=Handler(said)
    ) as stream:
        stream.until_done()
    run = next(iter(threads.runs.list(thread_id)))
    for _ in threads.runs.steps.list(run.id, thread_id=thread_id):
        pass
    cited = [
        {
            "file": files[one["file_citation"]["file_id"]],
            "is_marked": said["whole"][one["start_index"] : one["end_index"]] == one["text"],
        }
        for one in said.pop("annotations")
    ]
    return {"status": run.status, "cited": cited, **said}


if __name__ == "__main__":
    main({"office": office})
