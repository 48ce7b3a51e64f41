"""The chunks of llama.cpp's server as the API has them: cut at stop strings, calls read out of
text, log probabilities of the content alone, usage over all choices. Pure; one reader per stream.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from understudy.engines.decode import RawAnswer, RawUsage
from understudy.engines.llama.forced_calls import (
    CallReader,
    allows_one_call,
    forces_a_call,
    writes_calls_as_json,
)
from understudy.engines.llama.stops import Piece, StopCutter, stop_strings
from understudy.engines.normalise import StreamNormaliser
from understudy.wire.chat import (
    ChatChunk,
    ChatRequest,
    ChunkChoice,
    Delta,
    PromptTokensDetails,
    Usage,
)

_NOTHING = Delta()
_NO_PIECE: Piece = ("", [])


class LlamaNormaliser(StreamNormaliser):
    """Adds up what llama.cpp counts choice by choice; the prompt counts once.

    Where llama.cpp counts while it writes, a chunk carries the usage of its choice so far.
    """

    def take(self, raw: RawAnswer) -> ChatChunk | None:
        """Return what `raw` adds to the answer, or None when it adds nothing."""
        if raw.usage is not None and self._usage is not None:
            raw.usage = _with_another_choice(self._usage, raw.usage)
        chunk = super().take(raw)
        if chunk is not None and raw.timings:
            chunk.usage = usage_so_far(raw.timings)
        return chunk


class AnswerReader:
    """Turns the chunks that llama.cpp streams into those of the answer to `request`."""

    def __init__(self, request: ChatRequest, choices: int) -> None:
        self._top_logprobs = request.get("top_logprobs") or 0
        self._reads_calls = writes_calls_as_json(request)
        # What is demanded as a call is no text.
        self._stops = [] if forces_a_call(request) else stop_strings(request.get("stop"))
        self._calls_once = allows_one_call(request)
        self._choices = {index: _Choice(self._stops) for index in range(choices)}
        self._usage = Usage()

    @property
    def is_over(self) -> bool:
        """Whether every choice was ended here, so that the rest need not be awaited."""
        return all(choice.has_stopped for choice in self._choices.values())

    @property
    def usage(self) -> Usage:
        """What was counted: by llama.cpp, or up to where choices were ended here."""
        made = [choice.usage for choice in self._choices.values() if choice.usage is not None]
        if not any(choice.has_stopped for choice in self._choices.values()):
            return self._usage
        return _whole_usage(made[0], sum(usage.completion_tokens for usage in made))

    def read(self, chunk: ChatChunk) -> ChatChunk | None:
        """Return the chunk as it is to be sent, or None when nothing is left of it."""
        counted, chunk.usage = chunk.usage, UNSET
        if not chunk.choices:
            self._usage = counted if isinstance(counted, Usage) else self._usage
            return None
        chunk.choices = [part for part in chunk.choices if self._read(part, counted)]
        return chunk if chunk.choices else None

    def _read(self, part: ChunkChoice, counted: Usage | UnsetType | None) -> bool:
        """Rewrite `part`, and tell whether it still says something."""
        choice = self._choices[part.index]
        if choice.has_stopped:
            return False
        if isinstance(counted, Usage):
            choice.usage = counted
        if part.logprobs:
            part.logprobs = _logprobs_of_content(part, self._top_logprobs)
        if self._reads_calls:
            choice.read_calls(part)
        else:
            _name_calls(part)
        if self._stops:
            choice.cut(part)
        if self._calls_once:
            choice.keep_first_call(part)
        choice.close(part)
        return part.delta != _NOTHING or part.finish_reason is not None


class _Choice:
    """What was seen of one choice."""

    def __init__(self, stops: list[str]) -> None:
        self.usage: Usage | None = None
        self.has_stopped = False
        self._calls = CallReader()
        self._cutter = StopCutter(stops)
        self._is_empty = True

    def read_calls(self, part: ChunkChoice) -> None:
        """Turn text that is a list of calls into calls."""
        delta = part.delta
        if isinstance(delta.content, str):
            text, calls = self._calls.take(delta.content)
            delta.content = text or UNSET
            delta.tool_calls = calls or UNSET

    def cut(self, part: ChunkChoice) -> None:
        """Hold back what could be a stop string, and end the choice where one is."""
        delta = part.delta
        text, entries = _NO_PIECE
        if isinstance(delta.content, str):
            belongings = part.logprobs["content"] if part.logprobs else []
            text, entries = self._cutter.take(delta.content, belongings)
        if self._cutter.has_stopped:
            self.has_stopped, part.finish_reason = True, "stop"
        elif part.finish_reason is not None:
            text, entries = self._cutter.rest()
        delta.content = text or UNSET
        part.logprobs = {"content": entries, "refusal": None} if entries else UNSET

    def keep_first_call(self, part: ChunkChoice) -> None:
        """End the choice where it begins a second call, of which llama.cpp does not keep it."""
        calls = part.delta.tool_calls or []
        first = [call for call in calls if call.index == 0]
        if len(first) < len(calls):
            self.has_stopped, part.finish_reason = True, "tool_calls"
            part.delta.tool_calls = first or UNSET

    def close(self, part: ChunkChoice) -> None:
        """Make the last chunk say what the choice was: calls, or text, be it empty."""
        delta = part.delta
        self._is_empty = self._is_empty and not (delta.content or delta.tool_calls)
        if part.finish_reason is None:
            return
        if self._calls.has_calls and part.finish_reason == "stop":
            part.finish_reason = "tool_calls"
        if self._is_empty:
            delta.content = ""


def groups(request: ChatRequest, most: int) -> Iterator[tuple[int, ChatRequest]]:
    """Yield requests for at most `most` choices each, with the index of the first choice.

    llama.cpp gives the choice number i the seed + i, and so does this.
    """
    wanted = request.get("n") or 1
    for first in range(0, wanted, most):
        part: dict[str, Any] = {**request, "n": min(most, wanted - first)}
        if first and "seed" in part:
            part["seed"] += first
        yield first, cast("ChatRequest", part)


def total(usages: list[Usage]) -> Usage:
    """Return the usage of groups of choices, which share their prompt."""
    return _whole_usage(usages[0], sum(usage.completion_tokens for usage in usages))


def _whole_usage(one: Usage, completion_tokens: int) -> Usage:
    return msgspec.structs.replace(
        one,
        completion_tokens=completion_tokens,
        total_tokens=one.prompt_tokens + completion_tokens,
    )


def _name_calls(part: ChunkChoice) -> None:
    """Give calls ids in the API's form; llama.cpp's are bare."""
    for call in part.delta.tool_calls or ():
        if call.id:
            call.id = f"call_{call.id}"


def _logprobs_of_content(part: ChunkChoice, top: int) -> dict[str, Any] | UnsetType:
    """Return the log probabilities in OpenAI's form; UNSET for those of anything but content."""
    if not part.delta.content or not part.logprobs:
        return UNSET
    entries = [
        {**_entry(entry), "top_logprobs": [_entry(other) for other in entry["top_logprobs"][:top]]}
        for entry in part.logprobs["content"] or ()
    ]
    return {**part.logprobs, "content": entries}


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the API knows; llama.cpp adds the token's id."""
    return {name: entry[name] for name in ("token", "logprob", "bytes")}


def _with_another_choice(sum_: RawUsage, choice: RawUsage) -> RawUsage:
    made = (sum_.completion_tokens or 0) + (choice.completion_tokens or 0)
    prompt = sum_.prompt_tokens or 0
    return msgspec.structs.replace(sum_, completion_tokens=made, total_tokens=prompt + made)


def usage_so_far(timings: Mapping[str, Any]) -> Usage:
    """Return what llama.cpp has counted, from the `timings` of a chunk."""
    cached = timings["cache_n"]
    prompt, made = cached + timings["prompt_n"], timings["predicted_n"]
    return Usage(prompt, made, prompt + made, PromptTokensDetails(cached_tokens=cached))
