"""A user's program for the openai package, 1.14 and later: only environment variables say where
the API is. Each section is one thing that programs do.
"""

import asyncio
import itertools
import json
import os
from typing import Any

import openai
from reporting import ABOUT_A_PERSON, PERSON, QUESTION, TEXTS, WEATHER, main, user, weather_in

VERSION = tuple(int(part) for part in openai.__version__.split(".")[:2])
HAS_STREAM_OPTIONS = VERSION >= (1, 26)
HAS_PARSE = VERSION >= (1, 92)
MODEL = os.environ.get("MODEL", "gpt-4o-mini")
EMBEDDING_MODEL = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
TOOLS: Any = [{"type": "function", "function": WEATHER}]

client = openai.OpenAI(max_retries=0, timeout=30)


def ask(text: str, **options: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=user(text), **options)


def chat() -> Any:
    return {language: ask(text).model_dump() for language, text in TEXTS.items()}


def stream() -> Any:
    """Stream what was answered plainly before."""
    seen = {}
    for language, text in TEXTS.items():
        chunks = list(ask(text, stream=True))
        choices = [choice for chunk in chunks for choice in chunk.choices]
        seen[language] = {
            "plain": ask(text).choices[0].message.content,
            "streamed": "".join(choice.delta.content or "" for choice in choices),
            "finish_reasons": [c.finish_reason for c in choices if c.finish_reason],
            "roles": [choice.delta.role for choice in choices if choice.delta.role],
            "chunks": len(chunks),
        }
    return seen


def stream_usage() -> Any:
    options = {"stream_options": {"include_usage": True}}
    sent = options if HAS_STREAM_OPTIONS else {"extra_body": options}
    chunks = [chunk.model_dump() for chunk in ask(TEXTS["en"], stream=True, **sent)]
    plain = ask(TEXTS["en"]).model_dump()["usage"]
    return {"plain": plain, "usages": [c.get("usage") for c in chunks], "last": chunks[-1]}


def tools() -> Any:
    """Let the model call the tool, run it, and give the result back."""
    first = ask(QUESTION, tools=TOOLS)
    message = first.choices[0].message
    (call,) = message.tool_calls
    result = weather_in(**json.loads(call.function.arguments))
    answered = {"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)}
    history = [*user(QUESTION), message.model_dump(exclude_none=True), answered]
    second = client.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)
    return {"first": first.model_dump(), "second": second.model_dump()}


def streamed_tools() -> Any:
    pieces: list[dict[str, Any]] = []
    finish = None
    for chunk in ask(QUESTION, tools=TOOLS, stream=True):
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            pieces += [
                call.model_dump(exclude_unset=True) for call in choice.delta.tool_calls or ()
            ]
    return {"pieces": pieces, "finish_reason": finish}


def forced_tool() -> Any:
    named = {"type": "function", "function": {"name": "get_weather"}}
    return ask("Say hello in Rome", tools=TOOLS, tool_choice=named).model_dump()


def functions() -> Any:
    """The form before tools."""
    first = ask(QUESTION, functions=[WEATHER], function_call="auto")
    call = first.choices[0].message.function_call
    result = weather_in(**json.loads(call.arguments))
    asked = {"name": call.name, "arguments": call.arguments}
    history = [
        *user(QUESTION),
        {"role": "assistant", "content": None, "function_call": asked},
        {"role": "function", "name": call.name, "content": json.dumps(result)},
    ]
    second = client.chat.completions.create(model=MODEL, messages=history, functions=[WEATHER])
    chunks = ask(QUESTION, functions=[WEATHER], stream=True)
    deltas = [choice for chunk in chunks for choice in chunk.choices]
    calls = [choice.delta.function_call for choice in deltas if choice.delta.function_call]
    return {
        "first": first.model_dump(),
        "second": second.model_dump(),
        "streamed": {
            "name": "".join(call.name or "" for call in calls),
            "arguments": "".join(call.arguments or "" for call in calls),
            "finish_reasons": [c.finish_reason for c in deltas if c.finish_reason],
        },
    }


def structured() -> Any:
    wanted = {"name": "person", "schema": PERSON, "strict": True}
    by_schema = ask(ABOUT_A_PERSON, response_format={"type": "json_schema", "json_schema": wanted})
    as_object = ask(ABOUT_A_PERSON, response_format={"type": "json_object"})
    return {
        "json_schema": by_schema.choices[0].message.content,
        "json_object": as_object.choices[0].message.content,
    }


