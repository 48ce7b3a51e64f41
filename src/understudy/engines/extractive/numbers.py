"""Numbers in text: digits with either separator, money, percentages, and number words.

Returns what stands where; which parameter a number belongs to is decided in `arguments`.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
from dataclasses import dataclass
from itertools import pairwise

from understudy.engines.extractive import words
from understudy.engines.extractive.lexicon import UNIT_CONCEPTS, Language

_DIGITS = re.compile(
    r"(?<![A-Za-zÀ-ɏ0-9_.,])(?P<sign>(?<!\d)-)?(?:(?P<before>US\$|[€$£¥]|(?:USD|EUR|GBP|CNY|JPY"
    r"|MXN|RMB)\s?)\s?)?"
    r"(?P<number>\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d{1,6}(?!\d))?"
    r"|\d{1,15}(?:[.,]\d{1,6}(?!\d|[.,]\d))?)"
    r"(?P<scale>\s?(?:mil(?:lones|lón)?|millions?|thousand|[kK]|[百千万亿])(?![a-zA-Z]))?"
    r"(?P<after>\s?(?:%|％|€|\$|£|¥|per\s?cent|por ciento|[元块])|\s?(?:USD|EUR|GBP|CNY|JPY|MXN"
    r"|RMB)\b)?",
    re.IGNORECASE,
)
_SCALES = {"mil": 1e3, "thousand": 1e3, "k": 1e3, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}
_MONEY_WORDS = frozenset(
    "libra libras euro euros dolar dolares dollar dollars peso pesos pound pounds bucks yuan yenes "
    "yen rmb usd eur gbp cny jpy mxn 元 块 块钱 美元 欧元 人民币".split()
)
_PERCENT_WORDS = frozenset({"percent", "%", "百分"})

_SMALL = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "cero": 0, "un": 1, "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5,
    "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12, "trece": 13,
    "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18,
    "diecinueve": 19, "veinte": 20, "veintiun": 21, "veintiuno": 21, "veintiuna": 21,
    "veintidos": 22, "veintitres": 23, "veinticuatro": 24, "veinticinco": 25, "veintiseis": 26,
    "veintisiete": 27, "veintiocho": 28, "veintinueve": 29, "treinta": 30, "cuarenta": 40,
    "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90,
    "cien": 100, "ciento": 100, "doscientos": 200, "doscientas": 200, "trescientos": 300,
    "trescientas": 300, "cuatrocientos": 400, "quinientos": 500, "quinientas": 500,
    "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
}  # fmt: skip
_FACTORS = {"hundred": 100, "thousand": 1_000, "mil": 1_000, "million": 1_000_000,
            "millon": 1_000_000, "millones": 1_000_000}  # fmt: skip
_ARTICLES = frozenset({"one", "un", "uno", "una"})
_CHINESE_DIGITS = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6,
                   "七": 7, "八": 8, "九": 9}  # fmt: skip
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_CHINESE_NUMBER = re.compile("[零一二两三四五六七八九十百千万亿]{1,12}")
_COUNTED = re.compile("个?(?:[月天年周期位人元块岁晚]|小时|分钟)")
_MEASURE = re.compile("个?[月天年周期位人小分元块岁件次张晚]|百分|个")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in its text. `unit` holds the keys of the word behind it."""

    value: float
    start: int
    end: int
    is_money: bool = False
    is_percent: bool = False
    unit: frozenset[str] = frozenset()


def find(text: str, language: Language) -> list[Number]:
    """Return the numbers of `text` in order of position."""
    found = [_from_digits(match, text, language) for match in _DIGITS.finditer(text)]
    taken = [(number.start, number.end) for number in found]
    spoken = [*_from_words(text), *_from_chinese(text)]
    found.extend(
        number
        for number in spoken
        if not any(start < number.end and number.start < end for start, end in taken)
    )
    return sorted(found, key=lambda number: number.start)


def parse(digits: str, language: Language) -> float:
    """Return the value of digits with separators: `1.234,56` and `1,234.56` are the same.

    A single separator before exactly three digits is a decimal point where `language` writes one.
    """
    digits = re.sub("[' \u00a0\u202f]", "", digits)
    marks = [mark for mark in digits if mark in ".,"]
    if not marks:
        return float(digits)
    if len(set(marks)) == 2:
        decimal = marks[-1]
    elif len(marks) > 1:
        decimal = ""
    else:
        decimal = marks[0] if _is_decimal(digits, marks[0], language) else ""
    for mark in ".,":
        if mark != decimal:
            digits = digits.replace(mark, "")
    return float(digits.replace(decimal, ".") if decimal else digits)


def _is_decimal(digits: str, mark: str, language: Language) -> bool:
    whole, _, rest = digits.partition(mark)
    if len(rest) != 3 or whole in ("", "0"):
        return True
    return mark == ("," if language == "es" else ".")


