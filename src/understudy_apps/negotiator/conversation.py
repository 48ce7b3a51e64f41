"""A person's chat with the assistant: what was said before, and the events of an answer.

Knows nothing of HTTP; what goes wrong is told in words.
"""

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import anyio
import openai
from openai import AsyncOpenAI
from openai.types.beta.threads import Run

from understudy_apps.errors import ProviderFailed, Refusal
from understudy_apps.negotiator import accounts, cases, chats, messages, offers, spoken, wording
from understudy_apps.negotiator.accounts import Account
from understudy_apps.negotiator.api_keys import key_of, owner_of
from understudy_apps.negotiator.assistant import Assistant, Assistants, Files, Place
from understudy_apps.negotiator.chats import Chat
from understudy_apps.negotiator.dependencies import Services
from understudy_apps.negotiator.documents.catalogue import Printed
from understudy_apps.negotiator.messages import Event, Said
from understudy_apps.negotiator.tools import Functions
from understudy_apps.runs import TooManyRounds, stream_until_done_async, text_of
from understudy_apps.tools import Tools

_END_TIMEOUT_S: Final = 120.0
_MOST_MESSAGES: Final = 100
_ACTIVE: Final = frozenset({"queued", "in_progress", "requires_action", "cancelling"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the page shows before anything new is said; `problem` says why messages are missing."""

    greeting: str
    suggestions: list[str]
    messages: list[Said]
    debt_id: int | None
    open_offers: list[dict[str, Any]]
    problem: str | None


@dataclass(frozen=True, slots=True)
class _Talk:
    """A person, and the server of the model that is asked for them."""

    account: Account
    client: AsyncOpenAI
    owner: str

    @property
    def place(self) -> Place:
        return Place(self.owner, self.account.language)

    def say(self, key: str, **values: object) -> str:
        return wording.say(self.account.language, key, **values)


class Conversations:
    """The chats of all people; each has one answer at a time."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._assistants = Assistants(parts.database, parts.settings.model)
        self._answering: set[int] = set()

    async def opening(self, user_id: int) -> Opening:
        """Return what a person's page begins with; the server of the model may be away."""
        talk = await self._talk(user_id)
        async with self._parts.database.read() as connection:
            found = await cases.listed(connection, user_id)
            chat = await chats.current(connection, user_id, talk.owner)
            debt_id = await chats.debt_of(connection, chat.id) if chat else None
            opened = await offers.open_offers(connection, user_id)
        said: list[Said] = []
        problem = None
        try:
            said = await _said(talk, chat, await self._assistants.files()) if chat else []
        except openai.NotFoundError:
            _log.info("the thread of user %s is gone; a message begins a new one", user_id)
        except openai.OpenAIError as error:
            problem = talk.say(_fault_of(error))
        return Opening(
            greeting=spoken.greeting(talk.account.name, found, talk.account.language),
            suggestions=wording.listed(talk.account.language, "suggestions"),
            messages=said,
            debt_id=debt_id,
            open_offers=[offers.view(offer) for offer in opened],
            problem=problem,
        )

    async def begin_anew(self, user_id: int) -> None:
        """Begin a new chat; debts, negotiations and offers stay. Raises ProviderFailed."""
        talk = await self._talk(user_id)
        try:
            await self._begin(talk)
        except openai.OpenAIError as error:
            fault = _fault_of(error)
            raise ProviderFailed(talk.say(fault), fault) from error

    async def answer(self, user_id: int, text: str) -> AsyncGenerator[Event, None]:
        """Say something and give the events of the answer.

        They are `delta` {text}, `tool` {name, arguments, output}, `offer`, `citation` {text,
        file_id, filename, page}, and at last either `done` {debt_id} or `error` {code,
        message}.
        """
        if user_id in self._answering:
            account = await accounts.account_of(self._parts.database, user_id)
            yield _error("busy", wording.say(account.language, "busy"))
            return
        self._answering.add(user_id)
        try:
            talk = await self._talk(user_id)
            async with aclosing(self._told(talk, text)) as events:
                async for event in events:
                    yield event
        except Refusal as refusal:
            yield _error(refusal.code, refusal.message)
        finally:
            self._answering.discard(user_id)

    async def document(self, file_id: str) -> Printed | None:
        """Return what was uploaded as a file that the assistant reads, None for any other."""
        return (await self._assistants.files()).get(file_id)

    async def _talk(self, user_id: int) -> _Talk:
        account = await accounts.account_of(self._parts.database, user_id)
        key = await key_of(self._parts, user_id)
        server = self._parts.model_server
        return _Talk(account, server.with_key(key), owner_of(server.base_url, key))

    async def _told(self, talk: _Talk, text: str) -> AsyncGenerator[Event, None]:
        """Give the events of an answer to their end; a failure is the last of them."""
        try:
            chat = await self._say(talk, text)
            async with aclosing(self._answered(talk, chat)) as events:
                async for event in events:
                    yield event
        except openai.OpenAIError as error:
            _log.warning("the model's server failed: %s", error)
            yield _failed(talk, _fault_of(error))
        except TooManyRounds as error:
            _log.warning("%s", error)
            yield _failed(talk, "failed")

    async def _say(self, talk: _Talk, text: str) -> Chat:
        """Add a message to the current chat and return it; one that is gone is begun anew."""
        async with self._parts.database.read() as connection:
            chat = await chats.current(connection, talk.account.id, talk.owner)
        if chat is None:
            chat = await self._begin(talk)
        try:
            await _add(talk, chat, text)
        except openai.NotFoundError:
            chat = await self._begin(talk)
            await _add(talk, chat, text)
        except openai.BadRequestError:
            # An answer that broke off with its process may still wait for outputs.
            if not await _cancel_left(talk, chat):
                raise
            await _add(talk, chat, text)
        return chat

    async def _begin(self, talk: _Talk) -> Chat:
        thread = await talk.client.beta.threads.create()
        row = {
            "user_id": talk.account.id,
            "owner": talk.owner,
            "thread_id": thread.id,
            "language": talk.account.language,
            "created_at": int(time.time()),
        }
        async with self._parts.database.write() as connection:
            return await chats.begin(connection, row)

    async def _answered(self, talk: _Talk, chat: Chat) -> AsyncGenerator[Event, None]:
        """Run the assistant on what was said, with the functions of the chat."""
        functions = Functions(self._parts.database, chat, talk.account.language)
        tools = messages.RecordingTools(functions)
        assistant = await self._assistant(talk, tools)
        functions.file_ids = assistant.file_ids
        files = await self._assistants.files()
        run: Run | None = None
        async with stream_until_done_async(
            talk.client, tools, thread_id=chat.thread_id, assistant_id=assistant.id
        ) as events:
            async for event in events:
                for happened in tools.taken():
                    yield happened
                if text := text_of(event):
                    yield "delta", {"text": text}
                if event.event == "thread.message.completed":
                    for citation in messages.citations(event.data, files):
                        yield "citation", citation
                if isinstance(event.data, Run):
                    run = event.data
        if run is None or run.status not in ("completed", "incomplete"):
            yield _failed(talk, _fault_of_run(run))
            return
        async with self._parts.database.read() as connection:
            yield "done", {"debt_id": await chats.debt_of(connection, chat.id)}

    async def _assistant(self, talk: _Talk, tools: Tools) -> Assistant:
        """Return the person's assistant; one that the server of the model lost is made anew."""
        try:
            found = await self._assistants.ready(talk.client, talk.place, tools.definitions)
            await talk.client.beta.assistants.retrieve(found.id)
            return found
        except openai.NotFoundError:
            await self._assistants.forget(talk.place)
            return await self._assistants.ready(talk.client, talk.place, tools.definitions)


async def _add(talk: _Talk, chat: Chat, text: str) -> None:
    await talk.client.beta.threads.messages.create(chat.thread_id, role="user", content=text)


async def _said(talk: _Talk, chat: Chat, files: Files) -> list[Said]:
    """Return the latest messages of a chat, oldest first; one that has just begun is empty."""
    page = await talk.client.beta.threads.messages.list(
        chat.thread_id, order="desc", limit=_MOST_MESSAGES
    )
    found = [messages.said(message, files) for message in reversed(page.data)]
    return [one for one in found if one.text]


async def _cancel_left(talk: _Talk, chat: Chat) -> bool:
    """Cancel the run that holds a thread, wait for its end, and tell whether there was one."""
    runs = talk.client.beta.threads.runs
    latest = (await runs.list(chat.thread_id, limit=1)).data
    if not latest or latest[0].status not in _ACTIVE:
        return False
    run = latest[0]
    try:
        await runs.cancel(run.id, thread_id=chat.thread_id)
    except openai.BadRequestError:
        pass  # It has just ended.
    with anyio.move_on_after(_END_TIMEOUT_S):
        await runs.poll(run.id, thread_id=chat.thread_id)
    return True


def _fault_of(error: openai.OpenAIError) -> str:
    """Return the key of the words for what the model's server answered."""
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return "key_rejected"
        case openai.RateLimitError():
            return "quota"
        case openai.APIConnectionError():
            return "unreachable"
    return "failed"


def _fault_of_run(run: Run | None) -> str:
    is_quota = run and run.last_error and run.last_error.code == "rate_limit_exceeded"
    return "quota" if is_quota else "failed"


def _failed(talk: _Talk, fault: str) -> Event:
    return _error(fault, talk.say(fault))


def _error(code: str, message: str) -> Event:
    return "error", {"code": code, "message": message}
