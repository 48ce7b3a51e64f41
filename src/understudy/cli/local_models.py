"""What can be told of the local models without loading one: from settings, files and memory."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from understudy.cli.findings import Finding
from understudy.engines.llama import failures
from understudy.engines.llama.failures import LOCAL
from understudy.engines.llama.launches import launch
from understudy.engines.llama.memory import default_limit_bytes, needed_bytes
from understudy.engines.llama.models import LocalModel, LocalModels, is_file_name
from understudy.errors import ModelUnusable, StartupError

if TYPE_CHECKING:
    from understudy.settings import Settings

_ENGINE = "xllamacpp"
_MIB = 1024**2


def is_local(settings: "Settings", name: str) -> bool:
    """Tell whether `name` leads to a local model; raises StartupError for one that cannot answer.

    Its file is looked at, not loaded.
    """
    models = LocalModels(settings)
    try:
        model = models.find_file(name) or models.find(name.removeprefix(f"{LOCAL}/"))
        if model is None and not is_file_name(name) and not name.startswith(f"{LOCAL}/"):
            return False
        if model is None:
            raise _no_such_model(models, name)
        needed = _needed_bytes(settings, model)
        _refuse_too_large(settings, model, needed)
    except ModelUnusable as error:
        raise StartupError(error.message) from error
    if model.kind != "chat":
        raise StartupError(
            f"'{name}' is a model for embeddings and cannot chat: choose another with --model, and "
            "name this one as default_embedding_model."
        )
    return True


def local_model_findings(settings: "Settings") -> list[Finding]:
    """Judge every local model by its file and by the memory that it would take."""
    models = LocalModels(settings)
    found = [_finding(settings, model) for model in models.all()]
    return [*found, *(_problem(name, error) for name, error in models.absent().items())]


def local_model_lines(settings: "Settings") -> list[tuple[str, str]]:
    """Return name and file of every local model."""
    return [(f"{LOCAL}/{model.name}", str(model.path)) for model in LocalModels(settings).all()]


def _finding(settings: "Settings", model: LocalModel) -> Finding:
    try:
        needed = _needed_bytes(settings, model)
        _refuse_too_large(settings, model, needed)
    except ModelUnusable as error:
        return _problem(model.name, error)
    when = "at the start" if model.settings.preload else "at first use"
    detail = f"{model.kind}, loaded {when}, takes up to {needed // _MIB} MiB, {model.path}"
    return Finding(f"local model {model.name}", "ok", detail)


def _problem(name: str, error: ModelUnusable) -> Finding:
    return Finding(f"local model {name}", "problem", error.message)


def _needed_bytes(settings: "Settings", model: LocalModel) -> int:
    if find_spec(_ENGINE) is None:
        raise failures.unusable(model.name, failures.NOT_INSTALLED)
    return needed_bytes(model.header, launch(model, settings.local))


def _refuse_too_large(settings: "Settings", model: LocalModel, needed: int) -> None:
    limit = settings.local.memory_limit_bytes or default_limit_bytes()
    if limit is not None and needed > limit:
        raise failures.too_large(model.name, needed, limit)


def _no_such_model(models: LocalModels, name: str) -> StartupError:
    known = ", ".join(f"{LOCAL}/{model.name}" for model in models.all()) or "none"
    return StartupError(
        f"There is no local model '{name}'; there are: {known}. Give the path of a .gguf file, add "
        "a table [local.models.NAME] to understudy.toml, or download one: "
        "understudy models pull OWNER/REPO."
    )
