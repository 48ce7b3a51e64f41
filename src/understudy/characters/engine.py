"""Instances and characters as models: the persona goes before the client's messages, what a person
tells is remembered before the answer ends, and a real model answers.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from msgspec import UNSET, structs

from understudy.characters import learning, memory_functions, replies, statements
from understudy.characters.memory import Blocks, Edit
from understudy.characters.memory_changes import Origin
from understudy.characters.memory_functions import Function
from understudy.characters.persona import Called, Part, Persona, parts, prompt
from understudy.characters.remembering import Memories
from understudy.characters.split_calls import CallSplitter, OwnCall
from understudy.characters.surroundings import Surroundings
from understudy.chat.structured import add_usage
from understudy.engines.base import Capabilities, ModelInfo
from understudy.engines.collect import Collector
from understudy.engines.extractive import CHAT_MODEL, ExtractiveEngine
from understudy.engines.extractive.conversation import text_of
from understudy.engines.registry import Asker, Route
from understudy.errors import InvalidRequest
from understudy.wire.chat import (
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    ChunkChoice,
    Delta,
    Usage,
)
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

_MOST_ROUNDS = 4
"""Answers that only change the memory before one must go to the client."""
_ARCHIVED_LINES = 5


@dataclass(frozen=True, slots=True)
class Being:
    """Who answers: a persona, the instance whose memory it has, and the model behind it."""

    persona: Persona
    inner: Route
    created_at: int
    instance_id: str | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether the embedded model stands behind it."""
        return isinstance(self.inner.engine, ExtractiveEngine)


class _StoodIn(Exception):
    """The embedded model stands in for one that calls functions: the rules have to remember."""

    def __init__(self, route: Route) -> None:
        super().__init__(route.served)
        self.route = route


