"""Words and the keys by which they are compared: folded, stemmed, and mapped to shared concepts.

One key serves Spanish and English at once, since a question and a function's name are often in
different languages. Chinese is segmented by the lexicon; what it does not know becomes bigrams.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from understudy.engines.extractive import lexicon
from understudy.wire.stemming import without_endings

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]++|[^\W_{_CJK}]++(?:['’][a-zA-Z]{{1,3}}\b)?")
_IS_CJK = re.compile(f"[{_CJK}]")
_MARKS = re.compile("[\u0300-\u036f]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PRONOUNS = re.compile(r"(?<=[aeinr])(?:me|te|se|nos)?(?:lo|la|los|las|le|les|me|nos|te|se)$")
_LONGEST_STEMMED = 40
_LONGEST_CHINESE_WORD = 5


@dataclass(frozen=True, slots=True)
class Word:
    """A word in its text. `keys` is empty for words that say nothing of the subject."""

    text: str
    start: int
    end: int
    keys: frozenset[str]


def fold(text: str) -> str:
    """Return `text` without case, accents and full-width forms; its length may differ."""
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()


def has_cjk(text: str) -> bool:
    """Tell whether `text` holds a Chinese character."""
    return _IS_CJK.search(text) is not None


def split_identifier(name: str) -> str:
    """Return the words of a camelCase or snake_case name, separated by spaces."""
    return _HUMP.sub(" ", name.replace("_", " ").replace("-", " ").replace(".", " "))


def words(text: str) -> list[Word]:
    """Return the words of `text` in order, Chinese ones segmented."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        if _IS_CJK.match(match[0]):
            found.extend(_chinese_words(match[0], match.start()))
        else:
            own = name_keys(match[0]) if _is_name(text, match) else keys(match[0])
            found.append(Word(match[0], match.start(), match.end(), own))
    return found


def _is_name(text: str, match: re.Match[str]) -> bool:
    """Tell whether a word is written as a name: one capital letter, not opening a sentence."""
    if not match[0][0].isupper() or match[0].isupper():
        return False
    before = text[max(0, match.start() - 3) : match.start()].rstrip(" \"'")
    return bool(before) and before[-1] not in ".!?¿¡:\n"


def name_keys(word: str) -> frozenset[str]:
    """Return the keys of a name: it means a concept only in a form that the lexicon holds."""
    folded = fold(word)
    if folded in lexicon.concepts_of_words() or folded in lexicon.STOPWORDS:
        return keys(word)
    return frozenset({stem(folded)})


def terms(text: str) -> list[str]:
    """Return the keys of all words of `text`, repeated as often as they occur."""
    return [key for word in words(text) for key in sorted(word.keys)]


@lru_cache(maxsize=32_768)
def keys(word: str) -> frozenset[str]:
    """Return the keys of one word that is not Chinese: its concepts, or its stem."""
    folded = fold(word).replace("’", "'")
    folded = folded.split("'")[0]
    if folded in lexicon.STOPWORDS or not folded:
        return frozenset()
    concepts = lexicon.concepts_of_words().get(folded)
    if concepts is None:
        stemmed = stem(folded)
        concepts = _concepts_of_stems().get(stemmed) or _without_pronoun(folded)
    return concepts or frozenset({stem(folded)})


def _without_pronoun(folded: str) -> frozenset[str]:
    """Return the concepts of a Spanish verb with pronouns at its end: `cancelarla`, `enviame`."""
    verb = _PRONOUNS.sub("", folded)
    return _concepts_of_stems().get(stem(verb), frozenset()) if verb != folded else frozenset()


def is_known(word: str) -> bool:
    """Tell whether the lexicon holds `word` or a form of it."""
    folded = fold(word)
    return folded in lexicon.STOPWORDS or stem(folded) in _concepts_of_stems()


@lru_cache(maxsize=32_768)
def stem(folded: str) -> str:
    """Return the stem of a folded word: first the English, then the Spanish endings are taken off.

    Applying both to every word makes one key for both languages without knowing the word's own.
    """
    if len(folded) > _LONGEST_STEMMED or not folded.isalpha():
        return folded[:_LONGEST_STEMMED]
    return fold(without_endings(folded))


@lru_cache(maxsize=1)
def _concepts_of_stems() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for word, concepts in lexicon.concepts_of_words().items():
        stemmed = stem(word)
        found[stemmed] = found.get(stemmed, frozenset()) | concepts
    return found


def _chinese_words(run: str, offset: int) -> Iterator[Word]:
    known = lexicon.concepts_of_chinese()
    position = unknown_from = 0
    while position < len(run):
        size = _known_length(run, position, known)
        if not size:
            position += 1
            continue
        yield from _bigrams(run[unknown_from:position], offset + unknown_from)
        start, end = offset + position, offset + position + size
        word = run[position : position + size]
        yield Word(word, start, end, known[word])
        position = unknown_from = position + size
    yield from _bigrams(run[unknown_from:], offset + unknown_from)


def _known_length(run: str, position: int, known: dict[str, frozenset[str]]) -> int:
    for size in range(min(_LONGEST_CHINESE_WORD, len(run) - position), 0, -1):
        if run[position : position + size] in known:
            return size
    return 0


def _bigrams(run: str, offset: int) -> Iterator[Word]:
    if not run:
        return
    pairs = frozenset(run[i : i + 2] for i in range(max(1, len(run) - 1)))
    yield Word(run, offset, offset + len(run), pairs)


def words_beginning(text: str, prefixes: set[str]) -> Iterator[frozenset[str]]:
    """Yield the keys of the words of `text` beginning with one of `prefixes`, and of Chinese."""
    for match in _WORD.finditer(text):
        if _IS_CJK.match(match[0]):
            yield from (word.keys for word in _chinese_words(match[0], 0))
        elif _beginning(match[0]) in prefixes:
            yield keys(match[0])


def _beginning(word: str) -> str:
    return (word.lower() if word.isascii() else fold(word))[:3]
