"""The progress bars of backup and restore, on a terminal alone."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.store.archive import Report


@contextmanager
def progress_bars() -> Iterator["Report"]:
    """Give what the copying reports to, and show it while the block runs."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not sys.stderr.isatty()
    ) as bars:
        tasks = {what: bars.add_task(what, total=None) for what in ("database", "files")}

        def report(what: str, done_bytes: int, total_bytes: int) -> None:
            bars.update(tasks[what], completed=done_bytes, total=total_bytes)

        yield report


def size_in_words(size_bytes: int) -> str:
    """Return a size as people read it."""
    from rich.filesize import decimal

    return decimal(size_bytes)
