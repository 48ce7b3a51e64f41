"""Character cards as JSON: what one of V1, V2 or V3 says, and a character written as one. Pure.

A value that nobody edits stays in the text of the card that it came in, unread and unchanged.
Sources: character-card-spec-v2 (spec_v1.md, spec_v2.md), character-card-spec-v3 (SPEC_V3.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Raw

from understudy.errors import InvalidRequest
from understudy.wire.characters import CardVersion

CARD_LIMIT_BYTES = 12 * 1024**2
"""What a card's JSON may have."""

CardFields: TypeAlias = Mapping[str, str | list[str]]
"""What a character has in common with cards, by the character's names for it."""
_T = TypeVar("_T")
_Members: TypeAlias = dict[str, Any]
"""Members of a JSON object: `Raw` where they are as they came."""

_V1_NAMES = {
    "name": "name",
    "description": "description",
    "personality": "personality",
    "scenario": "scenario",
    "greeting": "first_mes",
    "example_dialogues": "mes_example",
}
"""What cards call the fields of a character."""
_NAMES = {
    **_V1_NAMES,
    "system_template": "system_prompt",
    "post_history_instructions": "post_history_instructions",
    "alternate_greetings": "alternate_greetings",
    "tags": "tags",
}
_LISTS = frozenset({"alternate_greetings", "tags"})
_SPECS: dict[CardVersion, tuple[str, str]] = {
    2: ("chara_card_v2", "2.0"),
    3: ("chara_card_v3", "3.0"),
}
_KNOWN_SPECS = "'chara_card_v2' and 'chara_card_v3'"
_V1_SIGNS = frozenset(_V1_NAMES.values()) - {"name"}
"""What a V1 card has beside a name, at least one of it; other JSON has names too."""
_ENVELOPE = frozenset({"spec", "spec_version", "data"})
_V2_DEFAULTS: _Members = {
    **{card_name: "" for name, card_name in _NAMES.items() if name not in _LISTS},
    "creator_notes": "",
    "alternate_greetings": [],
    "tags": [],
    "creator": "",
    "character_version": "",
    "extensions": {},
}
_V3_DEFAULTS: _Members = {**_V2_DEFAULTS, "group_only_greetings": []}


