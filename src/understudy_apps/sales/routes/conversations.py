"""`conversations`: what visitors and the agent wrote, and the operator's part in it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from understudy_apps.errors import Conflict
from understudy_apps.languages import Language
from understudy_apps.sales.conversations import ConversationFilter, NewMessage
from understudy_apps.sales.dependencies import Operator, Parts
from understudy_apps.sales.shapes import Channel, ConversationStatus, Fields, Id, Position

router = APIRouter(tags=["conversations"])

Limit = Annotated[int, Query(ge=1, le=200)]


class FunctionCall(BaseModel):
    """A function that the agent called; `output` is what it returned, as JSON or text."""

    name: str
    arguments: str
    output: str


class Message(BaseModel):
    """One message; `model` wrote it if it is the agent's, `intent` is what a visitor's wants."""

    id: int
    author: Literal["visitor", "agent", "operator"]
    text: str
    intent: str | None
    model: str | None
    calls: list[FunctionCall]
    created_at: datetime


class Conversation(BaseModel):
    """A conversation; `status` says who answers: the agent, a person, or nobody any more."""

    id: int
    contact_id: int | None
    channel: Channel
    visitor_name: str
    language: Language
    status: ConversationStatus
    created_at: datetime
    updated_at: datetime


class ListedConversation(Conversation):
    """A conversation with what a list shows of it."""

    contact_name: str | None
    last_message: str | None


class ConversationPage(BaseModel):
    """Some conversations; `total` counts all that were asked for."""

    conversations: list[ListedConversation]
    total: int


class ConversationDetails(Conversation):
    """A conversation with its messages, oldest first."""

    messages: list[Message]


class ConversationChanges(BaseModel):
    """What an operator may change: who answers from now on."""

    model_config = ConfigDict(extra="forbid")

    status: ConversationStatus


class Reply(Fields):
    """What an operator writes to a visitor."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]


@router.get("/conversations")
async def list_conversations(
    _session: Operator,
    parts: Parts,
    status: ConversationStatus | None = None,
    channel: Channel | None = None,
    contact_id: Id | None = None,
    limit: Limit = 50,
    offset: Position = 0,
) -> ConversationPage:
    """List conversations, the latest first."""
    wanted = ConversationFilter(status, channel, contact_id)
    rows, total = await parts.conversations.page(wanted, limit=limit, offset=offset)
    found = [ListedConversation(**row) for row in rows]
    return ConversationPage(conversations=found, total=total)


@router.get("/conversations/{conversation_id}")
async def get_conversation(
    conversation_id: Id, _session: Operator, parts: Parts, after: Position = 0
) -> ConversationDetails:
    """Return a conversation with its messages, or with those `after` one by its id."""
    row = await parts.conversations.get(conversation_id)
    messages = await parts.conversations.messages(conversation_id, after=after)
    return ConversationDetails(**row, messages=[Message(**one) for one in messages])


@router.patch("/conversations/{conversation_id}")
async def change_conversation(
    conversation_id: Id, body: ConversationChanges, _session: Operator, parts: Parts
) -> Conversation:
    """Take a conversation over, give it back to the agent, or close it."""
    return Conversation(**await parts.conversations.set_status(conversation_id, body.status))


@router.post("/conversations/{conversation_id}/messages", status_code=201)
async def reply(conversation_id: Id, body: Reply, _session: Operator, parts: Parts) -> Message:
    """Answer a visitor in person; the agent is silent from then on."""
    conversation = await parts.conversations.get(conversation_id)
    if conversation["status"] != "person":
        await parts.conversations.set_status(conversation_id, "person")
    row = await parts.conversations.add(conversation_id, NewMessage("operator", body.text))
    if row is None:
        raise Conflict("The message was sent before.", "sent_before")
    if parts.telegram is not None and conversation["channel"] == "telegram":
        parts.telegram.wake()
    return Message(**row)


@router.delete("/conversations/{conversation_id}", status_code=204)
async def delete_conversation(conversation_id: Id, _session: Operator, parts: Parts) -> None:
    """Erase a conversation; its contact stays."""
    await parts.conversations.delete(conversation_id)
