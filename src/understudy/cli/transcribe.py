"""`understudy transcribe`: have a server write down what a recording says."""

import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import typer

from understudy.cli.client import ApiClient, FormFile, RequestFailed
from understudy.cli.options import (
    ConfigOption,
    DataDirOption,
    KeyOption,
    ModelOption,
    UrlOption,
    load,
)
from understudy.cli.output import note, say, say_json, write_piece
from understudy.cli.temporary_server import server_to_use
from understudy.errors import StartupError

Format = Literal["text", "json", "srt", "vtt", "verbose_json", "diarized_json"]

_STANDARD = Path("-")
_TRANSCRIPTIONS = "/audio/transcriptions"
# Subtitles come when all is heard, which takes a slow model as long as the recording lasts.
_READ_TIMEOUT_S = 3 * 3600


def transcribe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Recording; - reads it.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write instead of printing."),
    ] = None,
    response_format: Annotated[
        Format, typer.Option("--format", "-f", help="What to write.")
    ] = "text",
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Language that is spoken, such as en.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Names and words that may be said, for models that listen.")
    ] = None,
    translate: Annotated[bool, typer.Option("--translate", help="Write it in English.")] = False,
    model: ModelOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Write down what a recording says."""
    path = "/audio/translations" if translate else _TRANSCRIPTIONS
    optional = {"language": language, "prompt": prompt, "model": model}
    fields = {name: value for name, value in optional.items() if value is not None}
    settings = load(config, data_dir).settings
    with (
        server_to_use(url, settings) as base_url,
        ApiClient(base_url, key, _READ_TIMEOUT_S) as client,
    ):
        if response_format == "text" and output is None and not translate:
            with _shown(file) as (recording, hide):
                _print_as_heard(client, fields, recording, hide)
            return
        with _shown(file) as (recording, _):
            asked = {**fields, "response_format": response_format}
            answer = client.post_form(path, asked, recording)
        if answer.status != 200:
            raise client.refusal(answer)
    if output is not None:
        _save(answer.body, output)
    elif response_format.endswith("json"):
        say_json(answer.json)
    else:
        say(answer.body.decode().rstrip("\n"))


@contextmanager
def _shown(path: Path) -> Iterator[tuple[FormFile, Callable[[], None]]]:
    """Give the recording, shown on a terminal as it is sent, and what ends the display."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    is_shown = sys.stderr.isatty()
    with (
        _opened(path) as (content, size_bytes),
        Progress(*columns, console=Console(stderr=True), disable=not is_shown) as bars,
    ):
        sending = bars.add_task("Sending", total=size_bytes)
        bars.add_task("Transcribing", total=None)
        yield FormFile("file", path.name, bars.wrap_file(content, task_id=sending)), bars.stop


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Give a recording and its size. Raises StartupError for what cannot be read."""
    if path == _STANDARD:
        recording = sys.stdin.buffer.read()
        yield io.BytesIO(recording), len(recording)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise StartupError(f"{path} cannot be read ({error.strerror}).") from error
    with file:
        yield file, path.stat().st_size


def _print_as_heard(
    client: ApiClient, fields: Mapping[str, str], recording: FormFile, hide: Callable[[], None]
) -> None:
    """Print the text piece by piece. Raises RequestFailed for one that breaks off."""
    asked = {**fields, "stream": "true"}
    with client.stream_form(_TRANSCRIPTIONS, asked, recording) as (head, events):
        if not head.headers.get("content-type", "").startswith("text/event-stream"):
            raise RequestFailed(
                "The server does not stream what it hears: ask for the whole with --format json."
            )
        has_ended = False
        try:
            for event in map(_parsed, events):
                has_ended = has_ended or event.get("type") == "transcript.text.done"
                hide()
                write_piece(str(event.get("delta") or ""))
        finally:
            say()
    if not has_ended:
        raise RequestFailed(
            f"The connection to {client.base_url} ended before the text did. What came is "
            "incomplete; try again."
        )


def _parsed(event: str) -> dict[str, Any]:
    """Return an event of a transcription. Raises RequestFailed for an error."""
    try:
        parsed = json.loads(event)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        return {}
    if error := parsed.get("error"):
        reason = error.get("message") if isinstance(error, dict) else error
        raise RequestFailed(f"The transcription broke off: {reason}")
    return parsed


def _save(text: bytes, output: Path) -> None:
    try:
        output.write_bytes(text)
    except OSError as error:
        raise StartupError(f"{output} cannot be written ({error.strerror}).") from error
    note(f"Wrote {output}.")