@dataclass(frozen=True, slots=True)
class Card:
    """A card that was read; `text` is its JSON to the byte, `fields` has every field."""

    text: str
    version: CardVersion
    fields: CardFields
    nickname: str
    creator: str
    creator_notes: str
    character_version: str
    book: Raw | None
    """The lorebook, as it came."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """A card taken apart: the members of the character itself, and those around them.

    V1 has nothing around; later versions often repeat members of the character there.
    """

    version: CardVersion
    outer: _Members
    data: _Members


def read_card(text: str) -> Card:
    """Return what a card says. Raises InvalidRequest for what is no card of a known version."""
    if len(text.encode()) > CARD_LIMIT_BYTES:
        raise _refused(f"its JSON has more than {CARD_LIMIT_BYTES} bytes")
    parts = _taken_apart(text)
    data, names = parts.data, _names(parts.version)
    fields: dict[str, str | list[str]] = {
        name: (_texts_in if name in _LISTS else _text_in)(data, names.get(name, ""))
        for name in _NAMES
    }
    if not fields["name"]:
        raise _refused("it has no name")
    return Card(
        text=text,
        version=parts.version,
        fields=fields,
        nickname=_remark_in(data, "nickname"),
        creator=_remark_in(data, "creator"),
        creator_notes=_remark_in(data, "creator_notes"),
        character_version=_remark_in(data, "character_version"),
        book=data.get("character_book"),
    )


def write_card(fields: CardFields, version: CardVersion, imported: Card | None) -> str:
    """Return a character as a card of this version, in the words of the card that it came on.

    An imported card whose fields are unchanged is given back as it came; of a changed one only the
    changed fields are written anew. What V1 has no field for is left out of V1.
    """
    if imported is None:
        return _encoded(_edited(_converted(_Parts(1, {}, {}), version), fields))
    changed = {name: value for name, value in fields.items() if value != imported.fields[name]}
    if not changed and version == imported.version:
        return imported.text
    parts = _taken_apart(imported.text)
    if version != parts.version:
        parts = _converted(parts, version)
    return _encoded(_edited(parts, changed))


def _taken_apart(text: str) -> _Parts:
    root = _members(text.removeprefix("\ufeff").encode(), "")
    if "spec" not in root:
        if "name" not in root or not root.keys() & _V1_SIGNS:
            raise _refused(
                "its JSON has neither 'spec' (V2, V3) nor 'name' and 'description' and the other "
                "fields of V1"
            )
        return _Parts(1, {}, root)
    spec = _text_in(root, "spec")
    version = next((number for number, (name, _) in _SPECS.items() if name == spec), None)
    if version is None:
        raise _refused(f"its 'spec' is '{spec[:40]}', and those of cards are {_KNOWN_SPECS}")
    if "data" not in root:
        raise _refused("it has no 'data'")
    outer = {name: value for name, value in root.items() if name != "data"}
    return _Parts(version, outer, _members(root["data"], "data"))


def _converted(parts: _Parts, version: CardVersion) -> _Parts:
    """Return a card in another version; members that neither version knows are kept."""
    own = set(_V1_NAMES.values())
    unknown = parts.data if parts.version == 1 else parts.outer
    unknown = {name: value for name, value in unknown.items() if name not in own | _ENVELOPE}
    character = {name: parts.data.get(name, "") for name in _V1_NAMES.values()}
    if version == 1:
        return _Parts(1, {}, character | unknown)
    if parts.version == 1:
        outer, data = unknown, character
    else:
        outer, data = parts.outer, dict(parts.data)
    spec, spec_version = _SPECS[version]
    defaults = _V3_DEFAULTS if version == 3 else _V2_DEFAULTS
    if version == 3 and "character_book" in data:
        data["character_book"] = _with_regex_flags(data["character_book"])
    return _Parts(
        version,
        {"spec": spec, "spec_version": spec_version}
        | {name: value for name, value in outer.items() if name not in _ENVELOPE},
        data | {name: value for name, value in defaults.items() if name not in data},
    )


def _edited(parts: _Parts, changed: CardFields) -> _Parts:
    """Return a card with other values, also where its outer members repeat them."""
    names = _names(parts.version)
    values = {names[name]: value for name, value in changed.items() if name in names}
    repeated = {name: value for name, value in values.items() if name in parts.outer}
    return _Parts(parts.version, parts.outer | repeated, parts.data | values)


def _encoded(parts: _Parts) -> str:
    whole = parts.data if parts.version == 1 else {**parts.outer, "data": parts.data}
    return msgspec.json.encode(whole).decode()


def _with_regex_flags(book: Any) -> Any:
    """Return a lorebook whose entries all say whether their keys are patterns, as V3 demands."""
    try:
        whole = msgspec.json.decode(book, type=dict[str, Raw])
        entries = msgspec.json.decode(whole["entries"], type=list[dict[str, Any]])
    except (msgspec.MsgspecError, KeyError):
        return book
    raw = msgspec.json.decode(whole["entries"], type=list[dict[str, Raw]])
    if all("use_regex" in entry for entry in entries):
        return book
    return {**whole, "entries": [{"use_regex": False} | entry for entry in raw]}


def _names(version: CardVersion) -> dict[str, str]:
    return _V1_NAMES if version == 1 else _NAMES


def _members(text: bytes | Raw, where: str) -> _Members:
    """Return the members of a JSON object, none of them read."""
    try:
        return msgspec.json.decode(text, type=dict[str, Raw])
    except msgspec.ValidationError as error:
        raise _refused(f"{_shown(where)} is no JSON object") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refused(f"{_shown(where)} cannot be read as JSON ({error})") from error


def _text_in(members: _Members, name: str) -> str:
    """Return a text; absent and null count as empty."""
    if name not in members:
        return ""
    return _value(members, name, str) or ""


def _remark_in(members: _Members, name: str) -> str:
    """Return a text that nothing depends on; one of another type counts as empty."""
    try:
        return _text_in(members, name)
    except InvalidRequest:
        return ""


def _texts_in(members: _Members, name: str) -> list[str]:
    if name not in members:
        return []
    return _value(members, name, list[str]) or []


def _value(members: _Members, name: str, type_: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(members[name], type=type_ | None)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(f"{_shown(name)} cannot be read ({error})") from error


def _shown(name: str) -> str:
    return f"its '{name}'" if name else "its text"


def _refused(reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The file is no character card that can be used: {reason}.",
        param="file",
        code="invalid_card",
    )
