"""What of a user's message is asked, and what of it is a document pasted around the question."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re

from understudy.engines.extractive import quote, words
from understudy.wire import passages

_LEAST_DOCUMENT = 160
_LONGEST_REQUEST = 1_000
_LONGEST_OPENING = 400
_SUMMARIZE = re.compile(
    r"^\W*(?:please |por favor |can you |could you |puedes |podr[ií]as )?(?:summari[sz]e"
    r"|give me a summary|tl;?dr"
    r"|res[uú]me(?:me|lo|n)?|resumir|haz un resumen)\b|^\W*请?(?:帮我)?(?:总结|概括|摘要)"
    r"|\b(?:summari[sz]e|resume) (?:this|the|el|la|este|esto)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^[^\n:：]{0,120}[:：]\s*")


def asked_of(message: str) -> str:
    """Return the part of `message` that can ask for a function: no passages, no long document."""
    message = passages.without_passages(message)
    return message if len(message) <= _LONGEST_REQUEST else divided(message)[0]


def divided(message: str) -> tuple[str, str]:
    """Return the question of a message and the document pasted around it, if there is any."""
    message = passages.without_passages(message)
    if len(message) < _LEAST_DOCUMENT:
        lead = _LEAD.match(message)
        if lead and asks_summary(message):
            return lead[0], message[lead.end() :]
        return message, ""
    sentences = quote.split(message)
    asked = _asking(sentences) or message[:_LONGEST_OPENING]
    return asked, "\n".join(sentence for sentence in sentences if sentence != asked)


def is_question(sentence: str) -> bool:
    """Tell whether `sentence` is marked as a question."""
    return sentence.rstrip(" \"'”»)").endswith(("?", "？")) or sentence.startswith("¿")


def asks_summary(text: str) -> bool:
    """Tell whether `text` asks for a summary."""
    return _SUMMARIZE.search(text) is not None


def _asking(sentences: list[str]) -> str | None:
    """Return the last question, else the last request for a summary, else the opening."""
    for asks in (is_question, asks_summary):
        asking = [sentence for sentence in sentences if asks(sentence)]
        if asking:
            return asking[-1]
    return sentences[0] if sentences and words.terms(sentences[0]) else None
