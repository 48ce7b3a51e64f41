"""From text to the terms by which it is indexed and found, alike for documents and questions.

Pure. Terms hold letters and digits only, so that no database splits or folds them again.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from understudy.retrieval import vocabulary
from understudy.wire.stemming import without_endings

_LONGEST_TERM = 40
_MOST_QUERY_WORDS = 32
_MOST_STEMMING_ROUNDS = 4
_SYNONYM_WORTH = 0.75
_CHARACTER_WORTH = 0.3
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_MARKS = re.compile("[\u0300-\u036f]")
_DATE = re.compile(
    r"(?<!\d)(?:"
    r"(?P<y1>\d{4})(?P<sep>[-/.])(?P<m1>\d{1,2})(?P=sep)(?P<d1>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<sep2>[-/.])(?P<b>\d{1,2})(?P=sep2)(?P<y2>\d{4})"
    r"|(?P<y3>\d{4})\s?年\s?(?P<m3>\d{1,2})\s?月\s?(?P<d3>\d{1,2})\s?[日号]"
    r"|(?P<d4>\d{1,2})(?:st|nd|rd|th)?\s(?:of\s|de\s)?(?P<n4>[a-z]{3,10})\.?,?\s(?:del?\s)?(?P<y4>\d{4})"
    r"|(?P<n5>[a-z]{3,10})\.?\s(?P<d5>\d{1,2})(?:st|nd|rd|th)?,?\s(?P<y5>\d{4})"
    r")(?!\d)"
)
_TOKEN = re.compile(
    rf"(?P<number>\d{{1,3}}(?:[.,'\u2019]\d{{3}})+(?:[.,]\d+)?(?![\w])|\d+[.,]\d+(?![\w.]))"
    rf"|(?P<cjk>[{_CJK}]+)"
    rf"|(?P<word>[^\W_{_CJK}]+(?:[-./:_&][^\W_{_CJK}]+)*)"
)
_CJK_RUN = re.compile(f"[{_CJK}]+")
_IS_GRAM = re.compile(f"[{_CJK}]{{2}}")
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"(?:[01]?\d|2[0-3])\.[0-5]\d")
_PART = re.compile(r"[-./:_&]")


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a question: its own term, others by which it may be meant, and its own worth.

    `alternatives` are pairs of a term and what finding it is worth beside the word itself.
    """

    term: str
    alternatives: tuple[tuple[str, float], ...] = ()
    worth: float = 1.0

    @property
    def synonyms(self) -> tuple[str, ...]:
        """The terms that mean the same, not only a part of it."""
        return tuple(term for term, worth in self.alternatives if worth >= _SYNONYM_WORTH)

    @property
    def terms(self) -> tuple[str, ...]:
        """All terms that stand for the word."""
        return (self.term, *(term for term, _ in self.alternatives))


