"""The command `understudy-negotiator`: the negotiator as a server of its own."""

from pathlib import Path
from typing import Annotated

import typer

from understudy_apps.errors import CannotStart

_Text = str | None


def main() -> None:
    """Run the command."""
    typer.run(serve)


def serve(
    host: Annotated[_Text, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    base_url: Annotated[_Text, typer.Option(help="The model's server, with /v1.")] = None,
    api_key: Annotated[_Text, typer.Option(help="Key of that server.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of database and key file.")] = None,
    database_url: Annotated[_Text, typer.Option(help="sqlite:/// or postgresql://")] = None,
    environment: Annotated[_Text, typer.Option(help="development, production, test.")] = None,
    log_file: Annotated[Path | None, typer.Option(help="File to log to as well.")] = None,
    log_level: Annotated[_Text, typer.Option(help="debug, info, warning, error.")] = None,
) -> None:
    """Serve the debt negotiator: http://127.0.0.1:8010 unless told otherwise.

    Every option can also be set as a variable, in the environment or in .env: --base-url is
    NEGOTIATOR_BASE_URL.
    """
    flags = dict(locals())
    from understudy_apps.negotiator.settings import Settings

    try:
        settings = Settings.load(flags)
        # Help and wrong options need no web framework.
        from understudy_apps import serving
        from understudy_apps.negotiator.application import application

        serving.serve(application(settings, ""), settings.host, settings.port)
    except CannotStart as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
