"""Answers from memory, by rules: what a person asks about themselves, in three languages. Pure."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
from collections.abc import Sequence

from understudy.characters import facts
from understudy.characters.facts import Fact
from understudy.characters.recall_rules import (
    ALL,
    ASKED,
    ASKS,
    CHECKED,
    NAMED_ASKED,
    OF_OTHERS,
    OF_SELF,
)
from understudy.characters.statements import Statement
from understudy.engines.extractive import question, quote, words
from understudy.engines.extractive.lexicon import Language
from understudy.engines.extractive.phrases import enumerate_items
from understudy.engines.extractive.quote import Source
from understudy.engines.extractive.words import fold

_LONGEST = 400
_MOST_SAID = 12
_SENTENCE_ENDS: dict[Language, str] = {"es": ". ", "en": ". ", "zh": "。"}
_PHRASES: dict[str, dict[Language, str]] = {
    "noted": {
        "es": "De acuerdo, lo recordaré: {}.",
        "en": "All right, I will remember it: {}.",
        "zh": "好的，我会记住：{}。",
    },
    "met": {
        "es": "Encantado de conocerte, {}.",
        "en": "Nice to meet you, {}.",
        "zh": "很高兴认识你，{}。",
    },
    "forgotten": {
        "es": "De acuerdo, lo olvido.",
        "en": "All right, I forget it.",
        "zh": "好的，我忘掉它。",
    },
    "nothing": {
        "es": "Todavía no sé eso de ti.",
        "en": "I do not know that about you yet.",
        "zh": "我还不知道你的这件事。",
    },
    "yes": {"es": "Sí: {}.", "en": "Yes: {}.", "zh": "是的，{}。"},
    "no": {"es": "No: {}.", "en": "No: {}.", "zh": "不，{}。"},
}


def answer(text: str, lines: Sequence[str], language: Language) -> str | None:
    """Return what the lines of a memory say to a question about the person, None to any other."""
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    known = [facts.read(line) or Fact("note", line, language) for line in lines]
    if ALL.search(text):
        return _all(known, language)
    if match := CHECKED.match(text):
        return _checked(match, known, language)
    for kind, pattern in NAMED_ASKED:
        if (match := pattern.search(text)) and (found := _named(kind, match, known)):
            return sentences(found, language)
    for key, pattern in ASKED.items():
        if pattern.search(text):
            found = [fact for fact in known if fact.key == key]
            return sentences(found, language) or _PHRASES["nothing"][language]
    return _quoted(text, known, language)


def asks(text: str) -> bool:
    """Tell whether a text asks something, with a question mark or without."""
    return question.is_question(text) or ASKS.search(text) is not None


def acknowledgement(said: Sequence[Statement], language: Language) -> str | None:
    """Return what is said to a person who only tells something; None where nothing was told."""
    told = [statement.fact for statement in said if statement.saying == "told"]
    names = [fact.value for fact in told if fact.key == "name"]
    others = [fact for fact in told if fact.key != "name"]
    parts = []
    if names:
        parts.append(_PHRASES["met"][language].format(names[-1]))
    if others:
        listed = enumerate_items([_inner(facts.said(fact, language)) for fact in others], language)
        parts.append(_PHRASES["noted"][language].format(listed))
    if not parts:
        return forgotten(language) if said else None
    return ("" if language == "zh" else " ").join(parts)


def forgotten(language: Language) -> str:
    """Return what is said when something was forgotten."""
    return _PHRASES["forgotten"][language]


def sentences(found: Sequence[Fact], language: Language) -> str:
    """Return facts as sentences to the person, those of one key together; empty for none."""
    end = _SENTENCE_ENDS[language]
    groups: dict[str, list[Fact]] = {}
    for fact in found[:_MOST_SAID]:
        groups.setdefault(fact.key, []).append(fact)
    said = []
    for key, group in groups.items():
        if key in ("event", "note"):
            said += [_opening(facts.said(fact, language)) for fact in group]
            continue
        values = enumerate_items([fact.value for fact in group], language)
        said.append(facts.said(Fact(key, values, language), language))
    return (end.join(said) + end).strip() if said else ""


def _all(known: Sequence[Fact], language: Language) -> str:
    return sentences(known, language) or _PHRASES["nothing"][language]


def _checked(match: re.Match[str], known: Sequence[Fact], language: Language) -> str | None:
    """Return whether the person likes something, None where that is not known."""
    thing = match["es"] or match["en"] or match["zh"]
    is_negated = bool(match["not_es"] or match["not_en"] or match["not_zh"])
    for fact in known:
        if fact.key in ("like", "dislike") and facts.same(fact.value, thing):
            agrees = (fact.key == "dislike") == is_negated
            said = _inner(facts.said(fact, language))
            return _PHRASES["yes" if agrees else "no"][language].format(said)
    return _PHRASES["nothing"][language]


def _named(kind: str, match: re.Match[str], known: Sequence[Fact]) -> list[Fact]:
    noun = facts.bare(next(filter(None, match.groups())))
    kinds = {kind, "called", "own"} if kind != "favourite" else {kind}
    wanted = {f"{one}/{noun}" for one in kinds}
    return [fact for fact in known if facts.fold_key(fact.key) in wanted]


def _quoted(text: str, known: Sequence[Fact], language: Language) -> str | None:
    """Return the lines that share most with a question about the person's own things."""
    if not (known and asks(text) and OF_SELF.search(text) and words.terms(text)):
        return None
    if match := OF_OTHERS.search(text):
        noun = facts.bare(next(filter(None, match.groups())))
        known = [fact for fact in known if noun in fold(f"{fact.key} {fact.value}")]
    said = [f"{_opening(facts.said(fact, language)).rstrip('.')}." for fact in known]
    return quote.answer(text, [Source("\n".join(said))])


def _opening(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _inner(sentence: str) -> str:
    """Return a sentence as it stands within another."""
    return sentence[0].lower() + sentence[1:] if sentence[1:2].islower() else sentence
