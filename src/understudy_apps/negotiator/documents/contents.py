"""What stands in each document: pages made from the calendars and the words of a language.

A statement fits on one line, so that it can be quoted whole. Knows the files of words beside it,
which are read once, and nothing of PDF.
"""

import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

from understudy_apps.languages import Language
from understudy_apps.negotiator.documents import calendars
from understudy_apps.negotiator.documents.calendars import Holiday
from understudy_apps.negotiator.documents.printing import Page

_DEPARTURES: Final = (("weekday", 6, 23, 15), ("saturday", 7, 22, 30), ("sunday", 8, 21, 60))
"""Key of the days, first and last hour, minutes between two buses."""
_REGIONS_A_PAGE: Final = 6


@cache
def words(language: Language) -> dict[str, Any]:
    """Return the words of a language."""
    text = resources.files(__package__).joinpath(f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def bus_pages(language: Language) -> list[Page]:
    """Return the timetable of the buses: a page for each kind of day."""
    said = words(language)["bus"]
    pages = []
    for days, first, last, interval in _DEPARTURES:
        minutes = [f":{minute:02}" for minute in range(0, 60, interval)]
        times = {"first": f"{first}:00", "last": f"{last}{minutes[-1]}", "interval": interval}
        table = [[str(hour), "  ".join(minutes)] for hour in range(first, last + 1)]
        lines = [line.format(**times) for line in said[f"{days}_lines"]]
        pages.append(Page(said[days], [*lines, *said["ride_lines"]], [said["columns"], *table]))
    return pages


def arenas_pages(language: Language, year: int) -> list[Page]:
    """Return when the shopping centre opens: its hours, the open holidays, the closed ones."""
    said = words(language)["arenas"]
    opened, closed = calendars.open_days(year), calendars.closed_holidays(year)
    rows = [[_day(day, language), "10:00-20:00"] for day in opened]
    closed_lines = [_line(said["closed_line"], one, language) for one in closed]
    open_line = said["open_text"].format(year=year)
    return [
        Page(said["hours"].format(year=year), [said["hours_text"].format(year=year)]),
        Page(said["open"].format(year=year), [open_line], [said["open_columns"], *rows]),
        Page(said["closed"].format(year=year), closed_lines),
    ]


def holiday_pages(language: Language, year: int) -> list[Page]:
    """Return the holidays of the country, then those of its regions, several to a page."""
    said = words(language)["holidays"]
    national = calendars.national_holidays(year)
    rows = [[_day(one.day, language), _name(one, language)] for one in national]
    pages = [Page(said["national"].format(year=year), [said["note"]], [said["columns"], *rows])]
    for start in range(0, len(calendars.REGIONS), _REGIONS_A_PAGE):
        regions = calendars.REGIONS[start : start + _REGIONS_A_PAGE]
        lines = [line for region in regions for line in _region(region, year, language)]
        pages.append(Page(said["regional"].format(year=year), lines))
    return pages


def _region(region: str, year: int, language: Language) -> list[str]:
    said = words(language)
    line = said["holidays"]["regional_line"].replace("{region}", said["regions"][region])
    return [_line(line, one, language) for one in calendars.regional_holidays(region, year)]


def _line(text: str, holiday: Holiday, language: Language) -> str:
    return text.format(day=_day(holiday.day, language), name=_name(holiday, language))


def _name(holiday: Holiday, language: Language) -> str:
    return str(words(language)["names"][holiday.name])


def _day(day: date, language: Language) -> str:
    said = words(language)
    return str(
        said["day"].format(
            weekday=said["weekdays"][day.weekday()],
            day=day.day,
            month=said["months"][day.month - 1],
            year=day.year,
        )
    )
