"""Structured answers: extraction, completion, and random schemas judged by jsonschema."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import json
from datetime import datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.engines.extractive import evidence, generate, structured
from understudy.engines.json_schema import matches
from understudy.errors import InvalidRequest

NOW = datetime(2026, 3, 4, 12, 0)
STRING = {"type": "string"}


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def strict(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


EXTRACTED: list[tuple[str, dict[str, Any], Any]] = [
    (
        "Alice and Bob are going to a science fair on Friday.",
        strict(name=STRING, date=STRING, participants={"type": "array", "items": STRING}),
        {"name": "science fair", "date": "Friday", "participants": ["Alice", "Bob"]},
    ),
    (
        "My name is Ana López, I am 34 years old and my email is ana@x.es",
        strict(name=STRING, age={"type": "integer"}, email={"type": "string", "format": "email"}),
        {"name": "Ana López", "age": 34, "email": "ana@x.es"},
    ),
    (
        "Me llamo Luis y quiero pagar 1.200,50 euros en 12 meses",
        strict(nombre=STRING, importe={"type": "number"}, meses={"type": "integer"}),
        {"nombre": "Luis", "importe": 1200.5, "meses": 12},
    ),
    (
        "The delivery is urgent, send it tomorrow",
        strict(
            priority={"type": "string", "enum": ["low", "high"]},
            date={"type": "string", "format": "date"},
        ),
        {"priority": "high", "date": "2026-03-05"},
    ),
    (
        "no phone was given",
        strict(phone={"anyOf": [{"type": "string", "pattern": r"^\+\d+$"}, {"type": "null"}]}),
        {"phone": None},
    ),
]


@pytest.mark.parametrize(("text", "schema", "expected"), EXTRACTED)
def test_extraction(ask, text: str, schema: dict[str, Any], expected: Any) -> None:
    answer = ask(text, response_format=json_schema(schema))
    assert json.loads(answer.text) == expected


def test_the_answer_goes_where_an_answer_is_wanted(ask) -> None:
    messages = [
        {"role": "system", "content": "Breakfast is served from 7 to 10."},
        {"role": "user", "content": "What time is breakfast?"},
    ]
    schema = strict(answer=STRING, sources={"type": "array", "items": STRING})
    answer = json.loads(ask(messages, response_format=json_schema(schema)).text)
    assert answer["answer"] == "Breakfast is served from 7 to 10."


VALID: list[dict[str, Any]] = [
    {},
    {"type": "object"},
    strict(a={"$ref": "#/$defs/b"}) | {"$defs": {"b": {"type": "integer", "minimum": 5}}},
    {
        "$defs": {
            "node": strict(
                value=STRING, next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
            )
        },
        "$ref": "#/$defs/node",
    },
    strict(children={"type": "array", "items": {"$ref": "#"}}),
    {"allOf": [strict(a=STRING) | {"additionalProperties": True}, {"required": ["b"]}]},
    {"oneOf": [{"type": "integer", "multipleOf": 7, "minimum": 8}, {"type": "boolean"}]},
    {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"type": "integer"}},
    {"type": "array", "prefixItems": [STRING, {"type": "number"}], "minItems": 2},
    {"type": "array", "contains": {"const": 4}},
    {"type": "string", "pattern": r"^[A-Z]{2}-\d{3,5}(?:/[a-f]+)?$"},
    {"type": "string", "pattern": r"^(?:red|green)\s\w+@\w+\.com$", "minLength": 20},
    {"type": "string", "minLength": 3, "maxLength": 3},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}},
    {"type": ["null", "integer"], "minimum": 3},
    {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": STRING},
     "properties": {"x": {"$ref": "#/definitions/a"}}, "required": ["x"]},
    strict(state={"const": "done"}, level={"enum": [1, 2, 3]}),
]  # fmt: skip


@pytest.mark.parametrize("schema", VALID, ids=json.dumps)
def test_instances_are_valid(ask, schema: dict[str, Any]) -> None:
    value = json.loads(ask("Hello there, 250 euros", response_format=json_schema(schema)).text)
    jsonschema.validate(value, schema)


IMPOSSIBLE: list[dict[str, Any]] = [
    {"type": "integer", "minimum": 5, "maximum": 3},
    {"type": "string", "minLength": 5, "maxLength": 2},
    {"type": "string", "enum": [1]},
    {"$ref": "#"},
    {"$ref": "#/$defs/missing", "required": ["a"], "properties": {"a": False}},
    {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 2}}, "$ref": "#/$defs/a"},
    strict(a={"$ref": "#"}),
    {"type": "nonsense"},
    {"type": "string", "pattern": "("},
    {"not": {}},
    {"$ref": "https://example.invalid/schema.json"},
]  # fmt: skip


@pytest.mark.parametrize("schema", IMPOSSIBLE, ids=json.dumps)
def test_what_cannot_be_satisfied_is_refused(ask, schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask("hello", response_format=json_schema(schema))
    assert caught.value.param == "response_format"


@pytest.mark.timeout(20)
def test_a_runaway_pattern_matches_nothing() -> None:
    pattern, text = "^(a|a)*$", "a" * 60 + "b"
    assert not any(matches(pattern, text) for _ in range(1_000))


JSON_OBJECTS = [
    ('Return JSON with the keys name and city. My name is Eva, from Rome', {"name", "city"}),
    ("Devuelve un JSON con los campos nombre, edad y correo: Eva, 30, eva@x.es",
     {"nombre", "edad", "correo"}),
    ('Answer in JSON like {"color": "string", "count": 3}: two blue chairs', {"color", "count"}),
    ("以JSON格式返回，字段：姓名、年龄", {"姓名", "年龄"}),
    ("Reply in JSON. What is 2+2?", {"answer"}),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "fields"), JSON_OBJECTS)
def test_json_object(ask, prompt: str, fields: set[str]) -> None:
    answer = json.loads(ask(prompt, response_format={"type": "json_object"}).text)
    assert set(answer) == fields


def test_json_object_is_filled(ask) -> None:
    prompt = (
        'Extract as JSON {"name": "string", "email": "string", "age": 0}: I am Eva, 30, eva@x.es'
    )
    answer = json.loads(ask(prompt, response_format={"type": "json_object"}).text)
    assert answer == {"name": "Eva", "email": "eva@x.es", "age": 30}


@st.composite
def numeric(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted(draw(st.tuples(st.integers(-50, 50), st.integers(-50, 50))))
    return {"type": draw(st.sampled_from(["integer", "number"])), "minimum": low, "maximum": high}


@st.composite
def textual(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted(draw(st.tuples(st.integers(0, 30), st.integers(0, 30))))
    return {"type": "string", "minLength": low, "maxLength": high}


LEAVES = st.one_of(
    numeric(),
    textual(),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(lambda values: {"enum": values}, st.lists(st.text(max_size=5), min_size=1)),
    st.sampled_from([r"^\d{4}$", "^[A-F0-9]{8}$", "^a+b*c?$", r"^\w+-\w+$", "^(x|yz){2,4}$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    st.sampled_from(["date", "email", "uuid", "date-time", "uri", "ipv4"]).map(
        lambda name: {"type": "string", "format": name}
    ),
)
NAMES = st.sampled_from(["name", "date", "amount", "email", "items", "note", "id", "query"])


def containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(NAMES, inner, max_size=4).flatmap(
        lambda parts: st.builds(
            lambda required, closed: {
                "type": "object",
                "properties": parts,
                "required": required,
                "additionalProperties": not closed,
            },
            st.lists(st.sampled_from(sorted(parts)), unique=True) if parts else st.just([]),
            st.booleans(),
        )
    )
    arrays = st.builds(
        lambda items, low, extra: {
            "type": "array", "items": items, "minItems": low, "maxItems": low + extra
        },
        inner, st.integers(0, 4), st.integers(0, 3),
    )  # fmt: skip
    branches = st.builds(
        lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)
    )
    return st.one_of(objects, arrays, branches)


TEXTS = st.sampled_from(
    ["Ana pays 300 euros on Friday for order AB-12", "hola, son 3 cosas", "北京三天后", ""]
)


@settings(max_examples=200, deadline=None)
@given(schema=st.recursive(LEAVES, containers, max_leaves=8), text=TEXTS)
def test_random_schemas(schema: dict[str, Any], text: str) -> None:
    read = evidence.read(text, "en", NOW)
    value = structured.instance(schema, read, "an answer")
    jsonschema.validate(
        value, schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@settings(max_examples=200, deadline=None)
@given(pattern=st.text(alphabet="ab(|)[]{}^$\\dw+*?.,123-", max_size=20))
def test_any_pattern_is_read_or_given_up(pattern: str) -> None:
    assert all(isinstance(made, str) for made in generate.strings({"pattern": pattern}))
