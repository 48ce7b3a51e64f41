"""What a provider's refusals and failures mean, as our own errors. Pure: no SDK, no network.

Every message names the provider, the cause and the remedy, and never holds a key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from understudy.errors import (
    ContentRefused,
    ContextLengthExceeded,
    ModelNotFound,
    ProviderError,
    ProviderFailed,
    ProviderKeyMissing,
    ProviderKeyRejected,
    ProviderRateLimited,
    ProviderRefused,
    ProviderRegionMismatch,
    ProviderTimeout,
    ProviderUnreachable,
    StreamBroken,
    UnderstudyError,
)

KEYLESS_MODEL = "understudy-extractive"
_EXCERPT_CHARACTERS = 200
_Error = TypeVar("_Error", bound=UnderstudyError)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_KEYS = re.compile(r"\bsk-[\w*.\-]{4,}")
_CONTEXT = re.compile(
    r"context.{0,9}(length|size|window)|range of input length|prompt is too long"
    r"|input.{0,20}(length|tokens).{0,20}exceed",
    re.IGNORECASE,
)
_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTENT_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "data_inspection_failed",
        "datainspectionfailed",
        "responsibleaipolicyviolation",
    }
)
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-dashscope-request-id")
_REPEAT_HEADERS = ("retry-after", "retry-after-ms")


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """What messages say of a provider; `key` is here only to be kept out of them."""

    name: str
    base_url: str
    key_variable: str | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def key_remedy(self) -> str:
        """Where the key is set."""
        return f"set {self.key_variable}" if self.key_variable else f"set providers.{self.name}.key"


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """An answer that is no success, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Reason:
    """What an error body says, whichever form it has."""

    message: str = ""
    code: str | None = None
    type: str = ""
    param: str | None = None
    request_id: str | None = None
    is_json: bool = True

    @property
    def codes(self) -> frozenset[str]:
        """Code and type in lower case; providers put the same words in either."""
        return frozenset({(self.code or "").lower(), self.type.lower()})


def error_from_answer(provider: ProviderIdentity, answer: ProviderAnswer) -> UnderstudyError:
    """Return the error that a status and body mean."""
    reason = _read(answer)
    message = _describe(provider, f"answered {answer.status}", reason)
    error = _of_meaning(reason, message) or _of_status(provider, answer, reason, message)
    return _complete(error, provider, answer, reason)


def reported_error(
    provider: ProviderIdentity, error: Any, otherwise: type[ProviderFailed]
) -> UnderstudyError:
    """Return the error that an `error` within an answer means, `otherwise` where it says little."""
    status = error.get("code") if isinstance(error, dict) else None
    answer = ProviderAnswer(
        status if isinstance(status, int) and 400 <= status < 600 else 500,
        headers={},
        body=msgspec.json.encode({"error": error}),
    )
    reason = _read(answer)
    message = _describe(provider, "reported an error in its answer", reason)
    found = _of_meaning(reason, message)
    if found is None and answer.status >= 500:
        found = _of_code(reason, message) or otherwise(f"{message}. Try again.")
    found = found or _of_status(provider, answer, reason, message)
    return _complete(found, provider, answer, reason)


def key_missing(provider: ProviderIdentity) -> ProviderKeyMissing:
    """Return the error for a provider that needs a key and has none."""
    return _named(
        ProviderKeyMissing(
            f"No key for provider '{provider.name}': {provider.key_remedy}. "
            f"Works without a key: model '{KEYLESS_MODEL}'."
        ),
        provider,
    )


def key_unusable(provider: ProviderIdentity) -> ProviderKeyRejected:
    """Return the error for a key that cannot be sent, such as one with a typographic quote."""
    where = provider.key_variable or f"providers.{provider.name}.key"
    return _named(
        ProviderKeyRejected(
            f"The key of provider '{provider.name}' in {where} holds characters that no key has: "
            "copy it again."
        ),
        provider,
    )


