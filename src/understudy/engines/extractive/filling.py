"""A request to call a function, and one call of it: filled, completed, or missing something.

Knows one function and one text at a time; which function is wanted is decided in `calls`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from understudy.engines.extractive import arguments, evidence, forbidden, question, recall
from understudy.engines.extractive import schema as schemas
from understudy.engines.extractive.choose import Function
from understudy.engines.extractive.context import Context
from understudy.engines.extractive.conversation import Conversation
from understudy.engines.extractive.parameters import Parameter


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call to make: the function's name and its arguments."""

    name: str
    arguments: dict[str, Any]
    is_recalled: bool = False
    """No argument is from the user's message, all are from earlier calls and results."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The calls to make now, or what has to be asked before one can be made."""

    calls: list[PlannedCall] = field(default_factory=list)
    missing: list[Parameter] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    """The fields of an earlier result that the message asks for."""


@dataclass(frozen=True)
class Request:
    """What a plan is made from: the conversation, the functions, the moment."""

    conversation: Conversation
    functions: list[Function]
    now: datetime

    @cached_property
    def asked(self) -> str:
        """What of the user's last message can ask for a function; what it forbids is left out."""
        return forbidden.without_forbidden(self.addressed)

    @property
    def is_long(self) -> bool:
        """Whether the user's last message holds more than what can ask for a function."""
        return len(self.addressed) < len(self.conversation.last_user)

    @cached_property
    def addressed(self) -> str:
        """What of the user's last message is addressed to the functions at all."""
        return self.evidence(question.asked_of(self.conversation.last_user)).text

    def evidence(self, text: str) -> evidence.Evidence:
        """Return the evidence of one text of the conversation."""
        return evidence.read(text, self.conversation.language, self.now)


def complete(
    function: Function, given: dict[str, Any], request: Request
) -> tuple[PlannedCall, list[Parameter]]:
    """Return the call with what else is known, and the required parameters it still lacks."""
    if missing(function, given) and request.is_long:
        given = {**_required_elsewhere(function, request), **given}
    known = (
        recall.known(function, request.conversation, request.asked)
        if missing(function, given)
        else {}
    )
    is_recalled = bool(known) and not given
    given = {**known, **given}
    for one in missing(function, given):
        raw = _property(function, one.name)
        if "default" in raw:
            given[one.name] = raw["default"]
        elif schemas.allows_null(raw):
            given[one.name] = None
    lacking = missing(function, given)
    ordered = {one.name: given[one.name] for one in function.parameters if one.name in given}
    return PlannedCall(function.name, ordered, is_recalled), lacking


def _required_elsewhere(function: Function, request: Request) -> dict[str, Any]:
    """Return required arguments that the document around the request gives."""
    found = fill(function, request.conversation.last_user, request, asked="")
    return {one.name: found[one.name] for one in missing(function, {}) if one.name in found}


def missing(function: Function, given: dict[str, Any]) -> list[Parameter]:
    """Return the required parameters that `given` does not hold."""
    return [one for one in function.parameters if one.required and one.name not in given]


def _property(function: Function, name: str) -> dict[str, Any]:
    properties = schemas.resolved(function.schema, function.schema).get("properties")
    raw = schemas.as_schema(properties.get(name)) if isinstance(properties, dict) else {}
    return schemas.resolved(raw, function.schema)


def fill(function: Function, text: str, request: Request, *, asked: str) -> dict[str, Any]:
    """Return the arguments that `text` gives; `asked` is the parameter it was asked for."""
    context = Context(request.evidence(text), function.subject, function.schema, asked=asked)
    return arguments.fill(function.parameters, context)


def known_before(function: Function, request: Request) -> dict[str, Any]:
    """Return what earlier turns give to this request."""
    return recall.known(function, request.conversation, request.asked)
