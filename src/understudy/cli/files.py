"""`understudy files`: send files to a server, have them read into a vector store, list them."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from unicodedata import category

import typer

from understudy.cli.client import RequestFailed, ServerUnreachable
from understudy.cli.copy_progress import size_in_words
from understudy.cli.file_paths import find_files
from understudy.cli.files_client import FilesClient
from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, UrlOption, load
from understudy.cli.output import note, say_columns, say_json
from understudy.cli.temporary_server import server_to_use
from understudy.errors import StartupError

files = typer.Typer(help="Send and list files.", no_args_is_help=True)

_KeyOption = Annotated[
    str | None,
    typer.Option("--api-key", "--key", metavar="KEY", help="API key of that server."),
]


@files.callback()
def _files() -> None:
    """Send and list files."""


@files.command("add")
def add(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files, or folders of them.")
    ],
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="NAME_OR_ID",
            help="Vector store to read the files into; a new name creates one.",
        ),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: _KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Send files, and wait until they are read into a vector store."""
    if store is not None and not store.strip():
        raise StartupError("--store is empty: give the name or the id of a vector store.")
    chosen = _chosen_files(paths)
    settings = load(config, data_dir).settings
    with server_to_use(url, settings) as base_url, FilesClient(base_url, key) as client:
        # A wrong key is told once, not for each file.
        next(client.files(), None)
        store_id = _store_id(client, store)
        added = _send(client, chosen, store_id)
        if store_id is not None:
            _wait(client, added, store_id)
    if as_json:
        say_json({"vector_store": store_id, "files": [asdict(file) for file in added]})
    else:
        _tell(added)
    if any(file.state == "failed" for file in added):
        raise typer.Exit(1)


@files.command("list")
def list_all(
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: _KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """List the files that the server keeps for the key's project, the newest first."""
    settings = load(config, data_dir).settings
    with server_to_use(url, settings) as base_url, FilesClient(base_url, key) as client:
        found = list(client.files())
    if as_json:
        say_json(found)
    elif found:
        say_columns([("ID", "SIZE", "CREATED", "PURPOSE", "NAME"), *map(_row, found)])
    else:
        note("There are no files yet. `understudy files add` sends some.")


@dataclass(slots=True)
class _Added:
    """What became of a file: sent, completed or failed; `id` is None when it was not sent."""

    path: str
    id: str | None = None
    state: str = "failed"
    reason: str | None = None

    def fail(self, reason: str) -> None:
        """Note that the file was not sent or not read, and why."""
        self.state, self.reason = "failed", reason

    def take(self, read: dict[str, Any]) -> None:
        """Note what the vector store says of the file once it is in progress no more."""
        if read["status"] == "completed":
            self.state = "completed"
        else:
            error = read["last_error"] or {}
            self.fail(error.get("message") or f"Its status is '{read['status']}'.")


def _chosen_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files to send. Raises StartupError when there are none."""
    chosen, passed_over = find_files(paths)
    if not chosen:
        raise StartupError(
            "There is no file of a type that can be read: name the files themselves."
        )
    if passed_over:
        note(f"Passed over, since their types cannot be read: {passed_over}. Name one to send it.")
    return chosen


def _store_id(client: FilesClient, reference: str | None) -> str | None:
    """Return the id of the vector store to use, created where no other has its name."""
    if reference is None:
        return None
    if (found := client.find_store(reference)) is not None:
        return found
    created = client.create_store(reference)
    note(f"Created the vector store '{_printable(reference)}': {created}")
    return created


def _send(client: FilesClient, chosen: Sequence[Path], store_id: str | None) -> list[_Added]:
    """Send each file and add it to the store; the failure of one does not keep back the others."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    is_shown = sys.stderr.isatty()
    added = []
    with Progress(*columns, console=Console(stderr=True), disable=not is_shown) as bars:
        task = bars.add_task("", total=None)
        for number, path in enumerate(chosen, 1):
            file = _Added(str(path))
            added.append(file)
            line = f"Sending {number}/{len(chosen)}: {_printable(file.path)}"
            bars.reset(task, description=line)
            if not is_shown:
                note(line)
            with _reasons_kept(file):
                with bars.open(path, "rb", task_id=task) as content:
                    file.id = client.upload(_printable(path.name), content)
                if store_id is not None:
                    client.add_to_store(store_id, file.id)
                file.state = "sent"
    return added


def _wait(client: FilesClient, added: Sequence[_Added], store_id: str) -> None:
    """Wait for each file that was sent, in the order in which the server reads them."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    sent = [(file, file.id) for file in added if file.id is not None and file.state == "sent"]
    failed = TextColumn("{task.fields[failed]} failed")
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), failed)
    is_shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not is_shown) as bars:
        task = bars.add_task("", total=len(sent), failed=0)
        for number, (file, file_id) in enumerate(sent, 1):
            with _reasons_kept(file):
                file.take(client.wait_until_read(store_id, file_id))
            failures = sum(file.state == "failed" for file, _ in sent)
            bars.update(task, completed=number, failed=failures)
            if not is_shown:
                note(f"Read {number}/{len(sent)}, {failures} failed: {_printable(file.path)}")


@contextmanager
def _reasons_kept(file: _Added) -> Iterator[None]:
    """Keep why the block failed with the file. A server that is gone ends the command."""
    try:
        yield
    except ServerUnreachable:
        raise
    except RequestFailed as error:
        file.fail(error.message)
    except OSError as error:
        file.fail(f"It cannot be read ({error.strerror}).")


def _tell(added: Sequence[_Added]) -> None:
    """Print what became of the files, and why some failed."""
    rows = [(file.id or "-", file.state, _printable(file.path)) for file in added]
    say_columns([("ID", "STATE", "PATH"), *rows])
    for file in added:
        if file.reason is not None:
            note(f"{_printable(file.path)}: {_printable(file.reason)}")


def _row(file: dict[str, Any]) -> tuple[str, ...]:
    created = datetime.fromtimestamp(file["created_at"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    size = size_in_words(file["bytes"])
    return (file["id"], size, created, file["purpose"], _printable(file["filename"]))


def _printable(text: str) -> str:
    """Return text as servers take it for a name, and as no terminal is steered by it."""
    return "".join(c if c.isprintable() else " " if category(c) == "Zs" else "?" for c in text)
