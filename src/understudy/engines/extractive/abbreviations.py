"""Full stops that end no sentence: those of `S.L.`, `Inc.`, `Dr.` and initials.

While a text is searched they are written as a letter, so that an abbreviation is one word.
"""

import re
from typing import Any

_MARK = "\ua78f"
_ENDS = re.compile(
    r"(?<![\w.@/-])(?:(?:Inc|Ltd|Co|Corp|Bros|Jr|Dr|Dra|Drs|Sr|Sra|Sres|Srta|Mr|Mrs|Ms|Prof|St"
    r"|Sto|Sta|Lic|Ing|Arq|Dña|Hnos|Cía|Av|Avda)\."
    r"|(?:[A-ZÁÉÍÓÚÑ]\.){2,6}"
    r"|S\. (?:A|L)\."
    r"|[A-ZÁÉÍÓÚÑ]\.(?=\s[A-ZÁÉÍÓÚÑ][\w.]))(?!\S{0,80}@)"
)


def joined(text: str) -> str:
    """Return `text`, of the same length, with the stops of its abbreviations made letters."""
    if "." not in text:
        return text
    return _ENDS.sub(lambda match: match[0].replace(".", _MARK), text)


def restored(value: Any) -> Any:
    """Return a value with the stops of its abbreviations as they were written."""
    if isinstance(value, str):
        return value.replace(_MARK, ".")
    if isinstance(value, list):
        return [restored(part) for part in value]
    if isinstance(value, dict):
        return {name: restored(part) for name, part in value.items()}
    return value
