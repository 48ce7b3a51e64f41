"""Which calls answer the conversation: functions, arguments, and what is still missing.

Pure: reads the conversation and the offered functions, makes nothing happen.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from understudy.engines.extractive import (
    arguments,
    choose,
    evidence,
    question,
    structured,
    texts,
    words,
)
from understudy.engines.extractive import schema as schemas
from understudy.engines.extractive.choose import Function
from understudy.engines.extractive.context import Context
from understudy.engines.extractive.conversation import Call, Conversation, Turn
from understudy.engines.extractive.parameters import Parameter

_CLAUSE = re.compile(
    r"\s+(?:and|y|e|also|además|tambi[eé]n|then|luego|plus)\s+|[;,]\s+(?!(?-i:[A-Z]{2}\b))|[.?!]\s+|\n+"
    r"|[；，、。？！]\s*|和|以及|还有|并且|然后|再(?!见)",
    re.IGNORECASE,
)
_CONTINUES = re.compile(
    r"^\W*(?:y\s|and\s|what about|how about|qu[eé] tal|or\s|o\s|also|tambi[eé]n|ahora|now\s|那"
    r"|换成)|呢\s*[?？]?$",
    re.IGNORECASE,
)
_WITHDRAWS = re.compile(
    r"^\W*(?:no[,.]? (?:thanks|gracias|thank you)|never ?mind|forget it|cancel that|olv[ií]dalo"
    r"|d[eé]jalo"
    r"|nada|算了|不用了|不要了)\W*$",
    re.IGNORECASE,
)
_MOST_CALLS = 16
_LONGEST_CONTINUATION = 12
_ENTITIES = frozenset(
    {"place", "id", "date", "datetime", "email", "person", "enum", "number", "currency"}
)


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


@dataclass(frozen=True)
class Request:
    """What a plan is made from: the conversation, the functions, the moment."""

    conversation: Conversation
    functions: list[Function]
    now: datetime

    @cached_property
    def asked(self) -> str:
        """What of the user's last message can ask for a function."""
        return self.evidence(question.asked_of(self.conversation.last_user)).text

    @property
    def is_long(self) -> bool:
        """Whether the user's last message holds more than what can ask for a function."""
        return len(self.asked) < len(self.conversation.last_user)

    def evidence(self, text: str) -> evidence.Evidence:
        """Return the evidence of one text of the conversation."""
        return evidence.read(text, self.conversation.language, self.now)


def wanted(request: Request) -> Wanted:
    """Return the calls that the user's last message asks for; none when it asks for no function."""
    text = request.asked
    if _WITHDRAWS.match(text):
        return Wanted()
    chosen = choose.best(text, request.functions)
    pending = _pending(request)
    if pending and (chosen is None or chosen.function is pending.function):
        return _answered(pending, request)
    if chosen is None:
        again = _continued(request)
        return again if again.calls else _looked_up(request)
    found = [
        call
        for function, part in _parts(text, chosen.function, request)
        for call in _repeated(function, part, request)
    ]
    incomplete = [missing for call, missing in found if missing]
    if incomplete:
        return Wanted(missing=incomplete[0])
    return Wanted(_unique([call for call, _ in found]))


def forced(request: Request, *, name: str | None) -> Wanted:
    """Return calls that must be made, of the function `name` or of the best: none is missing."""
    named = [f for f in request.functions if f.name == name] if name else request.functions
    narrowed = Request(request.conversation, named, request.now)
    found = wanted(narrowed)
    if found.calls:
        return found
    function = choose.rank(choose.asked(request.asked), named)[0].function
    pending = _pending(narrowed)
    partial = pending.arguments if pending and pending.function is function else {}
    text = request.conversation.last_user
    given = {**_known(function, request), **partial, **_fill(function, text, request, asked="")}
    completed = structured.completed(function.schema, given, request.evidence(text))
    return Wanted([PlannedCall(function.name, completed)])


def remaining(found: Wanted, since_user: tuple[Turn, ...]) -> list[PlannedCall]:
    """Return the planned calls that were not made since the user spoke, counted per function."""
    made = [call.name for turn in since_user for call in turn.calls]
    left = []
    for call in found.calls:
        if call.name in made:
            made.remove(call.name)
        else:
            left.append(call)
    return left


