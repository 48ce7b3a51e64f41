"""Which calls answer the conversation: functions, arguments, and what is still missing.

Pure: reads the conversation and the offered functions, makes nothing happen.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from understudy.engines.extractive import (
    abbreviations,
    choose,
    documents,
    evidence,
    question,
    quote,
    recall,
    smalltalk,
    structured,
    texts,
    words,
)
from understudy.engines.extractive.choose import Function
from understudy.engines.extractive.conversation import Call, Conversation, Turn
from understudy.engines.extractive.filling import (
    PlannedCall,
    Request,
    Wanted,
    complete,
    fill,
)
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
    r"|(?:no[,.]? )?(?:mejor no|better not)|nada|(?:还是)?算了|不用了|不要了)\W*$",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"^\W*(?:please |por favor,? )?(?:(?:try|do it|do that|once) (?:once )?(?:more|again)|retry"
    r"|otra vez|(?:int[eé]ntal|hazl|repítel)o(?: de nuevo| otra vez)?|reint[eé]ntalo|再试一次|重试"
    r"|再来一次)\W*$",
    re.IGNORECASE,
)
_MOST_CALLS = 16
_LONGEST_CONTINUATION = 12
_ENTITIES = frozenset(
    {"place", "id", "date", "datetime", "email", "person", "enum", "number", "currency"}
)


def wanted(request: Request) -> Wanted:
    """Return the calls that the user's last message asks for; none when it asks for no function."""
    searcher = documents.searcher(request.functions)
    if searcher is None:
        return _wanted(request)
    others = [function for function in request.functions if function is not searcher]
    return _beside_documents(searcher, Request(request.conversation, others, request.now))


def _beside_documents(searcher: Function, request: Request) -> Wanted:
    """Return the calls of the functions in `request`, or a search of documents in their place.

    A search follows them when their results name a file to read.
    """
    conversation, asked = request.conversation, request.asked
    found = _wanted(request)
    search = documents.call(searcher, conversation, asked)
    if documents.are_named(conversation.since_user):
        return Wanted([*found.calls, search])
    function = _function_of(found, request)
    if function is not None:
        is_search = documents.come_first(asked, function, found)
    else:
        is_search = not found.told and documents.are_asked(conversation, asked)
    if not is_search:
        return found
    return Wanted() if _is_answered(conversation, asked) else Wanted([search])


def _function_of(found: Wanted, request: Request) -> Function | None:
    """Return the function that is called or that lacks an argument, None when there is none."""
    if found.missing:
        chosen = choose.best(request.asked, request.functions)
        return chosen.function if chosen else None
    names = [call.name for call in found.calls]
    return next((one for one in request.functions if one.name in names), None)


def _is_answered(conversation: Conversation, asked: str) -> bool:
    """Tell whether passages that are in the user's messages or the instructions answer."""
    texts = [conversation.system, *conversation.users]
    sources = [source for text in texts for source in quote.passages_of(text)]
    return bool(sources) and quote.answer(asked, sources) is not None


def _wanted(request: Request) -> Wanted:
    text = request.asked
    if _WITHDRAWS.match(text) or (not text and request.conversation.last_user.strip()):
        return Wanted()
    chosen = choose.best(text, request.functions) or _contrasted(request)
    function = chosen.function if chosen else None
    if told := recall.told(function, request.conversation, text):
        return Wanted(told=told)
    pending = _pending(request)
    if pending and (chosen is None or chosen.function is pending.function):
        return _answered(pending, request)
    if chosen is None:
        ways = (_continued, _fitting, _looked_up)
        found_by = (way(request) for way in ways)
        return next((one for one in found_by if one.calls or one.missing), Wanted())
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
    if function is documents.searcher(named):
        return Wanted([documents.call(function, request.conversation, request.asked)])
    pending = _pending(narrowed)
    partial = pending.arguments if pending and pending.function is function else {}
    text = request.conversation.last_user
    given = {
        **recall.known(function, request.conversation, request.asked),
        **partial,
        **fill(function, text, request, asked=""),
    }
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
    whole = fill(function, text, request, asked="")
    clauses = _clauses(text)
    variants = [whole]
    entities = {one.name for one in function.parameters if one.kind in _ENTITIES or one.required}
    texts_of = {one.name for one in function.parameters if one.kind in ("text", "array", "object")}
    for start, end in clauses[1:]:
        part = fill(function, text[start:end], request, asked="")
        changed = {name: value for name, value in part.items() if name in entities - texts_of}
        fresh = {n: v for n, v in changed.items() if n in whole and not _holds(variants, v)}
        if len(fresh) == 1 and not _holds(variants, next(iter(fresh.values()))):
            variants.append({**whole, **fresh})
    return [complete(function, given, request) for given in variants]


def _holds(variants: list[dict[str, Any]], value: Any) -> bool:
    known = [_comparable(v) for given in variants for v in given.values()]
    wanted = _comparable(value)
    return any(wanted == other or (wanted and wanted in other) for other in known)


