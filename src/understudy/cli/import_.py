"""`understudy import`: assistants, threads and files from an export, straight into the database.

A server that runs sees them at once.
"""

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.cli.object_progress import progress_bars
from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, database_url, load
from understudy.cli.output import note, say_columns, say_json
from understudy.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from understudy.interchange.destination import Destination
    from understudy.interchange.report import Report
    from understudy.settings import Settings

_MOST_SHOWN = 50


def import_(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder, zip or file with API objects.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only report what an import would do.")
    ] = False,
    models: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Give a model another name; repeatable."),
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="PROJECT", help="Project that gets the objects.")
    ] = "default",
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Import assistants, threads and files; a server may be running."""
    import anyio

    from understudy.interchange.find import read_source
    from understudy.interchange.report import Report
    from understudy.interchange.sources import open_source
    from understudy.interchange.spool import open_spool
    from understudy.interchange.take import Import, Taker

    names = _model_names(models or [])
    settings = load(config, data_dir).settings
    report = Report()
    open_destination = _tried if dry_run else _kept
    with open_source(path) as source, open_spool() as spool, progress_bars() as bars:
        contents = read_source(source, spool, report, bars.of("Reading"))
        wanted = Import(source, contents, spool, names)
        advance = bars.of("Importing")

        async def take() -> None:
            async with open_destination(settings, project) as destination:
                await Taker(wanted, destination, report, advance).take()

        anyio.run(take)
    if as_json:
        say_json(_as_json(report))
    else:
        _tell(report, path, is_done=not dry_run)
    if report.failure_count:
        raise typer.Exit(1)


def _model_names(pairs: list[str]) -> dict[str, str]:
    """Return the names of models by their old ones. Raises StartupError."""
    names = {}
    for pair in pairs:
        old, _, new = pair.partition("=")
        if not old.strip() or not new.strip():
            raise StartupError(f"--map {pair!a}: expected OLD=NEW, as in --map gpt-4o=qwen-plus.")
        names[old.strip()] = new.strip()
    return names


@asynccontextmanager
async def _kept(settings: "Settings", project: str) -> "AsyncIterator[Destination]":
    from understudy.interchange.destination import kept
    from understudy.store.blobs import Blobs
    from understudy.store.db import open_store

    url, place = database_url(settings), settings.data_dir
    async with (
        open_store(url, place, synchronous=settings.database_synchronous) as store,
        kept(store, Blobs(place / "blobs"), project) as destination,
    ):
        yield destination


@asynccontextmanager
async def _tried(settings: "Settings", project: str) -> "AsyncIterator[Destination]":
    """Give the project on trial; where there is no database yet, one that goes afterwards."""
    from understudy.interchange.destination import undone
    from understudy.store.data_dir import has_database
    from understudy.store.db import open_store

    url = database_url(settings)
    with tempfile.TemporaryDirectory(prefix="understudy-import-") as empty:
        is_there = has_database(url, settings.data_dir)
        where = (url, settings.data_dir) if is_there else (None, Path(empty))
        async with open_store(*where) as store, undone(store, project) as destination:
            yield destination


def _tell(report: "Report", path: Path, *, is_done: bool) -> None:
    """Print the counts, and on standard error what has to be said about them."""
    from understudy.interchange.report import OUTCOMES

    titles = ("KIND", *(name.replace("_", " ").upper() for name in OUTCOMES))
    rows = [
        (kind, *(str(counts[outcome]) for outcome in OUTCOMES))
        for kind, counts in report.counts.items()
        if counts
    ]
    if rows:
        say_columns([titles, *rows])
    else:
        note(f"There are no assistants, threads, files or vector stores in {path}.")
    for said in _remarks(report):
        note(said)
    for failure in report.failures[:_MOST_SHOWN]:
        note(f"{failure.place}: {failure.reason}.")
    if report.failure_count > _MOST_SHOWN:
        note(f"... and {report.failure_count - _MOST_SHOWN} more; --json names up to 1,000.")
    if not is_done:
        note("Nothing was written: this was a dry run.")


def _remarks(report: "Report") -> list[str]:
    said = []
    if kept := sum(counts["kept"] for counts in report.counts.values()):
        said.append(f"Kept as they are here, though the import has them otherwise: {kept}.")
    if report.without_content:
        said.append(f"Files without their content, which cannot be read: {report.without_content}.")
    if report.unfinished_runs:
        said.append(f"Runs that were not over, expired from now on: {report.unfinished_runs}.")
    said += [f"Passed over: {count} of {kind}." for kind, count in report.passed_over.items()]
    return said


def _as_json(report: "Report") -> dict[str, object]:
    from understudy.interchange.report import OUTCOMES

    return {
        "counts": {
            kind: {outcome: counts[outcome] for outcome in OUTCOMES}
            for kind, counts in report.counts.items()
        },
        "failed": report.failure_count,
        "failures": [
            {"file": each.place.name, "line": each.place.line or None, "reason": each.reason}
            for each in report.failures
        ],
        "files_without_content": report.without_content,
        "unfinished_runs": report.unfinished_runs,
        "passed_over": dict(report.passed_over),
    }
