"""Answers for paths and methods that do not exist, and for what FastAPI refuses by itself."""

from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount

from understudy.api.http.envelope import error_response
from understudy.errors import (
    InvalidRequest,
    InvalidValue,
    MethodNotAllowed,
    NotFound,
    UnderstudyError,
)

_READING = frozenset({"GET", "HEAD"})
_METHODS = _READING | {"POST", "PUT", "PATCH", "DELETE"}


class UnknownRoutes:
    """Turns framework errors into ours, with a word on what was probably meant."""

    def __init__(self, app: FastAPI, hot_paths: list[str]) -> None:
        self._app = app
        self._hot_paths = frozenset(hot_paths)

    def install(self) -> None:
        """Register the handlers with the application."""
        self._app.add_exception_handler(HTTPException, self._on_http)
        self._app.add_exception_handler(RequestValidationError, _on_validation)
        self._app.add_exception_handler(UnderstudyError, _on_ours)

    async def _on_http(self, request: Request, error: Exception) -> Response:
        status = cast("HTTPException", error).status_code
        path = request.url.path
        if status == 405 or (status == 404 and path in self._hot_paths):
            return error_response(self._not_allowed(request))
        if status == 404:
            return error_response(self._not_found(request))
        refused = InvalidRequest(str(cast("HTTPException", error).detail))
        refused.status = status
        return error_response(refused)

    def _not_allowed(self, request: Request) -> MethodNotAllowed:
        path = request.url.path
        methods = self._methods(path)
        error = MethodNotAllowed(
            f"Not allowed to {request.method} on {path}. Allowed: {', '.join(methods)}."
        )
        error.headers["allow"] = ", ".join(methods)
        return error

    def _not_found(self, request: Request) -> NotFound:
        path = request.url.path
        message = f"Invalid URL ({request.method} {path})."
        if self._methods(f"/v1{path}"):
            message += f" There is a /v1{path}: base_url should end in /v1."
        elif path.startswith("/v1/v1/"):
            message += " base_url should end in one /v1, not two."
        else:
            message += " GET /docs lists what there is."
        return NotFound(message, code="unknown_url")

    def _methods(self, path: str) -> list[str]:
        found = {"POST"} if path in self._hot_paths else set()
        for route in self._app.routes:
            methods = _READING if isinstance(route, Mount) else _METHODS  # mounts: installed files
            found |= {method for method in methods if _serves(route, path, method)}
        return sorted(found)


def _serves(route: BaseRoute, path: str, method: str) -> bool:
    """Ask the route itself: an included router shows neither its routes nor their methods."""
    scope = {"type": "http", "path": path, "method": method, "headers": []}
    return route.matches(scope)[0] is Match.FULL


async def _on_validation(request: Request, error: Exception) -> Response:
    problem = cast("RequestValidationError", error).errors()[0]
    param = ".".join(str(part) for part in problem["loc"][1:]) or "body"
    return error_response(InvalidValue(param, problem["msg"]))


async def _on_ours(request: Request, error: Exception) -> Response:
    return error_response(cast("UnderstudyError", error))
