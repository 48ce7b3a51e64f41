"""`understudy models pull`: fetch a model from a hub. Nothing else ever downloads one."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from understudy.cli.copy_progress import size_in_words
from understudy.cli.options import ConfigOption, DataDirOption, load
from understudy.cli.output import note, say, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.engines.llama.hub import ReportProgress

_ReferenceArgument = Annotated[
    str,
    typer.Argument(
        metavar="OWNER/REPO[:QUANT]", help="For example Qwen/Qwen3-0.6B-GGUF, or with :Q8_0 after."
    ),
]
_FromOption = Annotated[
    Literal["huggingface", "modelscope"], typer.Option("--from", help="The hub to ask.")
]


def pull(
    reference: _ReferenceArgument,
    source: _FromOption = "huggingface",
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Fetch a GGUF model; a download that broke off goes on where it stood."""
    from understudy.engines.llama import hub, library
    from understudy.store.data_dir import create_data_dir

    settings = load(config, data_dir).settings
    models_dir = settings.data_dir / library.MODELS_FOLDER
    with waiting("Asking the hub..."):
        wanted = hub.resolve(reference, source)
    if hub.is_current(wanted, library.find(models_dir, wanted.name)):
        note("It is here already, as the hub has it now.")
    else:
        create_data_dir(settings.data_dir)
        held = library.done_bytes(models_dir, wanted)
        there = f", of which {size_in_words(held)} are here" if held else ""
        note(f"Pulling {wanted.name}: {size_in_words(wanted.size_bytes)}{there}.")
        try:
            with _progress_bar() as report:
                hub.download(wanted, models_dir, report)
        except KeyboardInterrupt:
            note(
                f"Interrupted, with {size_in_words(library.done_bytes(models_dir, wanted))} kept: "
                f"the same command goes on there, `understudy models rm {wanted.name}` frees them."
            )
            raise
    say(f"local/{wanted.name}")
    note(f"Serve it with `understudy serve --model local/{wanted.name}`.")


@contextmanager
def _progress_bar() -> "Iterator[ReportProgress]":
    """Show how much of the download is done, on a terminal alone."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("", total=None)

        def report(done_bytes: int, total_bytes: int) -> None:
            bars.update(task, completed=done_bytes, total=total_bytes)

        yield report
