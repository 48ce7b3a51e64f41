"""Telegram by long polling: private chats of one bot, answered by the agent.

A message is stored before Telegram is told that it arrived, and an answer before it is sent: what a
restart interrupts goes on after it, and an update that comes twice is answered once.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import anyio
from anyio.abc import TaskGroup

from understudy_apps.errors import NotFound, Refusal
from understudy_apps.languages import Language
from understudy_apps.sales import quote_files
from understudy_apps.sales.agent import Agent, Stores, Written
from understudy_apps.sales.channels.lengths import MAX_TEXT_CHARACTERS, parts_of
from understudy_apps.sales.conversations import Visitor
from understudy_apps.sales.daily import DailyCap
from understudy_apps.sales.languages import language_of_tag
from understudy_apps.sales.sent_quotes import made_by

if TYPE_CHECKING:
    from telegram import Bot, Message, Update
    from telegram.error import TelegramError

_POLL_S = 25
_DELIVERY_S = 30.0
_SHORTEST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_MOST_UNITS = 4096
_logger = logging.getLogger(__name__)
Row = dict[str, Any]
Status = Literal["starting", "running", "rejected_token", "conflict", "unreachable"]


@dataclass(frozen=True, slots=True)
class BotAddress:
    """Where the Bot API is, and the token of the bot."""

    token: str
    base_url: str


class Telegram:
    """Answers the private chats of one bot."""

    def __init__(
        self,
        address: BotAddress,
        agent: Agent,
        stores: Stores,
        cap: DailyCap,
        today: Callable[[], date],
    ) -> None:
        self._address = address
        self._agent = agent
        self._stores = stores
        self._conversations = stores.conversations
        self._cap = cap
        self._today = today
        self._next_update: int | None = None
        self._has_news = anyio.Event()
        self.status: Status = "starting"

    def wake(self) -> None:
        """Have what was written meanwhile sent at once."""
        self._has_news.set()

    async def run(self) -> None:
        """Take updates and answer them until cancelled, whatever goes wrong."""
        while True:
            try:
                await self._run()
            except Exception:
                # The application, and the server that it may be part of, must not end with it.
                _logger.exception("Telegram is not answered for a while")
                await anyio.sleep(_LONGEST_WAIT_S)

    async def _run(self) -> None:
        bot = self._bot()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._deliver_for_ever, bot)
                for conversation_id in await self._conversations.unanswered("telegram"):
                    tasks.start_soon(self._answer, bot, conversation_id)
                await self._poll_for_ever(bot, tasks)
        finally:
            with anyio.CancelScope(shield=True):
                await bot.shutdown()

    def _bot(self) -> "Bot":
        from telegram import Bot

        # It logs the address of every request, which holds the token.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        return Bot(self._address.token, base_url=f"{self._address.base_url}/bot")

    # --- what comes in ------------------------------------------------------------------------

    async def _poll_for_ever(self, bot: "Bot", tasks: TaskGroup) -> None:
        from telegram.error import TelegramError

        wait_s = _SHORTEST_WAIT_S
        while True:
            try:
                await bot.initialize()
                updates = await bot.get_updates(
                    self._next_update, timeout=_POLL_S, allowed_updates=["message"]
                )
            except TelegramError as error:
                self._note_failure(error)
                wait_s = min(max(wait_s * 2, _asked_wait_s(error)), _LONGEST_WAIT_S)
                await anyio.sleep(wait_s)
                continue
            wait_s = _SHORTEST_WAIT_S
            self._note("running")
            try:
                for update in updates:
                    await self._take(bot, update, tasks)
                    self._next_update = update.update_id + 1
            except Refusal as refusal:
                # What was not taken comes again with the next poll.
                _logger.warning("an update of Telegram could not be taken: %s", refusal)
                await anyio.sleep(_SHORTEST_WAIT_S)

    async def _take(self, bot: "Bot", update: "Update", tasks: TaskGroup) -> None:
        """Store an update and have it answered; those before the next one were taken before."""
        message = update.message
        is_old = self._next_update is not None and update.update_id < self._next_update
        if is_old or message is None or message.chat.type != "private":
            return
        language = language_of_tag(message.from_user.language_code if message.from_user else None)
        said = self._said(message, language or "es")
        if said is not None:
            tasks.start_soon(self._send, bot, str(message.chat.id), said)
            return
        visitor = _visitor(message, language or "es")
        if not await self._cap.take(f"telegram:{visitor.key}", self._today()):
            text = self._text("daily_cap", visitor.language)
            tasks.start_soon(self._send, bot, visitor.key, text)
            return
        conversation = await self._conversations.open(visitor)
        written = Written((message.text or "")[:MAX_TEXT_CHARACTERS], str(update.update_id))
        if await self._agent.accept(conversation["id"], written) is not None:
            tasks.start_soon(self._answer, bot, conversation["id"])

    def _said(self, message: "Message", language: Language) -> str | None:
        """Return what is said to a message that no model is to answer."""
        text = message.text
        if text is None:
            return self._text("text_only", language)
        if not text.startswith("/"):
            return None
        command = text.split()[0].partition("@")[0]
        return self._text("greeting" if command == "/start" else "help", language)

    def _text(self, name: str, language: Language) -> str:
        return self._stores.knowledge.current().texts[name][language]

    async def _answer(self, bot: "Bot", conversation_id: int) -> None:
        from telegram.error import TelegramError

        try:
            conversation = await self._conversations.get(conversation_id)
            with suppress(TelegramError):
                await bot.send_chat_action(conversation["visitor"], "typing")
            await self._agent.answer(conversation_id, _unheard)
        except NotFound:
            return  # Erased by an operator meanwhile.
        except Exception:
            # One conversation must not end all; what was accepted is answered after a restart.
            _logger.exception("a message of Telegram could not be answered")
        self.wake()

    # --- what goes out ------------------------------------------------------------------------

    async def _deliver_for_ever(self, bot: "Bot") -> None:
        while True:
            self._has_news = anyio.Event()
            try:
                for row in await self._conversations.unsent("telegram"):
                    # What Telegram took is noted, so that the next start does not send it again.
                    with anyio.move_on_after(_DELIVERY_S, shield=True):
                        await self._deliver(bot, row)
            except Refusal as refusal:
                _logger.warning("messages could not be delivered: %s", refusal)
            with anyio.move_on_after(_DELIVERY_S):
                await self._has_news.wait()

    async def _deliver(self, bot: "Bot", row: Row) -> None:
        """Send a stored message with its quotes; what cannot be sent now is tried again later."""
        from telegram.error import BadRequest, Forbidden, TelegramError

        try:
            for part in parts_of(row["text"], _MOST_UNITS):
                await bot.send_message(row["visitor"], part)
            for made in made_by(row["calls"]):
                await self._send_quote(bot, row["visitor"], made["quote_id"])
        except (BadRequest, Forbidden) as error:
            _logger.warning("Telegram refuses message %s: %s", row["id"], self._told(error))
        except TelegramError as error:
            _logger.warning("Telegram did not take message %s: %s", row["id"], self._told(error))
            return
        await self._conversations.note_sent(row["id"], f"sent:{row['id']}")

    async def _send_quote(self, bot: "Bot", chat: str, quote_id: int) -> None:
        row = await self._stores.records.quotes.get(quote_id)
        company = self._stores.knowledge.current().catalogue.company.name
        content = await quote_files.pdf_of(row, company)
        await bot.send_document(chat, content, filename=quote_files.name_of(row))

    async def _send(self, bot: "Bot", chat: str, text: str) -> None:
        from telegram.error import TelegramError

        try:
            await bot.send_message(chat, text)
        except TelegramError as error:
            _logger.warning("Telegram did not take a message: %s", self._told(error))

    # --- how it is ----------------------------------------------------------------------------

    def _note_failure(self, error: "TelegramError") -> None:
        from telegram.error import Conflict, Forbidden, InvalidToken

        if isinstance(error, InvalidToken | Forbidden):
            self._note("rejected_token")
        elif isinstance(error, Conflict):
            self._note("conflict")
        else:
            self._note("unreachable", self._told(error))

    def _note(self, status: Status, detail: str = "") -> None:
        if status == self.status:
            return
        self.status = status
        if status == "running":
            _logger.info("Telegram is answered")
        else:
            _logger.warning("Telegram is not answered: %s %s", _REMEDIES[status], detail)

    def _told(self, error: "TelegramError") -> str:
        """Return what an error says, without the token that it may quote."""
        return str(error).replace(self._address.token, "***")


_REMEDIES: dict[Status, str] = {
    "rejected_token": "the token in TELEGRAM_BOT_TOKEN was rejected; ask @BotFather for it.",
    "conflict": "another program takes the updates of TELEGRAM_BOT_TOKEN; stop one of them.",
    "unreachable": "its server cannot be reached.",
}


def _asked_wait_s(error: "TelegramError") -> float:
    """Return how long Telegram asks to wait."""
    asked = getattr(error, "retry_after", 0)
    return float(asked.total_seconds() if hasattr(asked, "total_seconds") else asked)


def _visitor(message: "Message", language: Language) -> Visitor:
    name = message.from_user.full_name if message.from_user else ""
    return Visitor("telegram", str(message.chat.id), name, language)


async def _unheard(_name: str, _data: Row) -> None:
    """Listen to no event: the answer is sent whole."""
