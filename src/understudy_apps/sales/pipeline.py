"""The stages of a sale and which way a contact goes through them. Pure."""

from enum import StrEnum


class Stage(StrEnum):
    """How far a contact has come; the first four in this order, the last two are ends."""

    NEW = "new"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    QUOTED = "quoted"
    WON = "won"
    LOST = "lost"


_ORDER = {stage: place for place, stage in enumerate(Stage)}


def advanced(current: Stage, reached: Stage) -> Stage:
    """Return the later of two stages: nothing takes a contact back that was won or lost."""
    return max(current, reached, key=_ORDER.__getitem__)


def conversion_percent(won: int, lost: int) -> float | None:
    """Return which part of the decided contacts was won, None while none is decided."""
    decided = won + lost
    return round(100 * won / decided, 1) if decided else None