def _from_digits(match: re.Match[str], text: str, language: Language) -> Number:
    value = parse(match["number"], language) * _scale(match["scale"])
    if match["sign"]:
        value = -value
    after = (match["after"] or "").strip().casefold()
    following = _following_word(text, match.end())
    is_percent = after.startswith(("%", "％", "p")) or _is_chinese_percent(text, match.start())
    is_money = not is_percent and bool(match["before"] or after or following in _MONEY_WORDS)
    unit = _unit(text, match.end())
    return Number(value, match.start(), match.end(), is_money, is_percent, unit)


def _scale(scale: str | None) -> float:
    if not scale:
        return 1.0
    name = words.fold(scale.strip())
    return 1e6 if name.startswith("mill") else _SCALES[name]


def _following_word(text: str, end: int) -> str:
    match = re.compile(r"\s*(?:de\s+)?([^\W\d_]+|%)").match(text, end, end + 24)
    if match is None:
        return ""
    word = words.fold(match[1])
    return next((known for known in sorted(_MONEY_WORDS) if _is_chinese_prefix(known, word)), word)


def _is_chinese_prefix(known: str, word: str) -> bool:
    return words.has_cjk(known) and word.startswith(known)


def _is_chinese_percent(text: str, start: int) -> bool:
    return text[max(0, start - 3) : start] == "百分之"


def _unit(text: str, end: int) -> frozenset[str]:
    behind = text[end : end + 24].lstrip()
    following = words.words(behind)
    if not following or not behind[0].isalpha():
        return frozenset()
    if not following[0].keys and words.has_cjk(following[0].text):
        following = following[1:]
    return following[0].keys if following else frozenset()


def _from_words(text: str) -> list[Number]:
    matches = list(_LETTERS.finditer(text))
    found: list[Number] = []
    position = 0
    while position < len(matches):
        size, value = _spoken(matches, position, text)
        if size:
            found.append(_spoken_number(matches[position : position + size], value, text))
        position += size or 1
    return [number for number in found if _is_counted(text, number)]


def _spoken(matches: list[re.Match[str]], position: int, text: str) -> tuple[int, float]:
    total = current = 0.0
    size = last_size = 0
    for match, following in pairwise([*matches[position : position + 12], None]):
        assert match is not None
        word = words.fold(match[0])
        if size and text[matches[position + size - 1].end() : match.start()].strip(" -\u00a0"):
            break
        if word in _SMALL:
            if last_size and not _may_follow(current, _SMALL[word]):
                break
            current += _SMALL[word]
        elif word in _FACTORS and (size or word == "mil"):
            total, current = _multiplied(total, current, _FACTORS[word])
        elif word in ("y", "and") and size and following and words.fold(following[0]) in _SMALL:
            size += 1
            continue
        else:
            break
        size += 1
        last_size = size
    return last_size, total + current


def _may_follow(current: float, value: int) -> bool:
    magnitude = 10 if value < 10 else 100
    return current == 0 or (current % magnitude == 0 and current > value)


def _multiplied(total: float, current: float, factor: int) -> tuple[float, float]:
    if factor == 100:
        return total, (current or 1) * 100
    return total + (current or 1) * factor, 0.0


def _spoken_number(matches: list[re.Match[str]], value: float, text: str) -> Number:
    start, end = matches[0].start(), matches[-1].end()
    following = _following_word(text, end)
    is_percent = following in _PERCENT_WORDS or text[end : end + 11].strip().startswith(
        "por ciento"
    )
    return Number(value, start, end, following in _MONEY_WORDS, is_percent, _unit(text, end))


def _is_counted(text: str, number: Number) -> bool:
    """Tell whether number words count something: `una semana` does, `una cuota` is an article."""
    word = words.fold(text[number.start : number.end])
    if word in _ARTICLES:
        return bool(number.unit & (UNIT_CONCEPTS - {"installment"}))
    return not (word == "ciento" and text[: number.start].endswith("por "))


def _from_chinese(text: str) -> list[Number]:
    found = []
    for match in _CHINESE_NUMBER.finditer(text):
        measure = _COUNTED if match[0] == "一" else _MEASURE
        if len(match[0]) == 1 and not measure.match(text, match.end()):
            continue
        before = text[max(0, match.start() - 2) : match.start()]
        if match[0][0] in "百千万亿" or before.endswith(("星期", "周", "礼拜", "第")):
            continue
        is_percent = _is_chinese_percent(text, match.start())
        is_money = _following_word(text, match.end()) in _MONEY_WORDS
        unit = _unit(text, match.end())
        value = float(_chinese_value(match[0]))
        found.append(Number(value, match.start(), match.end(), is_money, is_percent, unit))
    return found


def _chinese_value(digits: str) -> int:
    total = section = digit = 0
    for sign in digits:
        unit = _CHINESE_UNITS.get(sign)
        if unit is None:
            digit = _CHINESE_DIGITS[sign]
        elif unit < 10_000:
            section += (digit or 1) * unit
            digit = 0
        else:
            total = (total + section + digit or 1) * unit
            section = digit = 0
    return total + section + digit
