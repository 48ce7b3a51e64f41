"""What the model list of an OpenAI-compatible server tells of its models. Pure."""

from understudy.engines.base import ModelInfo, ModelKind
from understudy.engines.decode import RawModel

_EMBEDDING_FAMILIES = ("bge-", "e5-", "gte-")


def model_info(model: RawModel, provider: str) -> ModelInfo:
    """Return a listed model in our form; most servers list no kind, so the name tells it."""
    return ModelInfo(
        id=model.id,
        owned_by=model.owned_by or provider,
        created=int(model.created or 0),
        kind=kind_by_name(model.id) or "chat",
    )


def kind_by_name(model: str) -> ModelKind | None:
    """Return the kind that a name gives away, None for the others."""
    name = model.lower()
    if "embed" in name or name.startswith(_EMBEDDING_FAMILIES):
        return "embedding"
    return "moderation" if "moderation" in name else None
