"""The sentences that the negotiator says itself, in each language, by their keys."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from understudy_apps.languages import Language


def say(language: Language, key: str, **values: object) -> str:
    """Return a sentence with its values filled in."""
    return str(_sentences(language)[key].format(**values))


def listed(language: Language, key: str) -> list[str]:
    """Return the sentences of a list."""
    return [str(one) for one in _sentences(language)[key]]


@cache
def _sentences(language: Language) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)
