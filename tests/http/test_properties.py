"""No request whatsoever is answered with a 5xx, and what is answered has a known form."""

import contextlib
import json
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from tests.http.serving import HELLO, LogLines, Served, error_of, events_of, serve, settings_for

BOUNDED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FIELDS = {
    "/v1/chat/completions": [
        "model messages stream stream_options temperature top_p n stop max_tokens logit_bias seed",
        "max_completion_tokens logprobs top_logprobs tools tool_choice functions function_call",
        "response_format parallel_tool_calls metadata store audio modalities user unknown",
    ],
    "/v1/completions": [
        "model prompt stream stream_options echo suffix best_of logprobs n stop max_tokens seed"
    ],
    "/v1/embeddings": ["model input encoding_format dimensions user"],
    "/v1/moderations": ["model input"],
}
TEXT = st.text(max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(["auto", "none", "required", "function", "understudy-extractive", "user"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "x"])
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "file"])},
    optional={"text": TEXT, "image_url": VALUES, "file": VALUES},
)
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXT,
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": TEXT}, optional={"arguments": TEXT | VALUES}),
    },
)
MESSAGES = st.fixed_dictionaries(
    {"role": ROLES},
    optional={
        "content": TEXT | st.lists(PARTS, max_size=2) | VALUES,
        "name": TEXT,
        "tool_call_id": TEXT,
        "tool_calls": st.lists(CALLS, max_size=2),
        "function_call": st.fixed_dictionaries({"name": TEXT, "arguments": TEXT}),
    },
)
TYPES = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"])
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, max_size=2),
            "enum": st.lists(VALUES, max_size=3),
            "const": VALUES,
            "minimum": st.integers(-5, 5),
            "maximum": st.integers(-5, 5),
            "minLength": st.integers(0, 9),
            "maxLength": st.integers(0, 9),
            "pattern": st.sampled_from(["^a+$", "[0-9]{3}", "(", "\\d", "^$"]),
            "format": st.sampled_from(["date", "email", "uuid", "uri", "nonsense"]),
            "$ref": st.sampled_from(["#", "#/$defs/x", "http://127.0.0.1:9/x", "nowhere"]),
        },
    )
    | st.booleans(),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "properties": st.dictionaries(TEXT, inner, max_size=3),
            "required": st.lists(TEXT, max_size=2),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "additionalProperties": inner,
            "$defs": st.dictionaries(st.just("x"), inner),
        },
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The embedded models alone: every request that is not refused is answered by them."""
    with serve(settings_for(tmp_path_factory.mktemp("data"))) as served:
        yield served


def judge(server: Served, path: str, body: Any) -> None:
    text = json.dumps(body).encode()
    response = server.client.post(path, content=text, headers={"content-type": "application/json"})
    if response.status_code != 200:
        error_of(response, response.status_code)
        assert response.status_code in (400, 404), response.text
    elif response.headers["content-type"].startswith("text/event-stream"):
        events = events_of(response)
        assert not any("error" in event for event in events), events
    else:
        assert response.json()["object"]


@pytest.mark.parametrize("path", FIELDS)
def test_any_values_in_known_fields(server: Served, logs: LogLines, path: str) -> None:
    names = st.sampled_from(" ".join(FIELDS[path]).split())
    bodies = st.dictionaries(names, VALUES, max_size=6)

    @BOUNDED
    @given(body=bodies)
    def run(body: dict[str, Any]) -> None:
        judge(server, path, body)
        judge(server, path, {"messages": HELLO, "prompt": "hello", "input": "hello", **body})

    run()
    assert logs.failures() == []


@BOUNDED
@given(messages=st.lists(MESSAGES, max_size=4), is_streamed=st.booleans())
def test_any_messages(server: Served, messages: list[dict[str, Any]], is_streamed: bool) -> None:
    judge(server, "/v1/chat/completions", {"messages": messages, "stream": is_streamed})


@BOUNDED
@given(schema=SCHEMAS)
def test_any_schema_as_response_format(server: Served, schema: Any) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = {"messages": HELLO, "response_format": wanted}
    judge(server, "/v1/chat/completions", body)


@BOUNDED
@given(schema=SCHEMAS, is_forced=st.booleans(), text=TEXT)
def test_any_schema_as_parameters(server: Served, schema: Any, is_forced: bool, text: str) -> None:
    function = {"name": "get_weather", "parameters": schema}
    body = {
        "messages": [{"role": "user", "content": f"get the weather {text}"}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required" if is_forced else "auto",
    }
    judge(server, "/v1/chat/completions", body)


@BOUNDED
@given(body=st.binary(max_size=80))
def test_any_bytes(server: Served, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for path in FIELDS:
        response = server.client.post(path, content=body, headers=headers)
        assert response.status_code in (200, 400), response.text


@BOUNDED
@given(path=st.text(max_size=30), method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]))
def test_any_path(server: Served, path: str, method: str) -> None:
    for prefix in ("/", "/v1/", "/v1/models/", "/v1/engines/"):
        url = prefix + quote(path, errors="surrogatepass")
        response = server.client.request(method, url, follow_redirects=False)
        assert response.status_code < 500, response.text


def statuses_of(server: Served, operation: APIOperation, mode: GenerationMode) -> set[int]:
    """Send requests made from the operation's description and return the statuses they met."""
    statuses = set()

    @settings(BOUNDED, max_examples=5)
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case) -> None:
        response = case.call(base_url=server.root)
        statuses.add(response.status_code)
        assert response.status_code < 500, response.text

    with contextlib.suppress(Unsatisfiable):  # not every operation has a wrong form
        run()
    return statuses


def test_the_published_description_holds(server: Served, logs: LogLines) -> None:
    """Requests made from our own OpenAPI document, right ones and wrong ones."""
    schema = schemathesis.openapi.from_dict(server.client.get("/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            statuses = statuses_of(server, operation, mode)
            if mode is GenerationMode.NEGATIVE and operation.method == "post":
                assert statuses - {200}, f"{operation.label} takes anything"
    assert logs.failures() == []
