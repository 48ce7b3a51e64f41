"""Cards of three versions: read, written anew, and given back as they came."""

import base64
import json
from typing import Any

import pytest
from tests.characters.made_cards import V1, V2, V3, chunk, png, text_chunk

from understudy.characters.card_files import read_card_file, write_card_file
from understudy.characters.cards import read_card, write_card
from understudy.characters.lore import Lorebook, matching, read_book
from understudy.characters.placeholders import filled
from understudy.errors import InvalidRequest

PARTS_OF_V2 = (
    '{"chub/x": {"id": 12345678901234567890, "ratio": 1.10}, "depth": {"e": 1E+2}}',
    '{"kept": [1.0, 2e5]}',
)
"""What stands in V2 and must stand in whatever is made of it."""


@pytest.mark.parametrize(("text", "version"), [(V1, 1), (V2, 2), (V3, 3)])
def test_an_unchanged_card_is_given_back_to_the_byte(text: str, version: Any) -> None:
    card = read_card(text)
    assert card.version == version
    assert write_card(card.fields, version, card) == text


def test_what_a_card_says() -> None:
    card = read_card(V2)
    assert card.fields == {
        "name": "Pedro",
        "description": "A baker from Cádiz.",
        "personality": "cheerful",
        "scenario": "",
        "greeting": "¡Hola!",
        "example_dialogues": "",
        "system_template": "You are {{char}}.",
        "post_history_instructions": "",
        "alternate_greetings": ["Good morning", "¡Buenas!"],
        "tags": ["bread"],
    }
    assert (card.creator, card.creator_notes) == ("somebody", "Be kind to him.")
    assert read_card(V3).nickname == "Mei"
    assert read_card(V1).fields["greeting"] == "Hello, {{User}}."


def test_of_an_edited_card_only_the_edited_fields_change() -> None:
    card = read_card(V2)
    edited = write_card({**card.fields, "name": "Pablo", "tags": ["cake"]}, 2, card)
    was, now = json.loads(V2), json.loads(edited)
    was["name"] = was["data"]["name"] = "Pablo"
    was["data"]["tags"] = ["cake"]
    assert now == was
    assert all(part in edited for part in PARTS_OF_V2)
    assert '"odd": 0.10' in edited


def test_versions_are_turned_into_each_other() -> None:
    card = read_card(V2)
    newer = write_card(card.fields, 3, card)
    data = json.loads(newer)["data"]
    assert (json.loads(newer)["spec"], json.loads(newer)["spec_version"]) == (
        "chara_card_v3",
        "3.0",
    )
    assert data["group_only_greetings"] == []
    assert [entry["use_regex"] for entry in data["character_book"]["entries"]] == [False, False]
    assert all(part in newer for part in PARTS_OF_V2)
    again = read_card(newer)
    older = json.loads(write_card(again.fields, 2, again))
    assert older["spec"] == "chara_card_v2"
    assert older["data"]["unheard_of"] == {"kept": [1.0, 2e5]}

    first = json.loads(write_card(card.fields, 1, card))
    assert first == {
        "name": "Pedro",
        "description": "A baker from Cádiz.",
        "personality": "cheerful",
        "scenario": "",
        "first_mes": "¡Hola!",
        "mes_example": "",
        "fav": False,
    }


def test_a_first_card_becomes_a_second_with_all_that_the_standard_demands() -> None:
    card = read_card(V1)
    text = write_card(card.fields, 2, card)
    made = json.loads(text)
    assert made["data"] == {
        **{name: value for name, value in json.loads(V1).items() if name in _V1_FIELDS},
        "creator_notes": "",
        "system_prompt": "",
        "post_history_instructions": "",
        "alternate_greetings": [],
        "tags": [],
        "creator": "",
        "character_version": "",
        "extensions": {},
    }
    assert made["avatar"] == "none" and '"talkativeness":0.50' in text


_V1_FIELDS = {"name", "description", "personality", "scenario", "first_mes", "mes_example"}


def test_a_character_without_a_card_becomes_one() -> None:
    fields = {**read_card(V2).fields, "name": "Rosa"}
    for version in (1, 2, 3):
        written = read_card(write_card(fields, version, None))
        assert written.version == version
        assert written.fields["name"] == "Rosa"
        assert written.fields["tags"] == ([] if version == 1 else ["bread"])


def test_a_picture_comes_back_as_it_came_and_v3_goes_first() -> None:
    both = png(text_chunk("chara", V2), chunk(b"tEXt", b"Comment\0x"), text_chunk("ccv3", V3))
    file = read_card_file(both)
    assert file.card.text == V3
    fields = file.card.fields
    assert write_card_file(fields, 3, "png", file) == both
    assert write_card_file(fields, 3, "json", file) == V3.encode()
    renamed = write_card_file({**fields, "name": "Lan"}, 3, "png", file)
    assert b"tEXtComment\0x" in renamed and b"chara\0" not in renamed
    assert read_card_file(renamed).card.fields["name"] == "Lan"
    assert read_card_file(write_card_file(fields, 2, "png", file)).card.version == 2


def test_a_card_without_a_picture_gets_a_plain_one() -> None:
    file = read_card_file(b"\xef\xbb\xbf" + V2.encode())
    made = read_card_file(write_card_file(file.card.fields, 2, "png", file))
    assert made.card.text.removeprefix("\ufeff") == V2
    assert write_card_file(file.card.fields, 2, "json", file) == file.content


