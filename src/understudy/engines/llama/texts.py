"""Legacy text completions on llama.cpp's server: one call for each text, since it counts no more
than one, and its answers in the API's form. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from understudy.engines.llama.answers import usage_so_far
from understudy.engines.llama.requests import sampling_body
from understudy.engines.llama.stops import StopCutter, stop_strings
from understudy.errors import UnsupportedParameter
from understudy.ids import new_id, now_s
from understudy.wire.chat import Usage
from understudy.wire.completions import DEFAULT_MAX_TOKENS

Chunk = dict[str, Any]

_OWN: Final = ("best_of", "echo", "suffix", "n", "prompt", "logprobs")


@dataclass(frozen=True, slots=True)
class TextCall:
    """One call, which writes the text number `index`."""

    index: int
    body: dict[str, Any]
    is_first_of_prompt: bool


def text_calls(request: Mapping[str, Any]) -> Iterator[TextCall]:
    """Yield a call for each text that is wanted; raise InvalidRequest for what cannot be done."""
    _refuse(request)
    body = {name: value for name, value in sampling_body(request).items() if name not in _OWN}
    body.setdefault("max_tokens", DEFAULT_MAX_TOKENS)
    if request.get("logprobs") is not None:
        body["logprobs"] = max(request["logprobs"], 1)
    count = request.get("n") or 1
    for number, prompt in enumerate(_prompts(request["prompt"])):
        for copy in range(count):
            seed = {"seed": body["seed"] + copy} if "seed" in body else {}
            call = {**body, **seed, "prompt": prompt}
            yield TextCall(number * count + copy, call, is_first_of_prompt=copy == 0)


def _refuse(request: Mapping[str, Any]) -> None:
    echo = bool(request.get("echo"))
    has_ids = any(not isinstance(prompt, str) for prompt in _prompts(request["prompt"]))
    refusals = {
        "suffix": bool(request.get("suffix")),
        "best_of": (request.get("best_of") or 0) > (request.get("n") or 1),
        "max_tokens": request.get("max_tokens") == 0,
        "echo": echo and (has_ids or request.get("logprobs") is not None),
    }
    for param, is_refused in refusals.items():
        if is_refused:
            raise UnsupportedParameter(
                f"Local models cannot honour '{param}' as it stands here. Leave it out.",
                param=param,
            )


def _prompts(prompt: Any) -> list[Any]:
    """Return the prompts, each a text or a list of token ids."""
    is_one = isinstance(prompt, str) or (bool(prompt) and isinstance(prompt[0], int))
    return [prompt] if is_one else list(prompt)


class TextReader:
    """Turns the chunks of a request's calls, one call after the other, into those of its answer."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._head: Chunk = {
            "id": new_id("cmpl-"),
            "object": "text_completion",
            "created": now_s(),
            "model": request["model"],
        }
        self._echoes = bool(request.get("echo"))
        self._top = request.get("logprobs") or 0
        self._stops = stop_strings(request.get("stop"))
        self._usage = Usage()

    def begin(self, call: TextCall) -> None:
        """Begin the text of `call`, which repeats its prompt where that is asked for."""
        self._call = call
        self._cutter = StopCutter(self._stops)
        self._unsaid: str = call.body["prompt"] if self._echoes else ""
        self._offset = 0
        self._counted = Usage()

    @property
    def has_stopped(self) -> bool:
        """Whether the text has come to a stop string, so that the rest need not be awaited."""
        return self._cutter.has_stopped

    def read(self, chunk: Chunk) -> Chunk | None:
        """Return what a chunk of the call adds to the answer, or None when it adds nothing."""
        self._counted = _counted(chunk) or self._counted
        if not chunk["choices"]:
            return None
        choice = chunk["choices"][0]
        text, entries = self._cutter.take(
            choice["text"], (choice["logprobs"] or {}).get("content", [])
        )
        reason = choice["finish_reason"]
        if self._cutter.has_stopped:
            reason = "stop"
        elif reason is not None:
            rest, more = self._cutter.rest()
            text, entries = text + rest, entries + more
        text, self._unsaid = self._unsaid + text, ""
        return self._chunk(text, reason, entries) if text or reason else None

    def end(self) -> None:
        """Count the call; texts of one prompt share it."""
        counted = self._counted
        prompt = counted.prompt_tokens if self._call.is_first_of_prompt else 0
        cached = counted.prompt_tokens_details.cached_tokens if prompt else 0
        usage = self._usage
        usage.prompt_tokens += prompt
        usage.completion_tokens += counted.completion_tokens
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
        usage.prompt_tokens_details.cached_tokens += cached

    def finish(self) -> Chunk:
        """Return the last chunk, which holds the usage."""
        return {**self._head, "choices": [], "usage": msgspec.to_builtins(self._usage)}

    def _chunk(self, text: str, reason: str | None, entries: list[Any]) -> Chunk:
        logprobs = self._logprobs(entries) if entries else None
        choice = {
            "text": text,
            "index": self._call.index,
            "logprobs": logprobs,
            "finish_reason": reason,
        }
        return {**self._head, "choices": [choice]}

    def _logprobs(self, entries: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """Return log probabilities as text completions have them: a list for each field."""
        tokens = [entry["token"] for entry in entries]
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token)
        top = [
            {other["token"]: other["logprob"] for other in entry["top_logprobs"][: self._top]}
            for entry in entries
        ]
        return {
            "tokens": tokens,
            "token_logprobs": [entry["logprob"] for entry in entries],
            "top_logprobs": top,
            "text_offset": offsets,
        }


def whole_answer(chunks: list[Chunk]) -> Chunk:
    """Return the answer that all chunks of a stream make up; the last one holds the usage."""
    choices: dict[int, Chunk] = {}
    for chunk in chunks:
        for part in chunk["choices"]:
            choice = choices.setdefault(part["index"], {**part, "text": "", "logprobs": None})
            choice["text"] += part["text"]
            choice["finish_reason"] = part["finish_reason"]
            choice["logprobs"] = _longer(choice["logprobs"], part["logprobs"])
    return {**chunks[-1], "choices": [choices[index] for index in sorted(choices)]}


def _longer(held: dict[str, Any] | None, more: dict[str, Any] | None) -> dict[str, Any] | None:
    if held is None or more is None:
        return held or more
    return {name: held[name] + more[name] for name in held}


def _counted(chunk: Chunk) -> Usage | None:
    """Return what was counted by this chunk; the last one has it under another name."""
    if usage := chunk.get("usage"):
        return msgspec.convert(usage, Usage)
    timings = chunk.get("timings")
    return usage_so_far(timings) if timings else None
