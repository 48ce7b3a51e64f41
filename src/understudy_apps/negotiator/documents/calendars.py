"""Which days are holidays in Spain's regions, and on which of them the shopping centre opens.

Pure. Simplified: holidays stay on their day when that is a Sunday.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_SUNDAY: Final = 6
_FIXED: Final = (
    ("new_year", 1, 1),
    ("epiphany", 1, 6),
    ("labour_day", 5, 1),
    ("assumption", 8, 15),
    ("national_day", 10, 12),
    ("all_saints", 11, 1),
    ("constitution", 12, 6),
    ("immaculate", 12, 8),
    ("christmas", 12, 25),
)
_REGIONAL_DAYS: Final = {
    "andalusia": (2, 28),
    "aragon": (4, 23),
    "asturias": (9, 8),
    "balearic_islands": (3, 1),
    "canary_islands": (5, 30),
    "cantabria": (7, 28),
    "castile_la_mancha": (5, 31),
    "castile_and_leon": (4, 23),
    "catalonia": (9, 11),
    "valencia": (10, 9),
    "extremadura": (9, 8),
    "galicia": (7, 25),
    "la_rioja": (6, 9),
    "madrid": (5, 2),
    "murcia": (6, 9),
    "navarre": (12, 3),
    "basque_country": (7, 25),
}
_WITHOUT_HOLY_THURSDAY: Final = frozenset({"catalonia", "valencia"})
_WITH_EASTER_MONDAY: Final = frozenset(
    {"balearic_islands", "catalonia", "valencia", "la_rioja", "navarre", "basque_country"}
)
_OPEN_HOLIDAYS: Final = ((12, 6), (12, 8))
_ALWAYS_CLOSED: Final = frozenset({"new_year", "epiphany", "labour_day", "christmas"})

REGIONS: Final = tuple(_REGIONAL_DAYS)


@dataclass(frozen=True, slots=True, order=True)
class Holiday:
    """A day and the key of its name."""

    day: date
    name: str


def easter(year: int) -> date:
    """Return Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Jones, Butcher)."""
    golden, century, of_century = year % 19, year // 100, year % 100
    leaps, rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - correction + 15) % 30
    quarters, odd = divmod(of_century, 4)
    weekday = (32 + 2 * rest + 2 * quarters - epact - odd) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def national_holidays(year: int) -> list[Holiday]:
    """Return the holidays of the whole country in their order."""
    friday = Holiday(easter(year) - timedelta(days=2), "good_friday")
    return sorted([friday, *(Holiday(date(year, m, d), name) for name, m, d in _FIXED)])


def regional_holidays(region: str, year: int) -> list[Holiday]:
    """Return the holidays that a region has beside those of the whole country."""
    found = [Holiday(date(year, *_REGIONAL_DAYS[region]), "region_day")]
    if region not in _WITHOUT_HOLY_THURSDAY:
        found.append(Holiday(easter(year) - timedelta(days=3), "holy_thursday"))
    if region in _WITH_EASTER_MONDAY:
        found.append(Holiday(easter(year) + timedelta(days=1), "easter_monday"))
    return sorted(found)


def open_days(year: int) -> list[date]:
    """Return the Sundays and holidays on which the shopping centre opens.

    They are the first Sunday of each month, two holidays in December, and the Sundays from then
    to Christmas.
    """
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    closed = {holiday.day for holiday in closed_holidays(year)}
    return [day for day in days if _is_opened(day) and day not in closed]


def _is_opened(day: date) -> bool:
    if (day.month, day.day) in _OPEN_HOLIDAYS:
        return True
    is_before_christmas = day.month == 12 and day.day < 25
    return day.weekday() == _SUNDAY and (day.day <= 7 or is_before_christmas)


def closed_holidays(year: int) -> list[Holiday]:
    """Return the holidays on which the shopping centre is closed, in their order."""
    return [one for one in national_holidays(year) if one.name in _ALWAYS_CLOSED]
