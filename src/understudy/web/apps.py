"""Applications in the same process: finds them by their entry points, mounts each at its name, and
runs their lifespans. Knows none of them; they know nothing of the server but its public API.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import anyio
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from understudy.errors import StartupError

logger = logging.getLogger(__name__)

_GROUP = "understudy.apps"
_READING = frozenset({"GET", "HEAD"})


def apps_folder(data_dir: Path) -> Path:
    """Return the folder that holds a folder for each application's own data."""
    return data_dir / "apps"


def installed_apps(names: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Return the entry point of each application. Raises StartupError for one that is not there."""
    installed = {entry.name: entry for entry in entry_points(group=_GROUP)}
    for name in names:
        if name not in installed:
            known = ", ".join(sorted(installed)) or "none"
            raise StartupError(f"No application '{name}' is installed; there are: {known}.")
    return {name: installed[name] for name in names}


def make_apps(
    names: tuple[str, ...], *, base_url: str, api_key: str, data_dir: Path
) -> dict[str, ASGIApp]:
    """Return the applications, which will use the API at `base_url`. Raises StartupError."""
    apps = {}
    for name, entry in installed_apps(names).items():
        try:
            apps[name] = entry.load()(
                base_url=base_url,
                api_key=api_key,
                data_dir=apps_folder(data_dir) / name,
                prefix=f"/{name}",
            )
        except ModuleNotFoundError as error:
            raise StartupError(
                f"The application '{name}' needs a package that is not installed ({error.name}). "
                "Install what applications need: pip install 'understudy[apps]'."
            ) from error
        except Exception as error:  # other people's code, in words of its own
            raise StartupError(f"The application '{name}' cannot start: {error}") from error
    return apps


class Mounts:
    """Sends `/NAME/...` to the application of that name, and every other path to `app`."""

    def __init__(self, app: ASGIApp, apps: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an application finds where it is mounted in `root_path`."""
        path: str = scope.get("path", "")
        name, slash, _ = path.removeprefix("/").partition("/")
        if (app := self._apps.get(name)) is None:
            await self._app(scope, receive, send)
        elif not slash and scope["type"] == "http" and scope["method"] in _READING:
            await RedirectResponse(f"/{name}/")(scope, receive, send)
        else:
            await app({**scope, "root_path": f"/{name}"}, receive, send)


@asynccontextmanager
async def lifespans(apps: Mapping[str, ASGIApp]) -> AsyncIterator[None]:
    """Keep every application running within the block. Raises StartupError."""
    async with AsyncExitStack() as stack:
        for name, app in apps.items():
            await stack.enter_async_context(_Lifespan(name).around(app))
        yield


class _Lifespan:
    """The server's end of ASGI's lifespan protocol."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._messages = iter(("startup", "shutdown"))
        self._is_up = False
        self._answered = anyio.Event()
        self._stopping = anyio.Event()

    @asynccontextmanager
    async def around(self, app: ASGIApp) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run, app)
            await self._answered.wait()
            if self._is_up:
                try:
                    yield
                finally:
                    self._stopping.set()
        if not self._is_up:
            raise StartupError(f"The application '{self._name}' did not start: see the log.")

    async def _run(self, app: ASGIApp) -> None:
        try:
            await app({"type": "lifespan", "asgi": {"version": "3.0"}}, self._receive, self._send)
        except Exception:  # the root of the application's own work
            logger.exception("the application '%s' failed", self._name)
        finally:
            self._answered.set()

    async def _receive(self) -> Message:
        message = next(self._messages)
        if message == "shutdown":
            await self._stopping.wait()
        return {"type": f"lifespan.{message}"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            self._is_up = True
            self._answered.set()
