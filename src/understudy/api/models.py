"""`/v1/models`, and `/v1/engines` for openai 0.28."""

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from understudy.engines.base import ModelInfo
from understudy.engines.registry import Registry
from understudy.errors import Forbidden
from understudy.wire.models import EngineObject, Model, ModelList


def models_router(registry: Registry) -> APIRouter:
    """Return the routes that list, retrieve and delete models."""
    router = APIRouter(tags=["Models"])

    @router.get("/v1/models", summary="List models")
    async def list_models() -> Response:
        return _json(ModelList([_model(info) for info in await registry.models()]))

    @router.get("/v1/models/{model:path}", summary="Retrieve model")
    async def retrieve_model(model: str) -> Response:
        return _json(_model(await _find(registry, model)))

    @router.delete("/v1/models/{model:path}", summary="Delete a fine-tuned model")
    async def delete_model(model: str) -> Response:
        await _find(registry, model)
        raise Forbidden(
            f"'{model}' cannot be deleted through the API. Remove its provider from the settings.",
            code="model_not_deletable",
        )

    @router.get("/v1/engines", summary="List engines (legacy)")
    async def list_engines() -> Response:
        data = [_engine(info) for info in await registry.models()]
        return _json({"object": "list", "data": data})

    @router.get("/v1/engines/{engine:path}", summary="Retrieve engine (legacy)")
    async def retrieve_engine(engine: str) -> Response:
        return _json(_engine(await _find(registry, engine)))

    return router


async def _find(registry: Registry, name: str) -> ModelInfo:
    """Return what `/v1/models` would list under `name`, or under its bare form."""
    if (route := await registry.find(name)) is None:
        raise registry.not_found(name)
    for info in await registry.models():
        if info.id in (name, route.served):
            return ModelInfo(name, info.owned_by, info.created, info.kind)
    raise registry.not_found(name)


def _model(info: ModelInfo) -> Model:
    return Model(info.id, info.created, info.owned_by)


def _engine(info: ModelInfo) -> EngineObject:
    return EngineObject(info.id, info.owned_by)


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