def wrong_region(provider: ProviderIdentity, right: str, base_url: str) -> ProviderRegionMismatch:
    """Return the error for a key that another region of the provider accepts."""
    return _named(
        ProviderRegionMismatch(
            f"The key of provider '{provider.name}' belongs to another region: "
            f"{urlsplit(base_url).netloc} accepts it, {urlsplit(provider.base_url).netloc} does "
            f"not. Use provider '{right}', for example model '{right}/qwen-plus', or set "
            f"providers.{provider.name}.base_url to {base_url}."
        ),
        provider,
    )


def unreachable(provider: ProviderIdentity, cause: str) -> ProviderUnreachable:
    """Return the error for an address where nobody answers."""
    return _named(
        ProviderUnreachable(
            f"Provider '{provider.name}' cannot be reached at {provider.base_url}: "
            f"{excerpt(provider, cause)}. Is it running, and is providers.{provider.name}.base_url "
            "right?"
        ),
        provider,
    )


def timed_out(
    provider: ProviderIdentity, phase: str, setting: str, limit_s: float, attempts: int = 1
) -> ProviderTimeout:
    """Return the error for a phase that took longer than its setting allows at the last attempt."""
    tried, remedy = "", f"Try again, or raise timeouts.{setting}"
    if attempts > 1:
        total_s = attempts * limit_s
        tried = f" It was tried {attempts} times: up to {total_s:g} s and the pauses between."
        remedy += "; upstream_retries sets how often it is repeated"
    return _named(
        ProviderTimeout(
            f"Provider '{provider.name}' at {provider.base_url}: {phase} took longer than "
            f"{limit_s:g} s.{tried} {remedy}."
        ),
        provider,
    )


def broken(provider: ProviderIdentity, cause: str) -> StreamBroken:
    """Return the error for an answer that ended before its end."""
    return _named(
        StreamBroken(
            f"The answer of provider '{provider.name}' broke off: {excerpt(provider, cause)}. "
            "Try again; what came before is incomplete."
        ),
        provider,
    )


def senseless(provider: ProviderIdentity, body: bytes) -> ProviderFailed:
    """Return the error for a success that holds no answer."""
    text = excerpt(provider, body.decode("utf-8", "replace"))
    return _named(
        ProviderFailed(
            f"Provider '{provider.name}' answered with something that is no answer: {text!r}. "
            f"Does providers.{provider.name}.base_url ({provider.base_url}) lead to an "
            "OpenAI-compatible API? It often ends in /v1."
        ),
        provider,
    )


def excerpt(provider: ProviderIdentity, text: str) -> str:
    """Return the beginning of foreign text: one line, no control characters, no key."""
    if provider.key:
        text = text.replace(provider.key, "[key]")
    text = _CONTROL.sub(" ", _KEYS.sub("[key]", text)).strip()
    if len(text) > _EXCERPT_CHARACTERS:
        return text[:_EXCERPT_CHARACTERS] + " [...]"
    return text.rstrip(".")


def _read(answer: ProviderAnswer) -> _Reason:
    header_id = next((answer.headers[n] for n in _REQUEST_ID_HEADERS if n in answer.headers), None)
    try:
        body = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return _Reason(answer.body.decode("utf-8", "replace"), request_id=header_id, is_json=False)
    if not isinstance(body, dict):
        return _Reason(answer.body.decode("utf-8", "replace"), request_id=header_id)
    error = body.get("error") or body
    if not isinstance(error, dict):
        error = {"message": error}
    message = error.get("message") or error.get("detail") or error.get("msg") or ""
    inner = error.get("innererror")
    code = inner.get("code") if isinstance(inner, dict) else None
    return _Reason(
        message=message if isinstance(message, str) else msgspec.json.encode(message).decode(),
        code=_code(code) or _code(error.get("code")),
        type=_text(error.get("type")) or "",
        param=_text(error.get("param")),
        request_id=_text(body.get("request_id")) or header_id or _text(body.get("id")),
    )


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


def _code(value: Any) -> str | None:
    """Return a code in words; a number only repeats the status."""
    return value if isinstance(value, str) and value and not value.isdigit() else None


