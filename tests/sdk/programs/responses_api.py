"""A user's program for the Responses API of openai 2 and later: plain, streamed, parsed, in the
background, in conversations. The model echoes what it is told.
"""

import io
import json
import os
import time
from typing import Any

import openai
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter
from recording import Recorder, faults_in
from reporting import ABOUT_A_PERSON, CAT, QUESTION, WEATHER, main

MODEL = os.environ["MODEL"]
PACED = os.environ["PACED_MODEL"]
THINKING = os.environ["THINKING_MODEL"]
MCP_URL = os.environ["MCP_URL"]
FUNCTION: Any = {"type": "function", "strict": True, **WEATHER}
LONG = "One two three four " * 5
_DEADLINE_S = 20

recorder = Recorder()
client = recorder.client
responses = client.responses
events: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


class Person(BaseModel):
    name: str
    age: int


class City(BaseModel):
    city: str


def plain() -> Any:
    """A response, what it is echoed as, what is read of it, and its end."""
    made = responses.create(
        model=MODEL,
        input=[{"role": "user", "content": "One"}, {"role": "user", "content": "Hello"}],
        instructions="Be brief.",
        metadata={"order": "7"},
        temperature=0.5,
        reasoning={"effort": "low"},
        text={"verbosity": "low"},
        top_logprobs=1,
        include=["message.output_text.logprobs"],
    )
    read = responses.retrieve(made.id)
    again = responses.retrieve(made.id, include=["message.output_text.logprobs"])
    inputs = [_texts(item) for item in responses.input_items.list(made.id, limit=1, order="asc")]
    refused = _error_of(lambda: responses.cancel(made.id))
    responses.delete(made.id)
    return {
        "text": made.output_text,
        "logprobs": [_logprobs(made), _logprobs(read), _logprobs(again)],
        "is_kept": again == made,
        "inputs": inputs,
        "refused": refused,
        "gone": _error_of(lambda: responses.retrieve(made.id)),
        "answers": recorder.taken(),
    }


def parsed() -> Any:
    """Answers and arguments as objects of the program's own types, also out of a stream."""
    asked: Any = {"model": MODEL, "input": ABOUT_A_PERSON, "text_format": Person}
    plain = responses.parse(**asked).output_parsed
    with responses.stream(**asked) as stream:
        texts = [event.text for event in stream if event.type == "response.output_text.done"]
        streamed = stream.get_final_response().output_parsed
    called: Any = responses.parse(
        model=MODEL, input=QUESTION, tools=[openai.pydantic_function_tool(City, name="get_weather")]
    )
    return {
        "parsed": [answer.model_dump() for answer in (plain, streamed) if answer],
        "text": json.loads(texts[0]),
        "arguments": called.output[0].parsed_arguments.model_dump(),
        "answers": recorder.taken(),
    }


def functions() -> Any:
    """The outputs of functions, after the last response, and with nothing kept by the server."""
    first = responses.create(model=MODEL, input=QUESTION, tools=[FUNCTION])
    outputs = _outputs(first)
    kept = responses.create(
        model=MODEL, input=outputs, tools=[FUNCTION], previous_response_id=first.id
    )
    asked: Any = {"model": MODEL, "tools": [FUNCTION], "store": False}
    question = {"role": "user", "content": QUESTION}
    with responses.stream(input=[question], **asked) as stream:
        pieces = [
            event.delta
            for event in stream
            if event.type == "response.function_call_arguments.delta"
        ]
        second: Any = stream.get_final_response()
    sent = [question, *(item.to_dict() for item in second.output), *_outputs(second)]
    resent = responses.create(input=sent, **asked)
    unknown = [{"type": "function_call_output", "call_id": "call_never", "output": "sunny"}]
    return {
        "arguments": [first.output[0].arguments, second.output[0].arguments, "".join(pieces)],
        "texts": [kept.output_text, resent.output_text],
        "not_kept": _error_of(lambda: responses.retrieve(second.id)),
        "unknown": _error_of(lambda: responses.create(model=MODEL, input=unknown)),
        "answers": recorder.taken(),
    }


def streams() -> Any:
    """The events of streams, as they came."""
    store = client.vector_stores.create(name="animals")
    file = ("cat.txt", io.BytesIO(CAT.encode()))
    client.vector_stores.files.upload_and_poll(
        file=file, vector_store_id=store.id, poll_interval_ms=20
    )
    search: Any = {"type": "file_search", "vector_store_ids": [store.id]}
    sums: Any = {"type": "mcp", "server_label": "sums", "server_url": MCP_URL}
    sums["allowed_tools"] = ["add"]
    asked: dict[str, Any] = {
        "text": {"input": "Hello", "top_logprobs": 1},
        "functions": {"input": QUESTION, "tools": [FUNCTION]},
        "search": {
            "input": "Search: where does the cat sleep?",
            "tools": [search],
            "include": ["file_search_call.results"],
        },
        "thoughts": {"model": THINKING, "input": "Hello"},
        "summary": {"model": THINKING, "input": "Hello", "reasoning": {"summary": "auto"}},
        "mcp": {"input": "Add 20 and 22", "tools": [{**sums, "require_approval": "never"}]},
        "approval": {"input": "Add 20 and 22", "tools": [sums]},
        "cut": {"input": LONG, "max_output_tokens": 16},
        "background": {"input": "Hello", "background": True},
    }
    asked["text"]["include"] = ["message.output_text.logprobs"]
    return {
        "streams": {name: _streamed(**body) for name, body in asked.items()},
        "answers": recorder.taken(),
    }


