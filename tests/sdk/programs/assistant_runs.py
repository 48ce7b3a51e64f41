"""A user's program for the Assistants API of openai 1.14 and later: runs that are polled, streamed
to event handlers, and cancelled. The model echoes what it is told.
"""

import json
import os
import time
from typing import Any

import openai
from openai import AssistantEventHandler
from openai.types.beta import AssistantStreamEvent
from pydantic import TypeAdapter
from recording import Recorder, faults_in
from reporting import QUESTION, WEATHER, main
from typing_extensions import override

MODEL = os.environ["MODEL"]
TOOLS: Any = [{"type": "function", "function": WEATHER}]
FAST: Any = {"poll_interval_ms": 20}
_DEADLINE_S = 20

recorder = Recorder()
client = recorder.client
threads = client.beta.threads
runs = threads.runs
events: TypeAdapter[Any] = TypeAdapter(AssistantStreamEvent)


class Handler(AssistantEventHandler):
    """Writes down which of its methods were called, and with what."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[str] = []
        self.text = ""
        self.arguments = ""

    def _called(self, name: str) -> None:
        if self.called[-1:] != [name]:
            self.called.append(name)

    @override
    def on_event(self, event: Any) -> None:
        if event.event.startswith("thread.run.") and ".step." not in event.event:
            self._called(event.event.removeprefix("thread."))

    @override
    def on_run_step_created(self, run_step: Any) -> None:
        self._called(f"step created: {run_step.type}")

    @override
    def on_run_step_delta(self, delta: Any, snapshot: Any) -> None:
        self._called("step delta")

    @override
    def on_run_step_done(self, run_step: Any) -> None:
        self._called(f"step {run_step.status}: {run_step.type}")

    @override
    def on_tool_call_created(self, tool_call: Any) -> None:
        self._called(f"call created: {tool_call.function.name}")

    @override
    def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self.arguments += delta.function.arguments or ""

    @override
    def on_tool_call_done(self, tool_call: Any) -> None:
        self._called(f"call done: {tool_call.function.arguments}")

    @override
    def on_message_created(self, message: Any) -> None:
        self._called("message created")

    @override
    def on_message_delta(self, delta: Any, snapshot: Any) -> None:
        self._called("message delta")

    @override
    def on_message_done(self, message: Any) -> None:
        self._called(f"message {message.status}")

    @override
    def on_text_created(self, text: Any) -> None:
        self._called("text created")

    @override
    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value or ""
        if not snapshot.value.endswith(delta.value or ""):
            self._called(f"text out of step: {snapshot.value!r}")

    @override
    def on_text_done(self, text: Any) -> None:
        self._called(f"text done: {text.value}")

    @override
    def on_end(self) -> None:
        self._called("end")


def handled() -> Any:
    """A run with a call of a function, followed by handlers from its start to its end."""
    first, second = Handler(), Handler()
    thread_id, assistant_id = _begin(QUESTION)
    with runs.stream(thread_id=thread_id, assistant_id=assistant_id, event_handler=first) as stream:
        stream.until_done()
    run = stream.get_final_run()
    with runs.submit_tool_outputs_stream(
        run_id=run.id, thread_id=thread_id, tool_outputs=_outputs(run), event_handler=second
    ) as stream:
        stream.until_done()
    ended = stream.get_final_run()
    return {
        "first": first.called,
        "arguments": first.arguments,
        "second": second.called,
        "text": second.text,
        "final_messages": [_text(message) for message in stream.get_final_messages()],
        "final_steps": [step.type for step in stream.get_final_run_steps()],
        "run": [ended.status, ended.required_action, ended.usage.total_tokens > 0],
        "answers": recorder.taken(),
    }


def text_deltas() -> Any:
    """The older ways to begin a stream; only the text of it is read."""
    thread_id, assistant_id = _begin("Hello world")
    with runs.create_and_stream(thread_id=thread_id, assistant_id=assistant_id) as stream:
        first = "".join(stream.text_deltas)
    message: Any = {"role": "user", "content": "Good morning"}
    with threads.create_and_run_stream(
        assistant_id=assistant_id, thread={"messages": [message]}
    ) as stream:
        names = [event.event for event in stream]
        whole = _text(stream.get_final_messages()[0])
    return {"first": first, "whole": whole, "names": names, "answers": recorder.taken()}


def polled() -> Any:
    """Runs that are polled, with and without a call, and what can be read of them later."""
    thread_id, assistant_id = _begin(QUESTION)
    run = runs.create_and_poll(thread_id=thread_id, assistant_id=assistant_id, **FAST)
    waiting = run.status
    run = runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread_id, tool_outputs=_outputs(run), **FAST
    )
    steps = list(runs.steps.list(run.id, thread_id=thread_id, order="asc", limit=1))
    step = runs.steps.retrieve(steps[0].id, thread_id=thread_id, run_id=run.id)
    changed = runs.update(run.id, thread_id=thread_id, metadata={"seen": "yes"})
    whole = threads.create_and_run_poll(
        assistant_id=assistant_id,
        thread={"messages": [{"role": "user", "content": "Hello"}]},
        **FAST,
    )
    again = runs.create_and_poll(
        thread_id=thread_id,
        assistant_id=assistant_id,
        instructions="Be kind.",
        additional_messages=[{"role": "user", "content": "And now?"}],
        **FAST,
    )
    return {
        "statuses": [waiting, run.status, whole.status, again.status],
        "steps": [each.type for each in steps],
        "outputs": [one.function.output for one in step.step_details.tool_calls],
        "metadata": changed.metadata,
        "instructions": again.instructions,
        "listed": [each.id for each in runs.list(thread_id, limit=1)] == [again.id, run.id],
        "texts": [_text(message) for message in threads.messages.list(thread_id)],
        "of_run": [_text(each) for each in threads.messages.list(thread_id, run_id=again.id)],
        "answers": recorder.taken(),
    }


def cancelled() -> Any:
    """A run that waits for outputs and is cancelled, and what is refused before and after."""
    thread_id, assistant_id = _begin(QUESTION)
    run = runs.create_and_poll(thread_id=thread_id, assistant_id=assistant_id, **FAST)
    message: Any = {"thread_id": thread_id, "role": "user", "content": "More"}
    refused = [
        _error_of(lambda: runs.create(thread_id=thread_id, assistant_id=assistant_id)),
        _error_of(lambda: threads.messages.create(**message)),
    ]
    outputs = _outputs(run)
    deadline = time.monotonic() + _DEADLINE_S
    run = runs.cancel(run.id, thread_id=thread_id)
    while run.status == "cancelling" and time.monotonic() < deadline:
        time.sleep(0.02)
        run = runs.retrieve(run.id, thread_id=thread_id)
    late = {"thread_id": thread_id, "tool_outputs": outputs}
    refused.append(_error_of(lambda: runs.submit_tool_outputs(run.id, **late)))
    refused.append(_error_of(lambda: runs.cancel(run.id, thread_id=thread_id)))
    threads.messages.create(**message)
    steps = [step.status for step in runs.steps.list(run.id, thread_id=thread_id)]
    return {
        "status": run.status,
        "steps": steps,
        "refused": [text.replace(thread_id, "THREAD").replace(run.id, "RUN") for text in refused],
        "answers": recorder.taken(),
    }


def streams() -> Any:
    """The events of the three ways to begin a stream, as they came."""
    thread_id, assistant_id = _begin(QUESTION)
    raw = runs.with_streaming_response
    create: Any = {"assistant_id": assistant_id, "stream": True}
    with raw.create(thread_id=thread_id, **create) as answer:
        first = _judged(answer)
    run = next(iter(runs.list(thread_id)))
    submit: Any = {"thread_id": thread_id, "tool_outputs": _outputs(run), "stream": True}
    with raw.submit_tool_outputs(run.id, **submit) as answer:
        second = _judged(answer)
    message: Any = {"role": "user", "content": "Hello"}
    with threads.with_streaming_response.create_and_run(
        thread={"messages": [message]}, **create
    ) as answer:
        third = _judged(answer)
    return {"streams": [first, second, third], "answers": recorder.taken()}


def _begin(text: str) -> tuple[str, str]:
    """Return the ids of a thread with one message and of an assistant with one function."""
    assistant = client.beta.assistants.create(model=MODEL, tools=TOOLS)
    thread = threads.create(messages=[{"role": "user", "content": text}])
    return thread.id, assistant.id


def _outputs(run: Any) -> Any:
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [{"tool_call_id": one.id, "output": "sunny"} for one in calls]


def _text(message: Any) -> str:
    return "".join(part.text.value for part in message.content)


def _error_of(call: Any) -> str:
    try:
        call()
    except openai.BadRequestError as error:
        return str(error.body["message"])
    return "no error"


def _judged(answer: Any) -> list[Any]:
    """Return the events of a stream, each with what the package's models find wrong with it."""
    blocks = "\n".join(answer.iter_lines()).strip().split("\n\n")
    pairs = [block.split("\n") for block in blocks if not block.startswith(":")]
    if pairs.pop() != ["event: done", "data: [DONE]"]:
        raise ValueError(f"the stream ended with {blocks[-1]!r}")
    told = []
    for name, data in pairs:
        event = {
            "event": name.removeprefix("event: "),
            "data": json.loads(data.removeprefix("data: ")),
        }
        told.append({**event, "faults": faults_in(events, event)})
    return told


if __name__ == "__main__":
    main(
        {
            "handled": handled,
            "text_deltas": text_deltas,
            "polled": polled,
            "cancelled": cancelled,
            "streams": streams,
        }
    )
