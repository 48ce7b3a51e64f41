"""The languages that the applications speak."""

from typing import Literal

Language = Literal["es", "en", "zh"]
LANGUAGES: tuple[Language, ...] = ("es", "en", "zh")
