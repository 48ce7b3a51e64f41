"""The command line. Only typer is imported here: `understudy --help` must be quick.

Each command is a module; errors of ours end as one sentence on standard error.
"""

import sys

import typer

from understudy import __version__
from understudy.cli.backup import backup
from understudy.cli.characters import characters
from understudy.cli.chat import chat
from understudy.cli.check import check
from understudy.cli.config import config
from understudy.cli.doctor import doctor
from understudy.cli.export import export
from understudy.cli.files import files
from understudy.cli.import_ import import_
from understudy.cli.keys import keys
from understudy.cli.models import models
from understudy.cli.restore import restore
from understudy.cli.say import say_aloud
from understudy.cli.serve import serve
from understudy.cli.transcribe import transcribe

app = typer.Typer(
    name="understudy",
    help="A self-hosted stand-in for the OpenAI platform.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(chat)
app.command()(check)
app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.command("import")(import_)
app.command()(export)
app.command("say")(say_aloud)
app.command()(transcribe)
app.add_typer(files, name="files")
app.add_typer(characters, name="characters")
app.add_typer(keys, name="keys")
app.add_typer(models, name="models")
app.add_typer(config, name="config")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"understudy {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """A self-hosted stand-in for the OpenAI platform."""


def main() -> None:
    """Run the command line."""
    from understudy.errors import UnderstudyError

    try:
        app()
    except UnderstudyError as error:
        typer.echo(f"understudy: {error.message}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