def _describe(provider: ProviderIdentity, did: str, reason: _Reason) -> str:
    text = excerpt(provider, reason.message) or "no reason given"
    notes = [f"code {reason.code}"] if reason.code else []
    if reason.request_id:
        notes.append(f"request id {excerpt(provider, reason.request_id)}")
    return f"Provider '{provider.name}' {did}: {text}" + (f" ({', '.join(notes)})" * bool(notes))


def _of_meaning(reason: _Reason, message: str) -> UnderstudyError | None:
    """Return the error for what says the same at every provider, whatever the status."""
    if reason.codes & _CONTENT_CODES:
        return ContentRefused(f"{message}. Change the content that it refused.")
    if reason.codes & _CONTEXT_CODES:
        return ContextLengthExceeded(f"{message}. Shorten the messages.", param="messages")
    return None


def _of_code(reason: _Reason, message: str) -> UnderstudyError | None:
    codes = reason.codes
    if "insufficient_quota" in codes or any("rate_limit" in c or "throttling" in c for c in codes):
        return ProviderRateLimited(message)
    return None


def _of_status(
    provider: ProviderIdentity, answer: ProviderAnswer, reason: _Reason, message: str
) -> UnderstudyError:
    match answer.status:
        case 401 | 403:
            return _key_rejected(provider, answer.status, message)
        case 404 if reason.code or (reason.is_json and "model" in reason.message.lower()):
            return ModelNotFound(
                f"{message}. GET /v1/models lists what can be used.", param="model"
            )
        case 404:
            return ProviderFailed(
                f"{message}. There is no such path at {provider.base_url}: does "
                f"providers.{provider.name}.base_url end as it should, often in /v1?"
            )
        case 408:
            return ProviderTimeout(f"{message}. Try again.")
        case 429:
            return ProviderRateLimited(f"{message}. Wait, then try again.")
        case 400 | 413 | 422 if _CONTEXT.search(reason.message):
            return ContextLengthExceeded(f"{message}. Shorten the messages.", param="messages")
        case status if 300 <= status < 400:
            return _redirected(provider, answer)
        case status if 400 <= status < 500 and reason.is_json:
            return ProviderRefused(f"{message}.", param=reason.param, code=reason.code)
        case _:
            return ProviderFailed(f"{message}. Try again, or use another model.")


def _key_rejected(provider: ProviderIdentity, status: int, message: str) -> UnderstudyError:
    if provider.key is None:
        return ProviderKeyRejected(f"{message}. It needs a key: {provider.key_remedy}.")
    variable = provider.key_variable or f"providers.{provider.name}.key"
    cause = "does not accept the key in" if status == 401 else "forbids this to the key in"
    return ProviderKeyRejected(
        f"Provider '{provider.name}' {cause} {variable}: check it, or make a new one. {message}."
    )


def _redirected(provider: ProviderIdentity, answer: ProviderAnswer) -> UnderstudyError:
    target = excerpt(provider, answer.headers.get("location", "nowhere"))
    return ProviderFailed(
        f"Provider '{provider.name}' redirects {provider.base_url} to {target}. Redirects are not "
        f"followed: if that address is right, set providers.{provider.name}.base_url to it."
    )


def _complete(
    error: UnderstudyError, provider: ProviderIdentity, answer: ProviderAnswer, reason: _Reason
) -> UnderstudyError:
    """Keep what the class cannot know: the status of a refusal, quota codes, when to come back."""
    if isinstance(error, ProviderRefused) and answer.status != 409:
        # Old clients repeat a 409 without pause, so that one stays a 400.
        error.status = answer.status
    if isinstance(error, ProviderRateLimited) and "insufficient_quota" in reason.codes:
        error.code = "insufficient_quota"
    for name in _REPEAT_HEADERS:
        if name in answer.headers:
            error.headers[name] = answer.headers[name]
    return _named(error, provider)


def _named(error: _Error, provider: ProviderIdentity) -> _Error:
    if isinstance(error, ProviderError):
        error.provider = provider.name
    return error
