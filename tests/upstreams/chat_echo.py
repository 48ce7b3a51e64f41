"""A deterministic provider: answers as OpenAI would in form, and in substance by simple rules.

- A user's text is answered `You said: <text>`, a tool result `The tool says: <result>`.
- A tool is called when `tool_choice` demands one, or a word of its name is in the user's text; its
  arguments are filled from the text by `schema_filler`. Named and mentioned tools are all called in
  one answer, unless `parallel_tool_calls` is false.
- `response_format` is obeyed: json_schema filled in the same way, json_object `{"answer": ...}`, or
  with the keys that the user quotes ("with 'setup' and 'punchline' keys").
- A token is a word with the space before it; `max_tokens`, `stop`, `n`, `logprobs`, usage follow.
- Model `paced-20x5` streams 20 tokens, 5 ms apart; model `nothing` is not found (404); model
  `thinker` thinks before it answers or calls.
- Embeddings derive from a hash of the input: equal inputs give equal vectors of length one.
"""

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.upstreams.http_server import Call, Reply
from tests.upstreams.schema_filler import fill

CREATED = 1_700_000_000
DIMENSIONS = 8
_PACED = re.compile(r"paced-(\d+)x(\d+)")
_QUOTED = re.compile(r"[\"'](\w+)[\"']")
_KEYS = re.compile(r"[\"']\w+[\"']\W+(?:keys?|fields?|and)\b")
_TOKEN = re.compile(r"\s*\S+|\s+")


