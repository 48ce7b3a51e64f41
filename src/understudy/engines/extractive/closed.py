"""Values of closed kinds found in a text: enum members, booleans, dates and times."""

import re
from datetime import datetime, time
from typing import Any

from understudy.engines.extractive import texts, words
from understudy.engines.extractive.context import Context
from understudy.engines.extractive.dates import Moment
from understudy.engines.extractive.evidence import Evidence
from understudy.engines.extractive.parameters import Parameter, direction

_NEGATIONS = frozenset("no not without sin never dont nunca 不 无 没 没有 不要".split())
_YES = frozenset(
    "yes yeah yep sure ok okay si claro vale true correcto 是 好 好的 对 可以 要".split()
)
_NO = frozenset("no nope false 不 不要 不是 否".split())
_ISO_HINT = re.compile(r"iso|yyyy|aaaa|8601|年-月", re.IGNORECASE)


def enum(one: Parameter, context: Context) -> Any:
    """Return the constant of `one`, or the member of its enum that the evidence names best."""
    if "const" in one.schema:
        return one.schema["const"]
    return next(iter(enum_matches(one.schema.get("enum"), context)), None)


def enum_matches(values: object, context: Context) -> list[Any]:
    """Return the values of an enum that the evidence names, by text or concept, best first."""
    found = []
    options = values if isinstance(values, list) else []
    texts_of = [
        words.split_identifier(value) if isinstance(value, str) else "" for value in options
    ]
    keys_of = [frozenset(words.terms(text)) for text in texts_of]
    for value, text, keys in zip(options, texts_of, keys_of, strict=True):
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, int | float):
            if any(number.value == value for number in context.evidence.numbers):
                found.append((0, value))
            continue
        own = keys - frozenset().union(*(other for other in keys_of if other is not keys))
        span = _find_word(text, context.evidence) or _find_keys(own, context.evidence)
        if span and text:
            context.used.append(span)
            found.append((0 if _find_word(text, context.evidence) else 1, value))
    return [value for _, value in sorted(found, key=lambda pair: pair[0])]


def _find_word(text: str, evidence: Evidence) -> texts.Span | None:
    if not isinstance(text, str) or not text.strip():
        return None
    pattern = rf"(?<!\w){re.escape(text)}(?!\w)" if not words.has_cjk(text) else re.escape(text)
    match = re.search(pattern, evidence.text, re.IGNORECASE)
    return match.span() if match else None


def _find_keys(keys: frozenset[str], evidence: Evidence) -> texts.Span | None:
    for word in evidence.words:
        if word.keys & keys:
            return word.start, word.end
    return None


def boolean(one: Parameter, context: Context) -> bool | None:
    """Return whether the evidence affirms what `one` is named after; None when it says nothing."""
    found = context.evidence.words
    own = one.name_keys - context.subject
    for position, word in enumerate(found):
        if word.keys & own:
            before = {words.fold(other.text) for other in found[max(0, position - 3) : position]}
            return not before & _NEGATIONS
    if one.name == context.asked and found:
        spoken = {words.fold(word.text).replace("'", "") for word in found}
        if spoken & _NO:
            return False
        return True if spoken & _YES else None
    return None


# --- dates ------------------------------------------------------------------------------------


def moment(one: Parameter, context: Context) -> str | None:
    """Return the date, the time or both that stand for `one`."""
    found = context.evidence.moments
    if one.kind == "time":
        clocks = [m.clock for m in found if m.clock]
        return clocks[0].strftime(_clock_format(one)) if clocks else None
    free = [m for m in found if m.day and context.is_free(m)]
    if not free:
        return None
    chosen = free[-1] if direction(one) == "to" and len(found) > 1 else free[0]
    if chosen.clock is None or one.kind == "datetime":
        context.take(chosen)
    return _rendered(one, chosen, context.evidence)


def _clock_format(one: Parameter) -> str:
    return "%H:%M:%S" if one.schema.get("format") else "%H:%M"


def _rendered(one: Parameter, chosen: Moment, evidence: Evidence) -> str:
    """Return a moment in ISO form where the schema asks for it, else as it was said."""
    if chosen.day and one.kind == "datetime":
        at = datetime.combine(chosen.day, chosen.clock or time())
        return at.astimezone().isoformat() if one.schema.get("format") else at.isoformat()
    if chosen.day and _wants_iso(one):
        return chosen.day.isoformat()
    said = evidence.text[chosen.start : chosen.end]
    return re.sub(r"^(?:on|el|the)\s+", "", said, flags=re.IGNORECASE)


def _wants_iso(one: Parameter) -> bool:
    if one.schema.get("format") == "date" or one.schema.get("pattern"):
        return True
    return bool(_ISO_HINT.search(str(one.schema.get("description") or "")))
