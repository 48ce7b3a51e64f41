"""What a provider's refusals mean: class, status, code, and a message that helps."""

import json
from typing import Any

import pytest

from understudy import errors
from understudy.engines.provider_errors import (
    ProviderAnswer,
    ProviderIdentity,
    error_from_answer,
    excerpt,
    key_missing,
    reported_error,
    timed_out,
    wrong_region,
)

KEY = "sk-secret-4711"
ACME = ProviderIdentity("acme", "http://127.0.0.1:9/v1", "ACME_API_KEY", KEY)


def meaning(
    status: int, body: Any, headers: dict[str, str] | None = None
) -> errors.UnderstudyError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_answer(ACME, ProviderAnswer(status, headers or {}, raw))


def openai_error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "x", "param": None, "code": None, **fields}}


CASES = [
    (401, openai_error("bad key"), errors.ProviderKeyRejected, 401),
    (403, openai_error("no access"), errors.ProviderKeyRejected, 401),
    (404, openai_error("no such model", code="model_not_found"), errors.ModelNotFound, 404),
    (404, openai_error('model "x" not found, try pulling it first'), errors.ModelNotFound, 404),
    (404, {"detail": "Not Found"}, errors.ProviderFailed, 502),
    (404, b"<html>404</html>", errors.ProviderFailed, 502),
    (408, openai_error("too slow"), errors.ProviderTimeout, 504),
    (429, openai_error("slow down"), errors.ProviderRateLimited, 429),
    (429, b"", errors.ProviderRateLimited, 429),
    (400, openai_error("bad temperature"), errors.ProviderRefused, 400),
    (409, openai_error("conflict"), errors.ProviderRefused, 400),
    (413, openai_error("too large"), errors.ProviderRefused, 413),
    (422, {"detail": [{"loc": ["body"], "msg": "wrong"}]}, errors.ProviderRefused, 422),
    (400, b"<html>proxy</html>", errors.ProviderFailed, 502),
    (
        400,
        openai_error("long", code="context_length_exceeded"),
        errors.ContextLengthExceeded,
        400,
    ),
    (
        400,
        {"object": "error", "message": "This model's maximum context length is 4096 tokens."},
        errors.ContextLengthExceeded,
        400,
    ),
    (
        400,
        openai_error("Range of input length should be [1, 30720]"),
        errors.ContextLengthExceeded,
        400,
    ),
    (
        400,
        {"error": {"code": 400, "message": "x", "type": "exceed_context_size_error"}},
        errors.ContextLengthExceeded,
        400,
    ),
    (400, openai_error("blocked", code="content_filter"), errors.ContentRefused, 400),
    (400, openai_error("blocked", code="data_inspection_failed"), errors.ContentRefused, 400),
    (400, {"code": "DataInspectionFailed", "message": "blocked"}, errors.ContentRefused, 400),
    (
        400,
        openai_error("b", innererror={"code": "ResponsibleAIPolicyViolation"}),
        errors.ContentRefused,
        400,
    ),
    (500, openai_error("oops"), errors.ProviderFailed, 502),
    (503, b"<html>busy</html>", errors.ProviderFailed, 502),
    (307, b"", errors.ProviderFailed, 502),
]


@pytest.mark.parametrize(("status", "body", "kind", "shown"), CASES)
def test_each_answer_has_its_class(
    status: int, body: Any, kind: type[errors.UnderstudyError], shown: int
) -> None:
    error = meaning(status, body)
    assert type(error) is kind
    assert error.status == shown
    assert "acme" in error.message
    if isinstance(error, errors.ProviderError):
        assert error.provider == "acme"


@pytest.mark.parametrize(("status", "body", "kind", "shown"), CASES)
def test_no_message_holds_the_key(status: int, body: Any, kind: type, shown: int) -> None:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    spoiled = text.replace(b'message": "', f'message": "{KEY} '.encode()) + KEY.encode()
    headers = {"location": f"http://x/?key={KEY}", "x-request-id": KEY}
    assert KEY not in meaning(status, spoiled, headers).message
    assert KEY not in repr(ACME)


def test_a_key_of_any_form_is_left_out() -> None:
    acme = ProviderIdentity("acme", "http://x/v1", key="acme.4711.secret")
    body = json.dumps(openai_error("wrong key acme.4711.secret")).encode()
    assert "4711" not in error_from_answer(acme, ProviderAnswer(500, {}, body)).message


def test_a_masked_key_in_the_provider_s_words_is_left_out() -> None:
    error = meaning(401, openai_error("Incorrect API key provided: sk-se**********4711."))
    assert "sk-se" not in error.message


def test_a_rejected_key_names_its_variable() -> None:
    assert "ACME_API_KEY" in meaning(401, openai_error("bad key")).message