def background() -> Any:
    """Responses in the background: polled, followed, left and followed again, and cancelled."""
    asked: Any = {"model": MODEL, "input": "One two three four", "background": True}
    polled = responses.create(**asked)
    deadline = time.monotonic() + _DEADLINE_S
    while polled.status in ("queued", "in_progress") and time.monotonic() < deadline:
        time.sleep(0.02)
        polled = responses.retrieve(polled.id)
    with responses.stream(**asked) as stream:
        first = [next(iter(stream)) for _ in range(6)]
        id_ = first[0].response.id  # type: ignore[union-attr]
    last = first[-1].sequence_number
    with responses.stream(response_id=id_, starting_after=last) as stream:
        rest = [event.sequence_number for event in stream]
        resumed = stream.get_final_response().output_text
    raw = responses.retrieve(id_, stream=True, starting_after=last)
    numbers = [event.sequence_number for event in raw]
    paced = responses.create(**{**asked, "model": PACED})
    cancelled = responses.cancel(paced.id)
    return {
        "statuses": [polled.status, cancelled.status],
        "texts": [polled.output_text, resumed],
        "first": [event.sequence_number for event in first],
        "rest": [rest[0], rest == numbers == list(range(rest[0], rest[0] + len(rest)))],
        "answers": recorder.taken(),
    }


def conversations() -> Any:
    """A conversation is made, answered, read, changed and deleted."""
    items = client.conversations.items
    said: Any = {"type": "message", "role": "user", "content": "I am Ana."}
    made = client.conversations.create(metadata={"guest": "42"}, items=[said])
    answer = responses.create(model=MODEL, input="Hello", conversation=made.id)
    responses.create(model=MODEL, input=QUESTION, tools=[FUNCTION], conversation={"id": made.id})
    listed = list(items.list(made.id, order="asc", limit=2))
    call: Any = listed[-1]
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    added = items.create(made.id, items=[output, {**said, "content": "Thank you"}])
    read: Any = items.retrieve(added.data[1].id, conversation_id=made.id)
    items.delete(read.id, conversation_id=made.id)
    changed = client.conversations.update(made.id, metadata={"guest": "43"})
    left = [item.type for item in items.list(made.id)]
    deleted = client.conversations.delete(made.id)
    return {
        "conversation": answer.conversation and answer.conversation.id == made.id,
        "listed": [_texts(item) if item.type == "message" else [item.type] for item in listed],
        "read": _texts(read),
        "left": left,
        "metadata": changed.metadata,
        "deleted": deleted.deleted,
        "gone": _error_of(lambda: client.conversations.retrieve(made.id)),
        "answers": recorder.taken(),
    }


def counted() -> Any:
    """An input is counted, and what was said is made short."""
    first = responses.create(model=MODEL, input="My name is Ana.")
    short = responses.input_tokens.count(model=MODEL, input="Hello")
    more = responses.input_tokens.count(model=MODEL, input="Hello", previous_response_id=first.id)
    compacted = responses.compact(model=MODEL, previous_response_id=first.id)
    items: Any = [item.to_dict() for item in compacted.output]
    again = responses.create(model=MODEL, input=[*items, {"role": "user", "content": "Go on"}])
    return {
        "is_more": 0 < short.input_tokens < more.input_tokens,
        "items": [item.type for item in compacted.output],
        "text": again.output_text,
        "answers": recorder.taken(),
    }


def refusals() -> Any:
    """What is wrong, as the package tells it."""
    made = responses.create(model=MODEL, input="Hello")
    wrong: list[dict[str, Any]] = [
        {"previous_response_id": "resp_never"},
        {"previous_response_id": made.id, "conversation": "conv_never"},
        {"background": True, "store": False},
        {"input": [{"type": "riddle"}]},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
        {"model": "nothing"},
    ]
    return {
        "errors": [
            _error_of(lambda body=body: responses.create(**{**_ASKED, **body})) for body in wrong
        ],
        "answers": recorder.taken(),
    }


_ASKED: dict[str, Any] = {"model": MODEL, "input": "Hello"}


def _streamed(**body: Any) -> list[Any]:
    """Return the events of a stream, each with what the package's models find wrong with it."""
    create = responses.with_streaming_response.create
    with create(**{"model": MODEL, "stream": True, **body}) as answer:
        blocks = "\n".join(answer.iter_lines()).strip().split("\n\n")
    pairs = [block.split("\n") for block in blocks if not block.startswith(":")]
    told = []
    for name, data in pairs:
        event = json.loads(data.removeprefix("data: "))
        if name != f"event: {event['type']}":
            raise ValueError(f"{name!r} is not what {event['type']} is sent as")
        told.append({"data": event, "faults": faults_in(events, event)})
    return told


def _outputs(response: Any) -> list[Any]:
    return [
        {"type": "function_call_output", "call_id": item.call_id, "output": "sunny"}
        for item in response.output
        if item.type == "function_call"
    ]


def _texts(item: Any) -> list[str]:
    return [part.text for part in item.content]


def _logprobs(response: Any) -> int:
    return len(response.output[0].content[0].logprobs or ())


def _error_of(call: Any) -> list[Any]:
    try:
        call()
    except openai.APIStatusError as error:
        return [error.status_code, error.code, error.param]
    return ["no error"]


if __name__ == "__main__":
    main(
        {
            "plain": plain,
            "parsed": parsed,
            "functions": functions,
            "streams": streams,
            "background": background,
            "conversations": conversations,
            "counted": counted,
            "refusals": refusals,
        }
    )
