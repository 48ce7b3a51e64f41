"""What a text mentions: addresses, ids, quotations, names, places, besides numbers and dates.

Every finder reads one text and returns what stands where; nothing here knows of functions.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from understudy.engines.extractive import abbreviations, dates, numbers, words
from understudy.engines.extractive.lexicon import UNIT_CONCEPTS, Language

_LONGEST_READ = 8_000
_WIDE_SPACE = re.compile(r"\s{4,}+")
_LATIN = "A-Za-zÀ-ɏ0-9_"
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}+@[a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63}){1,8}"
)
_URL = re.compile(r"https?://[^\s<>\"'，。）)\]]{1,2000}|\bwww\.[^\s<>\"'，。）)\]]{1,2000}")
_PHONE = re.compile(rf"(?<![{_LATIN}.,-])\+?\d(?:[ .()-]{{0,2}}\d){{6,14}}(?![{_LATIN}-])")
_DIGITS = re.compile(rf"(?<![{_LATIN}.,-])\d{{1,40}}(?![{_LATIN}-]|[.,]\d)")
_ID = re.compile(
    rf"(?<![{_LATIN}@/.-])(?=[A-Za-z0-9_-]{{0,40}}\d)(?:[A-Za-z]{{1,12}}[-_]?\d[A-Za-z0-9_-]{{0,40}}"
    rf"|\d{{1,12}}-[A-Za-z0-9_-]{{1,40}}|[A-Za-z]{{1,12}}[-_][A-Za-z0-9_-]{{1,40}}"
    rf"|\d{{1,12}}[A-Za-z][A-Za-z0-9_-]{{0,40}})(?![{_LATIN}@])"
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9_])[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,4})?(?![A-Za-z0-9_])"
)
_QUOTED = re.compile(
    r"[\"“«「『](.{1,2000}?)[\"”»」』]|(?<!\w)['‘](.{1,500}?)['’](?!\w)", re.DOTALL
)
_CAPITALISED = r"[A-ZÁÉÍÓÚÑÜ][\w'’-]{0,40}"
_NAME = rf"(?-i:{_CAPITALISED}(?:\s+(?:de\s+(?:la\s+)?|del\s+|van\s+|&\s+)?{_CAPITALISED}){{0,4}})"
_INTRODUCED = re.compile(
    rf"(?:\bmy name is|\bme llamo|\bmi nombre es|\bi am called|\bcall me|\ba nombre de"
    rf"|\bin the name of"
    rf"|\bunder the name(?: of)?|\bcliente(?: es)?|\bcustomer(?: is)?|\bnamed"
    rf"|\bllamad[oa])\s*:?\s+({_NAME})"
    rf"|(?:\bsoy|\bi am|\bi['’]m|\bthis is)\s+({_NAME})"
    rf"|\b(?:my name is|me llamo|mi nombre es)\s+([^\W\d_]{{2,30}})",
    re.IGNORECASE,
)
_CHINESE_INTRODUCED = re.compile(
    "(?:我叫|我的名字是|我名叫|姓名是|客户(?:叫|是|为|姓名是?)?[：:]?)"
    "([\u4e00-\u9fff]{2,4}|[A-Za-z]{2,20}(?: [A-Z&][A-Za-z\ua78f]{0,20}){0,3})"
)
_CHINESE_ADDRESSED = re.compile(
    "(?<=[给为替])[\u4e00-\u9fff]{2,3}?(?=[开发寄打转买订下创预写送办])"
)
_ADDRESSED = re.compile(
    rf"\b(?:for|with|to|para|con|a|al|of|de|del|from)\s+(?:(?:the|la|el)\s+)?({_NAME})"
    rf"|\b(?:email|tell|message|invite|call|contact|avisa a|llama a|invita a)\s+({_NAME})",
    re.IGNORECASE,
)
_PROPER = re.compile(
    r"[A-ZÁÉÍÓÚÑÜ][a-záéíóúñü][\w'’-]{0,40}"
    r"(?:\s+(?:(?:de|del|of|la|el|los|las)\s+){0,2}[A-ZÁÉÍÓÚÑÜ][\w'’-]{0,40}){0,3}"
)
_PLACE = re.compile(
    rf"\b(?P<word>in|at|en|to|from|a|hacia|hasta|desde|de|para|for|near"
    rf"|cerca de)\s+(?P<place>{_NAME}(?-i:,\s[A-Z]{{2}}\b)?)"
    r"|\b(?P<word2>in|near|en)\s+(?P<lower>[^\W\d_]{3,30}(?:\s+[^\W\d_]{3,30}){0,2})",
    re.IGNORECASE,
)
_CHINESE_PLACE = re.compile(
    "(?P<word>从|到|去|在|飞往|飞)(?P<place>[\u4e00-\u9fff]{2,6}?)"
    "(?=到|去|飞|的|今|明|后|下|有|附|市|[，。？！,?!\\s]|$)"
)
_CURRENCIES = {
    "USD": "usd dollar dollars dolar dolares $ us$ 美元 美金",
    "EUR": "eur euro euros € 欧元",
    "GBP": "gbp pound pounds libra libras £ 英镑",
    "CNY": "cny rmb yuan yuanes renminbi 人民币",
    "JPY": "jpy yen yens yenes ¥ 日元",
    "MXN": "mxn",
    "ARS": "ars",
    "COP": "cop",
    "CHF": "chf 瑞士法郎",
    "KRW": "krw won 韩元",
    "BRL": "brl real reales",
    "INR": "inr rupee rupees",
}
_CURRENCY_CODES = {sign: code for code, signs in _CURRENCIES.items() for sign in signs.split()}
_CURRENCY = re.compile(
    r"US\$|[€$£¥]|美元|美金|欧元|英镑|人民币|日元|韩元|瑞士法郎|[A-Za-zÀ-ɏ]+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A piece of text that stands for a value. `word` is the preposition before it, folded."""

    value: str
    start: int
    end: int
    word: str = ""


