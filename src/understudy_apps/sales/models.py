"""Asks the configured model and, where it does not answer, the fallback. Through the openai SDK.

Chat completions rather than assistants: the conversation lives in the application's own database,
where operators read and continue it, so that any server of the API will do and a fallback can go on
in the middle. Knows nothing of selling.
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from openai import AsyncOpenAI, AsyncStream, OpenAIError
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from understudy_apps.sales.health import Health, KeyInUse, Substituted, diagnose
from understudy_apps.sales.shapes import AgentConfiguration

EMBEDDED_MODEL = "understudy-extractive"
_logger = logging.getLogger(__name__)
ChatMessages = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the API, with what is known of its key."""

    client: AsyncOpenAI
    key: KeyInUse


@dataclass(slots=True)
class Call:
    """A function that the model wants called."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Answer:
    """What a model said in one turn, complete once its stream has ended."""

    model: str
    is_quoted: bool = False
    text: str = ""
    calls: list[Call] = field(default_factory=list)

    def add(self, chunk: ChatCompletionChunk) -> str:
        """Take a chunk and return the text that it adds."""
        self.model = chunk.model or self.model
        added = ""
        for choice in chunk.choices:
            added += choice.delta.content or ""
            for part in choice.delta.tool_calls or ():
                self._add_call(part)
        self.text += added
        return added

    def name_calls(self) -> None:
        """Give an id to calls that a server sent without one."""
        for call in self.calls:
            call.id = call.id or f"call_{secrets.token_hex(8)}"

    def _add_call(self, part: ChoiceDeltaToolCall) -> None:
        while len(self.calls) <= part.index:
            self.calls.append(Call())
        call = self.calls[part.index]
        call.id = call.id or part.id or ""
        if part.function is not None:
            call.name = call.name or part.function.name or ""
            call.arguments += part.function.arguments or ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a model in one turn; a `ready` answer is given without asking."""

    messages: ChatMessages
    tools: Sequence[Any] = ()
    options: dict[str, Any] = field(default_factory=dict)
    ready: str | None = None


class Voice(Protocol):
    """Where the text of an answer goes while it comes."""

    async def say(self, text: str) -> None:
        """Take more text."""

    async def take_back(self) -> None:
        """Forget the text of this answer: another model begins anew."""


class Unanswered(Exception):
    """Neither the configured model nor the fallback answered."""


class Models:
    """The configured model and its fallback; moments come from `clock` in seconds."""

    def __init__(
        self,
        configured: Server,
        fallback: Server,
        fallback_model: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._configured = configured
        self._fallback = fallback
        self._clock = clock
        self.fallback_model = fallback_model
        self.health = Health()

    async def ask(
        self,
        configuration: AgentConfiguration,
        question: Question,
        quoted: Question,
        voice: Voice,
    ) -> Answer:
        """Return the answer to `question`, whose text `voice` says while it comes.

        The embedded model is asked `quoted` instead, and what it answers is not said yet. Raises
        Unanswered.
        """
        model = configuration.model
        if self.health.may_try(self._clock()):
            try:
                answer = await self._asked(self._configured, model, (question, quoted), voice)
            except OpenAIError as error:
                self._note_failure(model, error)
                await voice.take_back()
            else:
                self._note_success(model, answer)
                return answer
        try:
            answer = await self._asked(
                self._fallback, self.fallback_model, (question, quoted), voice
            )
        except OpenAIError as error:
            trouble = diagnose(error, self._fallback.key)
            self.health.fallback_failed(trouble)
            _logger.warning("the fallback did not answer either: %s", trouble.detail)
            raise Unanswered(trouble.detail) from error
        self.health.fell_back(answer.model)
        return answer

    async def check(self, configuration: AgentConfiguration) -> None:
        """Ask the configured model for one token, so that its health is known."""
        question = Question([{"role": "user", "content": "."}], options={"max_tokens": 16})
        try:
            answer = await self._asked(
                self._configured, configuration.model, (question, question), Silence()
            )
        except OpenAIError as error:
            self._note_failure(configuration.model, error)
        else:
            self._note_success(configuration.model, answer)

    async def complete(self, configuration: AgentConfiguration, question: Question) -> str | None:
        """Return the text of an answer of the configured model, None where there is none now."""
        if not self.health.may_try(self._clock()) or configuration.model == EMBEDDED_MODEL:
            return None
        try:
            answer = await self._asked(
                self._configured, configuration.model, (question, question), Silence()
            )
        except OpenAIError as error:
            self._note_failure(configuration.model, error)
            return None
        return answer.text

    async def close(self) -> None:
        """Close the connections."""
        for server in {id(one): one for one in (self._configured, self._fallback)}.values():
            await server.client.close()

    async def _asked(
        self, server: Server, model: str, questions: tuple[Question, Question], voice: Voice
    ) -> Answer:
        is_quoted = model == EMBEDDED_MODEL
        question = questions[is_quoted]
        if question.ready is not None:
            return Answer(model, is_quoted=is_quoted, text=question.ready)
        request: dict[str, Any] = {"messages": question.messages, **question.options}
        if question.tools:
            request["tools"] = list(question.tools)
        answer = Answer(model, is_quoted=is_quoted)
        stream: AsyncStream[ChatCompletionChunk] = await server.client.chat.completions.create(
            model=model, stream=True, **request
        )
        async with stream:
            async for chunk in stream:
                if chunk.model == EMBEDDED_MODEL != model:
                    raise Substituted(model, EMBEDDED_MODEL)
                added = answer.add(chunk)
                if added and not is_quoted:
                    await voice.say(added)
        answer.name_calls()
        return answer

    def _note_failure(self, model: str, error: OpenAIError) -> None:
        trouble = diagnose(error, self._configured.key)
        if not trouble.is_lasting:
            _logger.warning("the model %s refused a request: %s", model, trouble.detail)
        if self.health.failed(trouble, self._clock()):
            is_named = trouble.variable is None or trouble.variable in trouble.detail
            remedy = "" if is_named else f" Set {trouble.variable}."
            _logger.warning(
                "the model %s does not answer (%s): %s%s The agent goes on with %s.",
                model, trouble.kind, trouble.detail, remedy, self.fallback_model,
            )  # fmt: skip

    def _note_success(self, model: str, answer: Answer) -> None:
        if self.health.succeeded(answer.model, self._clock()):
            _logger.info("the model %s answers again", model)


class Silence:
    """A voice that nobody hears."""

    async def say(self, text: str) -> None:
        """Do nothing."""

    async def take_back(self) -> None:
        """Do nothing."""
