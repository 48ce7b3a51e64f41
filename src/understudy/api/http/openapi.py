"""The OpenAPI document: FastAPI's own routes and the hot routes beside it."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from understudy.api.http.hot import HotRoute

_REF = "#/components/schemas/{name}"


def document(app: FastAPI, hot: list[HotRoute]) -> dict[str, Any]:
    """Return the document of every route that this server answers, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    types = [shape for route in hot for shape in (route.request, route.answer)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    made.setdefault("components", {}).setdefault("schemas", {}).update(components)
    for number, route in enumerate(hot):
        operation = _operation(route, schemas[2 * number], schemas[2 * number + 1])
        made["paths"].setdefault(route.path, {})["post"] = operation
    for path, suffix in _engine_paths(hot):
        legacy = {**made["paths"][f"/v1{suffix}"]["post"], "parameters": [_ENGINE]}
        made["paths"][path] = {"post": {**legacy, "summary": f"{legacy['summary']} by engine"}}
    made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"key": []}]
    app.openapi_schema = made
    return made


_ENGINE = {"name": "engine", "in": "path", "required": True, "schema": {"type": "string"}}


def _engine_paths(hot: list[HotRoute]) -> list[tuple[str, str]]:
    suffixes = [route.path.removeprefix("/v1") for route in hot if route.by_engine]
    return [(f"/v1/engines/{{engine}}{suffix}", suffix) for suffix in suffixes]


def _operation(route: HotRoute, request: object, answer: object) -> dict[str, Any]:
    return {
        "summary": route.summary,
        "description": route.description,
        "requestBody": {"required": True, "content": _json(request)},
        "responses": {
            "200": {"description": "Successful response", "content": _json(answer)},
            "4XX": {"description": "Error envelope", "content": _json(_ENVELOPE)},
        },
    }


def _json(schema: object) -> dict[str, object]:
    return {"application/json": {"schema": schema}}


_ENVELOPE = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