def _comparable(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str).strip('"').casefold()


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
    while len(turns) >= 2 and turns[-2].speaker == "user":
        if _asks(turns[-1]):
            earlier.append(turns[-2].text)
        elif not _is_aside(turns[-2], turns[-1]):
            break
        turns = turns[:-2]
    pending: _Pending | None = None
    for text in reversed(earlier):
        chosen = choose.best(text, request.functions)
        function = chosen.function if chosen else None if pending else _fitted(text, request)
        if function and (pending is None or function is not pending.function):
            pending = _Pending(function, {}, "")
        if pending is not None:
            pending = _filled(pending, text, request)
    return pending if pending and pending.asked else None


def _filled(pending: _Pending, text: str, request: Request) -> _Pending:
    """Return `pending` with what `text` gives of it, and what is to be asked for next."""
    given = fill(pending.function, text, request, asked=pending.asked)
    given = {**pending.arguments, **given}
    missing = complete(pending.function, given, request)[1]
    return _Pending(pending.function, given, missing[0].name if missing else "")


def _asks(turn: Turn) -> bool:
    return (
        turn.speaker == "assistant" and not turn.calls and turn.text.rstrip().endswith(("?", "？"))
    )


def _is_aside(asked: Turn, answer: Turn) -> bool:
    """Tell whether two turns are small talk or a question between a request and its details."""
    if answer.speaker != "assistant" or answer.calls:
        return False
    return question.is_question(asked.text) or smalltalk.is_courtesy(asked.text)


def _answered(pending: _Pending, request: Request) -> Wanted:
    text = request.conversation.last_user
    given = fill(pending.function, text, request, asked=pending.asked)
    if not given:
        return Wanted()
    call, missing = complete(pending.function, {**pending.arguments, **given}, request)
    return Wanted(missing=missing) if missing else Wanted([call])


def _continued(request: Request) -> Wanted:
    """Return the last call with other arguments for a message such as `and in Paris?`."""
    text = request.conversation.last_user
    last = _last_call(request.conversation)
    if last and _AGAIN.match(text) and any(f.name == last.name for f in request.functions):
        return Wanted([PlannedCall(last.name, last.arguments)])
    if (
        last is None
        or not _CONTINUES.search(text)
        or len(words.words(text)) > _LONGEST_CONTINUATION
    ):
        return Wanted()
    function = next((f for f in request.functions if f.name == last.name), None)
    if function is None:
        return Wanted()
    given = fill(function, text, request, asked="")
    if not given or all(last.arguments.get(name) == value for name, value in given.items()):
        return Wanted()
    call, missing = complete(function, {**last.arguments, **given}, request)
    return Wanted() if missing else Wanted([call])


def _contrasted(request: Request) -> choose.Ranked | None:
    """Return the function of `not in Paris, get it in Rome`: what is forbidden names it."""
    if request.asked == request.addressed or not _INSTEAD.search(request.asked):
        return None
    return choose.best(request.addressed, request.functions)


_INSTEAD = re.compile(
    r"\b(?:but|instead|rather|sino|pero|en su lugar|it|(?:búsca|busca|haz|hazl|mánda|manda)l[oa])\b"
    r"|而是|改|要",
    re.IGNORECASE,
)


def _fitting(request: Request) -> Wanted:
    """Return the call of a function whose values the message gives though it hardly names it."""
    function = _fitted(request.asked, request)
    if function is None:
        return Wanted()
    call, missing = complete(function, fill(function, request.asked, request, asked=""), request)
    return Wanted(missing=missing) if missing else Wanted([call])


def _fitted(text: str, request: Request) -> Function | None:
    """Return the one function whose required values `text` gives, or some when it is half named.

    `Send 50 euros to <IBAN>`: an amount and an account, and the word `send`.
    """
    if question.is_question(text) and not documents.is_request(text):
        return None
    complete, begun = [], []
    for one in choose.rank(choose.asked(text), request.functions):
        needed = {p.name: p for p in one.function.parameters if p.required}
        certain = all(p.kind in _CERTAIN for p in needed.values())
        if one.score < _LEAST_FITTING or len(needed) < 2 or not certain:
            continue
        given = fill(one.function, text, request, asked="").keys() & needed.keys()
        if len(given) == len(needed):
            complete.append(one.function)
        elif given and one.score >= _LEAST_BEGUN:
            begun.append(one.function)
    found = complete or begun
    return found[0] if len(found) == 1 else None


_LEAST_FITTING = 0.3
_LEAST_BEGUN = 0.7
_CERTAIN = frozenset(
    {"email", "url", "phone", "id", "number", "date", "datetime", "time", "currency"}
)


def _looked_up(request: Request) -> Wanted:
    """Return the call of a function that looks things up in documents, for a question to them."""
    asked = request.asked.strip()
    lookups = [function for function in request.functions if documents.is_lookup(function)]
    if not lookups or not question.is_question(asked) or len(words.terms(asked)) < 2:
        return Wanted()
    name = next(one.name for one in lookups[0].parameters if one.required)
    return Wanted([PlannedCall(lookups[0].name, {name: abbreviations.restored(asked)})])


def _last_call(conversation: Conversation) -> Call | None:
    calls = [call for turn in conversation.before_user for call in turn.calls]
    return calls[-1] if calls else None
