"""What a docstring in Google's form tells of a function and its parameters."""

import pytest

from understudy_apps.docstrings import Described, read

WHOLE = """Book a room.

    The room is held for a day.

    Args:
        room: Number of the room: a floor
            and a door.
        guest (str): Whose room it is.
        *nights: How many.

    Returns:
        number: of the booking.
    """


def test_sections_are_told_apart() -> None:
    assert read(WHOLE) == Described(
        "Book a room.\n\nThe room is held for a day.",
        {
            "room": "Number of the room: a floor and a door.",
            "guest": "Whose room it is.",
            "nights": "How many.",
        },
    )


@pytest.mark.parametrize(
    ("docstring", "told"),
    [
        (None, Described("", {})),
        ("Be there.", Described("Be there.", {})),
        ("\n    Args:\n        a: An a.\n    ", Described("", {"a": "An a."})),
        ("Do.\n\nArgs:\n\ta: Tabs.", Described("Do.", {"a": "Tabs."})),
        ("Do.\n\nArgs:\n    a: An a.\nAfter: this.", Described("Do.", {"a": "An a."})),
        ("Mind the Args: they bite.", Described("Mind the Args: they bite.", {})),
    ],
)
def test_what_is_missing_or_odd(docstring: str | None, told: Described) -> None:
    assert read(docstring) == told