class PersonaEngine:
    """One persona as an engine, for one request or run."""

    name = "understudy"

    def __init__(self, surroundings: Surroundings, being: Being, asker: Asker) -> None:
        self._surroundings = surroundings
        self._being = being
        self._asker = asker
        self._memories = Memories(surroundings.storage, asker.project_id)

    @property
    def context_length(self) -> int | None:
        """How many tokens the model behind can read, the persona's own included."""
        inner = self._being.inner
        return inner.engine.capabilities(inner.model).context_length

    def capabilities(self, model: str) -> Capabilities:
        """Return what the model behind can do, with what the persona leaves of its context."""
        inner = self._being.inner
        can = inner.engine.capabilities(inner.model)
        context_length = can.context_length
        if context_length is not None:
            own = sum(part.tokens for part in parts(self._being.persona, Called()))
            context_length = max(context_length // 2, context_length - own)
        return replace(
            can,
            kind="chat",
            # What the model behind lacks is made up for when it is asked.
            n=False,
            json_schema=True,
            enforces_schema=Capabilities().enforces_schema,
            text_completions=False,
            context_length=context_length,
        )

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        """Return the whole answer."""
        collector = Collector()
        async with aclosing(self.stream(request)) as chunks:
            async for chunk in chunks:
                collector.add(chunk)
        return collector.completion()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer; what it changes in the memory is committed before its last chunk."""
        instance_id = self._being.instance_id
        if instance_id is None:
            heard = replies.Heard(last_said(request), _users_texts(request))
            answer = await self._answer(request, self._being.persona, heard)
        elif self._decides_itself(request):
            answer = self._with_functions_or_rules(request, instance_id)
        else:
            answer = await self._by_rules(request, instance_id)
        async with aclosing(answer) as chunks:
            async for chunk in chunks:
                yield chunk

    async def embed(self, request: EmbeddingsRequest) -> Embeddings:
        """Refuse: a persona speaks."""
        raise InvalidRequest("A persona makes no embeddings.", param="model")

    async def models(self) -> list[ModelInfo]:
        """Return the persona itself."""
        name = self._being.persona.name or self._being.persona.spoken_name
        return [ModelInfo(name, self.name, self._being.created_at)]

    async def shown(self, messages: Sequence[dict[str, Any]]) -> list[Part]:
        """Return the parts of the prompt that would go before `messages`, functions among them."""
        persona = self._being.persona
        request = cast("ChatRequest", {"messages": [*messages, {"role": "user", "content": ""}]})
        if self._being.instance_id is None or not self._decides_itself(request):
            return await self._parts(messages, persona)
        named = memory_functions.names(())
        tools = json.dumps(memory_functions.tools(named, persona.blocks), ensure_ascii=False)
        return [*await self._parts(messages, persona, (), named), Part("functions", tools)]

    async def aclose(self) -> None:
        """Do nothing: there is nothing to release."""

    # --- by rules -----------------------------------------------------------------------------

    def _decides_itself(self, request: ChatRequest) -> bool:
        """Tell whether the model can be offered functions for its memory in this request."""
        inner = self._being.inner
        is_forced = request.get("tool_choice") not in (None, "auto", "none")
        return (
            not self._being.is_embedded
            and inner.engine.capabilities(inner.model).tools
            and not is_forced
        )

    async def _by_rules(
        self, request: ChatRequest, instance_id: str
    ) -> AsyncGenerator[ChatChunk, None]:
        """Remember what is stated, and return the answer, which knows it already."""
        said = last_said(request)
        now = datetime.fromtimestamp(self._surroundings.clock())
        stated = statements.read(said, now)
        unwanted = statements.wanted_gone(said)

        def decide(blocks: Blocks) -> Sequence[Edit]:
            return learning.changed(blocks, stated, unwanted)

        blocks, forgot = self._being.persona.blocks, False
        if stated or unwanted:
            origin = Origin("rules", self._asker.message_id)
            blocks, changes = await self._memories.change(instance_id, decide, origin)
            forgot = any(change.operation == "forget" for change in changes)
        persona = replace(self._being.persona, blocks=blocks)
        heard = replies.Heard(
            text=said,
            texts=_users_texts(request),
            statements=stated,
            forgot=forgot and bool(unwanted),
            archived=await self._archived(instance_id, said),
        )
        return await self._answer(request, persona, heard)

    async def _answer(
        self, request: ChatRequest, persona: Persona, heard: replies.Heard
    ) -> AsyncGenerator[ChatChunk, None]:
        """Return the rules' own answer, else that of the model behind."""
        ready = self._ready_answer(request, persona, heard)
        if ready is not None:
            return ready
        return self._of_model(request, await self._system(request, persona, heard.archived))

    def _ready_answer(
        self, request: ChatRequest, persona: Persona, heard: replies.Heard
    ) -> AsyncGenerator[ChatChunk, None] | None:
        """Return the rules' own answer, where the embedded model would answer in words."""
        engine = self._being.inner.engine
        wants_text = (request.get("response_format") or {}).get("type", "text") == "text"
        if not (heard.text and wants_text and isinstance(engine, ExtractiveEngine)):
            return None
        if request.get("tools") and request.get("tool_choice") != "none":
            return None
        said = replies.reply(persona, heard)
        if said is None:
            return None
        return engine.say(said, cast("ChatRequest", {**request, "model": self._being.inner.model}))

    async def _of_model(self, request: ChatRequest, system: str) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer of the model behind, which is told nothing but the system prompt."""
        splitter = CallSplitter(())
        async with aclosing(self._round(_body(self._being, request, system), splitter)) as chunks:
            async for chunk in chunks:
                yield chunk
        yield _last(chunk, splitter.finish_reason, splitter.usage or Usage())

    # --- by functions -------------------------------------------------------------------------

    async def _with_functions_or_rules(
        self, request: ChatRequest, instance_id: str
    ) -> AsyncGenerator[ChatChunk, None]:
        """Yield the model's answer; by rules from where the embedded model stands in for it."""
        said = CallSplitter(())
        first: ChatChunk | None = None
        try:
            async with aclosing(self._with_functions(request, instance_id)) as chunks:
                async for chunk in chunks:
                    first = first or chunk
                    said.feed(chunk)
                    yield chunk
            return
        except _StoodIn as stood_in:
            engine = await self._stand_in(instance_id, stood_in.route)
        rest = CallSplitter((), follows=said if first else None)
        async with aclosing(await engine._by_rules(request, instance_id)) as chunks:
            async for chunk in chunks:
                if (kept := rest.feed(chunk)) is not None:
                    yield _signed(kept, first or chunk)
        last = _last(chunk, rest.client_finish_reason, rest.usage or Usage())
        yield _signed(last, first or chunk)

    async def _stand_in(self, instance_id: str, route: Route) -> "PersonaEngine":
        """Return the persona with another model behind it, and what it remembers by now."""
        blocks, _ = await self._memories.change(instance_id, lambda _: (), Origin("rules"))
        persona = replace(self._being.persona, blocks=blocks)
        being = replace(self._being, persona=persona, inner=route)
        return PersonaEngine(self._surroundings, being, self._asker)

    async def _with_functions(
        self, request: ChatRequest, instance_id: str
    ) -> AsyncGenerator[ChatChunk, None]:
        """Yield the model's answer, making the calls that change the memory in between.

        Calls of the client's tools go to the client, also where an answer has calls of both.
        """
        tools = [] if request.get("tool_choice") == "none" else list(request.get("tools") or ())
        taken = [tool["function"]["name"] for tool in tools if "function" in tool]
        named = memory_functions.names(taken)
        persona = self._being.persona
        archived = await self._archived(instance_id, last_said(request))
        system = await self._system(request, persona, archived, named)
        own_tools = memory_functions.tools(named, persona.blocks)
        body = {**_body(self._being, request, system), "tools": [*tools, *own_tools]}
        body.pop("tool_choice", None)
        usage = Usage()
        first: ChatChunk | None = None
        splitter: CallSplitter | None = None
        for number in range(_MOST_ROUNDS):
            if number == _MOST_ROUNDS - 1:
                body = {**body, "tools": tools or None}
            splitter = CallSplitter(named.values(), follows=splitter)
            async with aclosing(self._round(body, splitter)) as chunks:
                async for chunk in chunks:
                    first = first or chunk
                    yield _signed(chunk, first)
            usage = add_usage(usage, splitter.usage or Usage())
            if splitter.finish_reason != "tool_calls":
                break  # nothing was called, or arguments may end anywhere
            results = await self._executed(instance_id, splitter.own, named)
            if splitter.has_theirs:
                break
            body["messages"] = [*body["messages"], splitter.message(), *results]
        reason = splitter.client_finish_reason if splitter else None
        yield _signed(_last(chunk, reason, usage), first or chunk)

    async def _executed(
        self, instance_id: str, calls: Sequence[OwnCall], named: dict[Function, str]
    ) -> list[dict[str, Any]]:
        """Make the calls, each in a transaction; return what the model is told of them."""
        functions = {name: function for function, name in named.items()}
        return [
            {
                "role": "tool",
                "tool_call_id": call.id,
                "content": await self._called(instance_id, functions[call.name], call.arguments),
            }
            for call in calls
        ]

    async def _called(self, instance_id: str, function: Function, arguments: str) -> str:
        told = ""

        def decide(blocks: Blocks) -> Sequence[Edit]:
            nonlocal told
            edits, told = memory_functions.called(blocks, function, arguments)
            return edits

        origin = Origin("model", self._asker.message_id)
        await self._memories.change(instance_id, decide, origin)
        return told

    # --- asking -------------------------------------------------------------------------------

    async def _round(
        self, body: dict[str, Any], splitter: CallSplitter
    ) -> AsyncGenerator[ChatChunk, None]:
        """Yield what of one answer of the model behind goes to the client, at least one chunk.

        Raises _StoodIn where the embedded model would answer what was asked of another.
        """
        chat = self._surroundings.chat
        prepared = await chat.prepare(body)
        async with chat.stream(prepared) as answer:
            if splitter.takes_calls:
                for route in prepared.routes:
                    if route.served == answer.answered.model == CHAT_MODEL:
                        raise _StoodIn(route)
            async for chunk in cast("AsyncIterator[ChatChunk]", answer.chunks):
                yield splitter.feed(chunk) or structs.replace(chunk, choices=[], usage=UNSET)

    async def _system(
        self,
        request: ChatRequest,
        persona: Persona,
        archived: Sequence[str] = (),
        named: dict[Function, str] | None = None,
    ) -> str:
        """Return the system prompt for a request."""
        return prompt(await self._parts(request["messages"], persona, archived, named))

    async def _parts(
        self,
        messages: Sequence[dict[str, Any]],
        persona: Persona,
        archived: Sequence[str] = (),
        named: dict[Function, str] | None = None,
    ) -> list[Part]:
        called = await self._surroundings.called_for(
            self._asker.project_id, persona.character, messages
        )
        return parts(persona, replace(called, archive=archived), named)

    async def _archived(self, instance_id: str, said: str) -> list[str]:
        if not said:
            return []
        return await self._memories.archived(instance_id, said, _ARCHIVED_LINES)


def last_said(request: ChatRequest) -> str:
    """Return the text of the last message where it is the person's, else an empty one."""
    last = request["messages"][-1]
    return text_of(last.get("content")) if last["role"] == "user" else ""


def _users_texts(request: ChatRequest) -> list[str]:
    messages = request["messages"]
    return [text_of(one.get("content")) for one in messages if one["role"] == "user"]


def _body(being: Being, request: ChatRequest, system: str) -> dict[str, Any]:
    """Return the request for the model behind a persona."""
    return {
        **request,
        "model": being.inner.served,
        "messages": [{"role": "system", "content": system}, *request["messages"]],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _signed(chunk: ChatChunk, first: ChatChunk) -> ChatChunk:
    """Return a chunk as one of the same stream as the first."""
    return structs.replace(chunk, id=first.id, created=first.created, model=first.model)


def _last(chunk: ChatChunk, finish_reason: str | None, usage: Usage) -> ChatChunk:
    choices = [ChunkChoice(0, Delta(), finish_reason or "stop")]
    return structs.replace(chunk, choices=choices, usage=usage)
