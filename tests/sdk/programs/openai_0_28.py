"""A user's program for openai 0.28, the last release before the rewrite: module-level calls, whose
address comes from OPENAI_API_BASE. Each section is one thing that programs do.
"""

import asyncio
import itertools
import json
import os
from pathlib import Path
from typing import Any

import openai
from openai.error import OpenAIError
from reporting import ABOUT_A_PERSON, PERSON, QUESTION, TEXTS, WEATHER, main, user, weather_in

MODEL = os.environ.get("MODEL", "gpt-3.5-turbo")
EMBEDDING_MODEL = os.environ.get("EMBEDDING_MODEL", "text-embedding-ada-002")
TOOLS: Any = [{"type": "function", "function": WEATHER}]
TIMEOUT = {"request_timeout": 30}


def ask(text: str, **options: Any) -> Any:
    return openai.ChatCompletion.create(model=MODEL, messages=user(text), **TIMEOUT, **options)


def chat() -> Any:
    return {language: ask(text).to_dict_recursive() for language, text in TEXTS.items()}


def stream() -> Any:
    """Stream what was answered plainly before."""
    seen = {}
    for language, text in TEXTS.items():
        chunks = list(ask(text, stream=True))
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        seen[language] = {
            "plain": ask(text)["choices"][0]["message"]["content"],
            "streamed": "".join(choice["delta"].get("content") or "" for choice in choices),
            "finish_reasons": [c["finish_reason"] for c in choices if c["finish_reason"]],
            "roles": [c["delta"]["role"] for c in choices if "role" in c["delta"]],
            "chunks": len(chunks),
        }
    return seen


def stream_usage() -> Any:
    chunks = [
        chunk.to_dict_recursive()
        for chunk in ask(TEXTS["en"], stream=True, stream_options={"include_usage": True})
    ]
    plain = ask(TEXTS["en"]).to_dict_recursive()["usage"]
    return {"plain": plain, "usages": [c.get("usage") for c in chunks], "last": chunks[-1]}


def tools() -> Any:
    first = ask(QUESTION, tools=TOOLS).to_dict_recursive()
    message = first["choices"][0]["message"]
    (call,) = message["tool_calls"]
    result = weather_in(**json.loads(call["function"]["arguments"]))
    answered = {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}
    history = [*user(QUESTION), message, answered]
    second = openai.ChatCompletion.create(model=MODEL, messages=history, tools=TOOLS, **TIMEOUT)
    return {"first": first, "second": second.to_dict_recursive()}


def streamed_tools() -> Any:
    pieces: list[Any] = []
    finish = None
    for chunk in ask(QUESTION, tools=TOOLS, stream=True):
        for choice in chunk.to_dict_recursive()["choices"]:
            finish = choice["finish_reason"] or finish
            pieces += choice["delta"].get("tool_calls", [])
    return {"pieces": pieces, "finish_reason": finish}


def forced_tool() -> Any:
    named = {"type": "function", "function": {"name": "get_weather"}}
    return ask("Say hello in Rome", tools=TOOLS, tool_choice=named).to_dict_recursive()


def functions() -> Any:
    """What programs of that time used."""
    first = ask(QUESTION, functions=[WEATHER], function_call="auto").to_dict_recursive()
    message = first["choices"][0]["message"]
    call = message["function_call"]
    result = weather_in(**json.loads(call["arguments"]))
    answered = {"role": "function", "name": call["name"], "content": json.dumps(result)}
    second = openai.ChatCompletion.create(
        model=MODEL,
        messages=[*user(QUESTION), message, answered],
        functions=[WEATHER],
        **TIMEOUT,
    )
    chunks = [c.to_dict_recursive() for c in ask(QUESTION, functions=[WEATHER], stream=True)]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    calls = [c["delta"]["function_call"] for c in choices if "function_call" in c["delta"]]
    return {
        "first": first,
        "second": second.to_dict_recursive(),
        "streamed": {
            "name": "".join(call.get("name", "") for call in calls),
            "arguments": "".join(call.get("arguments", "") for call in calls),
            "finish_reasons": [c["finish_reason"] for c in choices if c["finish_reason"]],
        },
    }


def structured() -> Any:
    wanted = {"name": "person", "schema": PERSON, "strict": True}
    forms = {
        "json_schema": {"type": "json_schema", "json_schema": wanted},
        "json_object": {"type": "json_object"},
    }
    return {
        name: ask(ABOUT_A_PERSON, response_format=form)["choices"][0]["message"]["content"]
        for name, form in forms.items()
    }


def embeddings() -> Any:
    """Vectors as this package asks for them by itself (base64), and as numbers."""
    inputs = list(TEXTS.values())
    create = openai.Embedding.create
    by_default = create(model=EMBEDDING_MODEL, input=inputs).to_dict_recursive()
    as_floats = create(model=EMBEDDING_MODEL, input=inputs, encoding_format="float")
    single = create(model=EMBEDDING_MODEL, input=inputs[0])
    return {
        "default": [item["embedding"] for item in by_default["data"]],
        "float": [item["embedding"] for item in as_floats["data"]],
        "single": [item["embedding"] for item in single["data"]],
        "indexes": [item["index"] for item in by_default["data"]],
        "usage": by_default["usage"],
    }


