"""`understudy keys`: create, list and revoke API keys, straight in the database.

A server that runs notices within two seconds.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, database_url, load
from understudy.cli.output import note, say, say_columns, say_json

if TYPE_CHECKING:
    from understudy.settings import Settings
    from understudy.store.db import Store
    from understudy.store.keys import KeyInfo

_Result = TypeVar("_Result")

keys = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@keys.command("create")
def create(
    name: Annotated[str, typer.Option(metavar="NAME", help="What the key is for.")] = "",
    project: Annotated[
        str, typer.Option(metavar="PROJECT", help="Project that owns what the key creates.")
    ] = "default",
    value: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The key's text, for clients that insist on a form."),
    ] = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Create a key and print it, this once: only its hash is stored."""
    from understudy.store.keys import create_key

    settings = load(config, data_dir).settings
    created = _in_store(
        settings, lambda store: create_key(store, project=project, name=name, value=value)
    )
    say(created.secret)
    note(
        f"Created {created.id} in project '{created.project}'. Keep its text: it is not shown "
        "again. From now on every request needs a key, unless the server runs with --open."
    )


@keys.command("list")
def list_all(
    as_json: JsonOption = False, data_dir: DataDirOption = None, config: ConfigOption = None
) -> None:
    """List every key, revoked ones too; never their text."""
    from understudy.store.keys import list_keys

    found = _in_existing_store(load(config, data_dir).settings, list_keys)
    if as_json:
        say_json([asdict(key) for key in found])
    elif found:
        say_columns([_TITLES, *map(_row, found)])
    else:
        note("There are no keys yet. `understudy keys create` makes one.")


@keys.command("revoke")
def revoke(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="Id, name or hint, as `keys list` shows them.")
    ],
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Revoke a key: requests with it are refused within two seconds."""
    from understudy.store.keys import revoke_key

    settings = load(config, data_dir).settings
    revoked = _in_existing_store(settings, lambda store: revoke_key(store, reference))
    say(f"Revoked {revoked.id} ({revoked.hint}).")


_TITLES = ("ID", "KEY", "NAME", "PROJECT", "CREATED", "STATE")


def _row(key: "KeyInfo") -> tuple[str, ...]:
    created = datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    state = "active" if key.revoked_at is None else "revoked"
    return (key.id, key.hint, key.name or "-", key.project, created, state)


def _in_existing_store(
    settings: "Settings", work: Callable[["Store"], Awaitable[_Result]]
) -> _Result:
    """Run `work` as `_in_store` does; where there is no database yet, say so and create none."""
    from understudy.store.data_dir import require_database

    require_database(database_url(settings), settings.data_dir)
    return _in_store(settings, work)


def _in_store(settings: "Settings", work: Callable[["Store"], Awaitable[_Result]]) -> _Result:
    """Run `work` on the settings' database, opened for it alone."""
    import anyio

    from understudy.store.db import open_store

    async def run() -> _Result:
        async with open_store(
            database_url(settings),
            settings.data_dir,
            synchronous=settings.database_synchronous,
        ) as store:
            return await work(store)

    return anyio.run(run)
