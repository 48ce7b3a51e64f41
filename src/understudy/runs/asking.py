"""Makes the chat request of a turn: what the model is shown, offered and allowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from understudy.chat.completion import ChatCompletions
from understudy.engines.registry import Asker, Registry, Route
from understudy.errors import ContextLengthExceeded, InvalidRequest
from understudy.retrieval.cite import CitationStream
from understudy.runs.attachments import filenames, images
from understudy.runs.messages import threads_of
from understudy.runs.prompt import ChatMessage, Setting, build, results_of_run
from understudy.runs.summary import (
    DEFAULT_TURNS,
    Summariser,
    Summary,
    due_near_limit,
    read,
    uncovered,
)
from understudy.runs.tools import OfferedTools, choice, choice_after_calls, offered
from understudy.runs.transitions import total_usage
from understudy.runs.truncation import PromptTooLong, budget, fit, newest_messages, split_turns
from understudy.store.items import Item, Log
from understudy.store.runs import StoredRun
from understudy.store.storage import Storage
from understudy.wire.runs import RunIncompleteReason
from understudy.wire.steps import RunStep, StepToolCall, ToolCallsDetails

TOO_MANY_ROUNDS = (
    "The model called tools in {rounds} answers without coming to an end. Give it clearer "
    "instructions, or raise the setting runs.tool_rounds."
)


class LimitReached(Exception):
    """The run has no tokens left for another turn."""

    def __init__(self, reason: RunIncompleteReason) -> None:
        super().__init__(reason)
        self.reason: RunIncompleteReason = reason


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat request, and what is needed to read its answer."""

    request: dict[str, Any]
    asker: Asker
    search_name: str | None
    citations: CitationStream | None


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of a run's limits on tokens; None is no limit."""

    prompt_tokens: int | None
    completion_tokens: int | None


