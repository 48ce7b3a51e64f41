"""`understudy models`: what can be used now, and what not and why. Needs no server.

Each of its other commands is a module of its own.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from understudy.cli.copy_progress import size_in_words
from understudy.cli.models_pull import pull
from understudy.cli.models_remove import remove
from understudy.cli.models_show import show
from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, load
from understudy.cli.output import say, say_columns, say_json, waiting

if TYPE_CHECKING:
    from understudy.cli.provider_states import ProviderState
    from understudy.engines.base import ModelInfo
    from understudy.engines.llama.library import LocalFile, Unfinished
    from understudy.settings import Settings

models = typer.Typer(help="List models, and keep some here.", no_args_is_help=True)
models.command("pull")(pull)
models.command("show")(show)
models.command("rm")(remove)


@models.command("list")
def list_all(
    as_json: JsonOption = False, data_dir: DataDirOption = None, config: ConfigOption = None
) -> None:
    """List the models that can be used now, and the providers that cannot, with the remedy."""
    import anyio

    from understudy.engines.llama import library

    settings = load(config, data_dir).settings
    models_dir = settings.data_dir / library.MODELS_FOLDER
    pulled, unfinished = library.installed(models_dir), library.unfinished(models_dir)
    with waiting("Asking the providers..."):
        usable, states = anyio.run(_ask, settings)
    unready = [state for state in states if not state.is_ready]
    if as_json:
        say_json(
            {
                "models": [_record(model) for model in usable],
                "pulled": [_pulled_record(file) for file in pulled],
                "unfinished": [_unfinished_record(one) for one in unfinished],
                "not_ready": _records(unready),
            }
        )
        return
    rows = [(model.id, model.kind, model.owned_by) for model in usable]
    say_columns([("MODEL", "KIND", "OWNER"), *rows])
    _say_pulled(pulled, unfinished)
    if unready:
        say()
        titles = ("NOT READY", "STATE", "REMEDY")
        say_columns([titles, *((state.provider, state.state, state.detail) for state in unready)])


def _say_pulled(pulled: "list[LocalFile]", unfinished: "list[Unfinished]") -> None:
    rows = [(f"local/{one.name}", size_in_words(one.size_bytes), one.source) for one in pulled]
    if rows:
        say()
        say_columns([("PULLED", "SIZE", "FROM"), *rows])
    if unfinished:
        say()
        begun = [
            (one.name, f"{size_in_words(one.done_bytes)} of {size_in_words(one.size_bytes)}")
            for one in unfinished
        ]
        say_columns([("UNFINISHED", "HERE"), *begun])


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


def _pulled_record(file: "LocalFile") -> dict[str, object]:
    return {
        "id": f"local/{file.name}",
        "path": str(file.path),
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "source": file.source,
        "revision": file.record.revision,
    }


def _unfinished_record(one: "Unfinished") -> dict[str, object]:
    return {"name": one.name, "done_bytes": one.done_bytes, "size_bytes": one.size_bytes}


def _records(states: "list[ProviderState]") -> list[dict[str, object]]:
    return [asdict(state) for state in states]
