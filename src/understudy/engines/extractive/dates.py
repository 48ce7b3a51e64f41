"""Dates and times in text, resolved against a given moment.

Relative expressions and clock times are read here; calendar dates in words go to `dateparser`,
which is imported and called only when a month's name or a numeric date is in sight.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from understudy.engines.extractive import words
from understudy.engines.extractive.lexicon import Language

_LONGEST_READ = 8_000
_MOST_MENTIONS = 20


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a time of day, or both, as mentioned in a text."""

    start: int
    end: int
    day: date | None = None
    clock: time | None = None


_RELATIVE_DAYS = {
    "day after tomorrow": 2, "pasado manana": 2, "后天": 2, "大后天": 3,
    "tomorrow": 1, "manana": 1, "明天": 1, "明日": 1,
    "today": 0, "tonight": 0, "hoy": 0, "esta noche": 0, "esta tarde": 0, "今天": 0, "今晚": 0,
    "yesterday": -1, "ayer": -1, "昨天": -1, "anteayer": -2, "前天": -2,
}  # fmt: skip
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday lunes 一", "tuesday martes 二", "wednesday miercoles 三", "thursday jueves 四",
            "friday viernes 五", "saturday sabado 六", "sunday domingo 日",
        )
    )
    for name in names.split()
} | {"天": 6}  # fmt: skip
_UNIT_DAYS = {"day": 1, "dia": 1, "天": 1, "week": 7, "semana": 7, "周": 7, "星期": 7}
_COUNTS = {"a": 1, "an": 1, "one": 1, "un": 1, "una": 1, "two": 2, "dos": 2, "three": 3, "tres": 3,
           "一": 1, "两": 2, "二": 2, "三": 3}  # fmt: skip

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|enero|febrero|marzo|abril|mayo|junio|julio"
    "|agosto|septiembre|setiembre|octubre|noviembre|diciembre"
)
_RELATIVE = re.compile(
    r"\b(?:the )?day after tomorrow\b|\bpasado ma[nñ]ana\b|大?后天|\btomorrow\b|明[天日]"
    r"|\btoday\b|\btonight\b|\bhoy\b|\besta (?:noche|tarde)\b|今天|今晚|\byesterday\b"
    r"|\b(?:ante)?ayer\b"
    r"|昨天|前天|(?<!la )(?<!por la )(?<!de la )(?<!esta )\bma[nñ]ana\b",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(
    r"\b(?P<before>(?:(?:next|this|on|coming|el|este|pr[oó]ximo|el pr[oó]ximo)\s+){0,2})"
    r"(?P<name>monday|tuesday|wednesday|thursday|friday|saturday|sunday|lunes|martes"
    r"|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo)\b(?P<after>\s+que viene|\s+pr[oó]ximo)?"
    r"|(?P<zh>下下|下个?|这个?|本)?(?:周|星期|礼拜)(?P<zh_name>[一二三四五六日天])",
    re.IGNORECASE,
)
_DISTANCE = re.compile(
    r"\b(?:in|dentro de|en)\s+(?P<count>\d{1,3}|an?|one|two|three|una?|dos|tres)\s+"
    r"(?P<unit>day|week|d[ií]a|semana)s?\b"
    r"|(?P<zh_count>\d{1,3}|[一两二三])个?(?P<zh_unit>天|周|星期)[之以]?后",
    re.IGNORECASE,
)
_ISO = re.compile(r"\b(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{2}):(\d{2})(?::\d{2})?)?\b")
_CHINESE_DATE = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]?")
_CALENDAR = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+|de\s+)?(?:{_MONTHS})\b(?:,?\s+(?:of\s+"
    rf"|del?\s+)?\d{{4}})?"
    rf"|\b(?:{_MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}})?"
    r"|\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b(?P<hour>\d{1,2})(?:[:h](?P<minute>[0-5]\d))\s*(?P<half>[ap]\.?m\b\.?)?"
    r"|\b(?P<hour2>\d{1,2})\s*(?P<half2>[ap]\.?m\b\.?)"
    r"|\ba las? (?P<hour3>\d{1,2})(?:[:.](?P<minute3>[0-5]\d))?"
    r"(?P<past>\s+y (?:media|cuarto))?(?:\s+(?:de|por) la (?P<half3>ma[nñ]ana|tarde|noche))?"
    r"|\bat (?P<hour4>\d{1,2})(?!\d|[:.]\d|\s*%)(?:\s+o'?clock\b)?(?:\s*(?P<half4>[ap]\.?m\b\.?))?"
    r"|\b(?P<noon>noon|midday|mediod[ií]a)\b"
    r"|(?P<half5>上午|早上|下午|晚上|中午|今晚)?(?P<hour5>\d{1,2}|[一二两三四五六七八九十]{1,2})"
    r"[点时](?:(?P<minute5>\d{1,2})分|(?P<past5>半))?",
    re.IGNORECASE,
)
_CHINESE_HOURS = {
    sign: number for number, sign in enumerate("一 二 三 四 五 六 七 八 九 十 十一 十二".split(), 1)
} | {"两": 2}  # fmt: skip


def find(text: str, language: Language, now: datetime) -> list[Moment]:
    """Return the dates and times of `text` by position; a date with its time is one moment."""
    text = text[:_LONGEST_READ]
    days = _without_overlaps(
        [
            *_iso(text),
            *_chinese(text),
            *_calendar(text, language, now.date()),
            *_relative(text, now),
        ]
    )
    clocks = [clock for clock in _clocks(text) if not _overlaps(clock, days)]
    return _joined(text, days, clocks)[:_MOST_MENTIONS]


def _relative(text: str, now: datetime) -> list[Moment]:
    today = now.date()
    named = [_day(m, today + timedelta(days=_named_days(m))) for m in _RELATIVE.finditer(text)]
    weekdays = [_day(match, _weekday(match, today)) for match in _WEEKDAY.finditer(text)]
    away = [_day(m, today + timedelta(days=_distance_days(m))) for m in _DISTANCE.finditer(text)]
    return [*named, *weekdays, *away]


def _named_days(match: re.Match[str]) -> int:
    return _RELATIVE_DAYS[words.fold(match[0]).removeprefix("the ")]


def _weekday(match: re.Match[str], today: date) -> date:
    name = match["name"] or match["zh_name"]
    number = _WEEKDAYS[words.fold(name)]
    if match["zh_name"]:
        weeks = 2 if match["zh"] == "下下" else int(bool(match["zh"]) and match["zh"][0] == "下")
        monday = today - timedelta(days=today.weekday())
        named = monday + timedelta(days=number + 7 * weeks)
        return named if match["zh"] or named >= today else named + timedelta(days=7)
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)