@dataclass(frozen=True)
class Evidence:
    """One text to take values from, with the language and the moment to read it in."""

    text: str
    language: Language
    now: datetime

    @cached_property
    def words(self) -> list[words.Word]:
        """The words of the text."""
        return words.words(self.text)

    @cached_property
    def moments(self) -> list[dates.Moment]:
        """The dates and times of the text."""
        return dates.find(self.text, self.language, self.now)

    @cached_property
    def numbers(self) -> list[numbers.Number]:
        """The numbers that belong to no date, id, address or telephone."""
        taken = _spans(*self.emails, *self.urls, *self.phones, *self.moments, *self.ids)
        found = numbers.find(self.text, self.language)
        return [
            n for n in found if not any(n.start < end and start < n.end for start, end in taken)
        ]

    @cached_property
    def emails(self) -> list[Mention]:
        """The e-mail addresses."""
        return [_mention(match) for match in _EMAIL.finditer(self.text)]

    @cached_property
    def urls(self) -> list[Mention]:
        """The web addresses."""
        found = (
            Mention(m[0].rstrip(".,;:!?"), m.start(), m.end()) for m in _URL.finditer(self.text)
        )
        return list(found)

    @cached_property
    def phones(self) -> list[Mention]:
        """The telephone numbers."""
        return [_mention(match) for match in _PHONE.finditer(self.text) if _is_phone(match[0])]

    @cached_property
    def ids(self) -> list[Mention]:
        """Words with digits in them, such as `ABC-123`; plain numbers are not among them."""
        taken = _spans(*self.emails, *self.urls, *self.moments)
        accounts = [
            Mention(m[0].replace(" ", ""), m.start(), m.end()) for m in _IBAN.finditer(self.text)
        ]
        taken += _spans(*accounts)
        found = (_mention(match) for match in _ID.finditer(self.text))
        return accounts + [
            m for m in found if not any(m.start < end and start < m.end for start, end in taken)
        ]

    @cached_property
    def digits(self) -> list[Mention]:
        """The runs of digits that are no amount, count or date, and so may be ids."""
        taken = _spans(*self.emails, *self.urls, *self.moments, *self.ids)
        taken += _spans(*(n for n in self.numbers if _is_amount(n)))
        found = (_mention(match) for match in _DIGITS.finditer(self.text))
        return [
            m for m in found if not any(m.start < end and start < m.end for start, end in taken)
        ]

    @cached_property
    def quoted(self) -> list[Mention]:
        """The quotations, without their marks."""
        return [
            Mention(m[1] or m[2], m.start(), m.end())
            for m in _QUOTED.finditer(self.text)
            if m[1] or m[2]
        ]

    @cached_property
    def introduced(self) -> list[Mention]:
        """The names by which somebody is introduced: `my name is ...`, `soy ...`, `我叫...`."""
        return introductions(self.text)

    @cached_property
    def people(self) -> list[Mention]:
        """The names of people: introduced, or addressed with a capital letter."""
        addressed = []
        for match in _ADDRESSED.finditer(self.text):
            group = 1 if match[1] else 2
            addressed.append(Mention(match[group], match.start(group), match.end(group)))
        addressed += [_mention(match) for match in _CHINESE_ADDRESSED.finditer(self.text)]
        return [*self.introduced, *addressed]

    @cached_property
    def proper_nouns(self) -> list[Mention]:
        """Runs of capitalised words that are not merely the first word of a sentence."""
        return [_mention(match) for match in _PROPER.finditer(self.text) if self._is_proper(match)]

    @cached_property
    def places(self) -> list[Mention]:
        """What stands after a preposition of place, the capitalised ones first."""
        capital, lower = [], []
        for match in _PLACE.finditer(self.text):
            if match["place"]:
                capital.append(
                    Mention(match["place"], *match.span("place"), words.fold(match["word"]))
                )
            elif place := self._lower_place(match):
                lower.append(place)
        capital += [
            Mention(match["place"], *match.span("place"), match["word"])
            for match in _CHINESE_PLACE.finditer(self.text)
        ]
        return capital or lower

    @cached_property
    def currencies(self) -> list[Mention]:
        """The currencies as ISO codes, with the preposition before each."""
        found = []
        for match in _CURRENCY.finditer(self.text):
            code = _CURRENCY_CODES.get(words.fold(match[0]))
            if code:
                found.append(
                    Mention(
                        code, match.start(), match.end(), _word_before(self.text, match.start())
                    )
                )
        return found

    def _is_proper(self, match: re.Match[str]) -> bool:
        if not words.keys(match[0].split()[0]):
            return False
        before = self.text[: match.start()].rstrip(" \t\"'¿¡(")
        starts_sentence = not before or before[-1] in ".!?\n:"
        return not starts_sentence or not words.is_known(match[0].split()[0])

    def _lower_place(self, match: re.Match[str]) -> Mention | None:
        kept: list[str] = []
        for word in match["lower"].split():
            keys = words.keys(word)
            if not keys or keys & _NOT_PLACES:
                break
            kept.append(word)
        if not kept:
            return None
        start = match.start("lower")
        value = " ".join(kept)
        return Mention(value, start, start + len(value), words.fold(match["word2"]))


