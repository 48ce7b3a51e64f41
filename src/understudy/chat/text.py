"""Legacy text completions: passed on where the engine serves them, else made of chat completions.

A prompt becomes one user message, and the assistant's answer becomes the completed text.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from understudy.chat.completion import Answered, ChatCompletions, StreamAnswer
from understudy.chat.structured import add_usage
from understudy.engines.base import TextEngine
from understudy.engines.registry import NOBODY, Asker, Registry, Route
from understudy.errors import InvalidValue, MissingParameter, UnsupportedParameter
from understudy.ids import new_id, now_s
from understudy.wire.base import check_shape
from understudy.wire.chat import ChatChunk, Usage
from understudy.wire.completions import (
    DEFAULT_MAX_TOKENS,
    CompletionRequestShape,
    TextChoice,
    TextCompletion,
)

_SHARED = (
    "frequency_penalty",
    "logit_bias",
    "n",
    "presence_penalty",
    "seed",
    "stop",
    "temperature",
    "top_p",
    "user",
)
"""Parameters that mean the same in a chat request."""
_DEFAULTED = ("temperature", "top_p", "max_tokens")
"""What the settings of a model can say for requests that leave it out."""
_KNOWN_FIELDS = frozenset(CompletionRequestShape.__struct_fields__)


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A judged request, and who answers it."""

    body: dict[str, Any]
    shape: CompletionRequestShape
    route: Route
    asker: Asker = NOBODY
    ignored: tuple[str, ...] = ()
    """Fields without effect."""

    @property
    def wants_usage(self) -> bool:
        """Whether the stream shall end with a usage chunk."""
        return bool(self.shape.stream_options and self.shape.stream_options.include_usage)

    @property
    def answered(self) -> Answered:
        """Who answers, and what had no effect."""
        return Answered(self.route.served, self.ignored)


class TextCompletions:
    """Text completions on whichever engine a request's model leads to."""

    def __init__(self, registry: Registry, chat: ChatCompletions) -> None:
        self._registry = registry
        self._chat = chat

    async def prepare(self, body: object, asker: Asker = NOBODY) -> PreparedText:
        """Judge `body` and find who answers it; raises InvalidRequest or ModelNotFound."""
        shape = check_shape(body, CompletionRequestShape)
        assert isinstance(body, dict)
        if shape.stream_options is not None and not shape.stream:
            raise InvalidValue("stream_options", "it is only allowed when 'stream' is true")
        if shape.best_of is not None and shape.best_of < (shape.n or 1):
            raise InvalidValue("best_of", "it must not be smaller than 'n'")
        if shape.stream and (shape.best_of or 1) > 1:
            raise InvalidValue("best_of", "it can't be used with 'stream'")
        prompts_of(shape)
        route = await self._registry.route(shape.model, asker=asker)
        return PreparedText(body, shape, route, asker, _without_effect(body, route))

    async def complete(self, prepared: PreparedText) -> tuple[object, Answered]:
        """Return the whole `text_completion`, and who answered its last prompt."""
        answered = prepared.answered
        if engine := _native(prepared.route):
            return await engine.complete_text(_passed_on(prepared)), answered
        answer = _empty(prepared)
        for number, prompt in enumerate(_texts(prepared)):
            request = await self._chat.prepare(_chat_body(prepared, prompt), prepared.asker)
            completion, answered = await self._chat.complete(request)
            answer.model = completion.model
            answer.usage = add_usage(_usage(answer), completion.usage)
            for choice in completion.choices:
                text = _echoed(prepared, prompt) + (choice.message.content or "")
                index = number * (prepared.shape.n or 1) + choice.index
                answer.choices.append(TextChoice(text, index, choice.finish_reason))
        return answer, answered

    @asynccontextmanager
    async def stream(self, prepared: PreparedText) -> AsyncIterator[StreamAnswer]:
        """Open the stream of text chunks, one prompt after the other."""
        if engine := _native(prepared.route):
            chunks = _with_usage_rule(engine.stream_text(_passed_on(prepared)), prepared)
            answer = StreamAnswer(chunks, prepared.answered)
        else:
            answer = StreamAnswer(_nothing(), prepared.answered)
            answer.chunks = chunks = self._chat_chunks(prepared, answer)
        async with aclosing(chunks):
            yield answer

    async def _chat_chunks(
        self, prepared: PreparedText, opened: StreamAnswer
    ) -> AsyncGenerator[object, None]:
        """Yield the text chunks, telling `opened` who answers."""
        head = _empty(prepared)
        head.usage = None if prepared.wants_usage else UNSET
        usage = Usage()
        for number, prompt in enumerate(_texts(prepared)):
            body = {**_chat_body(prepared, prompt), "stream": True}
            body["stream_options"] = {"include_usage": True}
            request = await self._chat.prepare(body, prepared.asker)
            first_index = number * (prepared.shape.n or 1)
            async with self._chat.stream(request) as answer:
                opened.answered = answer.answered
                is_first = True
                async for chunk in answer.chunks:
                    assert isinstance(chunk, ChatChunk)
                    head.model = chunk.model
                    if is_first and (choices := _echo_choices(prepared, prompt, first_index)):
                        yield msgspec.structs.replace(head, choices=choices)
                    is_first = False
                    if isinstance(chunk.usage, Usage):
                        usage = add_usage(usage, chunk.usage)
                    if choices := _text_choices(chunk, first_index):
                        yield msgspec.structs.replace(head, choices=choices)
        if prepared.wants_usage:
            yield msgspec.structs.replace(head, choices=[], usage=usage)


