"""`understudy models`: what can be used now, and what not and why. Needs no server."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, load
from understudy.cli.output import say, say_columns, say_json, waiting

if TYPE_CHECKING:
    from understudy.cli.provider_states import ProviderState
    from understudy.engines.base import ModelInfo
    from understudy.settings import Settings

models = typer.Typer(help="List the models.", no_args_is_help=True)


@models.callback()
def _models() -> None:
    """List the models."""


@models.command("list")
def list_all(
    as_json: JsonOption = False, data_dir: DataDirOption = None, config: ConfigOption = None
) -> None:
    """List the models that can be used now, and the providers that cannot, with the remedy."""
    import anyio

    settings = load(config, data_dir).settings
    with waiting("Asking the providers..."):
        usable, states = anyio.run(_ask, settings)
    unready = [state for state in states if not state.is_ready]
    if as_json:
        say_json({"models": [_record(model) for model in usable], "not_ready": _records(unready)})
        return
    rows = [(model.id, model.kind, model.owned_by) for model in usable]
    say_columns([("MODEL", "KIND", "OWNER"), *rows])
    if unready:
        say()
        titles = ("NOT READY", "STATE", "REMEDY")
        say_columns([titles, *((state.provider, state.state, state.detail) for state in unready)])


async def _ask(settings: "Settings") -> "tuple[list[ModelInfo], list[ProviderState]]":
    from understudy.cli.provider_states import provider_states
    from understudy.engines.registry import Registry

    registry = Registry(settings)
    try:
        states = await provider_states(settings, registry)
        listed = await registry.models()
    finally:
        await registry.aclose()
    unready = {state.provider for state in states if not state.is_ready}
    return [model for model in listed if _provider_of(model.id, settings) not in unready], states


def _provider_of(model: str, settings: "Settings") -> str | None:
    """Return the provider in a listed name, None for the embedded models."""
    while model in settings.aliases:
        model = settings.aliases[model]
    provider, slash, _ = model.partition("/")
    return provider if slash else None


def _record(model: "ModelInfo") -> dict[str, object]:
    return {"id": model.id, "kind": model.kind, "owned_by": model.owned_by}


def _records(states: "list[ProviderState]") -> list[dict[str, object]]:
    return [asdict(state) for state in states]
