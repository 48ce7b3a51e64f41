"""The outcome of asking a provider whether it can be used, for `doctor` and the model list."""

from dataclasses import dataclass
from enum import StrEnum

from understudy.errors import (
    ProviderKeyMissing,
    ProviderKeyRejected,
    ProviderRegionMismatch,
    ProviderTimeout,
    ProviderUnreachable,
    UnderstudyError,
)


class ProbeState(StrEnum):
    """Whether a provider can be used, and if not, why."""

    READY = "ready"
    KEY_MISSING = "key missing"
    KEY_REJECTED = "key rejected"
    WRONG_REGION = "wrong region"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a provider answered; `detail` holds the cause and the remedy."""

    state: ProbeState
    detail: str


_STATES: dict[type[UnderstudyError], ProbeState] = {
    ProviderKeyMissing: ProbeState.KEY_MISSING,
    ProviderKeyRejected: ProbeState.KEY_REJECTED,
    ProviderRegionMismatch: ProbeState.WRONG_REGION,
    ProviderUnreachable: ProbeState.REFUSED,
    ProviderTimeout: ProbeState.TIMEOUT,
}


def probe_of_error(error: UnderstudyError) -> Probe:
    """Return the outcome that `error` means."""
    return Probe(_STATES.get(type(error), ProbeState.FAILED), error.message)
