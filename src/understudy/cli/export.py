"""`understudy export`: the objects of a project as files that `understudy import` reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.cli.object_progress import progress_bars
from understudy.cli.options import ConfigOption, DataDirOption, database_url, load
from understudy.cli.output import note, say

if TYPE_CHECKING:
    from understudy.interchange.export import Written


def export(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder to write, or a zip by its suffix.")
    ],
    project: Annotated[
        str, typer.Option(metavar="PROJECT", help="Project whose objects are written.")
    ] = "default",
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Export assistants, threads, files and vector stores; a server may be running."""
    import anyio

    from understudy.interchange.export import Export
    from understudy.interchange.sinks import open_sink
    from understudy.store.blobs import Blobs
    from understudy.store.data_dir import require_database
    from understudy.store.db import open_store
    from understudy.store.keys import project_id

    settings = load(config, data_dir).settings
    url, place = database_url(settings), settings.data_dir
    require_database(url, place)

    async def write() -> "Written":
        async with open_store(url, place) as store:
            owner = await project_id(store, project)
            with open_sink(path) as sink, progress_bars() as bars:
                export = Export(store, Blobs(place / "blobs"), owner, sink)
                return await export.write(bars.of("Exporting"))

    written = anyio.run(write)
    say(str(path))
    counts = written.counts
    note(
        f"Exported {counts['assistant']} assistants, {counts['thread']} threads with "
        f"{counts['thread.message']} messages and {counts['thread.run']} runs, {counts['file']} "
        f"files and {counts['vector_store']} vector stores."
    )
    if written.without_content:
        note(f"Files whose content is not here, only described: {written.without_content}.")
