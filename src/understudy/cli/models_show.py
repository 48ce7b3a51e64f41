"""`understudy models show`: what a GGUF file says of its model. Nothing is loaded for it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.cli.copy_progress import size_in_words
from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, load
from understudy.cli.output import say_columns, say_json, waiting
from understudy.errors import StartupError

if TYPE_CHECKING:
    from understudy.engines.llama.library import LocalFile
    from understudy.settings import Settings


@dataclass(frozen=True, slots=True)
class Shown:
    """What is told of a model."""

    name: str
    files: list[str]
    size_bytes: int
    architecture: str
    kind: str
    parameters: int
    """How many weights it has."""
    quantisation: str | None
    context_length: int | None
    chat_template: str | None
    source: str | None
    revision: str | None


def show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A pulled model, one of the settings, or a file."),
    ],
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Show architecture, size, quantisation, context and template of a local model."""
    settings = load(config, data_dir).settings
    with waiting("Reading the file..."):
        shown = _read(name, settings)
    if as_json:
        say_json(asdict(shown))
    else:
        say_columns(_rows(shown))


def _read(name: str, settings: "Settings") -> Shown:
    from understudy.engines.llama.gguf_file import UnreadableGguf, read_header

    local, files = _find(name.removeprefix("local/"), settings)
    try:
        headers = [read_header(file) for file in files]
    except UnreadableGguf as error:
        raise StartupError(f"{error}.") from error
    header = headers[0]
    file_type = header.values.get("general.file_type")
    return Shown(
        name=name,
        files=[str(file) for file in files],
        size_bytes=sum(file.stat().st_size for file in files),
        architecture=header.architecture,
        kind=header.kind,
        parameters=sum(each.parameters for each in headers),
        quantisation=_quantisation(file_type) if isinstance(file_type, int) else None,
        context_length=header.context_length,
        chat_template=header.chat_template,
        source=local.source if local else None,
        revision=local.record.revision if local else None,
    )


def _find(name: str, settings: "Settings") -> "tuple[LocalFile | None, list[Path]]":
    """Return a model's files, and what is known of it if it was pulled."""
    from understudy.engines.llama import library

    models_dir = settings.data_dir / library.MODELS_FOLDER
    named = settings.local.models.get(name)
    if named is not None and named.path is not None:
        return None, [named.path]
    if local := library.find(models_dir, (named and named.repository) or name):
        folder = library.folder_of(models_dir, local.record)
        return local, [folder / file.path for file in local.record.files]
    if Path(name).is_file():
        return None, [Path(name)]
    raise StartupError(
        f"There is no local model '{name}': give a pulled one as `understudy models list` shows "
        "it, a name of [local.models], or the path of a .gguf file."
    )


def _quantisation(file_type: int) -> str | None:
    try:
        from gguf import LlamaFileType

        return str(LlamaFileType(file_type).name).removeprefix("MOSTLY_").removeprefix("ALL_")
    except (ImportError, ValueError):
        return None


def _rows(shown: Shown) -> list[tuple[str, str]]:
    template = shown.chat_template
    rows = [
        ("name", shown.name),
        *(("file", file) for file in shown.files),
        ("size", size_in_words(shown.size_bytes)),
        ("architecture", shown.architecture),
        ("kind", shown.kind),
        ("parameters", f"{shown.parameters:,}"),
        ("quantisation", shown.quantisation or "unknown"),
        ("context", f"{shown.context_length:,} tokens" if shown.context_length else "unknown"),
        ("template", f"{len(template):,} characters; --json prints it" if template else "none"),
    ]
    if shown.source:
        rows += [("from", shown.source), ("revision", shown.revision or "")]
    return rows
