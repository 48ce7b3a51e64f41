"""Which language a text is to be spoken in. Pure; letters decide, then words."""

import re
from typing import Final

from understudy.engines.extractive import language

_LONGEST_READ: Final = 2_000
_SCRIPTS: Final = {
    "ja": "\u3040-\u30ff",
    "ko": "\u1100-\u11ff\uac00-\ud7af",
    "ru": "\u0400-\u052f",
    "el": "\u0370-\u03ff",
    "he": "\u0590-\u05ff",
    "ar": "\u0600-\u06ff",
    "hi": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "ka": "\u10a0-\u10ff",
    "am": "\u1200-\u137f",
}
"""Letters that give a language away, or the largest one of those that are written with them."""
_PATTERNS: Final = {code: re.compile(f"[{letters}]") for code, letters in _SCRIPTS.items()}
_LETTER: Final = re.compile(r"[^\W\d_]")


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of the language of `text`, `en` when nothing in it tells."""
    sample = text[:_LONGEST_READ]
    letters = len(_LETTER.findall(sample))
    counts = {code: len(pattern.findall(sample)) for code, pattern in _PATTERNS.items()}
    code, count = max(counts.items(), key=lambda item: item[1])
    # Japanese is a mixture: Chinese text holds no kana.
    if count * (4 if code == "ja" else 2) > letters:
        return code
    return language.detect(sample) or "en"


def base_code(tag: str) -> str:
    """Return the language of a tag such as `pt-BR`, without its region."""
    return re.split("[-_]", tag.strip().lower(), maxsplit=1)[0]
