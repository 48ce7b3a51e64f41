"""The application as a whole: its tables, its pages, its prefix, its command."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.apps.negotiator.running import Browser, Negotiator, running, settings_in, somebody

from understudy_apps.negotiator.application import create_app
from understudy_apps.negotiator.tables import metadata

pytestmark = pytest.mark.anyio
_MAIN = "from understudy_apps.negotiator.command import main; main()"
COMMAND = [sys.executable, "-c", _MAIN]
HASTY_COMMAND = [
    sys.executable, "-c", f"from understudy_apps import serving; serving._GRACE_S = 0; {_MAIN}"
]  # fmt: skip
_WAIT_S = 60


async def test_migrations_make_the_tables_that_the_code_reads(negotiator: Negotiator) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with negotiator.services.database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_what_was_stored_is_there_after_a_restart(
    database_url: str | None, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, database_url=database_url)
    async with running(settings) as first:
        before = await first.browser()
        user = await before.register()
        cookies = before.client.cookies
    async with running(settings) as second:
        after = await second.browser()
        after.client.cookies = cookies
        assert (await after.ask("GET", "session"))["user"] == user


async def test_under_a_prefix_cookies_and_pages_stay_under_it(tmp_path: Path) -> None:
    app = create_app(base_url="http://127.0.0.1:9/v1", data_dir=tmp_path, prefix="/negotiator")
    outer = Starlette(routes=[Mount("/negotiator", app)])
    transport = httpx2.ASGITransport(outer)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="https://localhost") as client,
    ):
        response = await client.post("/negotiator/api/users", json=somebody())
        cookies = response.headers.get_list("set-cookie")
        assert len(cookies) == 2
        for cookie in cookies:
            attributes = cookie.split("; ")[1:]
            assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/negotiator"} <= set(attributes)
        assert (await client.get("/negotiator/api/session")).status_code == 200

        page = await client.get("/negotiator/api/docs")
        assert "http" not in page.text.replace("https://localhost", "")
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'self'" in page.headers["content-security-policy"]
        for part in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js"):
            assert part in page.text
            assert (await client.get(f"/negotiator/api/docs/{part}")).status_code == 200
        document = (await client.get("/negotiator/api/openapi.json")).json()
        assert document["servers"] == [{"url": "/negotiator"}]
        assert (await client.get("/negotiator/api/nothing")).json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("root", "environment", "is_secure"),
    [
        ("http://localhost", "production", False),
        ("http://[::1]", "production", False),
        ("http://debts.example.com", "production", True),
        ("http://debts.example.com", "development", False),
        ("https://localhost", "development", True),
    ],
)
async def test_cookies_are_secure_where_the_browser_keeps_them(
    tmp_path: Path, root: str, environment: str, is_secure: bool
) -> None:
    settings = settings_in(tmp_path, environment=environment)
    async with running(settings, root) as negotiator:
        browser: Browser = await negotiator.browser()
        response = await browser.client.post("users", json=somebody())
        cookies = response.headers.get_list("set-cookie")
        assert [("; Secure" in cookie) for cookie in cookies] == [is_secure] * 2


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "negotiator.log"
    with socket.create_server(("127.0.0.1", 0)) as silent_model:
        base_url = "http://{}:{}/v1".format(*silent_model.getsockname())
        options = ["--data-dir", str(tmp_path), "--port", "0", "--base-url", base_url]
        command = [*HASTY_COMMAND, *options, "--log-file", str(log)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "running on" in line)
            url = next(word for word in line.split() if word.startswith("http"))
            with httpx2.Client(base_url=f"{url}/api/", trust_env=False) as client:
                session = client.post("users", json=somebody())
                assert session.headers["content-security-policy"]
                client.headers["X-CSRF-Token"] = session.json()["csrf_token"]
                # An answer that the model never gives does not hold the process up.
                with client.stream("POST", "chat/messages", json={"text": "Hello"}) as answer:
                    assert answer.status_code == 200
                    process.send_signal(signal.SIGTERM)
                    process.communicate(timeout=_WAIT_S)
    assert "ready" in log.read_text(encoding="utf-8")


def test_a_wrong_setting_stops_the_start_by_its_name(tmp_path: Path) -> None:
    environment = {**os.environ, "NEGOTIATOR_LOG_LEVEL": "loud"}
    done = subprocess.run(
        [*COMMAND, "--base-url", "ftp://secret"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "NEGOTIATOR_LOG_LEVEL" in done.stderr and "NEGOTIATOR_BASE_URL" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