def fold(text: str) -> str:
    """Return `text` without case, accents and full-width forms; its length may differ."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).casefold()


def index_terms(text: str, *context: str) -> str:
    """Return the terms that find `text`, in order, separated by spaces.

    `context` is what its document says around it: heading, file name.
    """
    return " ".join(term for part in (*context, text) for term in _terms(fold(part)))


def query_words(question: str) -> list[QueryWord]:
    """Return the words of a question that can find something, each once.

    Stop words are left out unless there is nothing else.
    """
    folded = fold(question)
    found = dict.fromkeys(_terms(folded, is_question=True))
    if not found:
        found = dict.fromkeys(_terms(folded))
    worths = _gram_worths(folded)
    return [
        QueryWord(term, _alternatives(term), worths.get(term, 1.0))
        for term in list(found)[:_MOST_QUERY_WORDS]
    ]


def _alternatives(term: str) -> tuple[tuple[str, float], ...]:
    others = dict.fromkeys(_synonyms().get(term, ()), _SYNONYM_WORTH)
    if _IS_GRAM.fullmatch(term):
        others |= dict.fromkeys(term, _CHARACTER_WORTH)
    others.pop(term, None)
    return tuple(sorted(others.items()))


def _gram_worths(folded: str) -> dict[str, float]:
    """Return what each bigram of a question is worth: those of one word do not count apart."""
    worths: dict[str, float] = {}
    for run in _CJK_RUN.findall(folded):
        for piece in _pieces(run):
            grams = list(_bigrams(piece))
            for gram in grams:
                worths[gram] = max(worths.get(gram, 0.0), len(grams) ** -0.5)
    return worths


def _terms(folded: str, *, is_question: bool = False) -> Iterator[str]:
    yield from _dates(folded)
    for match in _TOKEN.finditer(folded):
        if number := match["number"]:
            yield from _numbers(number)
        elif run := match["cjk"]:
            yield from _question_grams(run) if is_question else _grams(run)
        else:
            yield from _word_terms(match["word"], is_question=is_question)


def _word_terms(word: str, *, is_question: bool) -> Iterator[str]:
    """Yield the term of a word; of a code such as `iso-9001` its parts and the whole."""
    parts = [part for part in _PART.split(word) if part]
    for part in parts:
        if not is_question or part not in vocabulary.STOP_WORDS:
            yield stem(part)
    if len(parts) > 1 and _DIGIT.search(word):
        yield "".join(parts)[:_LONGEST_TERM]


def _numbers(number: str) -> Iterator[str]:
    """Yield one form for all ways to write a number, or two where its separator is ambiguous."""
    *groups, last = re.split(r"[.,'\u2019]", number)
    separators = {c for c in number if not c.isdigit()}
    whole = "".join([*groups, last])
    is_grouped = len(last) == 3 and len(separators) == 1 and all(len(g) == 3 for g in groups[1:])
    if is_grouped:
        yield whole
    if not is_grouped or len(groups) == 1:
        decimals = last.rstrip("0")
        yield "".join(groups) + (f"p{decimals}" if decimals else "")
    if _TIME.fullmatch(number):
        yield whole


def _dates(folded: str) -> Iterator[str]:
    """Yield `d20240501` for each date; both readings of one such as 05/04/2024."""
    for match in _DATE.finditer(folded):
        for year, month, day in _readings(match):
            if 1 <= month <= 12 and 1 <= day <= 31:
                yield f"d{year:04}{month:02}{day:02}"


def _readings(match: re.Match[str]) -> Iterator[tuple[int, int, int]]:
    got = match.groupdict()
    if got["y2"]:
        one, other = int(got["a"]), int(got["b"])
        yield from dict.fromkeys([(int(got["y2"]), other, one), (int(got["y2"]), one, other)])
        return
    for i in "13":
        if got[f"y{i}"]:
            yield int(got[f"y{i}"]), int(got[f"m{i}"]), int(got[f"d{i}"])
    for i in "45":
        if got[f"y{i}"]:
            month = vocabulary.MONTHS.get(got[f"n{i}"][:3], 0)
            yield int(got[f"y{i}"]), month, int(got[f"d{i}"])


def _grams(run: str) -> Iterator[str]:
    """Yield characters and bigrams: many Chinese words for one thing share a character alone."""
    for i, character in enumerate(run):
        yield character
        if i + 1 < len(run):
            yield run[i : i + 2]


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for one, other in pairwise(run):
        yield one + other


def _pieces(run: str) -> list[str]:
    """Return a run without the words that ask and join; single characters only if all are."""
    pieces = [piece for piece in vocabulary.chinese_asking().split(run) if piece]
    return [piece for piece in pieces if len(piece) > 1] or pieces


def _question_grams(run: str) -> Iterator[str]:
    for piece in _pieces(run):
        yield from _bigrams(piece)


@lru_cache(maxsize=65_536)
def stem(folded: str) -> str:
    """Return the stem of a folded word: first the English, then the Spanish endings are taken off.

    Both are taken off every word until nothing changes, so that nobody has to know its language and
    that a plural and its singular meet.
    """
    if len(folded) > _LONGEST_TERM or not folded.isascii() or not folded.isalpha():
        return folded[:_LONGEST_TERM]
    for _ in range(_MOST_STEMMING_ROUNDS):
        shorter = without_endings(folded)
        if shorter == folded:
            break
        folded = shorter
    return folded


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for group in vocabulary.synonym_groups():
        keys = frozenset(key for word in group for key in _terms(fold(word), is_question=True))
        for key in keys:
            found[key] = found.get(key, frozenset()) | keys
    return found
