"""Lorebooks of cards: which of their entries a conversation calls for. Pure.

Keys are searched as plain words: patterns are a stranger's code, and are not run. Source: the
`character_book` of character-card-spec-v2 and v3.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from understudy.wire.tokens import CJK, count

SCAN_MESSAGES = 10
"""How many of the newest messages are searched where a book does not say."""
BUDGET_TOKENS = 2_000
"""How many tokens entries may take where a book does not say."""

_DECORATOR = re.compile(r"\A(?:\s*@@[^\n]*(?:\n|\Z))+")
_CJK = re.compile(f"[{CJK}]")


class LoreEntry(Struct, omit_defaults=True):
    """An entry that may be shown; keys are empty where it always is."""

    content: str
    keys: list[str] = []
    secondary_keys: list[str] = []
    """Where there are some, one of these must be found as well."""
    is_case_sensitive: bool = False
    order: float = 0
    priority: float = 0


class Lorebook(Struct, omit_defaults=True):
    """What is used of a card's lorebook."""

    entries: list[LoreEntry]
    scan_messages: int = SCAN_MESSAGES
    budget_tokens: int = BUDGET_TOKENS


def read_book(book: bytes | msgspec.Raw | None) -> Lorebook:
    """Return what can be used of a lorebook as it stands in a card; the rest is passed over."""
    try:
        said = msgspec.json.decode(book) if book is not None else None
    except (msgspec.MsgspecError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("entries"), list):
        return Lorebook([])
    entries = (_entry(one) for one in said["entries"] if isinstance(one, dict))
    return Lorebook(
        [entry for entry in entries if entry is not None],
        _whole(said.get("scan_depth"), SCAN_MESSAGES),
        _whole(said.get("token_budget"), BUDGET_TOKENS),
    )


def matching(book: Lorebook, messages: Sequence[str]) -> list[str]:
    """Return the contents of the entries that the newest of `messages` (oldest first) call for.

    They come in the book's order. When they exceed its budget, those of the lowest priority go.
    """
    text = "\n".join(messages[len(messages) - book.scan_messages :] if book.scan_messages else ())
    folded = text.casefold()
    found = [
        entry
        for entry in book.entries
        if _is_called(entry, text if entry.is_case_sensitive else folded)
    ]
    kept = _within_budget(found, book.budget_tokens)
    return [entry.content for entry in sorted(kept, key=lambda entry: entry.order)]


def _entry(said: dict[str, Any]) -> LoreEntry | None:
    """Return an entry, None for one that can never be shown."""
    content = said.get("content")
    if not isinstance(content, str) or said.get("enabled") is False:
        return None
    content = _DECORATOR.sub("", content).strip().replace("\0", "")
    is_constant = said.get("constant") is True
    is_case_sensitive = said.get("case_sensitive") is True
    keys = [] if is_constant else _keys(said.get("keys"), is_case_sensitive)
    if not content or not (keys or is_constant) or (said.get("use_regex") is True and keys):
        return None
    is_selective = said.get("selective") is True and not is_constant
    order = _number(said.get("insertion_order"), 0)
    return LoreEntry(
        content=content,
        keys=keys,
        secondary_keys=_keys(said.get("secondary_keys"), is_case_sensitive) if is_selective else [],
        is_case_sensitive=is_case_sensitive,
        order=order,
        priority=_number(said.get("priority"), order),
    )


def _keys(said: Any, is_case_sensitive: bool) -> list[str]:
    """Return keys as they are searched for; some cards write them as one text with commas."""
    if isinstance(said, str):
        said = said.split(",")
    if not isinstance(said, list):
        return []
    keys = [key.strip().replace("\0", "") for key in said if isinstance(key, str)]
    return [key if is_case_sensitive else key.casefold() for key in keys if key]


def _is_called(entry: LoreEntry, text: str) -> bool:
    if not entry.keys:
        return True
    if not any(_occurs(key, text) for key in entry.keys):
        return False
    return not entry.secondary_keys or any(_occurs(key, text) for key in entry.secondary_keys)


def _occurs(key: str, text: str) -> bool:
    """Tell whether a key stands in the text as words of its own; Chinese has no gaps to look at."""
    at = text.find(key)
    if at >= 0 and _CJK.search(key):
        return True
    while at >= 0:
        end = at + len(key)
        begins = at == 0 or not (text[at - 1].isalnum() and key[0].isalnum())
        ends = end == len(text) or not (text[end].isalnum() and key[-1].isalnum())
        if begins and ends:
            return True
        at = text.find(key, at + 1)
    return False


def _within_budget(found: list[LoreEntry], budget_tokens: int) -> list[LoreEntry]:
    kept = []
    for entry in sorted(found, key=lambda entry: -entry.priority):
        budget_tokens -= count(entry.content)
        if budget_tokens < 0:
            break
        kept.append(entry)
    return kept


def _whole(value: Any, default: int) -> int:
    return int(min(max(_number(value, default), 0), 1_000_000))


def _number(value: Any, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 2**53 else default
