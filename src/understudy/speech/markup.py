"""Written answers as they are to be spoken: without Markdown and without marks of citations. Pure.

For what models write; a text that a program wants spoken is spoken as it is.
"""

import re

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_CITATION = re.compile("\u3010[^\u3010\u3011]*\u3011")
_LINE_START = re.compile(r"^\s*(?:#{1,6}\s+|>\s+|[-*+]\s+|\|\s*)", re.MULTILINE)
_RULE = re.compile(r"^[\s|:*_=-]+$", re.MULTILINE)
_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)|[*]{2}|`+|~~")
_CELL = re.compile(r"\s*\|\s*")


def spoken(text: str) -> str:
    """Return the words of a piece of Markdown; empty where it holds none."""
    text = _CITATION.sub("", _LINK.sub(r"\1", text))
    text = _LINE_START.sub("", _RULE.sub("", text))
    return _CELL.sub(", ", _EMPHASIS.sub("", text)).strip(" ,\n")
