"""Answers by quotation: the sentences of the given sources that a question is about.

Ranks by BM25 over word keys. Says nothing when no sentence covers enough of the question.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from understudy.engines.extractive import lexicon, words
from understudy.wire import passages

_K1, _B = 1.2, 0.4
_LEAST_COVERAGE = 0.4
_LEAST_NEAREST = 0.34
_MOST_NEAREST = 3
_GENERIC = 0.3
_NEAR_BEST = 0.7
_MOST_SENTENCES = 3
_LONGEST_SENTENCE = 600
_PREFIX = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”»)]?\s+(?=[^a-z])|(?<=[。！？；])|\n+")
_STATES = re.compile(r"[.!?。！？；|][\"'”»)]?$|\|")
"""A sentence or the row of a table, not a heading."""
_ABBREVIATED = re.compile(
    r"\b(?:Sr|Sra|Dr|Dra|Mr|Mrs|Ms|St|Art|art|No|núm|pág|p|approx|etc|vs|e\.g|i\.e|Srta|Prof|Lic|Ing|Dña)\.$"
    r"|(?:^|\s)[A-Z]\.$"
)
_INSTRUCTION = re.compile(
    r"^\W*(?:you (?:are|must|should|will|can|have to|need)|your (?:task|job|role|goal|name)"
    r"|always|never|do not|don't"
    r"|answer|respond|reply|use|be |act |if the user|if you|please|keep|make sure|only|help|speak"
    r"|write|return"
    r"|output|when (?:the user|asked)|given|based on"
    r"|eres|debes|tienes que|tu (?:tarea|trabajo|rol|nombre|objetivo)|siempre|nunca|no (?:debes"
    r"|digas|respondas|inventes|uses)"
    r"|responde|contesta|usa|utiliza|sé |act[uú]a|si el usuario|ayuda|habla|escribe"
    r"|cuando el usuario|por favor"
    r"|你是|你的(?:任务|名字|角色)|请|必须|不要|始终|永远|如果用户|回答|使用|用中文)",
    re.IGNORECASE,
)
_NUMERIC_QUESTION = re.compile(
    r"\b(?:how (?:much|many|long|old|far)|when|what time|cu[aá]nt[oa]s?|cu[aá]ndo|a qu[eé] hora"
    r"|qu[eé] d[ií]a)\b"
    r"|多少|几|什么时候|何时|多久|多大",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A text to quote from. `number` is its passage's, None for a text that is not cited."""

    text: str
    number: int | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a source, in its place among all."""

    text: str
    number: int | None
    weight: float
    order: int


def answer(question: str, sources: Iterable[Source]) -> str | None:
    """Return the sentences that answer `question`, cited passages marked, or None."""
    sentences = [
        Sentence(text, source.number, source.weight, order)
        for source in sources
        for order, text in enumerate(split(source.text))
    ]
    chosen = _best(question, sentences)
    return " ".join(map(_cited, chosen)) if chosen else None


def nearest(question: str, found: Sequence[Source]) -> str | None:
    """Return what the first passages say that comes closest to `question`, or None.

    `found` is in the order of a search. Where an answer has what was asked in one sentence, here
    it may be spread over the passage: its subject often stands in a heading.
    """
    asked = Counter(words.terms(question[:4_000]))
    readable = _prefixes(asked)
    for source in found[:_MOST_NEAREST]:
        if not _covers(_matching(source.text, asked, readable), asked, _LEAST_NEAREST):
            continue
        lines = split(source.text)
        stated = [line for line in lines if _STATES.search(line)] or lines
        sentences = [Sentence(text, source.number, 1.0, 0) for text in stated]
        counts = [_matching(sentence.text, asked, readable) for sentence in sentences]
        scores = _scores(question, sentences, counts, _idf(asked, counts))
        best = max(range(len(sentences)), key=lambda place: scores[place])
        return _cited(sentences[best])
    return None


def summary(text: str, size: int = _MOST_SENTENCES) -> str:
    """Return the sentences of `text` that share most words with the rest, in their order."""
    sentences = [Sentence(s, None, 1.0, order) for order, s in enumerate(split(text)[:400])]
    keys = [set(words.terms(sentence.text)) for sentence in sentences]
    shared = Counter(key for own in keys for key in own)
    centrality = [sum(shared[key] for key in own) / math.sqrt(len(own) + 3) for own in keys]
    ranked = sorted(range(len(sentences)), key=lambda i: (-centrality[i], i))[:size]
    return " ".join(sentences[i].text for i in sorted(ranked))


def summary_of(wanted: str, sources: Sequence[Source], size: int = _MOST_SENTENCES) -> str:
    """Return the sentences that stand for the passage which shares most words with `wanted`."""
    asked = Counter(words.terms(wanted))
    readable = _prefixes(asked)
    best = max(sources, key=lambda one: len(_matching(one.text, asked, readable)))
    text = summary(best.text, size)
    return text if best.number is None else f"{text} {passages.marker(best.number)}"


def split(text: str) -> list[str]:
    """Return the sentences and lines of `text`, list marks taken off."""
    found: list[str] = []
    for part in _SENTENCE_END.split(text):
        part = part.strip().lstrip("-*•# \t")
        if not part:
            continue
        if found and _ABBREVIATED.search(found[-1][-12:]):
            found[-1] += " " + part
        else:
            found.append(part)
    return found


def facts(prompt: str) -> str:
    """Return the sentences of a system prompt that state something, instructions left out."""
    return "\n".join(s for s in split(prompt) if not _INSTRUCTION.match(s) and not s.endswith("?"))


def passages_of(text: str) -> list[Source]:
    """Return the passages in `text` as sources."""
    return [Source(p.text, p.number, 1.2) for p in passages.parse(text)]


def _cited(sentence: Sentence) -> str:
    text = sentence.text[:_LONGEST_SENTENCE]
    return text if sentence.number is None else f"{text} {passages.marker(sentence.number)}"


def _best(question: str, sentences: list[Sentence]) -> list[Sentence]:
    asked = Counter(words.terms(question[:4_000]))
    if not asked or not sentences:
        return []
    readable = _prefixes(asked)
    counts = [_matching(sentence.text, asked, readable) for sentence in sentences]
    scores = _scores(question, sentences, counts, _idf(asked, counts))
    enough = [i for i, own in enumerate(counts) if own and _covers(own, asked, _LEAST_COVERAGE)]
    if not enough:
        return []
    enough.sort(key=lambda i: (-scores[i], i))
    top = scores[enough[0]]
    chosen = _distinct([i for i in enough if scores[i] >= top * _NEAR_BEST], sentences)
    return [sentences[i] for i in sorted(chosen)]


def _idf(asked: Iterable[str], counts: Sequence[Counter[str]]) -> dict[str, float]:
    carriers = Counter(key for own in counts for key in own)
    size = len(counts) + 0.5
    return {key: math.log(1 + (size - carriers[key]) / (carriers[key] + 0.5)) for key in asked}


def _distinct(ranked: list[int], sentences: list[Sentence]) -> list[int]:
    seen: dict[str, int] = {}
    for i in ranked:
        seen.setdefault(sentences[i].text, i)
    return list(seen.values())[:_MOST_SENTENCES]


def _scores(
    question: str, sentences: list[Sentence], counts: list[Counter[str]], idf: dict[str, float]
) -> list[float]:
    lengths = [len(sentence.text) for sentence in sentences]
    average = sum(lengths) / len(lengths)
    numeric = _NUMERIC_QUESTION.search(question) is not None
    scores = []
    for sentence, own, length in zip(sentences, counts, lengths, strict=True):
        norm = _K1 * (1 - _B + _B * length / average)
        score = sum(idf[k] * n * (_K1 + 1) / (n + norm) for k, n in own.items())
        if numeric and any(sign.isdecimal() for sign in sentence.text):
            score *= 1.25
        scores.append(score * sentence.weight)
    return scores


def _covers(own: Iterable[str], asked: Iterable[str], least: float) -> bool:
    """Tell whether a text holds this share of what was asked; generic words count for less."""
    weights = {key: _GENERIC if key in lexicon.GENERIC_CONCEPTS else 1.0 for key in asked}
    return sum(weights[key] for key in own) >= least * sum(weights.values())


def _prefixes(asked: Iterable[str]) -> set[str]:
    """Return the beginnings of all words that can have one of the `asked` keys."""
    found = set()
    for key in asked:
        found.add(key[:_PREFIX])
        found.update(word[:_PREFIX] for word in lexicon.surface_words(key))
    return found


def _matching(text: str, asked: Counter[str], readable: set[str]) -> Counter[str]:
    """Return how often each asked key occurs; words that cannot have one are not stemmed."""
    found: Counter[str] = Counter()
    for word in words.words_beginning(text, readable):
        found.update(word & asked.keys())
    return found
