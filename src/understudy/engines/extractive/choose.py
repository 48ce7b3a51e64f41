"""Which of the offered functions a text asks for: names, descriptions and parameters, by idf.

Decides only on words; arguments are filled in `arguments`, calls are planned in `calls`.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from understudy.engines.extractive import schema as schemas
from understudy.engines.extractive import words
from understudy.engines.extractive.lexicon import GENERIC_CONCEPTS
from understudy.engines.extractive.parameters import Parameter, parameters

THRESHOLD = 0.95
_NAME, _DESCRIPTION, _PARAMETER, _ENUM, _PARAMETER_DESCRIPTION = 2.0, 1.0, 0.6, 0.8, 0.35
_GENERIC = 0.4
_LONGEST_DESCRIPTION = 1_000
_TURNS = (
    (re.compile(r"\bhow much (?:is|are|for|do|does)\b|\bcu[aá]nto (?:es|son|val)", re.I), "price"),
    (re.compile(r"\b(?:over|in|en|a|durante) \w+ (?:months|meses)\b", re.I), "installment"),
    (re.compile(r"\d\s?[+*x×÷^]\s?\d|\d\s[-/]\s\d", re.I), "calculate"),
    (
        re.compile(
            r"\bofre(?:zco|cer[ií]a)\b.{0,9}?\d|\bi(?: can|'d| would)? offer\b.{0,9}?\d"
            r"|(?:愿意付|出价|我出)\s*\d",
            re.I,
        ),
        "negotiation",
    ),
    (re.compile(r"\bwhat time is it\b|\bqu[eé] hora es\b|几点了|现在几点", re.I), "now"),
)
_REPORTS = re.compile(
    r"\b(?:was|were|arrived|received|went)\b[^.?!]{0,80}\bthank|\b(?:fue|lleg[oó]|estuvo"
    r"|recib[ií]|sali[oó])\b"
    r"[^.?!]{0,80}\bgracias\b|(?:到了|收到了?)[^。？]{0,20}谢",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Function:
    """An offered function. `weights` says how much each key speaks for it."""

    name: str
    description: str
    schema: dict[str, Any]
    parameters: list[Parameter]
    weights: dict[str, float]
    name_keys: frozenset[str]
    subject: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A function with the score that a text gives it."""

    score: float
    function: Function


def read(tools: object) -> list[Function]:
    """Return the functions among `tools`; entries of another shape are left out."""
    found = []
    for tool in tools if isinstance(tools, list) else []:
        definition = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(definition, dict) and isinstance(definition.get("name"), str):
            found.append(_function(definition))
    return found


def rank(text_keys: list[str], functions: list[Function]) -> list[Ranked]:
    """Return `functions` with their scores for the keys of a text, the best first.

    Of two alike, the one that needs less to be called comes first.
    """
    share = _distinctiveness(functions)
    distinct = dict.fromkeys(text_keys)
    ranked = [
        Ranked(sum(share[key] * f.weights[key] for key in distinct if key in f.weights), f)
        for f in functions
    ]
    return sorted(ranked, key=lambda one: (-round(one.score, 6), _needs(one.function)))


def _needs(function: Function) -> int:
    return sum(one.required for one in function.parameters)


def asked(text: str) -> list[str]:
    """Return the keys of what `text` asks for: its words, and what its turns of phrase imply."""
    keys = [*words.terms(text), *(key for pattern, key in _TURNS if pattern.search(text))]
    if "convert" not in keys and keys.count("currency") == 1:
        keys.remove("currency")
    return keys


def best(text: str, functions: list[Function]) -> Ranked | None:
    """Return the function that `text` asks for, or None when it asks for none."""
    if _REPORTS.search(text) and "?" not in text:
        return None
    ranked = rank(asked(text), functions)
    return ranked[0] if ranked and ranked[0].score >= THRESHOLD else None


def _function(definition: dict[str, Any]) -> Function:
    schema = schemas.as_schema(definition.get("parameters"))
    wanted = parameters(schema, schema)
    description = str(definition.get("description") or "")[:_LONGEST_DESCRIPTION]
    name_keys = frozenset(words.terms(words.split_identifier(definition["name"])))
    description_keys = frozenset(words.terms(description))
    weights: dict[str, float] = {}
    for one in wanted:
        _raise(weights, one.keys, _PARAMETER_DESCRIPTION)
        _raise(weights, one.name_keys, _PARAMETER)
        _raise(weights, _enum_keys(one.schema), _ENUM)
    _raise(weights, description_keys, _DESCRIPTION)
    _raise(weights, name_keys, _NAME)
    if "time" in name_keys:
        _raise(weights, frozenset({"now"}), _NAME)
    subject = name_keys | description_keys
    return Function(definition["name"], description, schema, wanted, weights, name_keys, subject)


def _raise(weights: dict[str, float], keys: frozenset[str], weight: float) -> None:
    for key in keys:
        own = weight * (_GENERIC if key in GENERIC_CONCEPTS else 1.0)
        weights[key] = max(weights.get(key, 0.0), own)


def _enum_keys(schema: dict[str, Any]) -> frozenset[str]:
    values = schema.get("enum")
    named = (
        value for value in (values if isinstance(values, list) else []) if isinstance(value, str)
    )
    return frozenset(key for value in named for key in words.terms(words.split_identifier(value)))


def _distinctiveness(functions: list[Function]) -> dict[str, float]:
    """Return how well each key tells functions apart: 1 when one has it, near 0 when all have."""
    carriers = Counter(key for function in functions for key in function.weights)
    size = math.log(len(functions) + 1)
    return {key: math.log((len(functions) + 1) / count) / size for key, count in carriers.items()}
