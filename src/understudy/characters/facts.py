"""What is known of a person, as the lines of a memory: `Vive en: Madrid`, `Likes: tea`.

Pure: how a fact is written, read again and said, in Spanish, English and Chinese. Where facts come
from is `statements`, what is asked of them `recall`.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
from dataclasses import dataclass

from understudy.engines.extractive.lexicon import Language
from understudy.engines.extractive.words import fold

_PLAIN: dict[str, dict[Language, tuple[str, str]]] = {
    "name": {
        "es": ("Nombre", "Te llamas {}"),
        "en": ("Name", "Your name is {}"),
        "zh": ("姓名", "你叫{}"),
    },
    "age": {
        "es": ("Edad", "Tienes {} años"),
        "en": ("Age", "You are {} years old"),
        "zh": ("年龄", "你{}岁"),
    },
    "birthday": {
        "es": ("Cumpleaños", "Tu cumpleaños es el {}"),
        "en": ("Birthday", "Your birthday is {}"),
        "zh": ("生日", "你的生日是{}"),
    },
    "home": {
        "es": ("Vive en", "Vives en {}"),
        "en": ("Lives in", "You live in {}"),
        "zh": ("住在", "你住在{}"),
    },
    "origin": {
        "es": ("Es de", "Eres de {}"),
        "en": ("Comes from", "You come from {}"),
        "zh": ("来自", "你来自{}"),
    },
    "job": {
        "es": ("Trabajo", "Tu trabajo: {}"),
        "en": ("Job", "Your job: {}"),
        "zh": ("职业", "你的职业是{}"),
    },
    "workplace": {
        "es": ("Trabaja en", "Trabajas en {}"),
        "en": ("Works at", "You work at {}"),
        "zh": ("工作地点", "你在{}工作"),
    },
    "diet": {
        "es": ("Dieta", "Tu dieta: {}"),
        "en": ("Diet", "Your diet: {}"),
        "zh": ("饮食", "你的饮食：{}"),
    },
    "like": {
        "es": ("Le gusta", "Te gusta {}"),
        "en": ("Likes", "You like {}"),
        "zh": ("喜欢", "你喜欢{}"),
    },
    "dislike": {
        "es": ("No le gusta", "No te gusta {}"),
        "en": ("Dislikes", "You do not like {}"),
        "zh": ("不喜欢", "你不喜欢{}"),
    },
    "allergy": {
        "es": ("Alergia", "Tienes alergia a {}"),
        "en": ("Allergy", "You are allergic to {}"),
        "zh": ("过敏", "你对{}过敏"),
    },
    "has": {
        "es": ("Tiene", "Tienes {}"),
        "en": ("Has", "You have {}"),
        "zh": ("有", "你有{}"),
    },
    "event": {
        "es": ("Fecha", "El {}"),
        "en": ("Date", "On {}"),
        "zh": ("日期", "{}"),
    },
    "note": {
        "es": ("Nota", "{}"),
        "en": ("Note", "{}"),
        "zh": ("备注", "{}"),
    },
}
"""By key and language: the label of a line, and how the fact is said to the person."""
_NAMED: dict[str, dict[Language, tuple[str, str]]] = {
    "favourite": {
        "es": ("{}", "Tu {}: {}"),
        "en": ("Favourite {}", "Your favourite {} is {}"),
        "zh": ("最喜欢的{}", "你最喜欢的{}是{}"),
    },
    "called": {
        "es": ("Nombre de su {}", "Tu {} se llama {}"),
        "en": ("Name of their {}", "Your {} is called {}"),
        "zh": ("其{}的名字", "你的{}叫{}"),
    },
    "own": {
        "es": ("Su {}", "Tu {} es {}"),
        "en": ("Their {}", "Your {} is {}"),
        "zh": ("其{}", "你的{}是{}"),
    },
}
"""The same for facts about something of the person's, whose noun is in label and sentence."""
SEVERAL = frozenset({"like", "dislike", "allergy", "has", "event", "note"})
"""Keys of which a person can have several; of the others a new fact replaces the old one."""
_SEPARATOR = re.compile(r"\s*[:：]\s*")
_COLONS: dict[Language, str] = {"es": ": ", "en": ": ", "zh": "："}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a person: `key` is of the tables above, or `kind/noun`."""

    key: str
    value: str
    language: Language

    @property
    def line(self) -> str:
        """The fact as a line of a memory."""
        return label_of(self.key, self.language) + _COLONS[self.language] + self.value

    def is_like(self, other: "Fact") -> bool:
        """Tell whether both say the same."""
        return fold_key(self.key) == fold_key(other.key) and same(self.value, other.value)


def label_of(key: str, language: Language) -> str:
    """Return what stands before the colon."""
    kind, _, noun = key.partition("/")
    return _NAMED[kind][language][0].format(noun) if noun else _PLAIN[kind][language][0]


def said(fact: Fact, language: Language) -> str:
    """Return the fact as a sentence to the person, without the full stop."""
    kind, _, noun = fact.key.partition("/")
    if noun:
        return _NAMED[kind][language][1].format(noun, fact.value)
    return _PLAIN[kind][language][1].format(fact.value)


def read(line: str) -> Fact | None:
    """Return the fact that a line states, None for a line in other words."""
    parts = _SEPARATOR.split(line.strip(), maxsplit=1)
    if len(parts) < 2 or not parts[1]:
        return None
    label, value = parts
    if known := _LABELS.get(fold(label)):
        return Fact(known[0], value, known[1])
    for pattern, kind, language in _NAMED_LABELS:
        if match := pattern.fullmatch(label):
            return Fact(f"{kind}/{match[1].lower()}", value, language)
    return None


def same(one: str, other: str) -> bool:
    """Tell whether two values are the same but for case, accents, articles and full stops."""
    return bare(one) == bare(other)


def bare(value: str) -> str:
    """Return a value as it is compared: folded, without article."""
    return _ARTICLE.sub("", fold(value).strip(" .。!！")).strip()


def fold_key(key: str) -> str:
    """Return a key as it is compared: its noun is what a person wrote."""
    kind, slash, noun = key.partition("/")
    return kind + slash + bare(noun)


_ARTICLE = re.compile(r"^(?:el|la|los|las|un|una|unos|unas|lo|the|an?|some)\s+")
_LABELS: dict[str, tuple[str, Language]] = {
    fold(label): (key, language)
    for key, languages in _PLAIN.items()
    for language, (label, _) in languages.items()
}
_NOUNS = {("favourite", "es"): r"(.+ (?:favorit|preferid)[oa]s?)"}
"""What the noun of a label looks like where the label is nothing else."""
_NAMED_LABELS = [
    (
        re.compile(label.replace("{}", _NOUNS.get((kind, language), "(.+)")), re.IGNORECASE),
        kind,
        language,
    )
    for kind, languages in _NAMED.items()
    for language, (label, _) in languages.items()
]