def completions() -> Any:
    asked = {"model": MODEL, "prompt": TEXTS["en"], "max_tokens": 64}
    plain = openai.Completion.create(**asked).to_dict_recursive()
    chunks = list(openai.Completion.create(**asked, stream=True))
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return {
        "plain": plain,
        "streamed": "".join(choice["text"] for choice in choices),
        "finish_reasons": [c["finish_reason"] for c in choices if c["finish_reason"]],
    }


def models() -> Any:
    listed = openai.Model.list().to_dict_recursive()["data"]
    return {
        "listed": listed,
        "retrieved": [openai.Model.retrieve(m["id"]).to_dict_recursive() for m in listed],
    }


def engines() -> Any:
    """Calls by `engine=`, which use paths of their own."""
    listed = openai.Engine.list().to_dict_recursive()
    hello = user("Hello")
    return {
        "listed": listed,
        "retrieved": openai.Engine.retrieve(listed["data"][0]["id"]).to_dict_recursive(),
        "chat": openai.ChatCompletion.create(engine=MODEL, messages=hello).to_dict_recursive(),
        "streamed": "".join(
            chunk["choices"][0]["delta"].get("content") or ""
            for chunk in openai.ChatCompletion.create(engine=MODEL, messages=hello, stream=True)
        ),
        "completion": openai.Completion.create(engine=MODEL, prompt="Hello").to_dict_recursive(),
        "embedding": openai.Embedding.create(
            engine=EMBEDDING_MODEL, input=[TEXTS["en"]]
        ).to_dict_recursive()["data"],
    }


def files() -> Any:
    """Send, list, read and delete files. This package judges no answer, and knows no pages."""
    answers: list[Any] = []

    def kept(route: str, answer: Any) -> Any:
        answer = answer.to_dict_recursive()
        answers.append({"route": route, "status": 200, "answer": answer, "faults": []})
        return answer

    def send(name: str, content: Any, purpose: str) -> str:
        created = openai.File.create(content, purpose, user_provided_filename=name)
        return str(kept("POST /files", created)["id"])

    made = [send(f"{n}.txt", b"This is text number %d." % n, "assistants") for n in range(4)]
    path = Path(__file__)
    made.append(send(path.name, path.open("rb"), "fine-tune"))
    listed = [file["id"] for file in kept("GET /files", openai.File.list())["data"]]
    size = path.stat().st_size
    chosen = openai.File.find_matching_files(path.name, size, "fine-tune")
    saw = {
        "made": made,
        "content": openai.File.download(made[0]).decode(),
        "listed": listed,
        "chosen": [file["id"] for file in chosen],
        "retrieved": kept(f"GET /files/{made[-1]}", openai.File.retrieve(made[-1]))["filename"],
        "waited": openai.File.wait_for_processing(made[0]),
        "deleted": [kept(f"DELETE /files/{id_}", openai.File.delete(id_))["id"] for id_ in listed],
        "left": kept("GET /files", openai.File.list())["data"],
    }
    try:
        openai.File.retrieve(made[0])
    except OpenAIError as error:
        saw["missing"] = {"class": type(error).__name__, "status": error.http_status}
    return {"saw": saw, "answers": answers}


def in_parallel() -> Any:
    """The async calls: three plain answers and a stream at once."""
    create = openai.ChatCompletion.acreate

    async def plain(text: str) -> str:
        answer = await create(model=MODEL, messages=user(text))
        return str(answer["choices"][0]["message"]["content"])

    async def streamed(text: str) -> str:
        chunks = await create(model=MODEL, messages=user(text), stream=True)
        return "".join([c["choices"][0]["delta"].get("content") or "" async for c in chunks])

    async def run() -> Any:
        plains = [plain(text) for text in TEXTS.values()]
        return await asyncio.gather(*plains, streamed(TEXTS["en"]))

    return asyncio.run(run())


def cancel() -> Any:
    """Leave a long stream after its third chunk; this package lets go of it when it ends."""
    chunks = openai.ChatCompletion.create(
        model="scripted/paced-2000x10", messages=user("Hello"), stream=True
    )
    return len(list(itertools.islice(chunks, 3)))


def error_of(**request: Any) -> Any:
    try:
        answer = openai.ChatCompletion.create(**request)
        if request.get("stream"):
            return {"class": None, "text": [chunk.to_dict_recursive() for chunk in answer]}
    except OpenAIError as error:
        body = (error.json_body or {}).get("error", {})
        return {
            "class": type(error).__name__,
            "status": error.http_status,
            "message": str(error),
            "param": body.get("param"),
            "code": body.get("code"),
        }
    return {"class": None, "answer": answer.to_dict_recursive()}


def errors() -> Any:
    hello = user("Hello")
    return {
        "unknown model": error_of(model="no-such-model", messages=hello),
        "bad value": error_of(model=MODEL, messages=hello, temperature=9),
        "no messages": error_of(model=MODEL, messages=[]),
        "wrong key": error_of(api_key="sk-wrong", model=MODEL, messages=hello),
    }


def one_error() -> Any:
    """A plain call: the test decides what goes wrong."""
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
            "embeddings": embeddings,
            "completions": completions,
            "models": models,
            "engines": engines,
            "files": files,
            "in_parallel": in_parallel,
            "cancel": cancel,
            "errors": errors,
            "one_error": one_error,
            "one_stream_error": one_stream_error,
        }
    )
