"""Tool results rendered as sentences and lists in the user's language. Invents nothing."""

import json
import math
from dataclasses import dataclass
from typing import Any

from understudy.engines.extractive import lexicon, words
from understudy.engines.extractive.lexicon import Language
from understudy.engines.extractive.phrases import say

_MOST_ROWS = 20
_MOST_FIELDS_INLINE = 6
_DEEPEST = 3
_ERROR_FIELDS = ("error", "errors", "error_message", "err")
_LIST_FIELDS = ("results", "items", "data", "rows", "records")


@dataclass(frozen=True, slots=True)
class Result:
    """A tool's answer: its text, and the call's name and arguments where they are known."""

    name: str
    text: str
    arguments: dict[str, Any]


def render(results: list[Result], language: Language) -> str:
    """Return what `results` say; several are told apart by function, or by argument."""
    heads = [_head(result, results, language) for result in results]
    texts = [_one(result.text, language) for result in results]
    return "\n".join(
        f"{_capital(head)}{say('colon', language)}{text}" if head else text
        for head, text in zip(heads, texts, strict=True)
    )


def _head(result: Result, results: list[Result], language: Language) -> str:
    if len(results) < 2:
        return ""
    if len({other.name for other in results}) > 1:
        return _label(result.name, language)
    others = [other.arguments for other in results if other is not result]
    own = [
        _scalar(value, language)
        for name, value in result.arguments.items()
        if not isinstance(value, dict | list) and any(o.get(name) != value for o in others)
    ]
    return say("comma", language).join(own)


def decoded(text: str) -> Any:
    """Return the JSON value of a result's text, or the stripped text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()


def facts(value: Any, language: Language) -> list[str]:
    """Return the fields of a decoded result as short statements, one for each value."""
    if isinstance(value, dict):
        end = say("sentence_end", language)
        return [_label_start(k, language) + _inline(v, language) + end for k, v in value.items()]
    if isinstance(value, list):
        return [_capital(_inline(item, language)) for item in value[:_MOST_ROWS]]
    return []


def _one(text: str, language: Language) -> str:
    value = decoded(text)
    if isinstance(value, dict):
        error = next((value[name] for name in _ERROR_FIELDS if value.get(name)), None)
        if error is not None:
            return say("failed", language, error=_inline(error, language))
    if value is None or value == "" or value == [] or value == {}:
        return say("no_results", language)
    return _block(value, language, 0)


def _block(value: Any, language: Language, depth: int) -> str:
    if isinstance(value, list):
        return _list(value, language, depth)
    if isinstance(value, dict):
        return _object(value, language, depth)
    return _scalar(value, language)


def _object(value: dict[str, Any], language: Language, depth: int) -> str:
    fields = {name: part for name, part in value.items() if part is not None}
    if len(fields) == 1:
        name, part = next(iter(fields.items()))
        if isinstance(part, list) and (name in _LIST_FIELDS or part):
            return _list(part, language, depth)
        if isinstance(part, str) and not isinstance(part, bool):
            return (
                part
                if depth == 0 and name in _TEXT_FIELDS
                else f"{_label_start(name, language)}{part}"
            )
    if (
        all(not isinstance(part, dict | list) for part in fields.values())
        and len(fields) <= _MOST_FIELDS_INLINE
    ):
        return _capital(_fields(fields, language)) + say("sentence_end", language)
    return "\n".join(_bullet(name, part, language, depth) for name, part in fields.items())


_TEXT_FIELDS = frozenset({"message", "result", "text", "answer", "output", "content", "summary"})


def _bullet(name: str, value: Any, language: Language, depth: int) -> str:
    head = "  " * depth + "- " + _label_start(name, language)
    if isinstance(value, dict | list) and value and depth < _DEEPEST and not _is_flat(value):
        return f"{head.rstrip()}\n{_nested(value, language, depth + 1)}"
    return head + _inline(value, language)


def _nested(value: Any, language: Language, depth: int) -> str:
    if isinstance(value, dict):
        return "\n".join(_bullet(name, part, language, depth) for name, part in value.items())
    return _rows(value, language, depth)


def _list(value: list[Any], language: Language, depth: int) -> str:
    if not value:
        return say("no_results", language)
    if len(value) == 1:
        return _block(value[0], language, depth)
    head = say("results", language, count=len(value))
    return f"{head}\n{_rows(value, language, depth)}"


def _rows(value: list[Any], language: Language, depth: int) -> str:
    lines = [f"{'  ' * depth}- {_inline(item, language)}" for item in value[:_MOST_ROWS]]
    if len(value) > _MOST_ROWS:
        lines.append("  " * depth + "- " + say("more", language, count=len(value) - _MOST_ROWS))
    return "\n".join(lines)


def _is_flat(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value
    return len(value) <= _MOST_FIELDS_INLINE and all(
        not isinstance(part, dict | list) for part in parts
    )


def _inline(value: Any, language: Language, depth: int = 0) -> str:
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return _fields(
            {name: part for name, part in value.items() if part is not None}, language, depth
        )
    if isinstance(value, list):
        shown = [_inline(item, language, depth + 1) for item in value[:_MOST_ROWS]]
        return say("comma", language).join(shown) if shown else "-"
    return _scalar(value, language)


def _fields(fields: dict[str, Any], language: Language, depth: int = 0) -> str:
    parts = []
    for name, value in fields.items():
        text = _inline(value, language, depth + 1)
        parts.append(f"{_label_start(name, language, capital=False)}{text}")
    return say("semicolon", language).join(parts)


def _label_start(name: str, language: Language, *, capital: bool = True) -> str:
    label = _label(name, language)
    return (_capital(label) if capital else label) + say("colon", language)


def _label(name: str, language: Language) -> str:
    """Return a field's name as words, in the user's language where the lexicon has all of them."""
    spoken = words.split_identifier(name).split()
    shown = [_translated(word, language) for word in spoken]
    if language == "en" or None in shown:
        return " ".join(word if word.isupper() else word.lower() for word in spoken) or name
    known = [word for word in shown if word is not None]
    return "".join(known) if language == "zh" else _in_spanish_order(known)


def _translated(word: str, language: Language) -> str | None:
    if word.lower() == "id" or words.has_cjk(word):
        return word.upper() if word.lower() == "id" else word
    known = lexicon.concepts_of_words().get(words.fold(word))
    if not known:
        return None
    concept = word.lower() if word.lower() in known else min(known)
    return lexicon.display(concept, language)


def _in_spanish_order(shown: list[str]) -> str:
    """Return `monthly amount` as `importe mensual`, `order ID` as `ID de pedido`."""
    text = ""
    for word in reversed(shown):
        joint = "" if not text else " " if word in _SPANISH_ADJECTIVES else " de "
        text += joint + word
    return text


_SPANISH_ADJECTIVES = frozenset({"mensual", "total", "urgente"})


def _scalar(value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return say("yes" if value else "no", language)
    if value is None:
        return "-"
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return str(value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