def _distance_days(match: re.Match[str]) -> int:
    count = match["count"] or match["zh_count"]
    unit = words.fold(match["unit"] or match["zh_unit"])
    return (int(count) if count.isdecimal() else _COUNTS[words.fold(count)]) * _UNIT_DAYS[unit]


def _iso(text: str) -> list[Moment]:
    found = []
    for match in _ISO.finditer(text):
        day = _valid_date(int(match[1]), int(match[2]), int(match[3]))
        clock = _valid_time(int(match[4]), int(match[5])) if match[4] else None
        if day:
            found.append(Moment(match.start(), match.end(), day, clock))
    return found


def _chinese(text: str) -> list[Moment]:
    found = []
    for match in _CHINESE_DATE.finditer(text):
        if match[1]:
            day = _valid_date(int(match[1]), int(match[2]), int(match[3]))
            if day:
                found.append(_day(match, day))
    return found


def _calendar(text: str, language: Language, today: date) -> list[Moment]:
    found = []
    for match in _CHINESE_DATE.finditer(text):
        day = None if match[1] else _next_occurrence(int(match[2]), int(match[3]), today)
        if day:
            found.append(_day(match, day))
    for match in list(_CALENDAR.finditer(text))[:_MOST_MENTIONS]:
        day = _parsed(match[0], language, today)
        if day:
            found.append(_day(match, day))
    return found


