"""What is wrong with the configured model, and when it is to be tried again. Pure: time is given.

Tells apart a missing key, a rejected key, a quota, a network failure and the rest.
"""

import re
from dataclasses import dataclass
from typing import Literal

from openai import APIConnectionError, APIStatusError, OpenAIError

TroubleKind = Literal[
    "missing_key", "rejected_key", "quota", "network", "unknown_model", "substituted", "overload",
    "refused", "failure",
]  # fmt: skip
RETRY_AFTER_S: dict[TroubleKind, float] = {
    "missing_key": 60,
    "rejected_key": 60,
    "quota": 300,
    "network": 15,
    "unknown_model": 60,
    "substituted": 60,
    "overload": 15,
    "refused": 0,
    "failure": 30,
}
"""A content that was refused says nothing of the next one, so it is tried at once."""

_KEY_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]*_API_KEY\b")
_PROVIDER = re.compile(r"Provider '([\w-]+)' ")
_QUOTA = re.compile(r"quota|arrearage|insufficient|balance|billing|overdue", re.IGNORECASE)
_MISSING_CODES = frozenset({"provider_key_missing"})
_REJECTED_CODES = frozenset({"provider_key_rejected", "provider_region_mismatch"})
_NETWORK_CODES = frozenset({"provider_unreachable", "provider_timeout"})
_LONGEST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the configured model did not answer; `variable` is the one to set."""

    kind: TroubleKind
    detail: str
    variable: str | None = None

    @property
    def is_lasting(self) -> bool:
        """Whether the next message would meet it too."""
        return self.kind != "refused"


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """The key that is sent to the server of the model: its variable, and whether it is set."""

    variable: str
    is_set: bool


class Substituted(OpenAIError):
    """The server answered with its embedded model in place of the one that was asked for."""

    def __init__(self, wanted: str, answered: str) -> None:
        super().__init__(
            f"The server answered with {answered} in place of {wanted}: it has no such model, or "
            "no key for its provider."
        )
        provider, slash, _ = wanted.partition("/")
        self.variable = _variable_of(provider) if slash else None


def diagnose(error: OpenAIError, key: KeyInUse) -> Trouble:
    """Return what an error of the SDK means for the agent."""
    if isinstance(error, Substituted):
        return Trouble("substituted", str(error), error.variable)
    detail = _detail(error)
    if isinstance(error, APIConnectionError):
        return Trouble("network", f"The server of the model cannot be reached: {detail}")
    if not isinstance(error, APIStatusError):
        return Trouble("failure", detail)
    kind = _kind(error, detail, key)
    is_about_key = kind in ("missing_key", "rejected_key", "quota")
    return Trouble(kind, detail, _named_in(detail) or key.variable if is_about_key else None)


def _named_in(detail: str) -> str | None:
    """Return the variable that a message names, or that of the provider which it names."""
    variable, provider = _KEY_VARIABLE.search(detail), _PROVIDER.match(detail)
    if variable is not None:
        return variable.group()
    return _variable_of(provider[1]) if provider is not None else None


def _variable_of(provider: str) -> str:
    """Return the variable of a provider's key, as Understudy names it: regions share one."""
    return f"{provider.partition('-')[0].upper()}_API_KEY"


def _kind(error: APIStatusError, detail: str, key: KeyInUse) -> TroubleKind:
    code, status = str(error.code or ""), error.status_code
    if code in _MISSING_CODES:
        return "missing_key"
    if code in _REJECTED_CODES:
        return "rejected_key"
    if status == 402 or (status in (400, 403, 429) and _QUOTA.search(f"{code} {detail}")):
        return "quota"
    if status in (401, 403):
        return "rejected_key" if key.is_set else "missing_key"
    if code in _NETWORK_CODES or status in (502, 504):
        return "network"
    if status == 404:
        return "unknown_model"
    if status in (429, 503):
        return "overload"
    return "refused" if status < 500 else "failure"


def _detail(error: OpenAIError) -> str:
    """Return the message of an error, without what surrounds it in the SDK's own text."""
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    return str(told or error)[:_LONGEST_DETAIL]


class Health:
    """Whether the configured model answers. Moments are seconds of any one clock."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        self.fallback_trouble: Trouble | None = None
        self.answered_by: str | None = None
        self.since_s: float | None = None
        self._retry_at_s = 0.0

    @property
    def status(self) -> Literal["ok", "degraded", "down"]:
        """How the agent answers: with its model, with the fallback, or not at all."""
        if self.trouble is None:
            return "ok"
        return "down" if self.fallback_trouble else "degraded"

    def may_try(self, now_s: float) -> bool:
        """Tell whether the configured model is to be asked."""
        return self.trouble is None or now_s >= self._retry_at_s

    def succeeded(self, model: str, now_s: float) -> bool:
        """Note that the configured model answered, and return whether it had not before."""
        recovered = self.trouble is not None
        if recovered or self.since_s is None:
            self.since_s = now_s
        self.trouble, self.fallback_trouble, self.answered_by = None, None, model
        return recovered

    def failed(self, trouble: Trouble, now_s: float) -> bool:
        """Note why the configured model did not answer, and return whether that is news."""
        if not trouble.is_lasting:
            return False
        is_news = self.trouble is None or self.trouble.kind != trouble.kind
        if self.trouble is None or self.since_s is None:
            self.since_s = now_s
        self.trouble = trouble
        self._retry_at_s = now_s + RETRY_AFTER_S[trouble.kind]
        return is_news

    def fell_back(self, model: str) -> None:
        """Note that the fallback answered."""
        self.fallback_trouble, self.answered_by = None, model

    def fallback_failed(self, trouble: Trouble) -> None:
        """Note why the fallback did not answer."""
        self.fallback_trouble = trouble

    def reset(self) -> None:
        """Have the configured model tried by the next message, as after a new configuration."""
        self._retry_at_s = 0.0
