"""`visitor`: the chat of the widget. Who holds a visitor's token is that visitor, and no more."""

import hashlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from understudy_apps.errors import NotSignedIn, Refusal
from understudy_apps.languages import Language
from understudy_apps.sales.agent import Written
from understudy_apps.sales.answering import Event, events
from understudy_apps.sales.channels.lengths import MAX_TEXT_CHARACTERS
from understudy_apps.sales.conversations import Visitor
from understudy_apps.sales.dependencies import Parts
from understudy_apps.sales.routes.contacts import quote_answer
from understudy_apps.sales.sent_quotes import made_by
from understudy_apps.sales.shapes import ConversationStatus, Fields, Id, Position
from understudy_apps.web import EventStream, address_of, language_of

router = APIRouter(tags=["visitor"], prefix="/visitor")

_TOKEN_BYTES = 32


class CapReached(Refusal):
    """The visitor, or all of them, sent as many messages today as the settings allow."""

    status = 429


class NewVisitor(BaseModel):
    """Who begins a chat; without a language it is the browser's."""

    model_config = ConfigDict(extra="forbid")

    language: Language | None = None


class VisitorSession(BaseModel):
    """The token to send as `X-Visitor-Token`, and how the chat begins."""

    token: str
    language: Language
    company: str
    greeting: str


class VisitorQuote(BaseModel):
    """A quote that the visitor was made; `GET visitor/quotes/{quote_id}` is its PDF."""

    quote_id: int
    number: str
    net: str
    tax: str
    total: str
    valid_until: str


class VisitorMessage(BaseModel):
    """A message as a visitor sees it."""

    id: int
    author: Literal["visitor", "agent", "operator"]
    text: str
    quotes: list[VisitorQuote]
    created_at: datetime


class VisitorChat(BaseModel):
    """The chat so far; `status` says who answers."""

    status: ConversationStatus
    language: Language
    company: str
    greeting: str
    messages: list[VisitorMessage]


class VisitorText(Fields):
    """What a visitor writes."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


async def _own_conversation(
    parts: Parts, x_visitor_token: Annotated[str, Header(max_length=100)] = ""
) -> dict[str, Any]:
    """Return the conversation of the visitor who asks. Raises NotSignedIn."""
    found = await parts.conversations.find("web", _sha256(x_visitor_token))
    if found is None:
        raise NotSignedIn("Begin a chat first.", "unknown_visitor")
    return found


Own = Annotated[dict[str, Any], Depends(_own_conversation)]


@router.post("/session", status_code=201)
async def begin(body: NewVisitor, parts: Parts, request: Request) -> VisitorSession:
    """Begin a chat."""
    parts.limits.visitors_of_address.take(address_of(request))
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    language = body.language or language_of(request)
    await parts.conversations.open(Visitor("web", _sha256(token), language=language))
    knowledge = parts.knowledge.current()
    return VisitorSession(
        token=token,
        language=language,
        company=knowledge.catalogue.company.name,
        greeting=knowledge.texts["greeting"][language],
    )


@router.get("/messages")
async def list_messages(own: Own, parts: Parts, after: Position = 0) -> VisitorChat:
    """Return the chat, or what came `after` a message by its id."""
    knowledge = parts.knowledge.current()
    rows = await parts.conversations.messages(own["id"], after=after)
    return VisitorChat(
        status=own["status"],
        language=own["language"],
        company=knowledge.catalogue.company.name,
        greeting=knowledge.texts["greeting"][own["language"]],
        messages=[_message(row) for row in rows],
    )


@router.post("/messages", response_class=EventStream)
async def write(body: VisitorText, own: Own, parts: Parts) -> EventStream:
    """Have a message answered, as events: delta, restart, quote, handed_over, done, error.

    Once a person answers, the events are `waiting` and `done`, and the reply comes by GET.
    """
    if not await parts.cap.take(f"web:{own['id']}", parts.today()):
        text = parts.knowledge.current().texts["daily_cap"][own["language"]]
        raise CapReached(text, "daily_cap")
    await parts.agent.accept(own["id"], Written(body.text))
    return EventStream(_for_visitors(events(parts.tasks, parts.agent, own["id"])))


@router.get("/quotes/{quote_id}")
async def get_own_quote(quote_id: Id, own: Own, parts: Parts) -> Response:
    """Return a quote of this chat as PDF."""
    row = await parts.records.quotes.get(quote_id, conversation_id=own["id"])
    return await quote_answer(parts, row)


async def _for_visitors(
    told: AsyncGenerator[Event, None],
) -> AsyncGenerator[Event, None]:
    """Leave out what is not for visitors: calls of functions, and which model answered."""
    async with aclosing(told):
        async for name, data in told:
            if name == "done":
                yield name, {"message_id": data["message_id"], "text": data["text"]}
            elif name != "tool":
                yield name, data


def _message(row: dict[str, Any]) -> VisitorMessage:
    quotes = [VisitorQuote(**quote) for quote in made_by(row["calls"])]
    return VisitorMessage(**{**row, "quotes": quotes})


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