@lru_cache(maxsize=1_024)
def _parsed(expression: str, language: Language, today: date) -> date | None:
    import dateparser

    settings = {
        "RELATIVE_BASE": datetime.combine(today, time()),
        "PREFER_DATES_FROM": "future",
        "DATE_ORDER": "DMY" if language == "es" else "MDY",
    }
    parsed = dateparser.parse(expression, languages=["es", "en"], settings=settings)
    return parsed.date() if isinstance(parsed, datetime) else None


def _clocks(text: str) -> list[Moment]:
    found = []
    for match in _CLOCK.finditer(text):
        clock = _clock(match)
        if clock is not None:
            found.append(Moment(match.start(), match.end(), None, clock))
    return found


def _clock(match: re.Match[str]) -> time | None:
    if match["noon"]:
        return time(12)
    parts = match.groupdict()
    hour_text = next(parts[name] for name in _HOURS if parts[name])
    hour = int(hour_text) if hour_text.isdecimal() else _CHINESE_HOURS.get(hour_text, 24)
    minute = int(parts["minute"] or parts["minute3"] or parts["minute5"] or 0)
    past = words.fold(parts["past"] or parts["past5"] or "")
    minute += 30 if past.endswith(("media", "半")) else 15 if past.endswith("cuarto") else 0
    half = words.fold(next((parts[name] for name in _HALVES if parts[name]), "")).replace(".", "")
    if half in _AFTERNOON and hour < 12:
        hour += 12
    if half == "am" and hour == 12:
        hour = 0
    return _valid_time(hour, minute)


_HOURS = ("hour", "hour2", "hour3", "hour4", "hour5")
_HALVES = ("half", "half2", "half3", "half4", "half5")
_AFTERNOON = frozenset({"pm", "tarde", "noche", "下午", "晚上", "今晚"})


def _joined(text: str, days: list[Moment], clocks: list[Moment]) -> list[Moment]:
    """Return moments in which each day has taken the clock time that stands beside it."""
    found = []
    left = list(clocks)
    for day in days:
        beside = next((clock for clock in left if _is_beside(text, day, clock)), None)
        if beside is None or day.clock:
            found.append(day)
            continue
        left.remove(beside)
        start, end = min(day.start, beside.start), max(day.end, beside.end)
        clock = _in_the_evening(text[day.start : day.end], beside.clock)
        found.append(Moment(start, end, day.day, clock))
    return sorted([*found, *left], key=lambda moment: moment.start)


def _in_the_evening(day: str, clock: time | None) -> time | None:
    if clock and clock.hour < 12 and words.fold(day) in _EVENINGS:
        return clock.replace(hour=clock.hour + 12)
    return clock


_EVENINGS = frozenset({"tonight", "esta noche", "esta tarde", "今晚"})


def _is_beside(text: str, one: Moment, other: Moment) -> bool:
    first, second = sorted((one, other), key=lambda moment: moment.start)
    between = words.fold(text[first.end : second.start]).strip(" ,.")
    return between in (
        "",
        "at",
        "a las",
        "on",
        "el",
        "de",
        "的",
        "por la",
        "en la",
        "for",
        "para el",
    )


def _without_overlaps(found: list[Moment]) -> list[Moment]:
    kept: list[Moment] = []
    for moment in found:
        if not _overlaps(moment, kept):
            kept.append(moment)
    return sorted(kept, key=lambda moment: moment.start)


def _overlaps(moment: Moment, others: list[Moment]) -> bool:
    return any(other.start < moment.end and moment.start < other.end for other in others)


def _day(match: re.Match[str], day: date) -> Moment:
    return Moment(match.start(), match.end(), day)


def _next_occurrence(month: int, day: int, today: date) -> date | None:
    for year in range(today.year, today.year + 5):
        found = _valid_date(year, month, day)
        if found and found >= today:
            return found
    return None


def _valid_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _valid_time(hour: int, minute: int) -> time | None:
    return time(hour, minute) if hour < 24 and minute < 60 else None