def prompts_of(shape: CompletionRequestShape) -> list[str] | list[list[int]]:
    """Return the prompts, each a text or a list of token ids; raises InvalidRequest."""
    prompt = shape.prompt
    if prompt is None:
        raise MissingParameter("prompt")
    if isinstance(prompt, str):
        return [prompt]
    if not prompt:
        raise InvalidValue("prompt", "the array is empty")
    if all(isinstance(part, str) for part in prompt):
        return prompt
    if _are_tokens(prompt):
        return [prompt]
    if all(isinstance(part, list) and part and _are_tokens(part) for part in prompt):
        return prompt
    raise InvalidValue("prompt", "expected a string, strings, token ids, or arrays of token ids")


def _are_tokens(values: list[Any]) -> bool:
    return all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in values)


def _texts(prepared: PreparedText) -> list[str]:
    """Return the prompts for a chat model, which lacks some of what text models do."""
    shape, model = prepared.shape, prepared.route.served
    unsupported = {
        "suffix": bool(shape.suffix),
        "logprobs": shape.logprobs is not None,
        "best_of": (shape.best_of or 0) > (shape.n or 1),
        "max_tokens": shape.max_tokens == 0,
    }
    for param, is_wanted in unsupported.items():
        if is_wanted:
            raise UnsupportedParameter(
                f"'{model}' is a chat model and cannot honour '{param}' in text completions.",
                param=param,
            )
    texts = [prompt for prompt in prompts_of(shape) if isinstance(prompt, str)]
    if not texts:
        raise UnsupportedParameter(
            f"'{model}' takes text, not token ids: send the prompt as a string.", param="prompt"
        )
    return texts


def _chat_body(prepared: PreparedText, prompt: str) -> dict[str, Any]:
    shared = {name: prepared.body[name] for name in _SHARED if prepared.body.get(name) is not None}
    limit = prepared.shape.max_tokens or DEFAULT_MAX_TOKENS
    messages = [{"role": "user", "content": prompt}]
    return {**shared, "model": prepared.shape.model, "messages": messages, "max_tokens": limit}


def _native(route: Route) -> TextEngine | None:
    engine = route.engine
    if not isinstance(engine, TextEngine):
        return None
    return engine if engine.capabilities(route.model).text_completions else None


def _without_effect(body: dict[str, Any], route: Route) -> tuple[str, ...]:
    """Return the fields that an engine which completes texts itself does not know."""
    can = route.engine.capabilities(route.model)
    if _native(route) is None or can.unknown_fields:
        return ()
    known = _KNOWN_FIELDS | can.extra_fields
    return tuple(name for name in body if name not in known)


def _passed_on(prepared: PreparedText) -> dict[str, object]:
    known = {name: part for name, part in prepared.body.items() if name not in prepared.ignored}
    settings = prepared.route.settings
    for name in _DEFAULTED:
        if known.get(name) is None and (default := getattr(settings, name)) is not None:
            known[name] = default
    return {**known, "model": prepared.route.model}


async def _with_usage_rule(
    chunks: AsyncGenerator[dict[str, object], None], prepared: PreparedText
) -> AsyncGenerator[object, None]:
    async with aclosing(chunks):
        async for chunk in chunks:
            if prepared.wants_usage:
                yield {"usage": None, **chunk}
            elif chunk["choices"]:
                yield chunk


def _text_choices(chunk: ChatChunk, first_index: int) -> list[TextChoice]:
    return [
        TextChoice(choice.delta.content or "", first_index + choice.index, choice.finish_reason)
        for choice in chunk.choices
        if choice.delta.content or choice.finish_reason
    ]


def _echo_choices(prepared: PreparedText, prompt: str, first_index: int) -> list[TextChoice]:
    if not prepared.shape.echo:
        return []
    count = prepared.shape.n or 1
    return [TextChoice(prompt, first_index + index, None) for index in range(count)]


async def _nothing() -> AsyncGenerator[object, None]:
    return
    yield


def _echoed(prepared: PreparedText, prompt: str) -> str:
    return prompt if prepared.shape.echo else ""


def _empty(prepared: PreparedText) -> TextCompletion:
    return TextCompletion(new_id("cmpl-"), now_s(), prepared.route.model, [], Usage())


def _usage(answer: TextCompletion) -> Usage:
    return answer.usage if isinstance(answer.usage, Usage) else Usage()
