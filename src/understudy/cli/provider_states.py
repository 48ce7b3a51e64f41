"""Which providers can be used now, asked all at once; for `doctor` and `models list`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_never

if TYPE_CHECKING:
    from understudy.engines.probe import Probe
    from understudy.engines.registry import Registry
    from understudy.settings import Settings
    from understudy.settings.providers import ProviderSettings

ProviderStateName = Literal[
    "ready",
    "not enabled",
    "no key",
    "rejected key",
    "wrong region",
    "refused",
    "timeout",
    "failed",
]
_LONGEST_PROBE_S = 20.0


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Whether a provider can be used; `detail` holds the cause and the remedy."""

    provider: str
    state: ProviderStateName
    detail: str
    is_enabled: bool

    @property
    def is_ready(self) -> bool:
        """Whether its models can be used and are listed."""
        return self.state == "ready"


async def provider_states(settings: "Settings", registry: "Registry") -> list[ProviderState]:
    """Return the state of every provider, in the settings' order; only enabled ones are asked."""
    import anyio

    probes: dict[str, Probe] = {}

    async def ask(name: str) -> None:
        probes[name] = await _probe(registry, name)

    async with anyio.create_task_group() as tasks:
        for name, provider in settings.providers.items():
            if provider.enabled:
                tasks.start_soon(ask, name)
    return [
        _asked(name, probes[name]) if name in probes else _not_asked(name, provider)
        for name, provider in settings.providers.items()
    ]


async def _probe(registry: "Registry", name: str) -> "Probe":
    import anyio

    from understudy.engines.probe import Probe, ProbeState
    from understudy.engines.upstream import UpstreamEngine

    engine = registry.engine(name)
    if not isinstance(engine, UpstreamEngine):
        return Probe(ProbeState.READY, "is part of this program")
    with anyio.move_on_after(_LONGEST_PROBE_S):
        return await engine.probe()
    return Probe(
        ProbeState.TIMEOUT,
        f"Provider '{name}' did not answer within {_LONGEST_PROBE_S:g} s. Is its server busy, or "
        f"providers.{name}.base_url wrong?",
    )


def _asked(name: str, probe: "Probe") -> ProviderState:
    return ProviderState(name, _state_name(probe), probe.detail, is_enabled=True)


def _state_name(probe: "Probe") -> ProviderStateName:
    from understudy.engines.probe import ProbeState

    match probe.state:
        case ProbeState.READY:
            return "ready"
        case ProbeState.KEY_MISSING:
            return "no key"
        case ProbeState.KEY_REJECTED:
            return "rejected key"
        case ProbeState.WRONG_REGION:
            return "wrong region"
        case ProbeState.REFUSED:
            return "refused"
        case ProbeState.TIMEOUT:
            return "timeout"
        case ProbeState.FAILED:
            return "failed"
    assert_never(probe.state)


def _not_asked(name: str, provider: "ProviderSettings") -> ProviderState:
    """Say how a provider that nobody enabled would be used."""
    if not provider.is_usable:
        where = provider.key_variable or f"providers.{name}.key"
        return ProviderState(name, "no key", f"To use it, set {where}.", is_enabled=False)
    return ProviderState(
        name,
        "not enabled",
        f"To list its models, add a table [providers.{name}] to understudy.toml.",
        is_enabled=False,
    )
