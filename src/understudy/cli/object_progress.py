"""The progress bars of import and export, on a terminal alone."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from understudy.interchange.report import Done


class Bars:
    """Bars that appear when they are first told of."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress

    def of(self, what: str) -> "Done":
        """Return what a part of the work reports to: how many are done, and of how many."""
        task = self._progress.add_task(what, total=None, visible=False)

        def report(done: int, total: int) -> None:
            self._progress.update(task, completed=done, total=total, visible=True)

        return report


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Show what is reported while the block runs."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        yield Bars(progress)
