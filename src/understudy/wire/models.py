"""Models on the wire."""

from msgspec import Struct


class Model(Struct):
    """A model that can be used."""

    id: str
    created: int
    owned_by: str
    object: str = "model"


class ModelList(Struct):
    """The answer of `/v1/models`, which is not paged."""

    data: list[Model]
    object: str = "list"


class EngineObject(Struct):
    """A model as `/v1/engines` of openai 0.28 lists it."""

    id: str
    owner: str
    created: int | None = None
    ready: bool = True
    permissions: None = None
    object: str = "engine"
