"""`understudy doctor`: what works here, what does not, and what to do about it."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from understudy.cli.findings import (
    Finding,
    data_dir_finding,
    database_finding,
    disk_finding,
    packages_finding,
    port_finding,
    python_finding,
    settings_finding,
)
from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, load
from understudy.cli.output import say, say_columns, say_json, waiting
from understudy.errors import StartupError, UnderstudyError

if TYPE_CHECKING:
    from understudy.cli.provider_states import ProviderState
    from understudy.engines.registry import Registry
    from understudy.settings import Settings
    from understudy.settings.load import LoadedSettings

_LONGEST_ANSWER_S = 60.0
_QUESTION = "Answer with one word: hello."
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one chat request to a provider."""

    provider: str
    model: str
    state: Literal["ok", "problem"]
    answer: str
    seconds: float


def doctor(
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Also send one short chat request to each usable provider."),
    ] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Examine this installation; exits with 1 when something that is configured does not work."""
    import anyio

    findings = [python_finding(), packages_finding()]
    trials: list[Trial] = []
    loaded = _loaded(config, data_dir)
    if isinstance(loaded, Finding):
        findings.append(loaded)
    else:
        with waiting("Asking the providers..."):
            findings += _local_findings(loaded)
            more, trials = anyio.run(_ask_all, loaded.settings, ask)
            findings += more
    states = [*(finding.state for finding in findings), *(trial.state for trial in trials)]
    is_well = "problem" not in states
    if as_json:
        say_json(
            {
                "ok": is_well,
                "findings": [asdict(finding) for finding in findings],
                "answers": [asdict(trial) for trial in trials],
            }
        )
    else:
        _print(findings, trials, is_well=is_well)
    if not is_well:
        raise typer.Exit(1)


def _loaded(config: Path | None, data_dir: Path | None) -> "LoadedSettings | Finding":
    try:
        return load(config, data_dir)
    except StartupError as error:
        return Finding("settings", "problem", error.message)


def _local_findings(loaded: "LoadedSettings") -> list[Finding]:
    from understudy.cli.local_models import local_model_findings

    settings = loaded.settings
    return [
        settings_finding(loaded),
        data_dir_finding(settings.data_dir),
        disk_finding(settings.data_dir),
        port_finding(settings),
        *local_model_findings(settings),
    ]


async def _ask_all(settings: "Settings", ask: bool) -> tuple[list[Finding], list[Trial]]:
    from understudy.cli.provider_states import provider_states
    from understudy.engines.registry import Registry

    findings = [await database_finding(settings)]
    registry = Registry(settings)
    try:
        states = await provider_states(settings, registry)
        findings += map(_provider_finding, states)
        trials = await _try_all(registry, states) if ask else []
    finally:
        await registry.aclose()
    return findings, trials


def _provider_finding(state: "ProviderState") -> Finding:
    """Judge a provider: one that nobody enabled cannot be a problem."""
    name = f"provider {state.provider}"
    if state.is_ready:
        return Finding(name, "ok", f"ready, {state.detail}")
    detail = f"{state.state}: {state.detail}"
    return Finding(name, "problem" if state.is_enabled else "note", detail)


async def _try_all(registry: "Registry", states: "Sequence[ProviderState]") -> list[Trial]:
    """Ask every provider that is ready, the embedded models too, all at once."""
    import anyio

    from understudy.engines.registry import EMBEDDED

    names = [EMBEDDED, *(state.provider for state in states if state.is_ready)]
    trials: dict[str, Trial] = {}

    async def ask(name: str) -> None:
        trials[name] = await _try_one(registry, name)

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(ask, name)
    return [trials[name] for name in names]


async def _try_one(registry: "Registry", provider: str) -> Trial:
    import anyio

    engine = registry.engine(provider)
    began = time.monotonic()
    listed = [model.id for model in await engine.models() if model.kind == "chat"]
    if not listed:
        return Trial(provider, "-", "problem", "It lists no model for chat.", 0.0)
    route = await registry.find(f"{provider}/{listed[0]}")
    model = route.model if route else listed[0]
    state: Literal["ok", "problem"] = "problem"
    try:
        with anyio.fail_after(_LONGEST_ANSWER_S):
            completion = await engine.complete(
                {"model": model, "messages": [{"role": "user", "content": _QUESTION}]}
            )
    except UnderstudyError as error:
        answer = error.message
    except TimeoutError:
        answer = f"No answer within {_LONGEST_ANSWER_S:g} s."
    else:
        state, answer = "ok", completion.choices[0].message.content or "(an empty answer)"
    return Trial(provider, model, state, answer, round(time.monotonic() - began, 2))


def _print(findings: Sequence[Finding], trials: Sequence[Trial], *, is_well: bool) -> None:
    say_columns([(finding.state, finding.name, finding.detail) for finding in findings])
    for trial in trials:
        answer = " ".join(trial.answer.split())
        shown = answer if trial.state == "problem" else answer[:_SHOWN_CHARACTERS]
        say(f"{trial.state}  asked {trial.provider} ({trial.model}), {trial.seconds:g} s: {shown}")
    say()
    say("all is well" if is_well else "Something that is configured does not work; see 'problem'.")
