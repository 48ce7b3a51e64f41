"""How commands speak: results on standard output, notes on standard error, and nothing fancy where
neither is a terminal.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer


def say(text: str = "") -> None:
    """Print a line of the result; what the terminal's encoding lacks becomes a question mark."""
    typer.echo(_showable(text, sys.stdout.encoding))


def note(text: str) -> None:
    """Print a line that is no part of the result."""
    typer.echo(_showable(text, sys.stderr.encoding), err=True)


def write_piece(text: str) -> None:
    """Print a piece of a line at once, as an answer grows."""
    typer.echo(_showable(text, sys.stdout.encoding), nl=False)
    sys.stdout.flush()


def say_json(value: object) -> None:
    """Print the result as JSON, in ASCII so that every pipe carries it."""
    typer.echo(json.dumps(value, indent=2))


def say_columns(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Print rows with aligned columns and no line broken or cut."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        say(indent + "  ".join(cells).rstrip())


def mark(state: str) -> str:
    """Return the sign of `passed`, `skipped` or `failed`, in words where signs cannot be shown."""
    sign, word = _MARKS[state]
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return word
    return sign


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show `text` with a spinner on a terminal while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKS = {"passed": ("✓", "ok  "), "skipped": ("·", "-   "), "failed": ("✗", "FAIL")}


def _showable(text: str, encoding: str | None) -> str:
    """Return text without control characters, since models and servers wrote much of it."""
    encoding = encoding or "utf-8"
    return _CONTROL.sub("", text).encode(encoding, "replace").decode(encoding)
