"""Every error comes in OpenAI's envelope, whatever was wrong and whoever noticed it."""

import json
from typing import Any

import pytest
from pydantic import SecretStr
from tests.http.fixtures import ServeWith
from tests.http.serving import HELLO, LogLines, Served, error_of, provider_at
from tests.upstreams.scripted import ScriptedUpstream, answer, hang, reset

CHAT = "/v1/chat/completions"
HOT = [CHAT, "/v1/completions", "/v1/embeddings", "/v1/moderations"]
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/nothing", "/docs"),
        ("/nothing", "/docs"),
        ("/v1", "/docs"),
        ("/v1/chat/completions/one/more", "/docs"),
        ("/chat/completions", "base_url should end in /v1"),
        ("/models", "base_url should end in /v1"),
        ("/models/echo", "base_url should end in /v1"),
        ("/embeddings", "base_url should end in /v1"),
        ("/v1/v1/chat/completions", "not two"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_routes(server: Served, method: str, path: str, hint: str) -> None:
    response = server.client.request(method, path, json={} if method == "POST" else None)
    error = error_of(response, 404)
    assert hint in error["message"]
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *[("GET", path, {"POST"}) for path in HOT if path != CHAT],
        *[("DELETE", path, {"POST"}) for path in HOT if path != CHAT],
        ("DELETE", CHAT, {"GET", "POST"}),
        ("PUT", CHAT, {"GET", "POST"}),
        ("POST", "/v1/models", {"GET"}),
        ("PATCH", "/v1/models/echo", {"GET", "DELETE"}),
        ("POST", "/health", {"GET"}),
        ("POST", "/docs", {"GET"}),
        ("DELETE", "/docs/static/swagger-ui.css", {"GET"}),
    ],
)
def test_wrong_methods(server: Served, method: str, path: str, allowed: set[str]) -> None:
    response = server.client.request(method, path)
    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert {name.strip() for name in response.headers["allow"].split(",")} - {"HEAD"} == allowed
    assert response.headers["x-should-retry"] == "false"


BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"not json", "invalid_json"),
    "half a JSON": (b'{"messages": [', "invalid_json"),
    "two values": (b"{}{}", "invalid_json"),
    "a comma too many": (b'{"messages": [],}', "invalid_json"),
    "NaN": (b'{"temperature": NaN}', "invalid_json"),
    "a number beyond floats": (b'{"temperature": 1e999}', "invalid_json"),
    "empty": (b"", "no_body"),
    "blank": (b"  ", "invalid_json"),
    "not UTF-8 in a string": (b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}', ""),
    "Latin-1": ('{"messages": [{"role": "user", "content": "señor"}]}'.encode("latin-1"), ""),
    "UTF-16": ('{"messages": []}'.encode("utf-16"), ""),
    "a lone surrogate": (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', ""),
    "arrays nested 100,000 deep": (b"[" * 100_000 + b"]" * 100_000, "invalid_json"),
    "objects nested 100,000 deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "invalid_json"),
    "an array": (b"[]", "invalid_type"),
    "a string": (b'"hello"', "invalid_type"),
    "null": (b"null", "invalid_type"),
}


@pytest.mark.parametrize("what", BAD_BODIES)
@pytest.mark.parametrize("path", [*HOT, "/v1/engines/echo/chat/completions"])
def test_bad_bodies(server: Served, logs: LogLines, path: str, what: str) -> None:
    body, code = BAD_BODIES[what]
    error = error_of(server.client.post(path, content=body, headers=JSON), 400)
    assert error["type"] == "invalid_request_error"
    assert error["code"] == (code or "invalid_json")
    assert logs.failures() == []


