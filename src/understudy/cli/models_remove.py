"""`understudy models rm`: remove a pulled model, or what came of one, from the disk."""

from typing import Annotated

import typer

from understudy.cli.copy_progress import size_in_words
from understudy.cli.options import ConfigOption, DataDirOption, load
from understudy.cli.output import note
from understudy.errors import StartupError


def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A pulled model, as `models list` shows it.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove a pulled model from the disk, or what a broken download left."""
    from understudy.engines.llama import library

    models_dir = load(config, data_dir).settings.data_dir / library.MODELS_FOLDER
    plain = name.removeprefix("local/")
    local = library.find(models_dir, plain)
    record = local.record if local else library.find_unfinished(models_dir, plain)
    if record is None:
        raise StartupError(
            f"No pulled model is named '{name}': `understudy models list` shows those that are. "
            "Files that the settings name are yours, and are not removed here."
        )
    size_bytes = local.size_bytes if local else library.done_bytes(models_dir, record)
    if not yes:
        question = f"Remove {record.name} ({size_in_words(size_bytes)})?"
        typer.confirm(question, abort=True, err=True)
    library.remove(models_dir, record)
    note(f"Removed {record.name}: {size_in_words(size_bytes)}.")
