"""What earlier turns give to a new request: values it may take over, results that answer it.

Pure: reads the conversation; which call is made is decided in `calls`.
"""

import json
import re
from typing import Any

from understudy.engines.extractive import question, words
from understudy.engines.extractive.choose import Function
from understudy.engines.extractive.conversation import Conversation

_REFERS = re.compile(
    r"\b(?:that|this|those|these|it|its|same|again|also|too|es[aeo]s?|est[aeo]s?|aquel(?:la)?"
    r"|mism[oa]s?|otra vez|de nuevo|tambi[eé]n)\b"
    r"|\b\w{3,}(?:[aei]r|a|e)(?:me|te|se|nos)?l[oa]s?\b"
    r"|这|那|它|同样|一样|再[查试]",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:another|a new|otr[oa]|un[oa]? nuev[oa]|nuev[oa])\b(?! vez)|另|再[开下订买建发来]|新的?",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|did|had|era|eran|fue|fueron|ten[ií]a|hab[ií]a|dijiste)\b|刚才|之前|上次|当时",
    re.IGNORECASE,
)
_INTERROGATIVE = re.compile(
    r"^\W*(?:and |y )?(?:what|which|when|who|where|how (?:much|many)|remind me|tell me|qu[eé]"
    r"|cu[aá]l(?:es)?|cu[aá]ndo|qui[eé]n|d[oó]nde|cu[aá]nt[oa]s?|recu[eé]rdame|dime)\b"
    r"|多少|什么|哪|几[号点]",
    re.IGNORECASE,
)


def known(function: Function, conversation: Conversation, asked: str) -> dict[str, Any]:
    """Return values that earlier calls and results hold under a required parameter's own name.

    A request that points back takes them all; another one only ids, and none that served the
    same function before.
    """
    if _NEW.search(asked):
        return {}
    refers = _REFERS.search(asked) is not None
    found: dict[str, Any] = {}
    for turn in conversation.before_user:
        for call in turn.calls:
            if refers or call.name != function.name:
                found.update(call.arguments)
        if turn.speaker == "tool" and (refers or turn.name != function.name):
            found.update(_fields(turn.text))
    kinds = {one.name: one.kind for one in function.parameters if one.required}
    return {
        name: value
        for name, value in found.items()
        if value is not None and kinds.get(name, "text") != "text"
        if refers or kinds[name] == "id"
    }


def told(function: Function | None, conversation: Conversation, text: str) -> dict[str, Any]:
    """Return the fields of the last result that a question asks for, when it asks nothing new.

    What `function` is named after does not count: `what is the weather?` asks for a call.
    """
    if not (question.is_question(text) or _INTERROGATIVE.search(text)):
        return {}
    if function and not function.parameters and not _PAST.search(text):
        return {}
    asked = set(words.terms(text))
    fields, values = _vocabulary(conversation)
    topic = function.name_keys if function else frozenset[str]()
    novel = asked - fields - values - (function.subject if function else frozenset())
    if novel - _OF_ASKING:
        return {}
    return _best_fields(conversation, (asked & fields) - topic - values)


def _best_fields(conversation: Conversation, keys: set[str]) -> dict[str, Any]:
    """Return the fields named by most of `keys`, of the last result that has any."""
    for turn in reversed(conversation.before_user):
        result = _fields(turn.text) if turn.speaker == "tool" else {}
        shared = {
            name: len(keys.intersection(words.terms(words.split_identifier(name))))
            for name in result
        }
        if most := max(shared.values(), default=0):
            return {name: result[name] for name in result if shared[name] == most}
    return {}


def _vocabulary(conversation: Conversation) -> tuple[set[str], set[str]]:
    """Return the keys of all fields of earlier results, and of the values in calls and results."""
    fields: set[str] = set()
    values: set[str] = set()
    for turn in conversation.before_user:
        parts = [call.arguments for call in turn.calls]
        if turn.speaker == "tool":
            parts.append(_fields(turn.text))
            fields.update(*(words.terms(words.split_identifier(name)) for name in parts[-1]))
        for part in parts:
            values.update(*(words.terms(str(value)[:_LONGEST_VALUE]) for value in part.values()))
    return fields, values


_OF_ASKING = frozenset({"get", "remind", "recuerd", "again", "刚才", "之前", "上次", "当时"})
_LONGEST_VALUE = 400


def _fields(text: str) -> dict[str, Any]:
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if isinstance(decoded, list) and len(decoded) == 1:
        decoded = decoded[0]
    return decoded if isinstance(decoded, dict) else {}
