"""The sales agent in this process, its operator, and visitors of its widget."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from understudy_apps.sales.application import application
from understudy_apps.sales.dependencies import Services
from understudy_apps.sales.settings import Settings

PASSWORD = "correct horse"
_NUMBERS = count(1)


class Client:
    """Somebody who uses the API, with an address of their own."""

    def __init__(self, app: FastAPI) -> None:
        number = next(_NUMBERS)
        address = f"10.8.{number // 250}.{number % 250}"
        transport = httpx2.ASGITransport(app, client=(address, 50_000))
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://localhost/api/")

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Return the JSON of an answer, which must have this status."""
        response = await self.http.request(method, path, json=body)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    async def write(self, text: str, path: str = "visitor/messages") -> list[tuple[str, Any]]:
        """Send a message and return the events of its answer."""
        response = await self.http.post(path, json={"text": text})
        assert response.status_code == 200, response.text
        events = [block.split("\n") for block in response.text.split("\n\n") if block]
        return [
            (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
            for name, data in events
        ]

    async def answer(self, text: str) -> str:
        """Send a message as a visitor and return the whole answer."""
        name, done = (await self.write(text))[-1]
        assert name == "done"
        said: str = done["text"]
        return said


class Sales:
    """The application, and as many people as a test wants."""

    def __init__(self, app: FastAPI, stack: AsyncExitStack) -> None:
        self.app = app
        self._stack = stack

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    async def anybody(self) -> Client:
        client = Client(self.app)
        await self._stack.enter_async_context(client.http)
        return client

    async def operator(self) -> Client:
        """Log the operator in."""
        client = await self.anybody()
        login = {"name": "operator", "password": PASSWORD}
        session = await client.ask("POST", "session", login, 201)
        client.http.headers["X-CSRF-Token"] = session["csrf_token"]
        return client

    async def visitor(self, language: str = "en") -> Client:
        """Begin a chat of the widget."""
        client = await self.anybody()
        session = await client.ask("POST", "visitor/session", {"language": language}, 201)
        client.http.headers["X-Visitor-Token"] = session["token"]
        return client


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Sales]:
    """Run the application alone."""
    app = application(settings, "")
    async with AsyncExitStack() as stack, app.router.lifespan_context(app):
        yield Sales(app, stack)


def settings_in(folder: Path, **fields: Any) -> Settings:
    """Return settings of a folder of the test's own; no server answers at the base URL."""
    return Settings(
        **{
            "data_dir": folder,
            "base_url": "http://127.0.0.1:9/v1",
            "operator_password": PASSWORD,
            **fields,
        }
    )
