"""What the settings alone tell of the default model. Pure: no provider is asked.

Follows the rules by which `engines.registry` finds who answers for a name.
"""

from dataclasses import dataclass
from typing import Literal

from understudy.cli.local_models import is_local
from understudy.engines.qwen import is_known_qwen
from understudy.engines.registry import EMBEDDED, EMBEDDED_MODELS
from understudy.errors import StartupError
from understudy.settings import Settings

_BEGINNINGS_OF_PATHS = frozenset({"", ".", "..", "~"})


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether the default model will answer, and why not or where it will be looked up."""

    state: Literal["known", "open", "doubtful"]
    detail: str = ""


def default_model_outlook(settings: Settings) -> Outlook:
    """Return what to expect of the default model.

    Raises StartupError when its name begins with a provider that does not exist, and no enabled
    provider could list a name with a slash; and for a local model that cannot be loaded.
    """
    name = _without_aliases(settings)
    provider, slash, model = name.partition("/")
    if slash and model and provider in settings.providers:
        return _of_provider(settings, provider)
    if name.removeprefix(f"{EMBEDDED}/") in EMBEDDED_MODELS:
        return Outlook("known")
    if is_local(settings, name):
        return Outlook("known")
    usable = [p for p in settings.providers.values() if p.enabled and p.is_usable]
    if any(name in p.models for p in usable):
        return Outlook("known")
    is_qwen = is_known_qwen(name)
    if is_qwen and any(p.adapter == "dashscope" for p in usable):
        return Outlook("known")
    if listing := _listing(settings):
        asked = ", ".join(listing)
        return Outlook("open", f"looked up at {asked} when a request first needs it")
    if is_qwen and not settings.providers["dashscope"].is_usable:
        return _of_provider(settings, "dashscope")
    if slash and provider in _BEGINNINGS_OF_PATHS:
        raise _no_gguf(settings)
    if slash and provider not in {EMBEDDED, *settings.providers}:
        raise _no_provider(settings, provider)
    return _unknown(settings)


def _without_aliases(settings: Settings) -> str:
    name = settings.default_model
    while name in settings.aliases:
        name = settings.aliases[name]
    return name


def _listing(settings: Settings) -> list[str]:
    """Return the providers whose own list of models may hold a name that the settings lack."""
    return [
        name
        for name, provider in settings.providers.items()
        if provider.enabled
        and provider.is_usable
        and provider.adapter != "dashscope"
        and not provider.models
    ]


def _of_provider(settings: Settings, name: str) -> Outlook:
    provider = settings.providers[name]
    if provider.is_usable:
        return Outlook("known")
    where = provider.key_variable or f"providers.{name}.key"
    return Outlook(
        "doubtful",
        f"The default model '{settings.default_model}' cannot answer: provider '{name}' has no "
        f"key. Set {where}, or choose another model with --model.",
    )


def _no_gguf(settings: Settings) -> StartupError:
    return StartupError(
        f"The default model '{settings.default_model}' looks like a path, but a local model is a "
        "file whose name ends in .gguf."
    )


def _no_provider(settings: Settings, provider: str) -> StartupError:
    known = ", ".join([EMBEDDED, *settings.providers])
    return StartupError(
        f"The default model is '{settings.default_model}', but there is no provider '{provider}'; "
        f"there are: {known}. Choose another model with "
        f"--model, or add a table [providers.{provider}] to understudy.toml."
    )


def _unknown(settings: Settings) -> Outlook:
    return Outlook(
        "doubtful",
        f"No provider that is enabled offers the default model '{settings.default_model}': "
        "requests that need it will be refused. Choose another with --model, such as "
        f"{EMBEDDED_MODELS[0]}, or PROVIDER/MODEL with one of these providers: "
        f"{', '.join(settings.providers)}.",
    )
