"""How a local model is to be run: its own settings, those of all models, and what its file says."""

import os
import secrets
from typing import Final

from understudy.engines.llama.child import Launch
from understudy.engines.llama.failures import unusable
from understudy.engines.llama.models import LocalModel
from understudy.settings.local import LocalSettings

_KEY_BYTES: Final = 24
_SLOTS_TO_EMBED: Final = 1


def context_length(model: LocalModel, shared: LocalSettings) -> int:
    """Return the tokens of one conversation; raises ModelUnusable."""
    wanted = model.settings.context_length or shared.context_length
    return min(wanted, model.header.context_length or wanted)


def launch(model: LocalModel, shared: LocalSettings) -> Launch:
    """Return how to run `model`, with a key of its own; reads its files, raises ModelUnusable."""
    own = model.settings
    length = context_length(model, shared)
    embeds = model.kind == "embedding"
    # An encoder reads a text in one batch or not at all.
    batch_size = length if embeds else own.batch_size or shared.batch_size
    slots = own.slots or (_SLOTS_TO_EMBED if embeds else shared.slots)
    cache_bytes = own.prompt_cache_bytes
    if cache_bytes is None:
        cache_bytes = 0 if embeds else shared.prompt_cache_bytes
    return Launch(
        parent=os.getpid(),
        name=model.name,
        path=str(model.path),
        key=secrets.token_urlsafe(_KEY_BYTES),
        is_embedding=embeds,
        context_length=length,
        slots=slots,
        threads=own.threads or shared.threads,
        batch_size=max(batch_size, slots),
        prompt_cache_bytes=cache_bytes,
        chat_template=_chat_template(model),
    )


def _chat_template(model: LocalModel) -> str | None:
    file = model.settings.chat_template
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unusable(model.name, f"its chat_template {file} cannot be read: {error}") from error
