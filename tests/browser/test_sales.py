"""The sales agent's pages and widget in a browser, at a server whose embedded model answers."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.sales_page import (
    MESSAGES_A_DAY,
    OPERATOR,
    PASSWORD,
    WAIT_MS,
    Api,
    Site,
    picture,
    sales_page,
    serving,
    shop,
)

pytestmark = pytest.mark.xdist_group("sales")
SHOP = "http://shop.example:{port}/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server of this module."""
    with serving(tmp_path_factory.mktemp("sales")) as running:
        yield running


@pytest.fixture(scope="module")
def operator(browser: Browser, site: Site) -> Any:
    """The cookies of the first operator, who was made on the page with the token of the log."""
    with sales_page(browser, site.address) as opened:
        opened.page.locator(".entrance input").first.wait_for()
        picture(opened.page, "sales-first-start")
        opened.enter("guessed", OPERATOR, PASSWORD)
        expect(opened.page.get_by_role("alert")).to_have_text(
            "This is not the token. The log of this start shows it."
        )
        opened.enter(site.token, OPERATOR, "short")
        password = opened.page.get_by_label("Password")
        expect(password).to_have_attribute("aria-invalid", "true")
        expect(password).to_be_focused()
        opened.enter(site.token, OPERATOR, PASSWORD)
        expect(opened.page.get_by_role("heading", level=1)).to_have_text("Dashboard")
        return opened.page.context.storage_state()


def test_the_operator_logs_in_and_out(browser: Browser, site: Site, operator: Any) -> None:
    with sales_page(browser, f"{site.address}#/contacts") as opened:
        opened.enter(OPERATOR, "wrong horse")
        expect(opened.page.get_by_role("alert")).to_have_text("Name or password is wrong.")
        opened.enter(OPERATOR, PASSWORD)
        expect(opened.page.get_by_role("heading", level=1)).to_have_text("Contacts")
        opened.page.reload()
        expect(opened.page.get_by_role("heading", level=1)).to_have_text("Contacts")
        opened.button("Log out").click()
        opened.page.locator(".entrance").wait_for()
        opened.page.reload()
        opened.page.locator(".entrance").wait_for()
        expect(opened.rows).to_have_count(0)


def test_a_contact_with_its_follow_up(browser: Browser, site: Site, operator: Any) -> None:
    with sales_page(browser, f"{site.address}#/contacts", storage_state=operator) as opened:
        page = opened.page
        opened.button("Add a contact").click()
        opened.dialog.get_by_label("E-mail").fill("nobody")
        opened.dialog.get_by_label("Name").fill("Marta Gil")
        opened.dialog.get_by_role("button", name="Save").click()
        expect(opened.dialog).to_contain_text("An e-mail address looks like ana@example.com.")
        expect(opened.dialog.get_by_label("E-mail")).to_be_focused()
        page.keyboard.press("Escape")
        opened.add_contact("Marta Gil", "Librería Gil", Notes="<b>bold</b>")
        page.get_by_label("Stage", exact=True).select_option("won")
        opened.button("Save").click()
        stages = page.locator(".stages li")
        expect(stages).to_contain_text(["New", "Won"])
        opened.button("Add a follow-up").click()
        opened.dialog.get_by_label("Due on").fill("2020-02-03")
        opened.dialog.get_by_label("What is to be done").fill("Call Marta")
        opened.dialog.get_by_role("button", name="Save").click()
        expect(page.locator(".tasks li")).to_contain_text("Feb 3, 2020")
        opened.go("followUps")
        page.get_by_role("tab", name="Due").click()
        task = page.locator(".tasks li", has_text="Call Marta")
        expect(task).to_contain_text("Marta Gil")
        task.get_by_role("checkbox").check()
        expect(task).to_have_count(0)
        page.get_by_role("tab", name="Done").click()
        expect(task.get_by_role("checkbox")).to_be_checked()
        opened.go("contacts")
        page.get_by_label("Search").fill("librería g")
        expect(opened.rows).to_have_count(1)
        opened.rows.first.get_by_role("link").click()
        expect(page.get_by_label("Notes")).to_have_value("<b>bold</b>")
        opened.button("Delete").click()
        opened.dialog.get_by_role("button", name="Delete").click()
        page.get_by_label("Search").fill("Marta Gil")
        expect(page.get_by_text("No contacts are found.")).to_be_visible()


