"""A key of one's own is tried before it is stored, sealed, masked, and can be taken back."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.apps.negotiator.running import Negotiator, running, settings_in
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import ScriptedUpstream, answer, drop

from understudy_apps.errors import Conflict
from understudy_apps.negotiator import api_keys
from understudy_apps.negotiator.tables import chats, users

pytestmark = pytest.mark.anyio
GOOD = "sk-good-1234567890abcd"


async def models(call: Call, reply: Reply) -> None:
    """Play a server that lists its models to holders of one key."""
    if call.key == GOOD:
        await reply.json({"object": "list", "data": []})
    else:
        await reply.json({"error": {"message": "Incorrect API key"}}, 401)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(models) as upstream:
        yield upstream


@pytest.fixture
async def negotiator(upstream: ScriptedUpstream, tmp_path: Path) -> AsyncIterator[Negotiator]:
    settings = settings_in(tmp_path, base_url=upstream.base_url, api_key="the-default")
    async with running(settings) as negotiator:
        yield negotiator


async def test_a_key_is_checked_stored_sealed_shown_masked_and_removed(
    negotiator: Negotiator, upstream: ScriptedUpstream
) -> None:
    upstream.calls.clear()
    ana, eva = await negotiator.browser(), await negotiator.browser()
    ana_id, eva_id = (await ana.register())["id"], (await eva.register())["id"]
    assert upstream.calls == []  # A registration does not ask the model's server.
    assert await ana.ask("GET", "users/me/api-key") == {"api_key": None}

    stored = await ana.ask("PUT", "users/me/api-key", {"api_key": f" {GOOD}\n"})
    assert stored == {"api_key": "sk-…abcd"} == await ana.ask("GET", "users/me/api-key")
    asked = [(call.method, call.path, call.key) for call in upstream.calls]
    assert asked == [("GET", "/models", GOOD)]
    assert (await ana.ask("GET", "session"))["user"]["api_key"] == "sk-…abcd"
    assert await api_keys.key_of(negotiator.services, ana_id) == GOOD
    assert await api_keys.key_of(negotiator.services, eva_id) == "the-default"

    async with negotiator.services.database.read() as connection:
        row = (await connection.execute(select(users).where(users.c.id == ana_id))).one()
    assert "good" not in str(row)

    await ana.ask("DELETE", "users/me/api-key", status=204)
    assert await ana.ask("GET", "users/me/api-key") == {"api_key": None}
    assert await api_keys.key_of(negotiator.services, ana_id) == "the-default"


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        (models, 400, "invalid_api_key"),
        (answer({"error": {"message": "no"}}, 403), 400, "invalid_api_key"),
        (drop(), 502, "provider_unreachable"),
        (answer({"error": {"message": "quota"}}, 429), 502, "provider_failed"),
        (answer({"error": {"message": "oops"}}, 500), 502, "provider_failed"),
    ],
)  # fmt: skip
async def test_a_key_that_is_not_accepted_leaves_the_old_one(
    negotiator: Negotiator, upstream: ScriptedUpstream, step: Any, status: int, code: str
) -> None:
    browser = await negotiator.browser()
    await browser.register()
    await browser.ask("PUT", "users/me/api-key", {"api_key": GOOD})
    upstream.play(step)
    field = "api_key" if status == 400 else None
    refused = await browser.refused("PUT", "users/me/api-key", {"api_key": "sk-other"}, status)
    assert refused == (code, field)
    assert await browser.ask("GET", "users/me/api-key") == {"api_key": "sk-…abcd"}


async def test_a_text_that_is_no_key_is_not_sent(
    negotiator: Negotiator, upstream: ScriptedUpstream
) -> None:
    browser = await negotiator.browser()
    await browser.register()
    calls = len(upstream.calls)
    for text in ("", "  ", "sk-a b", "sk-ñ", "sk-a\r\nx-evil: 1"):
        refused = await browser.refused("PUT", "users/me/api-key", {"api_key": text}, 400)
        assert refused == ("invalid_api_key", "api_key")
    assert len(upstream.calls) == calls


async def test_a_key_sealed_with_another_key_file_is_asked_for_again(
    negotiator: Negotiator, tmp_path: Path
) -> None:
    browser = await negotiator.browser()
    user = await browser.register()
    await browser.ask("PUT", "users/me/api-key", {"api_key": GOOD})
    negotiator.services.settings.key_file.unlink()
    async with running(negotiator.services.settings) as restarted:
        with pytest.raises(Conflict, match="Enter it again"):
            await api_keys.key_of(restarted.services, user["id"])


@pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning")
async def test_who_leaves_is_erased_at_the_models_server_where_the_key_is_known(
    negotiator: Negotiator, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await negotiator.browser()
    user = await browser.register()
    await browser.ask("PUT", "users/me/api-key", {"api_key": GOOD})
    threads = {"thread_own": GOOD, "thread_first": "the-default", "thread_lost": "sk-removed"}
    for thread_id, key in threads.items():
        owner = api_keys.owner_of(upstream.base_url, key)
        chat = {"user_id": user["id"], "owner": owner, "thread_id": thread_id, "language": "es"}
        async with negotiator.services.database.write() as connection:
            await connection.execute(insert(chats).values(**chat, created_at=1))
    upstream.calls.clear()
    upstream.play(answer({"error": {"message": "gone"}}, 404), answer({"deleted": True}))
    await browser.ask("DELETE", "users/me")
    asked = {(call.method, call.path, call.key) for call in upstream.calls}
    assert asked == {
        ("DELETE", "/threads/thread_own", GOOD),
        ("DELETE", "/threads/thread_first", "the-default"),
    }
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert "thread_lost" in record.getMessage()


def test_ends_of_short_keys_are_not_shown() -> None:
    assert api_keys.hint_of("short-key") == "…"
