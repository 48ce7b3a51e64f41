"""The negotiator in this process, and people who use it, each with a browser's cookies."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx2
from fastapi import FastAPI

from understudy_apps.negotiator.application import application
from understudy_apps.negotiator.dependencies import Services
from understudy_apps.negotiator.settings import Settings

PASSWORD = "correct horse"
_NUMBERS = count(1)


class Browser:
    """A browser that keeps cookies and sends the CSRF token of its session."""

    def __init__(self, app: FastAPI, root: str, address: str) -> None:
        transport = httpx2.ASGITransport(app, client=(address, 50_000))
        self.client = httpx2.AsyncClient(transport=transport, base_url=f"{root}/api/")

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.client.__aexit__(*error)

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Return the JSON of an answer, which must have this status."""
        response = await self.client.request(method, path, json=body)
        assert response.status_code == status, response.text
        if not response.content:
            return None
        answer = response.json()
        if "csrf_token" in answer:
            self.client.headers["X-CSRF-Token"] = answer["csrf_token"]
        return answer

    async def refused(self, method: str, path: str, body: Any, status: int) -> tuple[str, str]:
        """Return code and field of a refusal, which must have this status."""
        error = (await self.ask(method, path, body, status))["error"]
        assert set(error) == {"message", "code", "field"}
        return error["code"], error["field"]

    async def register(self, **fields: Any) -> dict[str, Any]:
        """Register somebody whom nobody else is, and return the user."""
        session = await self.ask("POST", "users", somebody(**fields), 201)
        user: dict[str, Any] = session["user"]
        return user

    async def log_in(self, email: str, password: str = PASSWORD, status: int = 201) -> Any:
        return await self.ask("POST", "session", {"email": email, "password": password}, status)


class Negotiator:
    """The application, and as many browsers as a test wants."""

    def __init__(self, app: FastAPI, root: str, stack: AsyncExitStack) -> None:
        self.app = app
        self._root = root
        self._stack = stack

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    async def browser(self, address: str | None = None) -> Browser:
        """Open a browser at an address, by default one that nobody else has."""
        number = next(_NUMBERS)
        address = address or f"10.9.{number // 250}.{number % 250}"
        return await self._stack.enter_async_context(Browser(self.app, self._root, address))


@asynccontextmanager
async def running(settings: Settings, root: str = "http://localhost") -> AsyncIterator[Negotiator]:
    """Run the application alone, at the root of a host."""
    app = application(settings, "")
    async with AsyncExitStack() as stack, app.router.lifespan_context(app):
        yield Negotiator(app, root, stack)


def settings_in(folder: Path, **fields: Any) -> Settings:
    """Return settings of a folder of the test's own; no server answers at the base URL."""
    return Settings(**{"data_dir": folder, "base_url": "http://127.0.0.1:9/v1", **fields})


def somebody(**fields: Any) -> dict[str, Any]:
    """Return what a person gives to register, unlike anybody before."""
    number = next(_NUMBERS)
    return {
        "name": "Ana",
        "surname": "Ruiz",
        "email": f"ana{number}@example.com",
        "telephone": f"+34 600 {number:06}",
        "password": PASSWORD,
        **fields,
    }