def were_made(found: Wanted, before_user: tuple[Turn, ...]) -> bool:
    """Tell whether the planned calls only repeat earlier ones, so that their results may do."""
    made = [(call.name, call.arguments) for turn in before_user for call in turn.calls]
    return bool(found.calls) and all(
        call.is_recalled and (call.name, call.arguments) in made for call in found.calls
    )


# --- one message ------------------------------------------------------------------------------


def _parts(text: str, main: Function, request: Request) -> list[tuple[Function, str]]:
    """Return the functions that the clauses of `text` ask for, each with its stretch of text."""
    clauses = _clauses(text)
    found: list[tuple[Function, int, int]] = []
    for start, end in clauses:
        ranked = choose.best(text[start:end], request.functions)
        if ranked is None or (found and found[-1][0] is ranked.function):
            continue
        found.append((ranked.function, start, end))
    if len({function.name for function, _, _ in found}) < 2:
        return [(main, text)]
    starts = [0, *(start for _, start, _ in found[1:]), len(text)]
    return [(f, text[starts[i] : starts[i + 1]]) for i, (f, _, _) in enumerate(found)]


def _clauses(text: str) -> list[texts.Span]:
    """Return the clauses of `text`; what is quoted or to be said verbatim is not divided."""
    plain = evidence.Evidence(text, "en", datetime.min)
    whole = [(m.start, m.end) for m in plain.quoted]
    if said := texts.said(plain):
        whole.append((said.start, len(text)))
    if about := texts.about(plain):
        whole.append((about.start, about.end))
    cuts = [m for m in _CLAUSE.finditer(text) if not texts.overlaps(m.span(), whole)]
    starts = [0, *(m.end() for m in cuts)]
    ends = [*(m.start() for m in cuts), len(text)]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if text[a:b].strip()][:_MOST_CALLS]


def _repeated(
    function: Function, text: str, request: Request
) -> list[tuple[PlannedCall, list[Parameter]]]:
    """Return one call, or several when `text` names several values of one parameter."""
    whole = _fill(function, text, request, asked="")
    clauses = _clauses(text)
    variants = [whole]
    entities = {one.name for one in function.parameters if one.kind in _ENTITIES or one.required}
    texts_of = {one.name for one in function.parameters if one.kind in ("text", "array", "object")}
    for start, end in clauses[1:]:
        part = _fill(function, text[start:end], request, asked="")
        changed = {name: value for name, value in part.items() if name in entities - texts_of}
        fresh = {n: v for n, v in changed.items() if n in whole and not _holds(variants, v)}
        if len(fresh) == 1 and not _holds(variants, next(iter(fresh.values()))):
            variants.append({**whole, **fresh})
    return [_complete(function, given, request) for given in variants]


def _holds(variants: list[dict[str, Any]], value: Any) -> bool:
    known = [_comparable(v) for given in variants for v in given.values()]
    wanted = _comparable(value)
    return any(wanted == other or (wanted and wanted in other) for other in known)


def _comparable(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str).strip('"').casefold()


def _complete(
    function: Function, given: dict[str, Any], request: Request
) -> tuple[PlannedCall, list[Parameter]]:
    if _missing(function, given) and request.is_long:
        given = {**_required_elsewhere(function, request), **given}
    known = _known(function, request) if _missing(function, given) else {}
    is_recalled = bool(known) and not given
    given = {**known, **given}
    for one in _missing(function, given):
        raw = _property(function, one.name)
        if "default" in raw:
            given[one.name] = raw["default"]
        elif schemas.allows_null(raw):
            given[one.name] = None
    missing = _missing(function, given)
    ordered = {one.name: given[one.name] for one in function.parameters if one.name in given}
    return PlannedCall(function.name, ordered, is_recalled), missing


def _required_elsewhere(function: Function, request: Request) -> dict[str, Any]:
    """Return required arguments that the document around the request gives."""
    found = _fill(function, request.conversation.last_user, request, asked="")
    return {one.name: found[one.name] for one in _missing(function, {}) if one.name in found}


def _missing(function: Function, given: dict[str, Any]) -> list[Parameter]:
    return [one for one in function.parameters if one.required and one.name not in given]


def _property(function: Function, name: str) -> dict[str, Any]:
    properties = schemas.resolved(function.schema, function.schema).get("properties")
    raw = schemas.as_schema(properties.get(name)) if isinstance(properties, dict) else {}
    return schemas.resolved(raw, function.schema)


