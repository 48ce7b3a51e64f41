"""`sandbox`: an operator tries the agent. Nothing in it counts in lists and dashboard."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from understudy_apps.languages import Language
from understudy_apps.sales.agent import Written
from understudy_apps.sales.answering import events
from understudy_apps.sales.channels.lengths import MAX_TEXT_CHARACTERS
from understudy_apps.sales.contacts import SANDBOX
from understudy_apps.sales.conversations import Visitor
from understudy_apps.sales.dependencies import Operator, Parts, Services
from understudy_apps.sales.routes.conversations import Message
from understudy_apps.sales.shapes import Fields
from understudy_apps.sessions import Session
from understudy_apps.web import EventStream

router = APIRouter(tags=["sandbox"])


class Trial(Fields):
    """What an operator writes as if they were a visitor."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
    language: Language = "es"


@router.get("/sandbox/messages")
async def list_trials(session: Operator, parts: Parts) -> list[Message]:
    """List the messages of the operator's sandbox, oldest first."""
    conversation = await parts.conversations.find("sandbox", _key(session))
    if conversation is None:
        return []
    rows = await parts.conversations.messages(conversation["id"])
    return [Message(**row) for row in rows]


@router.post("/sandbox/messages", response_class=EventStream)
async def try_agent(body: Trial, session: Operator, parts: Parts) -> EventStream:
    """Have the agent answer, as events: delta, restart, tool, quote, handed_over, done, error."""
    visitor = Visitor("sandbox", _key(session), language=body.language)
    conversation = await parts.conversations.open(visitor)
    if conversation["status"] != "agent":
        await parts.conversations.set_status(conversation["id"], "agent")
    await parts.agent.accept(conversation["id"], Written(body.text))
    return EventStream(events(parts.tasks, parts.agent, conversation["id"]))


@router.delete("/sandbox/messages", status_code=204)
async def clear_sandbox(session: Operator, parts: Parts) -> None:
    """Begin the sandbox anew, without its contact."""
    conversation = await parts.conversations.find("sandbox", _key(session))
    if conversation is not None:
        await _erase(parts, conversation)


async def _erase(parts: Services, conversation: dict[str, Any]) -> None:
    if conversation["contact_id"] is None:
        await parts.conversations.delete(conversation["id"])
        return
    contact = await parts.records.contacts.get(conversation["contact_id"])
    assert contact["channel"] == SANDBOX, "the sandbox makes contacts of its own"
    await parts.records.contacts.delete(contact["id"])


def _key(session: Session) -> str:
    return f"operator:{session.user_id}"
