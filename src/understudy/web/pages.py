"""Serves the built first page: files and nothing else. The page speaks the public API alone."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from understudy.errors import NotFound

BUILT = Path(__file__).parent / "dist"

_READING = frozenset({"GET", "HEAD"})
_ASSETS = "/assets/"
_INDEX = "/"
_FILES = {_INDEX: "index.html", "/mark.svg": "mark.svg"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_CACHED_FOR_EVER = "public, max-age=31536000, immutable"
"""For assets, whose names hold the hash of their content."""


class Pages:
    """Answers for the files in `folder`, and leaves every other path to `app`."""

    def __init__(self, app: ASGIApp, folder: Path = BUILT) -> None:
        self._app = app
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises NotFound where the page was not built."""
        response = await self._response(scope)
        await (response or self._app)(scope, receive, send)

    async def _response(self, scope: Scope) -> Response | None:
        if scope["type"] != "http" or scope["method"] not in _READING:
            return None
        path: str = scope["path"]
        is_asset = path.startswith(_ASSETS)
        if not is_asset and path not in _FILES:
            return None
        try:
            response = await self._files.get_response(_FILES.get(path, path[1:]), scope)
        except HTTPException:
            if path == _INDEX:
                raise _not_built() from None
            return None
        response.headers.update(_HEADERS)
        response.headers["cache-control"] = _CACHED_FOR_EVER if is_asset else "no-cache"
        return response


def _not_built() -> NotFound:
    return NotFound(
        "This installation has no pages. Build them in the checkout with `make pages`. The API "
        "works without: /docs shows it.",
        code="pages_not_built",
    )
