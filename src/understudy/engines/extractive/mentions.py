"""Which piece of a text stands for a parameter that is a name, an id, a place or free text."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re

from understudy.engines.extractive import patterns, texts, words
from understudy.engines.extractive.context import Context
from understudy.engines.extractive.evidence import Evidence, Mention
from understudy.engines.extractive.parameters import Parameter, direction

_FROM_WORDS = frozenset("from de desde del 从 把 将".split())
_TO_WORDS = frozenset("to a into hacia hasta en in para many cuantos 到 去 飞 飞往".split())


def find(one: Parameter, context: Context) -> Mention | None:
    """Return the mention that stands for `one`, or None."""
    evidence = context.evidence
    match one.kind:
        case "email":
            return _first_free(evidence.emails, context)
        case "url":
            return _first_free(evidence.urls, context)
        case "phone":
            return _first_free([*evidence.phones, *context.evidence.digits], context)
        case "id":
            return _id(one, context)
        case "currency":
            return _currency(one, context)
        case "place":
            return _place(one, context)
        case "person":
            return _first_free(evidence.people, context) or _asked_whole(one, context)
        case "text":
            return _text(one, context)
    return _string(one, context)


def _first_free(mentions: list[Mention], context: Context) -> Mention | None:
    return next((mention for mention in mentions if context.is_free(mention)), None)


def _id(one: Parameter, context: Context) -> Mention | None:
    candidates = [
        m for m in (*context.evidence.ids, *context.evidence.digits) if context.is_free(m)
    ]
    candidates = [m for m in candidates if patterns.fits(m.value, one.schema)]
    if not candidates:
        quoted = _first_free(context.evidence.quoted, context)
        return quoted if quoted and " " not in quoted.value else _asked_whole(one, context)
    cued = [m for m in candidates if _keys_before(m, context.evidence) & (one.keys - {"id"})]
    return (cued or candidates)[0]


def _keys_before(mention: Mention, evidence: Evidence) -> frozenset[str]:
    before = [word.keys for word in evidence.words if word.end <= mention.start][-4:]
    return frozenset().union(*before)


def _currency(one: Parameter, context: Context) -> Mention | None:
    allowed = one.schema.get("enum")
    found = context.evidence.currencies
    if isinstance(allowed, list):
        found = [mention for mention in found if mention.value in allowed]
    targets = [mention for mention in found if _is_target(mention)]
    sources = [mention for mention in found if not _is_target(mention)]
    match direction(one):
        case "to":
            candidates = targets or sources[1:]
            return candidates[-1] if candidates else None
        case "from":
            found = sources or targets
    return found[0] if found else None


def _is_target(mention: Mention) -> bool:
    return mention.word in _TO_WORDS or mention.word.endswith(("成", "为", "到", "多少"))


def _place(one: Parameter, context: Context) -> Mention | None:
    people = [(m.start, m.end) for m in context.evidence.introduced]
    found = [
        m
        for m in context.evidence.places
        if context.is_free(m)
        and not texts.overlaps((m.start, m.end), people)
        and not words.keys(m.value.split()[0]) & (context.subject | _WHEN)
    ]
    way = direction(one)
    if way:
        wanted = _FROM_WORDS if way == "from" else _TO_WORDS
        return next((m for m in found if m.word in wanted), None) or _asked_whole(one, context)
    if found:
        return next((m for m in found if m.word not in ("to", "a", "from")), found[0])
    proper = _first_free(context.evidence.proper_nouns, context)
    return proper or _asked_whole(one, context) or leftover(one, context)


_WHEN = frozenset(
    "today tomorrow monday tuesday wednesday thursday friday saturday sunday month year "
    "week".split()
)


# --- free text --------------------------------------------------------------------------------


def _text(one: Parameter, context: Context) -> Mention | None:
    evidence = context.evidence
    names = one.name_keys
    if names & {"body", "message", "content"}:
        found = texts.said(evidence) or texts.about(evidence)
    elif names & {"reason"}:
        found = texts.because(evidence)
    elif names & {"subject", "title"}:
        found = _headline(one, context)
    elif names & {"description", "problem", "summary", "note", "detail", "text"}:
        found = texts.said(evidence) or texts.because(evidence) or _described(one, context)
    else:
        found = texts.request_free(evidence, context.subject)
    return found or _asked_whole(one, context)


def _headline(one: Parameter, context: Context) -> Mention | None:
    cues = frozenset({"subject", "title"})
    found = texts.after_cue(context.evidence, cues, context.used) or texts.about(context.evidence)
    if found or not one.required:
        return found
    return _described(one, context) or texts.said(context.evidence)


def _described(one: Parameter, context: Context) -> Mention | None:
    """Return the clauses of a request that tell of its matter, those that only ask left out."""
    if not one.required:
        return None
    found = [m for m in _CLAUSES.finditer(context.evidence.text) if _tells(m[0], context.subject)]
    if not found:
        return None
    start, end = found[0].start(), found[-1].end()
    raw = context.evidence.text[start:end]
    value = raw.strip(" \t\n.,;:。，；：")
    start += raw.index(value)
    return Mention(value, start, start + len(value))


def _tells(clause: str, subject: frozenset[str]) -> bool:
    keys = frozenset(words.terms(clause))
    return bool(keys - subject) and not keys & _REQUEST_KEYS


_CLAUSES = re.compile(r"(?:[^.,;:!?\n。，；：！？]|[.,:](?=\w))++[.,;:!?\n。，；：！？]*+")
_REQUEST_KEYS = frozenset({"ticket", "priority", "create", "send", "email", "note", "reminder"})


def _string(one: Parameter, context: Context) -> Mention | None:
    evidence = context.evidence
    if one.name_keys & {"calculate", "formul"}:
        return texts.sum_in(evidence)
    cues = one.name_keys - {"id", "number"}
    found = texts.after_cue(evidence, cues, context.used)
    if found and not _is_label(found, context):
        return found
    quoted = _first_free(evidence.quoted, context)
    if quoted or not one.required:
        return quoted
    found = _first_free(evidence.ids, context) if not one.name_keys & {"name"} else None
    return found or _asked_whole(one, context) or leftover(one, context)


def _is_label(mention: Mention, context: Context) -> bool:
    naming = context.subject | context.labels
    return all(key in naming for key in words.terms(mention.value))


def leftover(one: Parameter, context: Context) -> Mention | None:
    """Return what remains of the text for a required parameter when all else has been taken."""
    if not one.required:
        return None
    asking = context.subject | one.name_keys | context.labels | {*words.terms(_POINTING)}
    used = [*context.used, *((m.start, m.end) for m in context.evidence.moments)]
    used += [(n.start, n.end) for n in context.evidence.numbers]
    return texts.residual(context.evidence, asking, used)


_POINTING = "same mismo misma 一样 同样"


def _asked_whole(one: Parameter, context: Context) -> Mention | None:
    """Return a short message whole when it answers the question for this very parameter."""
    text = context.evidence.text
    if one.name != context.asked or len(text) > _LONGEST_ANSWER or text.rstrip().endswith("?"):
        return None
    if one.kind in ("person", "place", "string") and _is_spent(context):
        return None
    match = _ANSWER.match(text)
    return Mention(match["value"], *match.span("value")) if match else None


def _is_spent(context: Context) -> bool:
    """Tell whether all that a message says has become the value of other parameters."""
    if not context.used:
        return False
    spans = [*context.used, *((m.start, m.end) for m in context.evidence.currencies)]
    said = [word for word in context.evidence.words if word.keys]
    return all(texts.overlaps((word.start, word.end), spans) for word in said)


_LONGEST_ANSWER = 200
_ANSWER = re.compile(
    r"\W*(?:(?:it'?s|it is|my name is|me llamo|is|in|at|to|for|the|es|en|para|el|la|a|de"
    r"|soy)\s+)*(?:在|是|我叫)?"
    r"(?P<value>[^\n]*\w)",
    re.IGNORECASE,
)
