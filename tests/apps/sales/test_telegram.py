"""Telegram, against a scripted Bot API: duplicates, restarts, groups, commands, long texts."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio import to_thread
from tests.apps.sales.bot_api import BotApi
from tests.apps.sales.running import Sales, running, settings_in
from tests.http.serving import Served

from understudy_apps.sales.agent import Written
from understudy_apps.sales.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def bot_api() -> Iterator[BotApi]:
    with BotApi() as server:
        yield server


@pytest.fixture
def settings(understudy: Served, bot_api: BotApi, tmp_path: Path) -> Settings:
    return settings_in(
        tmp_path,
        base_url=f"{understudy.root}/v1",
        model="understudy-extractive",
        telegram_token=bot_api.token,
        telegram_base_url=bot_api.base_url,
    )


async def sent(bot_api: BotApi, count: int) -> list[str]:
    messages = await to_thread.run_sync(bot_api.wait_for, count)
    return [message.get("text", "") for message in messages]


async def test_messages_are_answered_once_and_groups_are_left_alone(
    settings: Settings, bot_api: BotApi
) -> None:
    bot_api.write(10, "/start")
    bot_api.write(11, "How much is the Pro plan?")
    bot_api.write(12, "How much is the Pro plan?", chat=-5, kind="group")
    async with running(settings) as sales:
        texts = await sent(bot_api, 2)
        assert sorted(text[:20] for text in texts) == [
            "Hello, I am Lucy, th",
            "The Pro plan include",
        ]
        assert {message["chat_id"] for message in bot_api.sent} == {"7"}
        await to_thread.run_sync(bot_api.wait_for_offset, 13)
        bot_api.write(11, "How much is the Pro plan?")
        bot_api.write(13, "/price 1")
        bot_api.write(14, None)
        assert sorted(text[:10] for text in (await sent(bot_api, 4))[2:]) == [
            "I can only", "Write your",
        ]  # fmt: skip
        operator = await sales.operator()
        assert (await operator.ask("GET", "health"))["telegram"] == "running"
        (listed,) = (await operator.ask("GET", "conversations"))["conversations"]
        assert (listed["visitor_name"], listed["channel"]) == ("Ana Ruiz", "telegram")
    assert len(bot_api.sent) == 4


async def test_a_quote_comes_as_a_file_and_operators_answer_in_the_chat(
    settings: Settings, bot_api: BotApi
) -> None:
    bot_api.write(1, "Make me a quote for 3 units of the Pro plan")
    async with running(settings) as sales:
        await sent(bot_api, 2)
        assert [one["method"] for one in bot_api.sent] == ["sendMessage", "sendDocument"]
        assert b"%PDF-" in bot_api.sent[1]["file"] and b"quote-20" in bot_api.sent[1]["file"]
        operator = await sales.operator()
        long = f"{'word ' * 790}end.\n\nThe second part."
        await operator.ask("POST", "conversations/1/messages", {"text": long}, 201)
        assert (await sent(bot_api, 3))[2].endswith("The second part.")
        (contact,) = (await operator.ask("GET", "contacts"))["contacts"]
        assert (contact["name"], contact["stage"]) == ("Ana Ruiz", "quoted")


async def test_after_a_restart_nothing_is_answered_twice_and_nothing_is_lost(
    settings: Settings, bot_api: BotApi
) -> None:
    bot_api.write(1, "How much is the Pro plan?")
    async with running(settings) as first:
        await sent(bot_api, 1)
        await accepted_but_not_answered(first)
    # Telegram did not hear that it arrived, and gives the first update again.
    async with running(settings):
        assert "two users" in (await sent(bot_api, 2))[1]
        bot_api.write(2, "/help")
        assert (await sent(bot_api, 3))[2].startswith("Write your question")
    assert len(bot_api.sent) == 3


async def accepted_but_not_answered(sales: Sales) -> None:
    """Leave a message as a crash between its acceptance and its answer would."""
    await sales.services.agent.accept(1, Written("What does the Basic plan include?", "9"))


async def test_what_telegram_does_not_take_is_sent_later(
    settings: Settings, bot_api: BotApi
) -> None:
    bot_api.refusals.append((500, {"description": "Internal"}))
    bot_api.write(1, "How much is the Pro plan?")
    async with running(settings) as sales:
        operator = await sales.operator()
        await to_thread.run_sync(bot_api.wait_until_refused)
        assert bot_api.sent == []
        await operator.ask("POST", "conversations/1/messages", {"text": "Eva here."}, 201)
        assert [text[:9] for text in await sent(bot_api, 2)] == ["The Pro p", "Eva here."]


async def test_a_rejected_token_is_told_and_never_logged(
    settings: Settings, bot_api: BotApi, caplog: pytest.LogCaptureFixture
) -> None:
    bot_api.token = "123456:another"
    with caplog.at_level(logging.DEBUG):
        async with running(settings) as sales:
            operator = await sales.operator()
            for _ in range(500):
                if (await operator.ask("GET", "health"))["telegram"] == "rejected_token":
                    break
    told = [one.getMessage() for one in caplog.records if "telegram" in one.name]
    assert any("TELEGRAM_BOT_TOKEN was rejected" in line for line in told)
    assert settings.telegram_token is not None
    token = settings.telegram_token.get_secret_value()
    ours = [one for one in caplog.records if one.name.startswith(("understudy_apps", "httpx"))]
    assert not any(token in one.getMessage() for one in ours)
