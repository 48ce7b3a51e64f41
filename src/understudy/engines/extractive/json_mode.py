"""Which object a `json_object` answer holds: the fields that the prompt names, or an answer."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import json
import re
from dataclasses import dataclass
from typing import Any

from understudy.engines.extractive import words

_LONGEST_READ = 20_000
_NAME = (
    r"[\"'“`]?[A-Za-z_áéíóúñ\u4e00-\u9fff][\w\u4e00-\u9fff]{0,40}[\"'”`]?(?:\s*\([^)\n]{0,60}\))?"
)
_FIELDS = re.compile(
    r"(?:\b(?:keys|fields|properties|attributes|campos|claves|propiedades|atributos)\b|字段名?|键名?"
    r"|属性)"
    rf"\s*(?:called|named|are|son|llamad[oa]s|包括|包含|分别为|:|：|为|是)?\s*(?P<names>{_NAME}(?:\s*(?:,|、|，"
    rf"|and|y|e|和|;)\s*(?:and\s+|y\s+)?{_NAME}){{0,30}})",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(?:\b(?:a|the|un|una|la|el)\s+)?[\"'“`](?P<name>\w{1,40})[\"'”`]\s+(?:key|field|property"
    r"|clave|campo)"
    r"|\b(?:key|field|clave|campo)\s+[\"'“`]?(?P<name2>\w{1,40})[\"'”`]?"
    r"|字段[\"“](?P<name3>\w{1,40})",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"\bjson\b(?:\s+(?:object|objeto))?\s+(?:with|con|containing|que contenga)\s+"
    rf"(?:(?:the|el|la|los|las)\s+)?(?P<names>{_NAME}(?:\s*,\s*{_NAME}){{0,30}}"
    rf"\s*,?\s*\b(?:and|y|e)\s+{_NAME})(?=\s*(?:[:.;\n]|$|of|for|from|de|para|sobre))",
    re.IGNORECASE,
)
_QUOTED_NAME = r"[\"'“`]\w{1,40}[\"'”`]"
_QUOTED_FIELDS = re.compile(
    rf"(?P<names>{_QUOTED_NAME}(?:\s*(?:,|、|，|\band\b|\by\b|\be\b|和)\s*){{1,2}}{_QUOTED_NAME}"
    rf"(?:(?:\s*(?:,|、|，|\band\b|\by\b|\be\b|和)\s*){{1,2}}{_QUOTED_NAME}){{0,30}})"
    r"\s*(?:keys|fields|properties|这?[两三四几]?个?(?:字段|键))",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?]\s+|[。！？\n]")
_NAMED = "x-named"
_NUMBERS = frozenset({"age", "quantity", "amount", "price", "total", "balance", "percent"})
_SEPARATOR = re.compile(r"\s*(?:,|、|，|;|\band\b|\by\b|\be\b|和)\s*")
_OPEN = re.compile(r"\{")
_MOST_TEMPLATES = 20
_NOT_NAMES = frozenset("and y e the a with con".split())


def schema_of(prompt: str) -> dict[str, Any]:
    """Return a schema of the object that `prompt` asks for: its template, or its list of fields."""
    prompt = prompt[-_LONGEST_READ:]
    template = _template(prompt)
    if template is not None:
        return _schema_of_sample(template.sample)
    names = _names(prompt)
    if not names:
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    properties = {name: _named(name) for name in names}
    counted = [name for name, part in properties.items() if "anyOf" in part]
    return {"type": "object", "properties": properties, "required": counted, _NAMED: names}


def with_unknown(schema: dict[str, Any], value: Any) -> Any:
    """Return the object `value` with null for the fields that were named but are not known."""
    named = schema.get(_NAMED)
    return {name: value.get(name) for name in named} if named else value


def without_fields(text: str) -> str:
    """Return `text` without what shows or names the fields, which is not evidence of them."""
    text = text[-_LONGEST_READ:]
    template = _template(text)
    if template is not None:
        return text[: template.start] + text[template.end :]
    match = _listed(text) or _FIELD.search(text)
    if match is None:
        return text
    start = max((m.end() for m in _SENTENCE_END.finditer(text, 0, match.start())), default=0)
    return text[:start] + text[match.end() :].lstrip(" .:：。,，;")


@dataclass(frozen=True, slots=True)
class _Template:
    """An object in a text, and where it stands."""

    sample: dict[str, Any]
    start: int
    end: int


def _template(text: str) -> _Template | None:
    decoder = json.JSONDecoder()
    for match in list(_OPEN.finditer(text))[:_MOST_TEMPLATES]:
        try:
            found, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found:
            return _Template(found, match.start(), end)
    return None


def _schema_of_sample(sample: dict[str, Any]) -> dict[str, Any]:
    properties = sample.get("properties")
    if isinstance(properties, dict) and all(isinstance(part, dict) for part in properties.values()):
        return {"type": "object", "required": list(properties), **sample}
    described = {name: _described(value, 0) for name, value in sample.items()}
    return {"type": "object", "properties": described, "required": list(described)}


def _described(value: Any, depth: int) -> dict[str, Any]:
    match value:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case list():
            return {"type": "array", "items": _described(value[0], depth + 1) if value else {}}
        case dict() if depth < 5:
            parts = {name: _described(part, depth + 1) for name, part in value.items()}
            return {"type": "object", "properties": parts, "required": list(parts)}
        case str() if value.strip("<>. ").lower() in _TYPE_WORDS:
            return {"type": _TYPE_WORDS[value.strip("<>. ").lower()]}
        case str() if "|" in value and len(value) < 200:
            return {"type": "string", "enum": [part.strip() for part in value.split("|")]}
    return {"type": "string", "description": str(value)[:200]}


_TYPE_WORDS = {
    "string": "string", "str": "string", "text": "string", "number": "number", "float": "number",
    "integer": "integer", "int": "integer", "boolean": "boolean", "bool": "boolean",
    "true/false": "boolean", "true|false": "boolean",
}  # fmt: skip


def _listed(prompt: str) -> re.Match[str] | None:
    patterns = (_FIELDS, _CONTENTS, _QUOTED_FIELDS)
    return next((match for one in patterns if (match := one.search(prompt))), None)


def _named(name: str) -> dict[str, Any]:
    """Return the schema of a field that is only named."""
    keys = _NUMBERS.intersection(words.terms(words.split_identifier(name)))
    return {"anyOf": [{"type": "number"}, {"type": "null"}]} if keys else {"type": "string"}


def _names(prompt: str) -> list[str]:
    match = _listed(prompt)
    if match:
        raw = [
            re.sub(r"\s*\(.*", "", part).strip("\"'“”` ")
            for part in _SEPARATOR.split(match["names"])
        ]
        return list(dict.fromkeys(n for n in raw if n and n.lower() not in _NOT_NAMES))
    named = (m["name"] or m["name2"] or m["name3"] for m in _FIELD.finditer(prompt))
    return list(
        dict.fromkeys(n for n in named if n.lower() not in _NOT_NAMES | {"is", "of", "in"})
    )[:30]