def test_base64_in_lines_and_without_padding_is_read() -> None:
    broken = base64.encodebytes(V1.encode()).rstrip(b"=\n")
    assert read_card_file(png(chunk(b"tEXt", b"chara\0" + broken))).card.text == V1


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe", "neither a PNG nor JSON"),
        (b"PK\x03\x04", "CHARX"),
        (b'{"name": "a price list"}', "neither 'spec'"),
        (b'{"spec": "lorebook_v3", "data": {}}', "its 'spec' is 'lorebook_v3'"),
        (b'{"spec": 7, "data": {}}', "its 'spec' cannot be read"),
        (b'{"spec": "chara_card_v2"}', "no 'data'"),
        (b'{"spec": "chara_card_v2", "data": []}', "'data' is no JSON object"),
        (b'{"spec": "chara_card_v2", "data": {"description": "x"}}', "no name"),
        (b'{"spec": "chara_card_v2", "data": {"name": ["x"]}}', "its 'name' cannot be read"),
        (b'{"name": "a", "description": "\\ud83d and"}', "cannot be read"),
        (b'{"spec":"chara_card_v2","data":{"a":' + b"[" * 200_000, "cannot be read as JSON"),
        (b'{"name":"a","x":"' + b"x" * 13 * 1024**2 + b'"}', "its JSON has more than"),
        (png(), "carries no card"),
        (png(chunk(b"tEXt", b"chara\0!!!")), "base64"),
        (png(text_chunk("chara", "no JSON")), "cannot be read as JSON"),
    ],
    ids=range(18),
)
def test_what_is_no_card_is_refused_in_words(file: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as caught:
        read_card_file(file)
    assert caught.value.param == "file"


def test_absent_and_null_fields_are_empty() -> None:
    card = read_card('{"spec":"chara_card_v2","data":{"name":"A","tags":null,"scenario":null}}')
    assert (card.fields["tags"], card.fields["scenario"], card.fields["greeting"]) == ([], "", "")


def test_a_remark_of_another_type_keeps_no_card_out() -> None:
    text = V2.replace('"character_version": "1.10"', '"character_version": 1.10')
    card = read_card(text)
    assert card.character_version == ""
    assert write_card(card.fields, 2, card) == text


@pytest.mark.parametrize(
    ("text", "filled_in"),
    [
        ("{{char}} and {{user}}", "Ada and Bo"),
        ("{{CHAR}}, {{Char}}; <bot> <BOT> <Char>", "Ada, Ada; Ada Ada Ada"),
        ("<USER> <User> {{USER}}", "Bo Bo Bo"),
        ("{{charm}} {char} <users> {{ char }}", "{{charm}} {char} <users> {{ char }}"),
    ],
)
def test_placeholders_are_filled_without_regard_to_case(text: str, filled_in: str) -> None:
    assert filled(text, "Ada", "Bo") == filled_in


def test_what_a_placeholder_becomes_is_not_searched_again() -> None:
    assert filled("{{char}} {{user}}", "{{user}}", "Bo") == "{{user}} Bo"


def test_lore_comes_when_the_newest_messages_name_its_keys() -> None:
    book = read_book(read_card(V2).book)
    sea, oven = "Cádiz is by the sea.", "The oven is from 1920."
    assert matching(book, ["Tell me of your OVEN."]) == [sea, oven]
    assert matching(book, ["¿Y el horno?", "ovens"]) == [sea, oven]
    assert matching(book, ["the oven", "a", "b"]) == [sea]
    assert matching(book, []) == [sea]


def _book(*entries: dict[str, Any], **said: Any) -> Lorebook:
    return read_book(json.dumps({"entries": entries, **said}).encode())


def test_what_lore_can_be_asked_to_do() -> None:
    selective = {"keys": ["tea"], "secondary_keys": ["green"], "selective": True, "content": "S"}
    assert matching(_book(selective), ["black tea"]) == []
    assert matching(_book(selective), ["green tea"]) == ["S"]
    cased = {"keys": ["Ana"], "case_sensitive": True, "content": "C"}
    assert matching(_book(cased), ["ana"]) == []
    assert matching(_book({"keys": ["茶"], "content": "茶"}), ["喝茶吗"]) == ["茶"]
    assert matching(_book({"keys": ["cat"], "content": "x"}), ["education"]) == []
    decorated = {"keys": ["a"], "content": "@@depth 5\n@@@x 1\n\nshown @@here"}
    assert matching(_book(decorated), ["a"]) == ["shown @@here"]


def test_over_its_budget_lore_of_low_priority_goes() -> None:
    entries = [
        {"keys": ["a"], "content": "one two", "priority": 1, "insertion_order": 1},
        {"keys": ["a"], "content": "three four", "priority": 9, "insertion_order": 2},
    ]
    assert matching(_book(*entries, token_budget=4), ["a"]) == ["three four"]
    assert matching(_book(*entries), ["a"]) == ["one two", "three four"]


@pytest.mark.parametrize(
    "entry",
    [
        {"keys": ["a"], "content": "x", "enabled": False},
        {"keys": ["a"], "content": "x", "use_regex": True},
        {"keys": ["a"], "content": 7},
        {"keys": 7, "content": "x"},
        "no entry",
    ],
)
def test_entries_that_cannot_be_used_are_passed_over(entry: Any) -> None:
    assert read_book(json.dumps({"entries": [entry]}).encode()).entries == []
    assert read_book(b'{"entries": 7}').entries == []