def parse() -> Any:
    """Typed answers, where the package offers them under its new and its old name."""
    if not HAS_PARSE:
        return None
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    asked: Any = {
        "model": MODEL,
        "messages": user(ABOUT_A_PERSON),
        "response_format": Person,
    }
    answers = [client.chat.completions.parse(**asked)]
    if hasattr(client.beta, "chat"):
        answers.append(client.beta.chat.completions.parse(**asked))
    with client.chat.completions.stream(**asked) as events:
        answers.append(events.get_final_completion())
    tool = openai.pydantic_function_tool(Person)
    called = client.chat.completions.parse(
        model=MODEL, messages=user(ABOUT_A_PERSON), tools=[tool], tool_choice="required"
    )
    calls = called.choices[0].message.tool_calls or []
    return {
        "parsed": [answer.choices[0].message.parsed.model_dump() for answer in answers],
        "tool": [call.function.parsed_arguments.model_dump() for call in calls],
    }


def embeddings() -> Any:
    """Vectors in the encoding that the client asks for by itself, and as numbers."""
    inputs = list(TEXTS.values())
    create = client.embeddings.create
    by_default = create(model=EMBEDDING_MODEL, input=inputs)
    as_floats = create(model=EMBEDDING_MODEL, input=inputs, encoding_format="float")
    single = create(model=EMBEDDING_MODEL, input=inputs[0])
    return {
        "default": [item.embedding for item in by_default.data],
        "float": [item.embedding for item in as_floats.data],
        "single": [item.embedding for item in single.data],
        "indexes": [item.index for item in by_default.data],
        "usage": by_default.usage.model_dump(),
    }


def completions() -> Any:
    create = client.completions.create
    plain = create(model=MODEL, prompt=TEXTS["en"], max_tokens=64)
    chunks = list(create(model=MODEL, prompt=TEXTS["en"], max_tokens=64, stream=True))
    return {
        "plain": plain.model_dump(),
        "streamed": "".join(choice.text for chunk in chunks for choice in chunk.choices),
        "finish_reasons": [c.finish_reason for k in chunks for c in k.choices if c.finish_reason],
    }


def models() -> Any:
    listed = [model.model_dump() for model in client.models.list()]
    return {
        "listed": listed,
        "retrieved": [client.models.retrieve(model["id"]).model_dump() for model in listed],
    }


def headers() -> Any:
    answer = client.chat.completions.with_raw_response.create(model=MODEL, messages=user("Hello"))
    return {"headers": dict(answer.headers), "parsed": answer.parse().model_dump()}


def in_parallel() -> Any:
    """The async client: three plain answers and a stream at once."""

    async def run() -> Any:
        async with openai.AsyncOpenAI(max_retries=0, timeout=30) as async_client:
            create = async_client.chat.completions.create

            async def plain(text: str) -> str:
                answer = await create(model=MODEL, messages=user(text))
                return answer.choices[0].message.content or ""

            async def streamed(text: str) -> str:
                chunks = await create(model=MODEL, messages=user(text), stream=True)
                return "".join(
                    [c.choices[0].delta.content or "" async for c in chunks if c.choices]
                )

            plains = [plain(text) for text in TEXTS.values()]
            return await asyncio.gather(*plains, streamed(TEXTS["en"]))

    return asyncio.run(run())


def cancel() -> Any:
    """Close a long stream after its third chunk."""
    chunks = client.chat.completions.create(
        model="scripted/paced-2000x10", messages=user("Hello"), stream=True
    )
    seen = list(itertools.islice(chunks, 3))
    chunks.close()
    return len(seen)


def error_of(**request: Any) -> Any:
    asked_client = request.pop("client", client)
    try:
        answer = asked_client.chat.completions.create(**request)
        if request.get("stream"):
            return {"class": None, "text": [chunk.model_dump() for chunk in answer]}
    except openai.APIError as error:
        return {
            "class": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "message": error.message,
            "param": error.param,
            "code": error.code,
            "body": error.body,
        }
    return {"class": None, "answer": answer.model_dump()}


def errors() -> Any:
    hello = user("Hello")
    stranger = openai.OpenAI(api_key="sk-wrong", max_retries=0)
    return {
        "unknown model": error_of(model="no-such-model", messages=hello),
        "bad value": error_of(model=MODEL, messages=hello, temperature=9),
        "no messages": error_of(model=MODEL, messages=[]),
        "wrong key": error_of(client=stranger, model=MODEL, messages=hello),
    }


def one_error() -> Any:
    """A plain call and no retry: the test decides what goes wrong."""
    return error_of(model=MODEL, messages=user("Hello"))


def one_stream_error() -> Any:
    return error_of(model=MODEL, messages=user("Hello"), stream=True)


if __name__ == "__main__":
    main(
        {
            "chat": chat,
            "stream": stream,
            "stream_usage": stream_usage,
            "tools": tools,
            "streamed_tools": streamed_tools,
            "forced_tool": forced_tool,
            "functions": functions,
            "structured": structured,
            "parse": parse,
            "embeddings": embeddings,
            "completions": completions,
            "models": models,
            "headers": headers,
            "in_parallel": in_parallel,
            "cancel": cancel,
            "errors": errors,
            "one_error": one_error,
            "one_stream_error": one_stream_error,
        }
    )
