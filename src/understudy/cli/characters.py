"""`understudy characters`: characters from cards and to cards, and what a server has of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from understudy.cli.characters_client import CharactersClient
from understudy.cli.client import RequestFailed, ServerUnreachable
from understudy.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    KeyOption,
    UrlOption,
    load,
)
from understudy.cli.output import note, say, say_columns, say_json
from understudy.cli.temporary_server import server_to_use
from understudy.errors import StartupError

characters = typer.Typer(help="Import, list and export characters.", no_args_is_help=True)


@characters.callback()
def _characters() -> None:
    """Import, list and export characters."""


@characters.command("import")
def import_cards(
    paths: Annotated[
        list[Path], typer.Argument(metavar="CARD...", help="Character cards, PNG or JSON.")
    ],
    instance: Annotated[
        str | None,
        typer.Option("--instance", metavar="NAME", help="Also make an instance of this name."),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Make characters of cards."""
    if instance is not None and len(paths) > 1:
        raise StartupError("--instance is for one card: a name belongs to one instance.")
    settings = load(config, data_dir).settings
    made: list[dict[str, Any]] = []
    failures = 0
    with server_to_use(url, settings) as base_url, CharactersClient(base_url, key) as client:
        for path in paths:
            try:
                made.append(_import(client, path))
            except ServerUnreachable:
                raise
            except RequestFailed as error:
                failures += 1
                note(f"{path}: {error.message}")
        if instance is not None and made:
            named = client.create_instance(made[0]["id"], instance)["name"]
            note(f"Made the instance '{named}': its model name is 'instance:{named}'.")
    if as_json:
        say_json(made)
    elif made:
        say_columns([("ID", "NAME"), *((one["id"], one["name"]) for one in made)])
    if failures:
        raise typer.Exit(1)


@characters.command("list")
def list_all(
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """List the characters of the key's project with their instances, the newest first."""
    settings = load(config, data_dir).settings
    with server_to_use(url, settings) as base_url, CharactersClient(base_url, key) as client:
        found = list(client.characters())
        instances = list(client.instances())
    names = {one["id"]: _instances_of(one["id"], instances) for one in found}
    if as_json:
        say_json([{**one, "instances": names[one["id"]]} for one in found])
    elif found:
        rows = ((one["id"], one["name"], ", ".join(names[one["id"]]) or "-") for one in found)
        say_columns([("ID", "NAME", "INSTANCES"), *rows])
    else:
        note("There are no characters yet. `understudy characters import` makes some of cards.")


@characters.command("export")
def export_card(
    character: Annotated[
        str, typer.Argument(metavar="CHARACTER", help="Id or name of the character.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write; its suffix decides: .png, .json."
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option("--version", metavar="NUMBER", min=1, max=3, help="Version of the card."),
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a character as a card; without --output its JSON is printed."""
    format_ = _format_of(output)
    settings = load(config, data_dir).settings
    with server_to_use(url, settings) as base_url, CharactersClient(base_url, key) as client:
        content = client.export_card(client.find(character), format_, version)
    if output is not None:
        with _writing(output):
            output.write_bytes(content)
        say(str(output))
    elif sys.stdout.isatty():
        say(content.decode())
    else:
        sys.stdout.buffer.write(content)  # to the byte, as an unchanged card came


def _import(client: CharactersClient, path: Path) -> dict[str, Any]:
    """Send a card. Raises RequestFailed, for a file that cannot be read too."""
    try:
        with path.open("rb") as content:
            return client.import_card(path.name, content)
    except OSError as error:
        raise RequestFailed(f"It cannot be read ({error.strerror}).") from error


def _instances_of(character_id: str, instances: list[dict[str, Any]]) -> list[str]:
    return [str(one["name"]) for one in instances if one["character_id"] == character_id]


def _format_of(output: Path | None) -> str:
    format_ = "json" if output is None else output.suffix.lower().removeprefix(".")
    if format_ not in ("json", "png"):
        raise StartupError(f"{output} has no suffix of a card: name it .png or .json.")
    if output is not None and output.exists():
        raise StartupError(f"{output} is there already: choose another name, or remove it first.")
    return format_


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StartupError(f"{path} cannot be written ({error.strerror}).") from error