class Asking:
    """Makes the requests of every run of one process."""

    def __init__(self, storage: Storage, registry: Registry, chat: ChatCompletions) -> None:
        self._storage = storage
        self._registry = registry
        self._chat = chat

    async def request(
        self, run: StoredRun, items: Sequence[Item], steps: Sequence[RunStep]
    ) -> Asked:
        """Return the request for the next turn of a run.

        Raises LimitReached, or an UnderstudyError where no request can be made.
        """
        document = run.document
        left = _left(document, steps)
        asker = Asker(run.project_id, asking_message(items))
        route = await self._registry.route(document["model"], asker=asker)
        tools = offered(document["tools"])
        request: dict[str, Any] = {
            "model": document["model"],
            "messages": await self._messages(run, route, items, tools, left),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools.tools:
            chosen = choice(document["tool_choice"], tools)
            request["tools"] = tools.tools
            request["tool_choice"] = choice_after_calls(chosen) if rounds_of(steps) else chosen
            request["parallel_tool_calls"] = document["parallel_tool_calls"]
        for name in ("temperature", "top_p", "reasoning_effort"):
            if document.get(name) is not None:
                request[name] = document[name]
        if isinstance(document.get("response_format"), dict):
            request["response_format"] = document["response_format"]
        if left.completion_tokens is not None:
            request["max_completion_tokens"] = left.completion_tokens
        results = results_of_run(items, run.id)
        citations = CitationStream(results) if results else None
        return Asked(request, asker, tools.search_name, citations)

    async def _messages(
        self,
        run: StoredRun,
        route: Route,
        items: Sequence[Item],
        tools: OfferedTools,
        left: _Left,
    ) -> list[ChatMessage]:
        """Return what of the thread the model is shown. Raises LimitReached."""
        can = route.engine.capabilities(route.model)
        shown, summary = await self._history(run, route, items)
        setting = Setting(
            run_id=run.id,
            instructions=run.document["instructions"],
            summary=summary,
            search_name=tools.search_name,
            sees_images=can.vision,
            filenames=await filenames(self._storage, run.project_id, shown),
            images=await images(self._storage, run.project_id, shown) if can.vision else {},
        )
        allowed = budget(
            context_length=can.context_length,
            answer_tokens=left.completion_tokens,
            prompt_tokens_left=left.prompt_tokens,
            tools=tools.tools,
        )
        messages = build(shown, setting)
        if not messages:
            raise InvalidRequest("The thread has no message, and the run no instructions.")
        try:
            return fit(messages, allowed)
        except PromptTooLong as error:
            if error.limit == "max_prompt_tokens":
                raise LimitReached("max_prompt_tokens") from error
            raise ContextLengthExceeded(
                f"{error} Ask with less, or choose another model."
            ) from error

    async def _history(
        self, run: StoredRun, route: Route, items: Sequence[Item]
    ) -> tuple[list[Item], str]:
        """Return the items to show, and a summary of those that are left out."""
        truncation = run.document["truncation_strategy"]
        if truncation["type"] == "last_messages" and truncation["last_messages"]:
            return newest_messages(items, truncation["last_messages"], run.id), ""
        turns = route.settings.history_turns
        if route.plain and not (turns or route.settings.summarise_history):
            stored = await self._stored_summary(run)
            return uncovered(items, stored), "" if stored is None else stored.text
        if route.settings.summarise_history:
            model = route.plain or run.document["model"]
            summary = await self._summary(run, items, turns or DEFAULT_TURNS, model)
            return uncovered(items, summary), "" if summary is None else summary.text
        return (split_turns(items, turns)[1] if turns else list(items)), ""

    async def _summary(
        self, run: StoredRun, items: Sequence[Item], turns: int, model: str
    ) -> Summary | None:
        """Return the summary of the thread's older turns, renewed and stored where it is due."""
        was = await self._stored_summary(run)
        summary = await summariser(self._chat, model, turns).renew(items, was)
        if summary is not None and summary != was:
            await self._store_summary(run, summary)
        return summary

    async def look_ahead(self, run: StoredRun) -> None:
        """Summarise the older turns of a persona's thread that nears its model's context limit.

        For a run that is over, so that nobody waits for it. Raises what the model raises.
        """
        route = await self._registry.route(run.document["model"], asker=Asker(run.project_id))
        can = route.engine.capabilities(route.model)
        settings = route.settings
        allowed = budget(
            context_length=can.context_length, answer_tokens=None, prompt_tokens_left=None, tools=()
        ).tokens
        if not route.plain or allowed is None:
            return
        if settings.history_turns or settings.summarise_history:
            return
        async with self._storage.database.read() as connection:
            items = await Log(run.project_id, run.thread_id).all(connection)
        was = await self._stored_summary(run)
        if due := due_near_limit(items, was, allowed):
            renewing = summariser(self._chat, route.plain, DEFAULT_TURNS)
            summary = await renewing.summary(due, was, allowed)
            if summary is not None:
                await self._store_summary(run, summary)

    async def _stored_summary(self, run: StoredRun) -> Summary | None:
        async with self._storage.database.read() as connection:
            thread = await threads_of(run.project_id).find(connection, run.thread_id)
        return read(thread.document.get("summary"))

    async def _store_summary(self, run: StoredRun, summary: Summary) -> None:
        threads = threads_of(run.project_id)
        async with self._storage.database.write() as connection:
            now = await threads.find(connection, run.thread_id, for_update=True)
            document = {**now.document, "summary": summary.document()}
            await threads.update(connection, run.thread_id, document=document)


def asking_message(items: Sequence[Item]) -> str | None:
    """Return the id of the user's last message."""
    said = (one for one in reversed(items) if one.type == "message")
    return next((one.id for one in said if one.document["role"] == "user"), None)


def summariser(chat: ChatCompletions, model: str | None, turns: int) -> Summariser:
    """Return what keeps the last `turns` turns and has `model` summarise those before them.

    It is asked for nobody, so that no instance takes a summary for something that was said to it.
    """

    async def complete(messages: list[ChatMessage]) -> str:
        prepared = await chat.prepare({"model": model, "messages": messages})
        completion, _ = await chat.complete(prepared)
        return completion.choices[0].message.content or ""

    return Summariser(complete, turns)


def calls_of(step: RunStep) -> list[StepToolCall]:
    """Return the calls of a step."""
    details = step.step_details
    return list(details.tool_calls) if isinstance(details, ToolCallsDetails) else []


def rounds_of(steps: Sequence[RunStep]) -> list[RunStep]:
    """Return the steps whose calls were all answered: as many turns lie behind a run."""
    return [step for step in steps if step.status == "completed" and calls_of(step)]


def _left(document: dict[str, Any], steps: Sequence[RunStep]) -> _Left:
    """Return what is left of the limits. Raises LimitReached when that is nothing."""
    used = total_usage(steps)
    prompt, completion = document["max_prompt_tokens"], document["max_completion_tokens"]
    if completion is not None and completion <= used.completion_tokens:
        raise LimitReached("max_completion_tokens")
    if prompt is not None and prompt <= used.prompt_tokens:
        raise LimitReached("max_prompt_tokens")
    return _Left(
        None if prompt is None else prompt - used.prompt_tokens,
        None if completion is None else completion - used.completion_tokens,
    )
