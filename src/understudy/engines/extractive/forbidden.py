"""The clauses of a message that forbid something: what they name is not to be done."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re

_CLAUSE = re.compile(
    r"(?:[^,;.!?\n，；。！？]|[.,](?=\w))++[,;.!?\n，；。！？]*+",
)
_BREAK = re.compile(
    r"\s(?=(?:but|instead|only|just)\s)|\s(?=(?:pero|sino|solo|sólo)\s)|(?=但是?|而是|只)",
    re.IGNORECASE,
)
_OPENING = (
    r"^\W*(?:(?:please|and|but|so|also|just|now|no|ok(?:ay)?|por favor|y|pero|entonces|ahora"
    r"|mejor)\W+){0,3}"
)
_FORBIDS = re.compile(
    _OPENING + r"(?:(?:do not|don['’]?t|never|you (?:must|should|need) not"
    r"|(?:there is |there['’]s )?no need to|i (?:do not|don['’]?t) (?:want|need)(?: you)? to"
    r"|avoid|stop)\s+(?!you\b|forget|hesitate|know|think|see|understand|have|worry)\w"
    r"|(?:no|nunca|jam[aá]s)\s+(?:(?:me|te|le|les|nos|lo|la|los|las|se)\s+){0,2}(?:"
    r"(?!(?:tienes|puedes|quieres|sabes|debes|haces|crees|ves|vas|eres|has|olvides|dudes|entiendes"
    r"|mas|más|menos|dices|estas|estás|pas|tendr[ií]as|podr[ií]as|apenas|encuentras?|ofreces)\b)"
    r"\w{3,}(?:[ea]s|éis|áis)"
    r"|(?:busqu|env[ií]|mand|cancel|reserv|cre|llam|consult|mir|pagu|compr|borr|elimin|anul|us"
    r"|muestr|agend|program|actualic|cambi|modifiqu)en?|(?:hag|abr|dig|transfier|conviert|pong)an?)"
    r"\b|no (?:quiero|necesito|hace falta) que\b|no (?:quiero|hace falta) (?:saber|buscar)\b)"
    r"|^\W*(?:请你?|麻烦你?|你|先|千万|但是?|而且|那|就|也|再)*"
    r"(?:不要|别(?!的|人|处)|不用|不必|不需要|无需|勿|不想(?:让你|要你|知道))(?!忘|了\W*$)",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？]\s*$|^\W*¿")


def without_forbidden(text: str) -> str:
    """Return `text` without the clauses that forbid something."""
    if not _MAY_FORBID.search(text):
        return text
    kept = [part for part in _clauses(text) if not _is_forbidden(part)]
    return "".join(kept).strip()


def only_forbids(text: str) -> bool:
    """Tell whether `text` says what is not to be done, and nothing else."""
    return bool(text.strip()) and not without_forbidden(text)


_MAY_FORBID = re.compile(
    r"n['’]?t\b|\b(?:not|never|no|nunca|jam[aá]s|avoid|stop)\b|[不别勿无]", re.IGNORECASE
)


def _clauses(text: str) -> list[str]:
    """Return the clauses of `text`; together they are the text."""
    return [part for match in _CLAUSE.finditer(text) for part in _BREAK.split(match[0])]


def _is_forbidden(clause: str) -> bool:
    return _FORBIDS.search(clause) is not None and not _ASKS.search(clause)
