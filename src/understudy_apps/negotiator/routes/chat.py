"""`chat`: what was said, a message and the events of its answer, and the files that are cited."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from understudy_apps.errors import NotFound
from understudy_apps.negotiator.conversation import Conversations
from understudy_apps.negotiator.dependencies import SignedIn
from understudy_apps.web import EventStream

router = APIRouter(tags=["chat"])

_PDF_HEADERS = {
    # The viewers of some browsers need plugins that the pages' own policy rules out.
    "content-security-policy": "default-src 'self'; frame-ancestors 'self'",
    "cache-control": "private, max-age=3600",
}


class NewMessage(BaseModel):
    """What a person says."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"\S")]


class CitationView(BaseModel):
    """Where a statement is from: `text` is its marker in the message."""

    text: str
    file_id: str
    filename: str | None
    page: int | None


class MessageView(BaseModel):
    """A message of the chat."""

    id: str
    role: str
    text: str
    citations: list[CitationView]
    created_at: int


class ChatView(BaseModel):
    """The chat so far; `problem` says in words why its messages are missing, if they are."""

    greeting: str
    suggestions: list[str]
    messages: list[MessageView]
    debt_id: int | None
    open_offers: list[dict[str, Any]]
    problem: str | None


def conversations(request: Request) -> Conversations:
    """Return the chats of the application that answers `request`."""
    found: Conversations = request.app.state.conversations
    return found


Chats = Annotated[Conversations, Depends(conversations)]


@router.get("/chat")
async def show_chat(session: SignedIn, chats: Chats) -> ChatView:
    """Show the messages so far, the greeting, the debt that is talked about, and open offers."""
    opening = await chats.opening(session.user_id)
    return ChatView.model_validate(opening, from_attributes=True)


@router.post(
    "/chat/messages",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def say(body: NewMessage, session: SignedIn, chats: Chats) -> EventStream:
    """Say something; the answer is a stream of the events delta, tool, offer, citation, done and
    error."""
    return EventStream(chats.answer(session.user_id, body.text))


@router.post("/chat/new", status_code=204)
async def begin_anew(session: SignedIn, chats: Chats) -> None:
    """Begin a new chat; debts, negotiations and offers stay as they are."""
    await chats.begin_anew(session.user_id)


@router.get("/chat/files/{file_id}", response_class=Response)
async def show_file(file_id: str, _session: SignedIn, chats: Chats) -> Response:
    """Show a cited PDF; `#page=2` behind the address opens its page."""
    printed = await chats.document(file_id)
    if printed is None:
        raise NotFound(f"There is no file {file_id}.", "file_not_found")
    disposition = f'inline; filename="{printed.filename}"'
    headers = {**_PDF_HEADERS, "content-disposition": disposition}
    return Response(printed.content, media_type="application/pdf", headers=headers)
