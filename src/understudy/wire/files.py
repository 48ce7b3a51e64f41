"""Files on the wire, and what a request for one may say. Pure: knows neither forms nor the disk."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.errors import InvalidValue, MissingParameter

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
"""What a client may upload a file for."""

MIN_LIFE_S = 3600
MAX_LIFE_S = 30 * 24 * 3600
_DEFAULT_LIFE_S = {"batch": MAX_LIFE_S}
_NOT_IN_NAMES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, surrogates, line and paragraph separators; macOS itself writes spaces of all kinds."""
_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Would let `exe.pdf` be shown where the name ends in `.exe`."""
_NAME_MAX_LENGTH = 255
_ANCHOR = "expires_after[anchor]"
_SECONDS = "expires_after[seconds]"
_ESCAPED_IN_FORMS = {"%22": '"', "%0D": "\r", "%0A": "\n"}


class File(Struct):
    """A file; `expires_at` is omitted rather than null, and so is `status_details`."""

    id: str
    bytes: int
    created_at: int
    filename: str
    purpose: str
    expires_at: int | UnsetType = UNSET
    object: Literal["file"] = "file"
    status: Literal["processed"] = "processed"


class DeletedFile(Struct):
    """The answer to a deletion."""

    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


class ExpiresAfter(Struct):
    """When a file expires, counted from its creation."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=MIN_LIFE_S, le=MAX_LIFE_S)]


def check_purpose(purpose: str) -> str:
    """Return `purpose` if a client may give it. Raises InvalidValue."""
    if purpose not in PURPOSES:
        raise InvalidValue("purpose", f"'{purpose}' is none of {', '.join(PURPOSES)}")
    return purpose


def purpose_of(fields: Mapping[str, str]) -> str:
    """Return the purpose that a form gives. Raises InvalidRequest that names the field."""
    if "purpose" not in fields:
        raise MissingParameter("purpose")
    return check_purpose(fields["purpose"])


def life_of(fields: Mapping[str, str]) -> int | None:
    """Return the seconds after which the file of a form expires, None when it says nothing.

    Raises InvalidRequest that names the field.
    """
    if _ANCHOR not in fields and _SECONDS not in fields:
        return None
    for name in (_ANCHOR, _SECONDS):
        if name not in fields:
            raise MissingParameter(name)
    if fields[_ANCHOR] != "created_at":
        raise InvalidValue(_ANCHOR, "expected 'created_at'")
    seconds = fields[_SECONDS]
    is_number = seconds.isascii() and seconds.isdigit() and len(seconds) < 10
    if not is_number or not MIN_LIFE_S <= int(seconds) <= MAX_LIFE_S:
        raise InvalidValue(_SECONDS, f"expected a whole number from {MIN_LIFE_S} to {MAX_LIFE_S}")
    return int(seconds)


def expiry(created_at: int, purpose: str, life_s: int | None) -> int | None:
    """Return when a file expires; without a word about it only batch files do."""
    life_s = _DEFAULT_LIFE_S.get(purpose) if life_s is None else life_s
    return None if life_s is None else created_at + life_s


def check_filename(name: str, param: str) -> str:
    """Return the last part of a file's name or path. Raises InvalidValue for what is none."""
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    if last in ("", ".", ".."):
        raise InvalidValue(param, "the file has no name")
    if len(last) > _NAME_MAX_LENGTH:
        raise InvalidValue(param, f"the file's name is over {_NAME_MAX_LENGTH} characters")
    if _TURNS_TEXT & set(last) or _NOT_IN_NAMES & {unicodedata.category(c) for c in last}:
        raise InvalidValue(param, "the file's name holds control characters")
    return last


def unescaped(name: str) -> str:
    """Undo what browsers and HTTP clients do to a name in a form (WHATWG HTML, multipart)."""
    for escape, character in _ESCAPED_IN_FORMS.items():
        name = name.replace(escape, character)
    return name