def test_a_rejection_without_a_key_says_how_to_set_one() -> None:
    keyless = ProviderIdentity("acme", "http://x/v1", "ACME_API_KEY")
    error = error_from_answer(keyless, ProviderAnswer(401, {}, b"{}"))
    assert "set ACME_API_KEY" in error.message


def test_a_missing_key_names_the_variable_and_the_keyless_model() -> None:
    dashscope = ProviderIdentity("dashscope", "https://x/v1", "DASHSCOPE_API_KEY")
    assert key_missing(dashscope).message == (
        "No key for provider 'dashscope': set DASHSCOPE_API_KEY. "
        "Works without a key: model 'understudy-extractive'."
    )


def test_a_wrong_region_names_the_right_provider_and_host() -> None:
    message = wrong_region(ACME, "acme-cn", "https://cn.example/v1").message
    assert "'acme-cn'" in message
    assert "cn.example" in message


def test_a_timeout_tells_how_often_it_was_tried_and_the_total() -> None:
    error = timed_out(ACME, "waiting for its answer", "read_s", 300.0, attempts=3)
    assert "took longer than 300 s. It was tried 3 times: up to 900 s" in error.message
    assert "timeouts.read_s" in error.message and "upstream_retries" in error.message


def test_a_timeout_of_the_only_attempt_speaks_of_no_others() -> None:
    error = timed_out(ACME, "connecting", "connect_s", 5.0)
    assert error.message.endswith(
        "connecting took longer than 5 s. Try again, or raise timeouts.connect_s."
    )


def test_a_refusal_keeps_param_code_and_words() -> None:
    error = meaning(
        400, openai_error("'n' must be 1", param="n", code="invalid_value", type="invalid_request")
    )
    assert (error.param, error.code) == ("n", "invalid_value")
    assert "'n' must be 1" in error.message
    assert "400" in error.message


def test_a_content_refusal_says_the_provider_s_code() -> None:
    error = meaning(400, openai_error("blocked", code="data_inspection_failed"))
    assert error.code == "content_filter"
    assert "data_inspection_failed" in error.message


def test_rate_limits_keep_when_to_come_back() -> None:
    headers = {"retry-after": "7", "retry-after-ms": "7100", "x-other": "1"}
    error = meaning(429, openai_error("slow down"), headers)
    assert error.headers == {"retry-after": "7", "retry-after-ms": "7100"}
    assert error.code == "rate_limit_exceeded"


def test_an_exhausted_quota_keeps_its_code() -> None:
    error = meaning(429, openai_error("pay", code="insufficient_quota"))
    assert (type(error), error.code) == (errors.ProviderRateLimited, "insufficient_quota")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-request-id": "req-9"}, openai_error("oops")),
        ({}, {**openai_error("oops"), "request_id": "req-9"}),
        ({}, {**openai_error("oops"), "id": "req-9"}),
        ({"x-request-id": "req-9"}, b"<html>oops</html>"),
    ],
)
def test_the_provider_s_request_id_is_kept(headers: dict[str, str], body: Any) -> None:
    assert "req-9" in meaning(500, body, headers).message


def test_foreign_text_is_short_and_clean() -> None:
    text = excerpt(ACME, "a\x1b[31mred\r\nline\u2028two" + "x" * 500)
    assert text.startswith("a [31mred line two")
    assert len(text) < 220


def test_a_redirect_names_its_target() -> None:
    error = meaning(307, b"", {"location": "https://acme.example/v2"})
    assert "https://acme.example/v2" in error.message


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("it broke", errors.StreamBroken),
        ({"message": "it broke"}, errors.StreamBroken),
        ({"message": "it broke", "code": 500}, errors.StreamBroken),
        ({"message": "bad", "code": 400, "type": "BadRequestError"}, errors.ProviderRefused),
        ({"message": "slow", "code": 429}, errors.ProviderRateLimited),
        ({"message": "slow", "code": "rate_limit_exceeded"}, errors.ProviderRateLimited),
        ({"message": "pay", "code": "insufficient_quota"}, errors.ProviderRateLimited),
        ({"message": "slow", "code": "Throttling.RateQuota"}, errors.ProviderRateLimited),
        ({"message": "no", "code": "data_inspection_failed"}, errors.ContentRefused),
        ({"message": "no", "code": "context_length_exceeded"}, errors.ContextLengthExceeded),
        ([1], errors.StreamBroken),
    ],
)
def test_errors_within_an_answer(said: Any, kind: type[errors.UnderstudyError]) -> None:
    error = reported_error(ACME, said, errors.StreamBroken)
    assert type(error) is kind
    assert "acme" in error.message
