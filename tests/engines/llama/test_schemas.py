"""Which schemas a grammar enforces, and how several become one."""

from typing import Any

import pytest

from understudy.engines.llama.schemas import is_enforced, one_of


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, True),
        ({"type": "integer", "minimum": 1, "maximum": 9}, True),
        ({"type": "number", "minimum": 0}, False),
        ({"type": ["integer", "null"], "maximum": 9}, False),
        ({"type": "string", "pattern": "^[a-z]+$", "maxLength": 5}, True),
        ({"type": "string", "pattern": "[a-z]"}, False),
        ({"type": "string", "pattern": "^(?!a).$"}, False),
        ({"type": "string", "format": "date"}, True),
        ({"type": "string", "format": "email"}, False),
        ({"type": "array", "items": {"type": "integer", "multipleOf": 3}}, False),
        ({"type": "array", "uniqueItems": True}, False),
        ({"properties": {"not": {"type": "string"}}, "required": ["not"]}, True),
        ({"properties": {"a": {"not": {}}}}, False),
        ({"properties": {}, "required": ["a"]}, False),
        ({"anyOf": [{"const": {"not": 1}}, {"enum": [{"if": 1}]}]}, True),
        ({"anyOf": [{"type": "null"}, {"allOf": [{}]}]}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"minProperties": 1}}}, False),
        ({"additionalProperties": {"not": {}}}, False),
        ({"additionalProperties": False, "properties": {"a": True}}, True),
    ],
)
def test_what_a_grammar_enforces(schema: dict[str, Any], expected: bool) -> None:
    assert is_enforced(schema) is expected


def test_references_go_along_with_their_schema() -> None:
    tree = {
        "properties": {
            "next": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/leaf"}]},
            "$ref": {"const": {"$ref": "#"}},
        },
        "$defs": {"leaf": {}},
    }
    assert one_of({"tree": tree}, {"type": "array"}) == {
        "type": "array",
        "$defs": {
            "tree": {
                "properties": {
                    "next": {
                        "anyOf": [{"$ref": "#/$defs/tree"}, {"$ref": "#/$defs/tree/$defs/leaf"}]
                    },
                    "$ref": {"const": {"$ref": "#"}},
                },
                "$defs": {"leaf": {}},
            }
        },
    }