class Refusal(Exception):
    """An answer that is an error in OpenAI's envelope."""

    def __init__(self, message: str, status: int = 400, **fields: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {
            "message": message,
            "type": "invalid_request_error",
            "param": None,
            "code": None,
            **fields,
        }


@dataclass
class Draft:
    """What one choice will say."""

    text: str = ""
    reasoning: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    finish: str = "stop"

    @property
    def tokens(self) -> list[str]:
        return _TOKEN.findall(self.text)

    @property
    def token_count(self) -> int:
        """Tokens of everything that was generated."""
        made = [self.text, self.reasoning, *(c["function"]["arguments"] for c in self.calls)]
        return sum(len(_TOKEN.findall(text)) for text in made)


async def chat_echo(call: Call, reply: Reply) -> None:
    """Answer any route of the API that engines use."""
    try:
        match call.method, call.path:
            case "POST", "/chat/completions":
                await _chat(call.json, reply)
            case "POST", "/completions":
                await _text(call.json, reply)
            case "POST", "/embeddings":
                await reply.json(embeddings(call.json))
            case "POST", "/moderations":
                await reply.json(_moderation(call.json))
            case "GET", "/models":
                await reply.json({"object": "list", "data": _models()})
            case _:
                raise Refusal(f"Invalid URL ({call.method} {call.path})", 404)
    except Refusal as refusal:
        await reply.json({"error": refusal.error}, refusal.status)


async def _chat(body: dict[str, Any], reply: Reply) -> None:
    if found := _PACED.fullmatch(body.get("model", "")):
        await reply.events(_paced(int(found[1])), int(found[2]) / 1000)
        return
    check_chat(body)
    drafts = [draft(body, number) for number in range(body.get("n") or 1)]
    if body.get("stream"):
        await reply.events(stream_chunks(body, drafts))
    else:
        await reply.json(completion(body, drafts))


def check_chat(body: dict[str, Any]) -> None:
    """Refuse what no provider takes."""
    if body.get("model") == "nothing":
        raise Refusal("The model `nothing` does not exist", 404, code="model_not_found")
    if not body.get("messages"):
        raise Refusal("[] is too short - 'messages'", param="messages")


def draft(body: dict[str, Any], number: int) -> Draft:
    """Return what choice `number` says to a chat request."""
    calls = _calls(body)
    reasoning = "Let me think." if body["model"] == "thinker" else ""
    if calls:
        return Draft(reasoning=reasoning, calls=calls, finish="tool_calls")
    text = _spoken(body)
    made = Draft(text if number == 0 else f"{text} ({number + 1})", reasoning)
    return _cut(made, body)


def _spoken(body: dict[str, Any]) -> str:
    last = body["messages"][-1]
    said = text_of(last.get("content"))
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(fill(wanted["json_schema"].get("schema") or {}, said), ensure_ascii=False)
    if wanted.get("type") == "json_object":
        keys = _QUOTED.findall(said) if _KEYS.search(said) else ["answer"]
        return json.dumps(dict.fromkeys(keys, said), ensure_ascii=False)
    return f"The tool says: {said}" if last["role"] == "tool" else f"You said: {said}"


def _cut(made: Draft, body: dict[str, Any]) -> Draft:
    stops = body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        made.text = made.text.partition(stop)[0]
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    if limit and len(made.tokens) > limit:
        made.text = "".join(made.tokens[:limit])
        made.finish = "length"
    return made


def _calls(body: dict[str, Any]) -> list[dict[str, Any]]:
    last = body["messages"][-1]
    choice = body.get("tool_choice") or "auto"
    tools = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
    if not tools or choice == "none" or last["role"] == "tool":
        return []
    said = text_of(last.get("content"))
    if isinstance(choice, dict):
        chosen = [tool for tool in tools if tool["name"] == choice["function"]["name"]]
    else:
        chosen = [tool for tool in tools if _is_mentioned(tool["name"], said)]
        chosen = chosen or (tools[:1] if choice in ("required", "any") else [])
    if body.get("parallel_tool_calls") is False:
        chosen = chosen[:1]
    return [_call(tool, said, number) for number, tool in enumerate(chosen)]


def _is_mentioned(name: str, text: str) -> bool:
    words = [word for word in re.split(r"[_\-]|(?<=[a-z])(?=[A-Z])", name.lower()) if len(word) > 3]
    return any(re.search(rf"\b{re.escape(word)}", text.lower()) for word in [name.lower(), *words])


def _call(tool: dict[str, Any], said: str, number: int) -> dict[str, Any]:
    arguments = json.dumps(fill(tool.get("parameters") or {}, said), ensure_ascii=False)
    identity = hashlib.sha256(f"{tool['name']}{arguments}{number}".encode()).hexdigest()[:24]
    function = {"name": tool["name"], "arguments": arguments}
    return {"id": f"call_{identity}", "type": "function", "function": function}


def text_of(content: Any) -> str:
    """Return content as text; parts that are no text are named in brackets."""
    if isinstance(content, list):
        return " ".join(part.get("text") or f"[{part.get('type')}]" for part in content)
    return content or ""


def usage(body: dict[str, Any], drafts: list[Draft]) -> dict[str, Any]:
    """Return the counts of an answer."""
    prompt = sum(len(_TOKEN.findall(text_of(m.get("content")))) for m in body["messages"])
    made = sum(one.token_count for one in drafts)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": made,
        "total_tokens": prompt + made,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def completion(body: dict[str, Any], drafts: list[Draft]) -> dict[str, Any]:
    """Return a plain answer."""
    return {
        "id": _id(body),
        "object": "chat.completion",
        "created": CREATED,
        "model": body["model"],
        "choices": [_choice(body, one, number) for number, one in enumerate(drafts)],
        "usage": usage(body, drafts),
        "system_fingerprint": "fp_echo",
    }


def _choice(body: dict[str, Any], made: Draft, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": made.text or None, "refusal": None}
    if made.calls:
        message["tool_calls"] = made.calls
    if made.reasoning:
        message["reasoning_content"] = made.reasoning
    logprobs = {"content": [_logprob(t, body) for t in made.tokens], "refusal": None}
    return {
        "index": number,
        "message": message,
        "finish_reason": made.finish,
        "logprobs": logprobs if body.get("logprobs") else None,
    }


def _logprob(token: str, body: dict[str, Any]) -> dict[str, Any]:
    entry = {"token": token, "logprob": -0.1, "bytes": list(token.encode())}
    return {**entry, "top_logprobs": [entry] * (body.get("top_logprobs") or 0)}


def stream_chunks(body: dict[str, Any], drafts: list[Draft]) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a streamed answer, with usage when it was asked for."""
    head = {
        "id": _id(body),
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": body["model"],
        "system_fingerprint": "fp_echo",
    }
    wants_usage = (body.get("stream_options") or {}).get("include_usage")
    extra = {"usage": None} if wants_usage else {}
    for number, made in enumerate(drafts):
        for delta, logprobs in _deltas(body, made):
            part = {"index": number, "delta": delta, "logprobs": logprobs, "finish_reason": None}
            yield {**head, "choices": [part], **extra}
        last = {"index": number, "delta": {}, "logprobs": None, "finish_reason": made.finish}
        yield {**head, "choices": [last], **extra}
    if wants_usage:
        yield {**head, "choices": [], "usage": usage(body, drafts)}


def _deltas(body: dict[str, Any], made: Draft) -> Iterator[tuple[dict[str, Any], Any]]:
    yield {"role": "assistant", "content": None if made.calls else "", "refusal": None}, None
    for token in _TOKEN.findall(made.reasoning):
        yield {"reasoning_content": token}, None
    for token in made.tokens:
        logprobs = {"content": [_logprob(token, body)], "refusal": None}
        yield {"content": token}, logprobs if body.get("logprobs") else None
    for index, call in enumerate(made.calls):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        opening = {**call, "index": index, "function": {"name": name, "arguments": ""}}
        yield {"tool_calls": [opening]}, None
        for piece in re.findall(r".{1,8}", arguments, re.DOTALL):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None


def _paced(count: int) -> Iterator[dict[str, Any]]:
    head = {"id": "chatcmpl-paced", "created": CREATED, "model": "paced"}
    head["object"] = "chat.completion.chunk"
    opening = {"role": "assistant", "content": ""}
    yield {**head, "choices": [{"index": 0, "delta": opening, "finish_reason": None}]}
    for _ in range(count):
        yield {
            **head,
            "choices": [{"index": 0, "delta": {"content": " word"}, "finish_reason": None}],
        }
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    counts = {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}
    yield {**head, "choices": [], "usage": counts}


async def _text(body: dict[str, Any], reply: Reply) -> None:
    prompts = body.get("prompt") or ""
    prompts = prompts if isinstance(prompts, list) else [prompts]
    made = [_cut(Draft(f" You said: {prompt}"), body) for prompt in prompts]
    head = {"id": "cmpl-echo", "created": CREATED, "model": body["model"]}
    head["object"] = "text_completion"
    count = sum(one.token_count for one in made)
    counts = {"prompt_tokens": len(prompts), "completion_tokens": count}
    counts["total_tokens"] = len(prompts) + count
    blank = {"logprobs": None, "finish_reason": None}
    if not body.get("stream"):
        choices = [
            {"index": n, "text": m.text, "logprobs": None, "finish_reason": m.finish}
            for n, m in enumerate(made)
        ]
        await reply.json({**head, "choices": choices, "usage": counts})
        return
    chunks = []
    for number, one in enumerate(made):
        texts = [{"index": number, "text": token, **blank} for token in one.tokens]
        last = {"index": number, "text": "", "logprobs": None, "finish_reason": one.finish}
        chunks += [{**head, "choices": [choice]} for choice in [*texts, last]]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": counts})
    await reply.events(chunks)


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """Return vectors of `dimensions` numbers, in the encoding that was asked for."""
    inputs = body.get("input")
    if not inputs:
        raise Refusal("input is empty", param="input")
    if isinstance(inputs, str) or isinstance(inputs[0], int):
        inputs = [inputs]
    size = body.get("dimensions") or DIMENSIONS
    vectors = [_vector(json.dumps(one), size) for one in inputs]
    is_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": n, "embedding": _packed(v) if is_base64 else v}
        for n, v in enumerate(vectors)
    ]
    tokens = sum(len(one.split()) if isinstance(one, str) else len(one) for one in inputs)
    counts = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body["model"], "usage": counts}


def _vector(text: str, size: int) -> list[float]:
    numbers = [
        hashlib.sha256(f"{position}{text}".encode()).digest()[0] - 127.5 for position in range(size)
    ]
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _moderation(body: dict[str, Any]) -> dict[str, Any]:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    results = [
        {
            "flagged": "violence" in str(one),
            "categories": {"violence": "violence" in str(one)},
            "category_scores": {"violence": 0.9 if "violence" in str(one) else 0.1},
        }
        for one in inputs
    ]
    return {"id": "modr-echo", "model": body.get("model", "echo"), "results": results}


def _models() -> list[dict[str, Any]]:
    names = ("echo", "echo-embedding")
    return [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "echo"} for name in names
    ]


def _id(body: dict[str, Any]) -> str:
    text = json.dumps(body["messages"], sort_keys=True)
    return f"chatcmpl-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
