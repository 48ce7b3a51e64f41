"""`/v1/models`, and `/v1/engines` for openai 0.28."""

from collections.abc import Callable, Sequence

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.plain import project_of
from understudy.engines.base import ModelInfo
from understudy.engines.registry import Asker, Registry
from understudy.errors import Forbidden
from understudy.wire.models import EngineObject, Model, ModelList


def models_router(
    registry: Registry, speech_models: Callable[[], Sequence[ModelInfo]]
) -> APIRouter:
    """Return the routes that list, retrieve and delete models; those for speech come last."""
    router = APIRouter(tags=["Models"])

    async def listed(request: Request) -> list[ModelInfo]:
        return [*await registry.models(_asker(request)), *speech_models()]

    async def find(name: str, request: Request) -> ModelInfo:
        for info in speech_models():
            if info.id == name:
                return info
        return await _find(registry, name, _asker(request))

    @router.get("/v1/models", summary="List models")
    async def list_models(request: Request) -> Response:
        return _json(ModelList([_model(info) for info in await listed(request)]))

    @router.get("/v1/models/{model:path}", summary="Retrieve model")
    async def retrieve_model(model: str, request: Request) -> Response:
        return _json(_model(await find(model, request)))

    @router.delete("/v1/models/{model:path}", summary="Delete a fine-tuned model")
    async def delete_model(model: str, request: Request) -> Response:
        await find(model, request)
        raise Forbidden(
            f"'{model}' cannot be deleted through the API. Remove its provider from the settings.",
            code="model_not_deletable",
        )

    @router.get("/v1/engines", summary="List engines (legacy)")
    async def list_engines(request: Request) -> Response:
        data = [_engine(info) for info in await listed(request)]
        return _json({"object": "list", "data": data})

    @router.get("/v1/engines/{engine:path}", summary="Retrieve engine (legacy)")
    async def retrieve_engine(engine: str, request: Request) -> Response:
        return _json(_engine(await find(engine, request)))

    return router


async def _find(registry: Registry, name: str, asker: Asker) -> ModelInfo:
    """Return what `/v1/models` would list under `name`, or under its bare form."""
    if (route := await registry.find(name, asker)) is None:
        raise registry.not_found(name)
    if route.plain:  # a persona, which is there whether it is listed or not
        (info,) = await route.engine.models()
        return ModelInfo(name, info.owned_by, info.created, info.kind)
    for info in await registry.models(asker):
        if info.id in (name, route.served):
            return ModelInfo(name, info.owned_by, info.created, info.kind)
    raise registry.not_found(name)


def _asker(request: Request) -> Asker:
    return Asker(project_of(request))


def _model(info: ModelInfo) -> Model:
    return Model(info.id, info.created, info.owned_by)


def _engine(info: ModelInfo) -> EngineObject:
    return EngineObject(info.id, info.owned_by)


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
