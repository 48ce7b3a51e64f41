"""Which of the languages a tag or a text is in. Pure."""

import re
from typing import TypeGuard

from understudy_apps.languages import LANGUAGES, Language

_HAN = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+")
_FREQUENT: dict[Language, frozenset[str]] = {
    "es": frozenset(
        "el la los las un una de del que qué y en por para con sin es son está hola gracias me mi "
        "mis su quiero quisiera necesito cuánto cuanto cuesta cuestan cómo como tiene sí cuál "
        "puede puedo muy tengo buenos buenas días precio pero llamo".split()
    ),
    "en": frozenset(
        "the a an of and in for with without is are hello hi thanks thank you me my your i want "
        "need would like how much what which does do have can could yes please price it this that "
        "but to".split()
    ),
}
_MARKS_OF_SPANISH = re.compile(r"[ñ¿¡áéíóú]")


def is_language(tag: str) -> TypeGuard[Language]:
    """Tell whether a tag is one of the languages."""
    return tag in LANGUAGES


def language_of_tag(tag: str | None) -> Language | None:
    """Return the language of a tag such as `es-MX` or `zh-Hans`, None for any other."""
    primary = (tag or "").replace("_", "-").split("-")[0].lower()
    return primary if is_language(primary) else None


def language_of_text(text: str) -> Language | None:
    """Return the language of a text, None where nothing tells it."""
    if _HAN.search(text):
        return "zh"
    folded = text.lower()
    words = _WORD.findall(folded)
    found = {tag: sum(word in frequent for word in words) for tag, frequent in _FREQUENT.items()}
    found["es"] += bool(_MARKS_OF_SPANISH.search(folded))
    if found["es"] == found["en"]:
        return None
    return "es" if found["es"] > found["en"] else "en"
