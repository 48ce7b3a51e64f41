"""`understudy restore`: a backup back in its place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from understudy.cli.copy_progress import progress_bars
from understudy.cli.options import ConfigOption, DataDirOption, database_url, load
from understudy.cli.output import note


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive that `backup` wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace what the data directory holds.")
    ] = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Put a backup in place; no server may be running."""
    from understudy.errors import StartupError
    from understudy.store.location import locate
    from understudy.store.lock import ServeLock
    from understudy.store.restore import is_occupied
    from understudy.store.restore import restore as put_back

    settings = load(config, data_dir).settings
    place = settings.data_dir
    location = locate(database_url(settings), place)
    if not file.is_file():
        raise StartupError(f"There is no file {file}.")
    if is_occupied(location, place) and not force:
        raise StartupError(
            f"There is something already in {place}, or in {location}: choose an empty place, or "
            "replace what it holds with --force."
        )
    with ServeLock(place), progress_bars() as report:
        manifest = put_back(location, place, file, report)
    made = datetime.fromtimestamp(manifest.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    note(f"Restored the backup of {made}: the database and {manifest.blob_count} files.")
