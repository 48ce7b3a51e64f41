"""`understudy backup`: database and files in one archive, while a server may be running."""

from pathlib import Path
from typing import Annotated

import typer

from understudy.cli.copy_progress import progress_bars, size_in_words
from understudy.cli.options import ConfigOption, DataDirOption, database_url, load
from understudy.cli.output import note, say


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive to write, a zip.")],
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Write database and files into one archive; a server may be running."""
    from understudy.store.backup import back_up
    from understudy.store.data_dir import require_database
    from understudy.store.location import locate

    settings = load(config, data_dir).settings
    url = database_url(settings)
    require_database(url, settings.data_dir)
    with progress_bars() as report:
        manifest = back_up(locate(url, settings.data_dir), settings.data_dir, file, report)
    say(str(file))
    note(
        f"Backed up the database ({size_in_words(manifest.database_size_bytes)}) and "
        f"{manifest.blob_count} files ({size_in_words(manifest.blob_size_bytes)}). Settings and "
        "providers' keys are not in it."
    )