def _fill(function: Function, text: str, request: Request, *, asked: str) -> dict[str, Any]:
    context = Context(request.evidence(text), function.subject, function.schema, asked=asked)
    return arguments.fill(function.parameters, context)


def _unique(found: list[PlannedCall]) -> list[PlannedCall]:
    kept: list[PlannedCall] = []
    for call in found[:_MOST_CALLS]:
        if call not in kept:
            kept.append(call)
    return kept


# --- the conversation before it ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pending:
    """A function whose missing argument was asked for, with what is known of it."""

    function: Function
    arguments: dict[str, Any]
    asked: str


def _pending(request: Request) -> _Pending | None:
    turns = [turn for turn in request.conversation.before_user if turn.speaker != "system"]
    earlier: list[str] = []
    while len(turns) >= 2 and _asks(turns[-1]) and turns[-2].speaker == "user":
        earlier.append(turns[-2].text)
        turns = turns[:-2]
    opening = next((t for t in reversed(earlier) if choose.best(t, request.functions)), None)
    chosen = choose.best(opening, request.functions) if opening else None
    if chosen is None:
        return None
    given: dict[str, Any] = {}
    asked = ""
    for text in reversed(earlier):
        given = {**_fill(chosen.function, text, request, asked=asked), **given}
        missing = _complete(chosen.function, given, request)[1]
        asked = missing[0].name if missing else ""
    return _Pending(chosen.function, given, asked) if asked else None


def _asks(turn: Turn) -> bool:
    return (
        turn.speaker == "assistant" and not turn.calls and turn.text.rstrip().endswith(("?", "？"))
    )


def _answered(pending: _Pending, request: Request) -> Wanted:
    text = request.conversation.last_user
    given = _fill(pending.function, text, request, asked=pending.asked)
    if not given:
        return Wanted()
    call, missing = _complete(pending.function, {**pending.arguments, **given}, request)
    return Wanted(missing=missing) if missing else Wanted([call])


def _continued(request: Request) -> Wanted:
    """Return the last call with other arguments for a message such as `and in Paris?`."""
    text = request.conversation.last_user
    last = _last_call(request.conversation)
    if (
        last is None
        or not _CONTINUES.search(text)
        or len(words.words(text)) > _LONGEST_CONTINUATION
    ):
        return Wanted()
    function = next((f for f in request.functions if f.name == last.name), None)
    if function is None:
        return Wanted()
    given = _fill(function, text, request, asked="")
    if not given or all(last.arguments.get(name) == value for name, value in given.items()):
        return Wanted()
    call, missing = _complete(function, {**last.arguments, **given}, request)
    return Wanted() if missing else Wanted([call])


def _looked_up(request: Request) -> Wanted:
    """Return the call of a function that looks things up in documents, for a question to them."""
    asked = request.asked.strip()
    lookups = [function for function in request.functions if _is_lookup(function)]
    if not lookups or not question.is_question(asked) or len(words.terms(asked)) < 2:
        return Wanted()
    name = next(one.name for one in lookups[0].parameters if one.required)
    return Wanted([PlannedCall(lookups[0].name, {name: asked})])


def _is_lookup(function: Function) -> bool:
    """Tell whether a function searches documents with one text of its caller's choice."""
    needed = [one for one in function.parameters if one.required]
    searches = bool(function.subject & _SEARCHES) and bool(function.subject & _DOCUMENTS)
    return searches and len(needed) == 1 and needed[0].kind == "text"


_SEARCHES = frozenset({"search", "get", "check"})
_DOCUMENTS = frozenset({"document", "knowledg", "faq", "manual", "wiki"})


def _last_call(conversation: Conversation) -> Call | None:
    calls = [call for turn in conversation.before_user for call in turn.calls]
    return calls[-1] if calls else None


def _known(function: Function, request: Request) -> dict[str, Any]:
    """Return values that earlier calls and results hold under a parameter's own name."""
    known: dict[str, Any] = {}
    for turn in request.conversation.before_user:
        for call in turn.calls:
            known.update(call.arguments)
        if turn.speaker == "tool":
            known.update(_result_fields(turn.text))
    names = {one.name for one in function.parameters if one.required and one.kind != "text"}
    return {name: value for name, value in known.items() if name in names and value is not None}


def _result_fields(text: str) -> dict[str, Any]:
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if isinstance(decoded, list) and len(decoded) == 1:
        decoded = decoded[0]
    return decoded if isinstance(decoded, dict) else {}
