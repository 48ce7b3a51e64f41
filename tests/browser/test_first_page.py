"""The first page: chat with every model, Markdown of strangers, keys, programs to copy."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from playwright.sync_api import Browser, expect
from tests.browser.first_page import FirstPage, first_page
from tests.http.serving import Served, provider_at, serve, settings_for
from tests.http.test_auth import make_key
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import ScriptedUpstream, stall, stream

WAIT_S = 30
HOSTILE = """<script>window.broken = 1</script><style>body {display: none}</style>

<img src="http://127.0.0.1:9/pixel.png" onerror="window.broken = 1">

![a picture](http://127.0.0.1:9/remote.png) and [a link](javascript:window.broken=1)

<a href="https://example.com" onclick="window.broken = 1" style="color: red">outside</a>

<iframe src="http://127.0.0.1:9/"></iframe><form action="http://127.0.0.1:9/"><button>x</button></form>

| **a** | b |
|---|--:|
| 1 | 2 |

```python
print("<b>not bold</b>")
```
"""


def chunk(text: str, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None, **fields}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [choice]}


def said(*texts: str) -> list[dict[str, Any]]:
    return [*map(chunk, texts), chunk("", finish_reason="stop")]


def event(text: str) -> bytes:
    return b"data: " + json.dumps(chunk(text)).encode() + b"\n\n"


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    """A provider beside the embedded model; each test takes all that it has it play."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedUpstream) -> Iterator[Served]:
    """A server whose default is the embedded model."""
    folder = tmp_path_factory.mktemp("data")
    up = provider_at(provider, models={"echo": "echo"})
    with serve(settings_for(folder, providers={"up": up})) as served:
        character = served.client.post("/v1/characters", json={"name": "Rosa"}).json()
        served.client.post(f"/v1/characters/{character['id']}/instances", json={"name": "rosa"})
        yield served


LOOKS = [
    (390, "dark", "es-ES", "es", ("modelo integrado", "Conversación nueva", "Total")),
    (1280, "light", "en-US", "en", ("embedded model", "New conversation", "Total")),
    (390, "light", "zh-CN", "zh-Hans", ("内置模型", "新对话", "总计")),
    (1280, "dark", "zh-CN", "zh-Hans", ("内置模型", "新对话", "总计")),
    (360, "light", "es-MX", "es", ("modelo integrado", "Conversación nueva", "Total")),
]


@pytest.mark.parametrize(("width", "scheme", "locale", "tag", "words"), LOOKS)
def test_a_first_answer_in_each_language_width_and_theme(
    browser: Browser,
    site: Served,
    width: int,
    scheme: str,
    locale: str,
    tag: str,
    words: tuple[str, str, str],
) -> None:
    who, new, total = words
    context = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    name = f"first-page-{width}-{scheme}-{tag}"
    with first_page(browser, site.root, locale=locale, **context) as opened:
        suggestions = opened.page.locator(".suggestions button")
        suggestions.first.wait_for()
        opened.picture(f"{name}-start")
        assert opened.page.locator("html").get_attribute("lang") == tag
        suggestions.first.click()
        expect(opened.answered()).to_contain_text(who)
        opened.button(new).click()
        suggestions.nth(2).click()
        answer = opened.answered()
        expect(answer.locator(".tool code")).to_have_text("roll_dice")
        expect(answer).to_contain_text(total)
        answer.locator(".tool summary").click()
        expect(answer.locator(".tool")).to_contain_text('"count": 2')
        opened.picture(f"{name}-chat")
        background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = [int(part) for part in re.findall(r"\d+", background)]
        assert (max(lightness) < 60) == (scheme == "dark")
        opened.page.locator("nav a").nth(1).click()
        opened.page.locator(".connect h1").wait_for()
        opened.picture(f"{name}-connect")
        inner = opened.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert inner == [width, width]


def test_language_and_theme_are_chosen_and_kept(browser: Browser, site: Served) -> None:
    with first_page(browser, site.root, color_scheme="light") as opened:
        page = opened.page
        page.get_by_label("Language").select_option("zh")
        page.get_by_label("外观").select_option("dark")
        page.reload()
        expect(page.locator("h1")).to_contain_text("想试试什么")
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_text_of_a_model_is_shown_and_does_nothing(
    browser: Browser, site: Served, provider: ScriptedUpstream
) -> None:
    pieces = [HOSTILE[at : at + 7] for at in range(0, len(HOSTILE), 7)]
    provider.play(stream(said(*pieces)))
    with first_page(browser, site.root) as opened:
        opened.choose_model("up/echo")
        opened.ask("hello")
        answer = opened.answered()
        shown = answer.locator(".markdown")
        expect(shown.locator("td")).to_have_text(["1", "2"])
        expect(shown.locator("pre code")).to_have_text('print("<b>not bold</b>")\n')
        expect(shown.locator("script, style, img, iframe, form")).to_have_count(0)
        links = shown.locator("a").evaluate_all("all => all.map(each => each.outerHTML)")
        outwards = 'target="_blank" rel="noopener noreferrer nofollow"'
        assert links == [
            f'<a href="http://127.0.0.1:9/remote.png" {outwards}>a picture</a>',
            "<a>a link</a>",
            f'<a href="https://example.com" {outwards}>outside</a>',
        ]
        assert opened.page.evaluate("window.broken") is None
        assert shown.is_visible()
        # What the policy stops while the text is parsed, before anything of it is in the page.
        assert all("Content Security Policy" in fault for fault in opened.faults)
        opened.faults.clear()


def test_an_answer_is_stopped_and_asked_for_again(
    browser: Browser, site: Served, provider: ScriptedUpstream
) -> None:
    provider.play(stall([event("Once upon a **time**")]))
    with first_page(browser, site.root) as opened:
        opened.choose_model("up/echo")
        opened.ask("a story")
        expect(opened.answers.locator("strong")).to_have_text("time")
        opened.writing.fill("the next")
        opened.writing.press("Enter")
        expect(opened.writing).to_have_value("the next")
        opened.button("Stop").click()
        stopped = opened.answered()
        expect(stopped).to_contain_text("Once upon a time")
        expect(stopped).to_contain_text("Stopped.")
        opened.button("Answer again").click()
        expect(opened.answered()).to_contain_text("You said: a story")
        expect(opened.answers).to_have_count(1)


def test_a_failure_is_told_in_the_servers_words(
    browser: Browser, site: Served, provider: ScriptedUpstream
) -> None:
    with first_page(browser, site.root) as opened:
        opened.choose_model("up/echo")
        opened.page.get_by_role("button", name="Options").click()
        opened.page.get_by_label("Temperature").fill("3")
        opened.page.keyboard.press("Escape")
        opened.ask("hello")
        expect(opened.page.get_by_role("alert")).to_contain_text("temperature")
        assert all("400" in fault for fault in opened.faults)
        opened.faults.clear()


def test_an_instance_answers_and_remembers(browser: Browser, site: Served) -> None:
    with first_page(browser, site.root) as opened:
        opened.choose_model("instance:rosa")
        opened.ask("My name is Ana.")
        opened.answered()
        opened.button("New conversation").click()
        opened.ask("What is my name?")
        expect(opened.answered()).to_contain_text("Ana")


def test_enter_sends_unless_an_input_method_composes(browser: Browser, site: Served) -> None:
    with first_page(browser, site.root) as opened:
        for composing in ("{isComposing: true}", "{keyCode: 229}"):
            opened.writing.fill("ni hao")
            opened.writing.evaluate(
                "(area, options) => area.dispatchEvent(new KeyboardEvent('keydown',"
                f" {{key: 'Enter', bubbles: true, cancelable: true, ...{composing}}}))"
            )
            expect(opened.writing).to_have_value("ni hao")
        opened.writing.press("Shift+Enter")
        expect(opened.writing).to_have_value("ni hao\n")
        opened.writing.press("Enter")
        expect(opened.writing).to_have_value("")
        expect(opened.page.locator(".message.person")).to_have_text("ni hao")
        opened.answered()


def test_the_list_follows_an_answer_only_near_its_end(
    browser: Browser, site: Served, provider: ScriptedUpstream
) -> None:
    gates = [threading.Event(), threading.Event()]

    async def in_three_parts(_: Call, reply: Reply) -> None:
        await reply.start()
        for gate in [None, *gates]:
            if gate:
                await anyio.to_thread.run_sync(gate.wait, WAIT_S)
            await reply.send(event("a line\n\n" * 40 + "part\n\n"))
        await reply.send(b"data: [DONE]\n\n")
        await reply.end()

    provider.play(in_three_parts)
    distance = "list => Math.round(list.scrollHeight - list.scrollTop - list.clientHeight)"
    with first_page(browser, site.root) as opened:
        opened.choose_model("up/echo")
        opened.ask("many lines")
        messages = opened.page.locator(".messages")
        parts = opened.answers.get_by_text("part")
        newest = opened.button("To the newest message")
        expect(parts).to_have_count(1)
        gates[0].set()
        expect(parts).to_have_count(2)
        expect(parts.last).to_be_in_viewport()
        messages.hover()
        opened.page.mouse.wheel(0, -900)
        expect(newest).to_be_visible()
        before = messages.evaluate("list => list.scrollTop")
        gates[1].set()
        expect(parts).to_have_count(3)
        opened.answered()
        assert messages.evaluate("list => list.scrollTop") == before
        newest.click()
        expect(newest).to_be_hidden()
        assert messages.evaluate(distance) <= 1


def test_a_server_with_keys_is_used_with_one(browser: Browser, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:  # Playwright's own loop runs in this one
        key = threads.submit(make_key, tmp_path).result().secret
    with serve(settings_for(tmp_path)) as served, first_page(browser, served.root) as opened:
        page = opened.page
        field = page.get_by_label("API key")
        field.fill("sk-wrong-wrong-wrong")
        field.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("Incorrect API key")
        field.fill(key)
        field.press("Enter")
        expect(page.get_by_role("dialog")).to_be_hidden()
        opened.ask("How much is 12 times 7?")
        expect(opened.answered()).to_contain_text("84")
        page.reload()
        opened.choose_model("understudy-extractive")
        assert page.evaluate("JSON.stringify(localStorage)") == "{}"
        assert page.evaluate("document.cookie") == ""
        assert key not in page.content()
        assert all("401" in fault for fault in opened.faults)
        opened.faults.clear()


def copied(opened: FirstPage, language: str) -> str:
    opened.button("Copy as code").click()
    opened.page.get_by_role("tab", name=language).click()
    text = opened.page.get_by_role("dialog").locator("pre").inner_text()
    opened.page.keyboard.press("Escape")
    return text


def test_a_conversation_is_copied_as_programs_that_run(browser: Browser, site: Served) -> None:
    question = """It's "12" times 7, isn't it? $HOME \\n ñ 中"""
    with first_page(browser, site.root) as opened:
        opened.choose_model("up/echo")
        opened.ask(question)
        expect(opened.answered()).to_contain_text("You said: It's")
        curl, python, node = (copied(opened, name) for name in ("curl", "Python", "Node"))
    wanted = f"You said: {question}"
    assert run(["bash", "-c", curl])["choices"][0]["message"]["content"] == wanted
    assert run([sys.executable, "-c", python]) == wanted
    assert f'baseURL: "{site.root}/v1"' in node
    assert "max_tokens" not in node


def run(command: list[str]) -> Any:
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout.removesuffix("\n")


def test_every_generation_of_clients_is_told_what_to_change(browser: Browser, site: Served) -> None:
    with first_page(browser, f"{site.root}/#/connect") as opened:
        page = opened.page
        names = page.get_by_role("tab").all_inner_texts()
        assert len(names) == 6
        changes = []
        page.get_by_role("tab").first.focus()
        for name in names:
            tab = page.get_by_role("tab", name=name, exact=True)
            expect(tab).to_have_attribute("aria-selected", "true")
            before, after = page.get_by_role("tabpanel").locator("pre").all_inner_texts()
            assert site.root not in before
            assert f"{site.root}/v1" in after
            changes.append(after)
            page.keyboard.press("ArrowRight")
        python, _, _, _, curl, _ = changes
        listed = run([sys.executable, "-c", f"{python}\nprint(client.models.list().data[0].id)"])
        assert listed == "understudy-extractive"
        assert run(["bash", "-c", curl])["data"][0]["id"] == "understudy-extractive"