@pytest.mark.parametrize("depth", [400, 900, 1_500, 5_000, 20_000])
@pytest.mark.parametrize("field", ["response_format", "tools", "unknown", "metadata", "messages"])
def test_deep_values_never_break_the_server(
    server: Served, logs: LogLines, upstream: ScriptedUpstream, field: str, depth: int
) -> None:
    deep = '{"properties":{"a":' * depth + "{}" + "}}" * depth
    values = {
        "response_format": f'{{"type":"json_schema","json_schema":{{"name":"x","schema":{deep}}}}}',
        "tools": f'[{{"type":"function","function":{{"name":"f","parameters":{deep}}}}}]',
        "messages": f'[{{"role":"user","content":[{deep}]}}]',
    }
    rest = "" if field == "messages" else f',"messages":{json.dumps(HELLO)}'
    body = f'{{"{field}":{values.get(field, deep)}{rest}}}'
    response = server.client.post(CHAT, content=body, headers=JSON)
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert error_of(response, 400)["message"]
    assert logs.failures() == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", None]
)
@pytest.mark.parametrize("path", [*HOT, "/v1/models"])
def test_wrong_content_types(server: Served, path: str, kind: str | None) -> None:
    body = json.dumps({"messages": HELLO}).encode()
    headers = {} if kind is None else {"content-type": kind}
    error = error_of(server.client.post(path, content=body, headers=headers), 400)
    assert error["code"] == "unsupported_content_type"
    assert "application/json" in error["message"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_content_types_that_mean_json(server: Served, kind: str) -> None:
    body = json.dumps({"messages": HELLO}).encode()
    response = server.client.post(CHAT, content=body, headers={"content-type": kind})
    assert response.status_code == 200


def test_multipart_is_no_json(server: Served, logs: LogLines) -> None:
    response = server.client.post(CHAT, files={"messages": b"x"})
    assert error_of(response, 400)["code"] == "unsupported_content_type"
    assert logs.failures() == []


def test_a_get_may_claim_json(server: Served) -> None:
    response = server.client.get("/v1/models", headers=JSON)
    assert response.status_code == 200


@pytest.mark.parametrize("path", [*HOT, "/v1/models", "/v1/nothing"])
def test_bodies_over_the_limit(serve_with: ServeWith, path: str) -> None:
    big = json.dumps({"messages": HELLO, "padding": "x" * 4096}).encode()
    with serve_with(json_limit_bytes=2048) as server:
        by_length = server.client.post(path, content=big, headers=JSON)
        assert error_of(by_length, 413)["code"] == "request_too_large"
        assert by_length.headers["x-should-retry"] == "false"
        if path in HOT:
            chunked = server.client.post(path, content=iter([big[:1500], big[1500:]]), headers=JSON)
            assert "json_limit_bytes" in error_of(chunked, 413)["message"]


def test_no_content_type_lifts_the_limit(serve_with: ServeWith) -> None:
    with serve_with(json_limit_bytes=2048) as server:
        response = server.client.post(CHAT, files={"messages": b"x" * 4096})
        assert response.status_code in (400, 413)


def test_a_body_just_within_the_limit_passes(serve_with: ServeWith) -> None:
    empty = len(json.dumps({"messages": HELLO, "user": ""}))
    with serve_with(json_limit_bytes=2048) as server:
        for size, status in ((2048, 200), (2049, 413)):
            body = json.dumps({"messages": HELLO, "user": "x" * (size - empty)}).encode()
            for content in (body, iter([body[:9], body[9:]])):
                response = server.client.post(CHAT, content=content, headers=JSON)
                assert response.status_code == status, size


@pytest.mark.parametrize(
    "path",
    [*HOT, "/v1/models", "/health", "/docs", "/openapi.json", "/nothing", "/docs/static/none"],
)
def test_every_answer_has_an_id_that_its_log_line_has_too(
    server: Served, logs: LogLines, path: str
) -> None:
    for method in ("GET", "POST"):
        response = server.client.request(method, path)
        request_id = response.headers["x-request-id"]
        assert request_id.startswith("req")
        line = logs.wait_for(request_id=request_id)
        assert line["message"] == f"{method} {path}"
        assert line["status"] == response.status_code
    assert logs.failures() == []


def test_ids_differ_and_streams_have_them_too(server: Served, logs: LogLines) -> None:
    responses = [server.chat(), server.chat(stream=True), server.chat(stream=True)]
    ids = {response.headers["x-request-id"] for response in responses}
    assert len(ids) == 3
    for request_id in ids:
        assert logs.wait_for(request_id=request_id)["model"] == "up/echo"


def test_a_warning_carries_the_id_of_its_request(
    serve_with: ServeWith, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    upstream.play(answer({"error": {"message": "boom"}}, 500))
    with serve_with(
        providers={"up": provider_at(upstream)}, default_model="up/echo", upstream_retries=0
    ) as server:
        response = server.chat()
    line = logs.wait_for(level="warning")
    assert line["request_id"] == response.headers["x-request-id"]


def test_logs_hold_neither_content_nor_keys(
    serve_with: ServeWith, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    provider = provider_at(upstream, key=SecretStr("sk-provider-secret-4711"))
    with serve_with(providers={"up": provider}, default_model="up/echo") as server:
        server.client.headers["authorization"] = "Bearer sk-client-secret-4711"
        server.chat(messages=[{"role": "user", "content": "private words"}])
        upstream.play(answer({"error": {"message": "wrong key sk-provider-secret-4711"}}, 401))
        error_of(server.chat(), 401)
    text = json.dumps(logs.lines)
    assert "private words" not in text and "secret-4711" not in text


def test_content_is_logged_when_asked_for(serve_with: ServeWith, logs: LogLines) -> None:
    with serve_with(log_content=True) as server:
        server.chat(messages=[{"role": "user", "content": "private words"}])
    assert "private words" in json.dumps(logs.lines)


PROVIDER_ERRORS = [
    (answer({"error": {"message": "no"}}, 401), 401, "provider_key_rejected"),
    (answer({"error": {"message": "slow down"}}, 429), 429, "rate_limit_exceeded"),
    (answer({"error": {"message": "boom"}}, 500), 502, "provider_error"),
    (answer({"error": {"message": "busy"}}, 503), 502, "provider_error"),
    (answer({"nothing": "here"}), 502, "provider_error"),
    (reset(), 502, "provider_unreachable"),
]


@pytest.mark.parametrize(("behaviour", "status", "code"), PROVIDER_ERRORS)
@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings", "/v1/completions"])
def test_provider_errors(
    serve_with: ServeWith,
    upstream: ScriptedUpstream,
    logs: LogLines,
    path: str,
    behaviour: Any,
    status: int,
    code: str,
) -> None:
    with (
        ScriptedUpstream() as fresh,
        serve_with(providers={"up": provider_at(fresh)}, upstream_retries=0) as server,
    ):
        fresh.play(behaviour)
        body = {"model": "up/echo", "messages": HELLO, "input": "hello", "prompt": "hello"}
        response = server.client.post(path, json=body)
        error = error_of(response, status)
    assert error["code"] == code
    assert "up" in error["message"]
    assert response.headers.get("x-should-retry") == ("false" if status == 401 else None)
    assert logs.failures() == []


def test_a_silent_provider_is_a_timeout(serve_with: ServeWith, upstream: ScriptedUpstream) -> None:
    with serve_with(
        providers={"up": provider_at(upstream)},
        default_model="up/echo",
        timeouts={"read_s": 0.2},
        upstream_retries=0,
    ) as server:
        upstream.play(hang(), hang())
        assert error_of(server.chat(), 504)["code"] == "provider_timeout"
        assert error_of(server.chat(stream=True), 504)["code"] == "provider_timeout"


def test_a_missing_key_names_the_variable_and_the_way_out(serve_with: ServeWith) -> None:
    provider = {"base_url": "http://127.0.0.1:9/v1", "key_variable": "ACME_API_KEY"}
    with serve_with(providers={"acme": {**provider, "requires_key": True}}) as server:
        error = error_of(server.chat(model="acme/large"), 401)
    assert error["code"] == "provider_key_missing"
    assert "ACME_API_KEY" in error["message"] and "understudy-extractive" in error["message"]


def test_moderations_without_a_provider_say_so(server: Served) -> None:
    error = error_of(server.client.post("/v1/moderations", json={"input": "hello"}), 400)
    assert error["code"] == "moderation_not_available"
    assert "moderation_model" in error["message"]


RAW = {
    "no request line": b"nonsense\r\n\r\n",
    "two lengths": b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a length that is no number": b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/json\r\ncontent-length: two\r\n\r\n{}",
    "a negative length": b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/json\r\ncontent-length: -2\r\n\r\n{}",
}


@pytest.mark.parametrize("what", RAW)
def test_what_is_no_http_is_refused(server: Served, logs: LogLines, what: str) -> None:
    assert server.exchange_raw(RAW[what]).startswith(b"HTTP/1.1 400")
    assert server.chat().status_code == 200
    assert logs.failures() == []


@pytest.mark.parametrize(
    "header", [b"authorization: Bearer \xff\xfe", b"x-custom: \xc3\xb1", b"origin: \xff"]
)
def test_headers_may_hold_any_bytes(server: Served, logs: LogLines, header: bytes) -> None:
    request = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    status = server.exchange_raw(request + header + b"\r\n\r\n").split(b" ")[1]
    assert status in (b"200", b"403")
    assert logs.failures() == []


@pytest.mark.parametrize(
    "path", ["/v1/models/%FF", "/v1/models/%00", "/v1/models/..%2F..%2Fetc", "/v1/%E2%82%AC", "/%"]
)
def test_odd_paths(server: Served, logs: LogLines, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    assert server.exchange_raw(request.encode()).startswith(b"HTTP/1.1 4")
    assert logs.failures() == []


def test_an_engine_that_is_missing_in_the_path(server: Served) -> None:
    body = {"messages": HELLO}
    response = server.client.post("/v1/engines//chat/completions", json=body)
    assert response.status_code in (200, 404)
