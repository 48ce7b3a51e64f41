"""The fields of what a sales team keeps, judged: for requests, imports and the agent's functions.

Knows neither HTTP nor the database.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from understudy_apps.languages import Language
from understudy_apps.sales.pipeline import Stage

Interest = Literal["unknown", "low", "medium", "high"]
Channel = Literal["web", "telegram", "phone", "email", "other", "sandbox"]
ConversationStatus = Literal["agent", "person", "closed"]
"""Who answers: the agent, a person after a hand-over, or nobody any more."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[\d ().\-/]{5,30}")


def _email(text: str) -> str:
    if text and not _EMAIL.fullmatch(text):
        raise ValueError("not an e-mail address")
    return text.lower()


def _phone(text: str) -> str:
    if text and not _PHONE.fullmatch(text):
        raise ValueError("not a telephone number")
    return text


def _lowered(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


class Fields(BaseModel):
    """What somebody sends: of these fields alone, in characters that every database takes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _has_no_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("a text cannot hold the character NUL")
        return value


Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""A number that a row can have."""
Position = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""The number of the row, or how many rows, after which others are wanted."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
Company = Annotated[str, Field(max_length=200)]
Email = Annotated[str, Field(max_length=200), AfterValidator(_email)]
Phone = Annotated[str, Field(max_length=30), AfterValidator(_phone)]
Task = Annotated[str, Field(max_length=1000)]
Notes = Annotated[str, Field(max_length=10_000)]


class ContactFields(Fields):
    """A contact as somebody enters it."""

    name: Name
    company: Company = ""
    channel: Annotated[Channel, BeforeValidator(_lowered)] = "other"
    interest: Annotated[Interest, BeforeValidator(_lowered)] = "unknown"
    email: Email = ""
    phone: Phone = ""
    notes: Notes = ""
    language: Annotated[Language, BeforeValidator(_lowered)] = "es"
    stage: Annotated[Stage, BeforeValidator(_lowered)] = Stage.NEW


class ContactChanges(Fields):
    """The fields of a contact that are to change; what is absent stays."""

    name: Name | None = None
    company: Company | None = None
    channel: Channel | None = None
    interest: Interest | None = None
    email: Email | None = None
    phone: Phone | None = None
    notes: Notes | None = None
    language: Language | None = None
    stage: Stage | None = None


class FollowUpFields(Fields):
    """A task for a day."""

    contact_id: Id
    due_on: date
    task: Annotated[Task, Field(min_length=1)]


class FollowUpChanges(Fields):
    """The fields of a follow-up that are to change; what is absent stays."""

    due_on: date | None = None
    task: Annotated[Task, Field(min_length=1)] | None = None
    is_done: bool | None = None


class AgentConfiguration(Fields):
    """How the agent asks its model; `language` "auto" follows the visitor."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    temperature: Annotated[float, Field(ge=0, le=2)]
    max_tokens: Annotated[int, Field(ge=16, le=32_768)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    language: Literal["auto", "es", "en", "zh"]