_NOT_PLACES = frozenset(
    """today tomorrow monday tuesday wednesday thursday friday saturday sunday day week month year
    minute time currency installment payment general total percent stock person spanish english
    ingl español""".split()
)


def read(text: str, language: Language, now: datetime) -> Evidence:
    """Return the evidence of `text`; of a very long one, of its beginning and its end.

    Long runs of white space are shortened, since every pattern here would try each of their parts.
    """
    text = abbreviations.joined(text)
    text = _WIDE_SPACE.sub(lambda run: "\n\n" if "\n" in run[0] else " ", text)
    if len(text) > _LONGEST_READ:
        half = _LONGEST_READ // 2
        text = text[:half] + "\n" + text[-half:]
    return Evidence(text, language, now)


def introductions(text: str) -> list[Mention]:
    """Return the names by which the writer of `text`, or somebody else, is introduced in it."""
    found = []
    for match in (*_INTRODUCED.finditer(text), *_CHINESE_INTRODUCED.finditer(text)):
        group = match.lastindex or 0
        if words.keys(match[group]) or words.has_cjk(match[group]):
            found.append(Mention(match[group], *match.span(group)))
    return found


def _is_amount(number: numbers.Number) -> bool:
    return number.is_money or number.is_percent or bool(number.unit & UNIT_CONCEPTS)


def _spans(*found: Mention | dates.Moment | numbers.Number) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in found]


def _mention(match: re.Match[str]) -> Mention:
    return Mention(match[0], match.start(), match.end())


def _is_phone(text: str) -> bool:
    digits = sum(sign.isdecimal() for sign in text)
    grouped = text.startswith("+") or digits >= 9
    return grouped and 7 <= digits <= 15 and not re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", text)


def _word_before(text: str, start: int) -> str:
    before = re.findall(r"[^\W\d_]+", text[max(0, start - 16) : start])
    return words.fold(before[-1]) if before else ""
