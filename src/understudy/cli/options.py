"""Options that several commands share, and the settings that they lead to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from understudy.settings import Settings
    from understudy.settings.load import LoadedSettings

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file instead of ./understudy.toml."),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="FOLDER", help="Data directory instead of the settings' own."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
KeyOption = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="API key of that server.")
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Server to use instead of the one that runs here."),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME", help="Model instead of the server's default."),
]


def load(config: Path | None, data_dir: Path | None) -> "LoadedSettings":
    """Return the settings that the shared options lead to, with where each came from."""
    from understudy.settings.load import load_settings

    return load_settings({"config": config, "data_dir": data_dir})


def database_url(settings: "Settings") -> str | None:
    """Return the database's URL in clear, None for the SQLite file of the data directory."""
    return settings.database_url.get_secret_value() if settings.database_url else None
