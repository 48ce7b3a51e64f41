"""`users/me/api-key`: the API key of a user's own, instead of the application's."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from understudy_apps.negotiator import accounts, api_keys
from understudy_apps.negotiator.dependencies import Parts, SignedIn

router = APIRouter(tags=["API key"])


class NewKey(BaseModel):
    """A key to check and store."""

    model_config = ConfigDict(extra="forbid")

    api_key: Annotated[str, Field(max_length=500)]


class KeyView(BaseModel):
    """The masked key, as in `sk-…abcd`; null while the application's is used."""

    api_key: str | None


@router.get("/users/me/api-key")
async def show_key(session: SignedIn, parts: Parts) -> KeyView:
    """Show the user's own key, masked."""
    account = await accounts.account_of(parts.database, session.user_id)
    return KeyView(api_key=account.api_key_hint)


@router.put("/users/me/api-key")
async def put_key(body: NewKey, session: SignedIn, parts: Parts) -> KeyView:
    """Check a key with the model's server and store it in place of any other."""
    parts.limits.key_checks_of_user.take(str(session.user_id))
    return KeyView(api_key=await api_keys.store(parts, session.user_id, body.api_key))


@router.delete("/users/me/api-key", status_code=204)
async def remove_key(session: SignedIn, parts: Parts) -> None:
    """Forget the user's own key."""
    await api_keys.remove(parts, session.user_id)
