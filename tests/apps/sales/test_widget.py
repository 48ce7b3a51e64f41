"""The widget on other sites, the daily cap, the first operator, and the application as a whole."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.apps.sales.running import PASSWORD, running, settings_in
from tests.docs.pages import ROOT
from typer.testing import CliRunner

from understudy_apps.errors import CannotStart
from understudy_apps.sales import command
from understudy_apps.sales import settings as settings_module
from understudy_apps.sales.application import create_app
from understudy_apps.sales.routes import widget
from understudy_apps.sales.settings import Settings

pytestmark = pytest.mark.anyio
COMMAND = [sys.executable, "-c", "from understudy_apps.sales.command import main; main()"]


async def test_other_sites_may_load_the_script_and_frame_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "index.html"
    page.write_text("<!doctype html>", encoding="utf-8")
    monkeypatch.setattr(widget, "_PAGE", page)
    shops = "https://shop.example, https://*.shop.example"
    async with running(settings_in(tmp_path, frame_ancestors=shops)) as sales:
        client = await sales.anybody()
        script = await client.http.get("../widget.js")
        assert script.headers["content-type"].startswith("text/javascript")
        assert script.headers["cross-origin-resource-policy"] == "cross-origin"
        assert 'const title = "Faro";' in script.text
        framed = await client.http.get("../widget/")
        policy = framed.headers["content-security-policy"]
        assert "frame-ancestors https://shop.example https://*.shop.example" in policy
        assert "default-src 'self'" in policy
        plain = await client.http.get("setup")
        assert "frame-ancestors 'none'" in plain.headers["content-security-policy"]


def test_what_could_break_out_of_the_policy_is_no_origin(tmp_path: Path) -> None:
    for wrong in ("https://a.example; script-src *", "shop.example", ""):
        with pytest.raises(ValidationError):
            settings_in(tmp_path, frame_ancestors=wrong)


async def test_visitors_have_a_daily_cap_of_their_own_and_together(tmp_path: Path) -> None:
    caps = {"daily_messages_per_visitor": 1, "daily_messages": 2}
    # A greeting is answered from the data files.
    settings = settings_in(tmp_path, model="understudy-extractive", **caps)
    async with running(settings) as sales:
        one, two, three = [await sales.visitor("en") for _ in range(3)]
        await one.answer("Hello")
        refusal = await one.ask("POST", "visitor/messages", {"text": "More"}, 429)
        assert refusal["error"]["code"] == "daily_cap"
        assert "today's limit" in refusal["error"]["message"]
        assert len((await one.ask("GET", "visitor/messages"))["messages"]) == 2
        # Who tries on takes nothing away from the others.
        await two.answer("Hello")
        await three.ask("POST", "visitor/messages", {"text": "Hello"}, 429)


async def test_the_first_operator_needs_the_token_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(settings_in(tmp_path, operator_password=None)) as sales:
        (line,) = [one.getMessage() for one in caplog.records if "setup token" in one.getMessage()]
        assert f"understudy-sales operator --data-dir {tmp_path}`" in line
        token = re.search(r"setup token (\S+),", line)
        assert token is not None
        client = await sales.anybody()
        assert (await client.ask("GET", "setup"))["needed"]
        body = {"token": "guessed", "name": "eva", "password": PASSWORD}
        await client.ask("POST", "setup", body, 401)
        session = await client.ask("POST", "setup", {**body, "token": token[1]}, 201)
        assert session["name"] == "eva"
        again = await client.ask("POST", "setup", {**body, "token": token[1]}, 409)
        assert again["error"]["code"] == "already_set_up"
        assert not (await client.ask("GET", "setup"))["needed"]


async def test_under_a_prefix_the_cookies_stay_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_OPERATOR_PASSWORD", PASSWORD)
    app = create_app(base_url="http://127.0.0.1:9/v1", data_dir=tmp_path, prefix="/sales")
    transport = httpx2.ASGITransport(Starlette(routes=[Mount("/sales", app)]))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        login = {"name": "operator", "password": PASSWORD}
        response = await client.post("/sales/api/session", json=login)
        assert response.status_code == 201
        assert all("Path=/sales" in one for one in response.headers.get_list("set-cookie"))
        assert (await client.get("/sales/api/session")).json()["name"] == "operator"
        page = await client.get("/sales/api/docs")
        assert page.status_code == 200 and "//" not in page.text.replace("</", "")


async def test_data_files_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "sales-knowledge"
    folder.mkdir()
    (folder / "products.toml").write_text("[company]\n", encoding="utf-8")
    with pytest.raises(CannotStart, match=r"products\.toml cannot be used"):
        async with running(settings_in(tmp_path)):
            pass


def test_the_command_makes_an_operator_and_serves(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SALES_")}
    environment = {**kept, "SALES_DATA_DIR": str(tmp_path)}
    arguments = ["operator", "eva", "--password", PASSWORD, "--data-dir", str(tmp_path)]
    made = CliRunner().invoke(command.app, arguments)
    assert (made.exit_code, made.stdout) == (0, "The operator eva can log in.\n"), made.output
    with subprocess.Popen(
        [*COMMAND, "--port", "0"], env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            address = next(
                found[0] for line in process.stderr
                if (found := re.search(r"http://127\.0\.0\.1:[1-9]\d*", line))
            )  # fmt: skip
            login = {"name": "eva", "password": PASSWORD}
            response = httpx2.post(f"{address}/api/session", json=login, trust_env=False)
            assert response.status_code == 201, response.text
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            process.stderr.read()


# --- the page of the documentation ------------------------------------------------------------

PAGE = ROOT / "docs/sales.md"
VARIABLES = {
    "TELEGRAM_BOT_TOKEN" if name == "telegram_token" else f"SALES_{name.upper()}": field
    for name, field in Settings.model_fields.items()
}


def test_the_page_has_every_route_and_none_that_is_gone(tmp_path: Path) -> None:
    routes = {
        f"{method.upper()} {path}"
        for path, operations in create_app(data_dir=tmp_path).openapi()["paths"].items()
        for method in operations
    }
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", text, re.MULTILINE)) == routes


def test_the_page_and_the_example_file_have_every_setting_with_its_default() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z][A-Z_]+)` \| ([^|]*) \|", text, re.MULTILINE))
    assert set(rows) == set(VARIABLES)
    for name, field in VARIABLES.items():
        if isinstance(field.default, str | int | float):
            assert rows[name] == f"`{field.default}`"
    example = Path(settings_module.__file__).with_name("example.env").read_text(encoding="utf-8")
    assert set(re.findall(r"^#([A-Z][A-Z_]+)=", example, re.MULTILINE)) == set(VARIABLES)
