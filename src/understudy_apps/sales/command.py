"""The command `understudy-sales`: the sales agent as a server of its own, and its operators."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy_apps.errors import CannotStart, Refusal

if TYPE_CHECKING:
    from understudy_apps.sales.settings import Settings

_Text = str | None
_DataDir = Annotated[Path | None, typer.Option(help="Folder of database and data files.")]
_DatabaseUrl = Annotated[_Text, typer.Option(help="sqlite:/// or postgresql://")]

app = typer.Typer(add_completion=False, invoke_without_command=True)


def main() -> None:
    """Run the command."""
    app()


@app.callback()
def serve(
    context: typer.Context,
    host: Annotated[_Text, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    base_url: Annotated[_Text, typer.Option(help="The model's server, with /v1.")] = None,
    api_key: Annotated[_Text, typer.Option(help="Key of that server.")] = None,
    model: Annotated[_Text, typer.Option(help="The model that sells.")] = None,
    data_dir: _DataDir = None,
    database_url: _DatabaseUrl = None,
    environment: Annotated[_Text, typer.Option(help="development, production, test.")] = None,
    log_file: Annotated[Path | None, typer.Option(help="File to log to as well.")] = None,
    log_level: Annotated[_Text, typer.Option(help="debug, info, warning, error.")] = None,
) -> None:
    """Serve the sales agent: http://127.0.0.1:8020 unless told otherwise.

    Every option can also be set as a variable, in the environment or in .env: --base-url is
    SALES_BASE_URL. Telegram is answered when TELEGRAM_BOT_TOKEN is set.
    """
    if context.invoked_subcommand is not None:
        return
    flags = {name: value for name, value in context.params.items() if value is not None}
    # Help and wrong options need no web framework.
    from understudy_apps import serving
    from understudy_apps.sales.application import application
    from understudy_apps.sales.settings import Settings

    try:
        settings = Settings.load(flags)
        serving.serve(application(settings, ""), settings.host, settings.port)
    except CannotStart as error:
        raise _ended(error) from error


@app.command()
def operator(
    name: Annotated[_Text, typer.Argument(help="Name to log in with.")] = None,
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
    data_dir: _DataDir = None,
    database_url: _DatabaseUrl = None,
) -> None:
    """Give an operator a password, creating the account if there is none of that name."""
    import anyio

    from understudy_apps.sales.settings import Settings

    try:
        settings = Settings.load({"data_dir": data_dir, "database_url": database_url})
        anyio.run(_set_password, settings, name or settings.operator, password)
    except (CannotStart, Refusal) as error:
        raise _ended(error) from error
    typer.echo(f"The operator {name or settings.operator} can log in.")


async def _set_password(settings: "Settings", name: str, password: str) -> None:
    from understudy_apps.database import Database
    from understudy_apps.sales import operators
    from understudy_apps.sales.tables import MIGRATIONS

    database = Database(settings.database)
    try:
        await database.migrate(MIGRATIONS)
        await operators.set_password(database, name, password)
    finally:
        await database.close()


def _ended(error: Exception) -> typer.Exit:
    typer.echo(f"Error: {error}", err=True)
    return typer.Exit(2)
