"""What a token is without any model's vocabulary: counting and cutting by it. Pure.

A token is up to four letters of a word, up to three digits, one CJK character or one symbol, each
with the white space before it. The embedded model reports usage in it, chunks are measured by it.
"""

import re

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Chinese, Japanese and Korean characters, as ranges for a character class."""
_TOKEN = re.compile(rf"\s*+(?:[{CJK}]|[^\W\d_{CJK}]{{1,4}}+|\d{{1,3}}+|\S)|\s++")


def count(text: str) -> int:
    """Return the number of tokens of `text`."""
    return len(_TOKEN.findall(text))


def cut(text: str, limit: int) -> str:
    """Return the first `limit` tokens of `text`."""
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number == limit:
            return text[: match.start()]
    return text
