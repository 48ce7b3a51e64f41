"""`understudy say`: have a server speak a text, into an audio file."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from understudy.cli.client import ApiClient
from understudy.cli.copy_progress import size_in_words
from understudy.cli.options import (
    ConfigOption,
    DataDirOption,
    KeyOption,
    ModelOption,
    UrlOption,
    load,
)
from understudy.cli.output import note, waiting
from understudy.cli.temporary_server import server_to_use
from understudy.errors import StartupError

_FORMATS = {
    ".mp3": "mp3",
    ".opus": "opus",
    ".ogg": "opus",
    ".aac": "aac",
    ".flac": "flac",
    ".wav": "wav",
    ".pcm": "pcm",
}
_STANDARD = Path("-")


def say_aloud(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to speak; - reads it.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Audio file to write; - for a pipe."),
    ],
    voice: Annotated[str, typer.Option(help="Voice by name.")] = "alloy",
    speed: Annotated[float, typer.Option(min=0.25, max=4, help="How fast.")] = 1.0,
    audio_format: Annotated[
        str | None,
        typer.Option("--format", "-f", help="mp3, opus, aac, flac, wav or pcm; else by FILE."),
    ] = None,
    instructions: Annotated[
        str | None, typer.Option(help="How to speak, for models that can be told.")
    ] = None,
    model: ModelOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Speak a text into an audio file."""
    if output == _STANDARD and sys.stdout.isatty():
        raise StartupError("A terminal cannot show audio: give a file with -o, or a pipe.")
    body: dict[str, object] = {
        "input": sys.stdin.read() if text == "-" else text,
        "voice": voice,
        "speed": speed,
        "response_format": audio_format or _format_of(output),
    }
    optional = {"model": model, "instructions": instructions}
    body |= {name: value for name, value in optional.items() if value is not None}
    settings = load(config, data_dir).settings
    with server_to_use(url, settings) as base_url, ApiClient(base_url, key) as client:
        size_bytes = _save(client, body, output)
    if output != _STANDARD:
        note(f"Wrote {output} ({size_in_words(size_bytes)}).")


def _format_of(output: Path) -> str:
    """Return the format that a file's name asks for. Raises StartupError for none of them."""
    if output == _STANDARD:
        return "mp3"
    found = _FORMATS.get(output.suffix.lower())
    if found is None:
        raise StartupError(
            f"No audio format is known by the name {output.name}: end it in one of "
            f"{' '.join(_FORMATS)}, or give --format."
        )
    return found


def _save(client: ApiClient, body: dict[str, object], output: Path) -> int:
    """Write the server's answer to where it belongs, and return its size in bytes."""
    with waiting("Speaking"), client.download("/audio/speech", body) as (_, pieces):
        with _written(output) as file:
            return sum(file.write(piece) for piece in pieces)


@contextmanager
def _written(output: Path) -> Iterator[BinaryIO]:
    """Give a file to write, which takes its name once it is whole. Raises StartupError."""
    if output == _STANDARD:
        yield sys.stdout.buffer
        return
    is_device = output.exists() and not output.is_file()
    part = output if is_device else output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        if not is_device:
            os.replace(part, output)
    except OSError as error:
        raise StartupError(f"{output} cannot be written ({error.strerror}).") from error
    finally:
        if not is_device:
            part.unlink(missing_ok=True)