def test_contacts_come_and_go_as_csv(
    browser: Browser, site: Site, operator: Any, tmp_path: Path
) -> None:
    table = tmp_path / "contacts.csv"
    table.write_text(
        "nombre;empresa;correo;humor\nZoe Zapata;=cmd();zoe@example.com;bueno\nZeno;;nobody;malo\n",
        encoding="utf-8",
    )
    with sales_page(browser, f"{site.address}#/contacts", storage_state=operator) as opened:
        page = opened.page
        page.get_by_label("Table of contacts").set_input_files(table)
        expect(opened.dialog).to_contain_text("Contacts added: 1")
        expect(opened.dialog).to_contain_text("Line 3: email: ")
        expect(opened.dialog).to_contain_text("humor")
        opened.button("Done").click()
        page.get_by_label("Search").fill("zapata")
        expect(opened.rows).to_have_count(1)
        with page.expect_download() as download:
            page.get_by_role("link", name="Export CSV").click()
        written = download.value.path().read_text(encoding="utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(written))
        assert (row["name"], row["company"]) == ("Zoe Zapata", "'=cmd()")
        page.get_by_label("Table of contacts").set_input_files(
            {"name": "x.csv", "mimeType": "text/csv", "buffer": b"colour\nred\n"}
        )
        expect(page.locator(".toast.wrong")).to_contain_text("'name'")


def test_a_visitor_of_another_site_is_served_and_seen(
    browser: Browser, site: Site, operator: Any, elsewhere: int
) -> None:
    with (
        shop(browser, site, SHOP.format(port=elsewhere)) as visited,
        sales_page(browser, site.address, storage_state=operator) as opened,
    ):
        page = opened.page
        widget = visited.open()
        expect(widget.answers.first).to_contain_text("I am Lucy")
        widget.say("My name is Ines Oro, ines@example.com")
        widget.say("I want a quote for 3 Pro plans")
        card = widget.frame.locator(".card.offer")
        expect(card).to_contain_text("€177.87")
        with visited.page.expect_download() as download:
            card.get_by_role("button").click()
        assert download.value.path().read_bytes().startswith(b"%PDF-")
        picture(visited.page, "sales-widget-in-a-shop")

        opened.go("conversations")
        opened.rows.filter(has_text="Ines Oro").get_by_role("link").click()
        conversation = page.locator(".conversation")
        expect(conversation.locator(".mark.intent")).to_have_text(["Own details", "Quote"])
        expect(conversation.locator(".tool summary")).to_contain_text(
            ["Noted the contact", "Made a quote"]
        )
        link = conversation.get_by_role("link", name="Open as PDF")
        answer = page.request.get(f"{site.address}{link.get_attribute('href')}")
        assert answer.body().startswith(b"%PDF-")

        opened.button("Take over").click()
        expect(conversation.locator(".mark.person")).to_have_text("A person answers")
        assert widget.frame.locator(".message.person").count() == 2
        widget.write("Is anybody there?")
        expect(conversation).to_contain_text("Is anybody there?")
        opened.ask("Eva here, **good** day.")
        reply = widget.answers.filter(has_text="Eva here")
        expect(reply.locator("strong")).to_have_text("good")
        expect(reply.locator("header")).to_have_text("Our team")
        picture(page, "sales-conversation")
        opened.button("Give back to the agent").click()
        expect(conversation.locator(".conversation-head .mark")).to_have_text("Agent answers")

        page.get_by_role("link", name="Contact", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Ines Oro")
        expect(page.get_by_label("E-mail")).to_have_value("ines@example.com")
        expect(page.get_by_role("link", name="€177.87")).to_be_visible()
        opened.go("")
        assert int(opened.tile("Quotes").inner_text()) >= 1
        assert int(opened.tile("Conversations").inner_text()) >= 1
        expect(page.locator(".bars th", has_text="Own details")).to_be_visible()
        chart = page.get_by_role("img", name="Messages of visitors")
        expect(chart.locator("rect").last).not_to_have_attribute("height", "0")


def test_a_site_that_is_not_named_cannot_show_the_widget(
    browser: Browser, site: Site, elsewhere: int
) -> None:
    with shop(browser, site, f"http://other.example:{elsewhere}/") as visited:
        with visited.page.expect_console_message(
            lambda line: "frame-ancestors" in line.text, timeout=WAIT_MS
        ):
            widget = visited.open()
        expect(widget.frame.locator(".composer")).to_have_count(0)


def test_visitors_see_each_their_own_and_have_a_cap(
    browser: Browser, site: Site, elsewhere: int
) -> None:
    address = SHOP.format(port=elsewhere)
    with shop(browser, site, address) as one, shop(browser, site, address) as other:
        first, second = one.open(), other.open()
        first.say("My name is Tomas Secreto")
        second.say("Hello")
        for _ in range(MESSAGES_A_DAY - 1):
            first.say("Thank you")
        first.write("One more")
        expect(first.frame.get_by_role("alert")).to_contain_text("today's limit of messages")
        second.say("What is my name?")
        assert "Tomas" not in second.frame.locator("body").inner_text()
        one.page.reload()
        one.page.add_script_tag(url=f"{site.address}widget.js")
        again = one.open()
        expect(again.frame.locator(".message.person")).to_have_count(MESSAGES_A_DAY)
        expect(again.frame.locator(".message.person").first).to_have_text(
            "My name is Tomas Secreto"
        )


def test_the_agent_is_tried_and_configured(browser: Browser, site: Site, operator: Any) -> None:
    with sales_page(browser, f"{site.address}#/sandbox", storage_state=operator) as opened:
        page = opened.page
        opened.ask("How much is the Pro plan?")
        expect(opened.answered().locator(".markdown")).to_contain_text("49")
        expect(opened.answers.locator(".tool summary")).to_contain_text("Looked up a product")
        banner = page.get_by_role("complementary", name="Health")
        expect(banner).to_contain_text("There is no key for dashscope/qwen-plus.")
        expect(banner).to_contain_text("Set DASHSCOPE_API_KEY")
        expect(banner).to_contain_text("understudy-extractive answers")
        opened.button("Begin anew").click()
        expect(opened.answers).to_have_count(0)

        opened.go("agent")
        temperature = page.get_by_label("Temperature")
        temperature.fill("hot")
        opened.button("Save").click()
        expect(page.get_by_text("Write a number from 0 to 2.")).to_be_visible()
        temperature.fill("0,7")
        opened.button("Save").click()
        expect(page.locator(".toast")).to_have_text("The configuration is saved.")
        page.reload()
        expect(temperature).to_have_value("0.7")
        opened.button("Back to the settings").click()
        expect(temperature).to_have_value("0.4")

        page.get_by_label("File", exact=True).select_option("texts.toml")
        content = page.get_by_label("Content of texts.toml")
        expect(content).to_have_value(re.compile("greeting"))
        content.fill("[nothing]")
        save = page.locator(".card", has=content).get_by_role("button", name="Save")
        save.click()
        expect(content).to_have_attribute("aria-invalid", "true")


@pytest.fixture(scope="module")
def furnished(browser: Browser, site: Site, operator: Any) -> None:
    """A contact with a task, and a visitor with a quote, for the pictures."""
    with browser.new_context(storage_state=operator) as profile:
        api = Api(profile.request, f"{site.address}api/")
        api.headers["X-CSRF-Token"] = api.ask("session", None)["csrf_token"]
        contact = api.ask("contacts", {"name": "Marta Gil", "company": "Librería Gil"})
        due = {"contact_id": contact["id"], "due_on": "2020-02-03", "task": "Call Marta"}
        api.ask("follow-ups", due)
        api.headers["X-Visitor-Token"] = api.ask("visitor/session", {"language": "es"})["token"]
        api.write("Quiero un presupuesto de 2 Plan Pro")


SHOWN = {
    "": ".tile",
    "contacts": ".rows li",
    "conversations": ".rows li",
    "followUps": ".tasks li",
    "sandbox": ".composer",
    "agent": ".form",
}
LOOKS = [
    (390, "light", "es-ES", "es"),
    (1280, "dark", "es-ES", "es"),
    (390, "dark", "en-GB", "en"),
    (1280, "light", "en-GB", "en"),
    (390, "light", "zh-CN", "zh"),
    (1280, "dark", "zh-CN", "zh"),
    (360, "light", "es-ES", "es"),
]


@pytest.mark.parametrize(("width", "scheme", "locale", "language"), LOOKS)
def test_every_page_fits_its_window(
    browser: Browser,
    site: Site,
    operator: Any,
    furnished: None,
    elsewhere: int,
    width: int,
    scheme: str,
    locale: str,
    language: str,
) -> None:
    name = f"{width}-{scheme}-{language}"
    look = {
        "viewport": {"width": width, "height": 800},
        "color_scheme": scheme,
        "locale": locale,
    }
    with sales_page(browser, site.address, storage_state=operator, **look) as opened:
        page = opened.page
        for place, shown in SHOWN.items():
            opened.go(place)
            page.locator(shown).first.wait_for()
            picture(page, f"sales-{place or 'dashboard'}-{name}")
            assert page.evaluate("document.documentElement.scrollWidth") == width, place
        opened.go("conversations")
        opened.rows.first.get_by_role("link").click()
        page.locator(".conversation .message").first.wait_for()
        picture(page, f"sales-conversation-{name}")
        opened.go("contacts")
        opened.rows.filter(has_text="Marta").first.get_by_role("link").click()
        page.locator(".stages li").first.wait_for()
        picture(page, f"sales-contact-{name}")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    with shop(browser, site, SHOP.format(port=elsewhere), **look) as visited:
        widget = visited.open()
        widget.say({"es": "¿Cuánto cuesta?", "en": "How much is it?", "zh": "多少钱？"}[language])
        picture(visited.page, f"sales-widget-{name}")
