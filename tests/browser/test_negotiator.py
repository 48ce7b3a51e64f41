"""The negotiator in a browser, in one process with a server whose embedded model answers."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, expect
from tests.browser.negotiator_page import NegotiatorPage, negotiator_page
from tests.cli.running import Workplace

pytestmark = pytest.mark.xdist_group("negotiator")


class Site:
    """`understudy serve` with both applications, as a process that can be restarted."""

    def __init__(self, folder: Path) -> None:
        self._workplace = Workplace(folder)
        self._running = ExitStack()
        self._start("0")

    def _start(self, port: str) -> None:
        words = ("--app", "negotiator", "--app", "sales", "--port", port)
        base_url = self._running.enter_context(self._workplace.serving(*words))
        self.root = base_url.removesuffix("/v1")
        self.address = f"{self.root}/negotiator/"

    def restart(self) -> None:
        """Stop the process and start another at the same address."""
        self.stop()
        self._start(self.root.rpartition(":")[2])

    def stop(self) -> None:
        """Stop the process."""
        self._running.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site"))
    yield running
    running.stop()


@dataclass(frozen=True)
class Speech:
    """What somebody says in a language, and what they read there."""

    locale: str
    amount: str
    shown: str
    accept: str
    counteroffer: str
    prices: tuple[str, str]
    replaced: str
    yes: str
    accepted: str
    agreed: str
    bus: str
    leaves: str
    cited: str
    new_chat: str
    log_out: str


SPEECHES = {
    "es": Speech(
        locale="es-ES",
        amount="1.000,50",
        shown="1.000,50 €",
        accept="Aceptar esta oferta",
        counteroffer="ofrezco 500 euros",
        prices=("900,00 €", "850,00 €"),
        replaced="Ya no está en pie",
        yes="Sí, acepto",
        accepted="Aceptada",
        agreed="con acuerdo",
        bus="¿A qué hora sale el primer autobús los domingos?",
        leaves="8:00",
        cited="[1] bus-es.pdf, página 3",
        new_chat="Chat nuevo",
        log_out="Salir",
    ),
    "en": Speech(
        locale="en-GB",
        amount="1,000.50",
        shown="€1,000.50",
        accept="Accept this offer",
        counteroffer="I offer 500 euros",
        prices=("€900.00", "€850.00"),
        replaced="No longer stands",
        yes="Yes, I accept",
        accepted="Accepted",
        agreed="agreed",
        bus="When does the first bus leave on Sundays?",
        leaves="8:00",
        cited="[1] bus-en.pdf, page 3",
        new_chat="New chat",
        log_out="Log out",
    ),
    "zh": Speech(
        locale="zh-CN",
        amount="1000.5",
        shown="€1,000.50",
        accept="接受此报价",
        counteroffer="我出价500欧元",
        prices=("€900.00", "€850.00"),
        replaced="已失效",
        yes="是，我接受",
        accepted="已接受",
        agreed="已有协议",
        bus="星期日首班公交车几点出发？",
        leaves="8:00",
        cited="bus-zh.pdf, 第 3 页",
        new_chat="新对话",
        log_out="退出登录",
    ),
}
Scheme = Literal["light", "dark"]
LOOKS: dict[str, tuple[tuple[int, Scheme], ...]] = {
    "es": ((390, "light"), (1280, "dark")),
    "en": ((360, "dark"), (1280, "light")),
    "zh": ((390, "dark"), (1280, "light")),
}


def look(opened: NegotiatorPage, language: str, name: str) -> None:
    """Take pictures for people to look at; nothing may be wider than the window."""
    for width, scheme in LOOKS[language]:
        opened.page.set_viewport_size({"width": width, "height": 820})
        opened.page.emulate_media(color_scheme=scheme)
        assert opened.fits()
        opened.picture(f"negotiator-{language}-{width}-{scheme}-{name}")


@pytest.mark.parametrize("language", SPEECHES)
def test_from_registration_to_an_agreement(browser: Browser, site: Site, language: str) -> None:
    speech = SPEECHES[language]
    with negotiator_page(browser, site.address, speech.locale) as opened:
        look(opened, language, "entrance")
        opened.register()
        opened.add_debt(speech.amount, "24")
        expect(opened.debts).to_contain_text(speech.shown)
        look(opened, language, "debts")
        opened.debts.locator(".button.main").click()
        expect(opened.answered(2)).to_contain_text(speech.shown)
        for price in speech.prices:
            expect(opened.say(speech.counteroffer)).to_contain_text(price)
        expect(opened.offers).to_have_count(1)
        expect(opened.page.locator(".replaced")).to_contain_text(speech.replaced)
        agree(opened, speech)
        look(opened, language, "agreed")
        opened.page.locator(".accepted a").click()
        expect(opened.page.locator("main .card")).to_contain_text(speech.prices[1])
        look(opened, language, "receipt")
        opened.go("debts")
        expect(opened.debts).to_contain_text(speech.agreed)
        opened.go("")
        read_the_timetable(opened, speech)
        look(opened, language, "timetable")
        opened.button(speech.new_chat).click()
        expect(opened.answers).to_have_count(1)
        opened.button(speech.log_out).click()
        opened.page.locator(".entrance").wait_for()
        assert speech.shown not in opened.page.content()


def agree(opened: NegotiatorPage, speech: Speech) -> None:
    """Accept the offer that stands, after having thought better of it once."""
    opened.button(speech.accept).click()
    expect(opened.dialog).to_contain_text(speech.prices[1])
    opened.page.keyboard.press("Escape")
    expect(opened.dialog).to_be_hidden()
    expect(opened.button(speech.accept)).to_be_focused()
    opened.page.keyboard.press("Enter")
    opened.button(speech.yes).click()
    expect(opened.offers).to_contain_text(speech.accepted)
    expect(opened.page.locator(".accepted a")).to_be_focused()


def read_the_timetable(opened: NegotiatorPage, speech: Speech) -> None:
    """Ask for the bus and open the page that the answer is from."""
    expect(opened.say(speech.bus)).to_contain_text(speech.leaves)
    link = opened.page.locator(".sources a", has_text=speech.cited)
    assert str(link.get_attribute("href")).endswith("#page=3")
    with opened.page.expect_popup() as popup:
        link.click()
    assert popup.value.url == link.get_attribute("href")
    assert popup.value.evaluate("document.contentType") == "application/pdf"
    popup.value.close()  # a page behind another is slow


def test_a_plan_shows_every_payment(browser: Browser, site: Site) -> None:
    with negotiator_page(browser, site.address, "en-GB") as opened:
        opened.register()
        opened.add_debt("1000", "12")
        expect(opened.debts).to_have_count(1)
        opened.go("")
        opened.say("I pay 600 euros now and the rest later")
        opened.offers.locator("summary").click()
        payments = amounts(opened.offers.locator("tbody td"))
        assert (len(payments), payments[0]) == (9, Decimal(600))
        assert f"€{sum(payments)}" in opened.offers.locator(".amount").inner_text()
        opened.button("Accept this offer").click()
        opened.button("Yes, I accept").click()
        opened.page.locator(".accepted a").click()
        assert amounts(opened.page.locator("main .card tbody td")) == payments


def amounts(cells: Locator) -> list[Decimal]:
    """Return the amounts in cells, once there are any to be seen."""
    expect(cells.last).to_be_visible()
    return [Decimal(text.removeprefix("€")) for text in cells.all_inner_texts()]


def test_two_people_at_once_see_only_their_own(browser: Browser, site: Site) -> None:
    with ExitStack() as stack:
        ana = stack.enter_context(negotiator_page(browser, site.address))
        luis = stack.enter_context(negotiator_page(browser, site.address))
        ana.register(name="Ana")
        luis.register(name="Luis")
        ana.add_debt("1111", "10")
        luis.add_debt("2222", "20")
        for opened, own in ((ana, "1.111,00 €"), (luis, "2.222,00 €")):
            expect(opened.debts).to_have_count(1)
            expect(opened.debts).to_contain_text(own)
            opened.go("")
            opened.page.locator(".suggestions").wait_for()
        # Both ask before either is answered.
        ana.ask("¿Cuál es la oferta actual?")
        luis.ask("¿Cuál es la oferta actual?")
        expect(ana.answered(2)).to_contain_text("1.055,00 €")
        expect(luis.answered(2)).to_contain_text("2.110,00 €")
        agree(ana, replace(SPEECHES["es"], prices=("", "1.055,00 €")))
        ana.page.locator(".accepted a").click()
        expect(ana.page.locator("main .card")).to_contain_text("1.055,00 €")
        luis.page.goto(ana.page.url)
        expect(luis.page.get_by_role("alert")).to_be_visible()
        luis.go("")
        luis.page.reload()
        expect(luis.answered(2)).to_contain_text("2.110,00 €")
        for opened, strange in ((ana, ("Luis", "2.222")), (luis, ("Ana", "1.111", "1.055"))):
            text = opened.page.locator("body").inner_text()
            assert not [word for word in strange if word in text]


def test_a_restart_does_not_end_a_negotiation(browser: Browser, site: Site) -> None:
    with negotiator_page(browser, site.address) as opened:
        opened.register()
        opened.add_debt("1000", "12")
        expect(opened.debts).to_have_count(1)
        opened.go("")
        expect(opened.say("ofrezco 500 euros")).to_contain_text("900,00 €")
        site.restart()
        # The page that stayed open goes on, and one that is opened now knows what was said.
        expect(opened.say("ofrezco 500 euros")).to_contain_text("850,00 €")
        opened.page.reload()
        expect(opened.answered(3)).to_contain_text("850,00 €")
        expect(opened.offers).to_have_count(1)
        expect(opened.say("ofrezco 500 euros")).to_contain_text("800,00 €")
        opened.button("Aceptar esta oferta").click()
        opened.button("Sí, acepto").click()
        expect(opened.page.locator(".accepted")).to_be_visible()


def test_what_is_refused_is_told_beside_its_field(browser: Browser, site: Site) -> None:
    with negotiator_page(browser, site.address) as opened:
        told = opened.page.locator(".told.wrong")
        email = opened.register()
        opened.add_debt("mucho", "12")
        expect(told).to_have_text("Escriba un importe en cifras, por ejemplo 1.234,56.")
        opened.write_debt("0", "12")
        expect(told).to_have_text("El importe debe ser mayor que cero.")
        expect(opened.dialog.locator("input").nth(0)).to_be_focused()
        opened.write_debt("12.5", "0")
        expect(told).to_have_text("Escriba un número entero de meses, de 1 a 600.")
        expect(opened.dialog.locator("input").nth(1)).to_be_focused()
        opened.page.keyboard.press("Escape")
        expect(opened.debts).to_have_count(0)
        opened.button("Salir").click()
        opened.log_in(email, "wrong horse")
        expect(opened.page.get_by_role("alert")).to_have_text(
            "El correo o la contraseña no son correctos."
        )
        opened.page.get_by_role("tab", name="Crear cuenta").click()
        opened.fill_in({"email": email, "telephone": "+34 699 999 999"})
        expect(told).to_have_text("Ya hay una cuenta con este correo.")
        field = opened.page.get_by_label("Correo electrónico")
        expect(field).to_be_focused()
        expect(field).to_have_accessible_description("Ya hay una cuenta con este correo.")


def test_a_debt_is_edited_and_deleted(browser: Browser, site: Site) -> None:
    with negotiator_page(browser, site.address, "en-GB") as opened:
        opened.register()
        opened.add_debt("1,000", "12")
        expect(opened.debts).to_contain_text("€1,000.00")
        opened.button("Edit").click()
        opened.write_debt("2,345.60", "6")
        expect(opened.debts).to_contain_text("€2,345.60")
        expect(opened.debts).to_contain_text("€390.93")
        opened.debts.get_by_role("button", name="Delete").click()
        opened.dialog.get_by_role("button", name="Delete").click()
        expect(opened.debts).to_have_count(0)


def test_a_key_of_ones_own_is_stored_shown_masked_and_removed(browser: Browser, site: Site) -> None:
    with negotiator_page(browser, site.address, "en-GB") as opened:
        opened.register()
        opened.go("account")
        field = opened.page.get_by_label("API key", exact=True)
        field.fill("no key at all")
        opened.button("Save").click()
        expect(field).to_have_accessible_description("The model's server refuses this key.")
        field.fill("sk-of-my-own-1234")
        opened.button("Save").click()
        expect(field).to_have_accessible_description("In use: sk-…1234")
        assert "sk-of-my-own" not in opened.page.content()
        opened.go("")
        expect(opened.say("What are my debts?")).to_contain_text("no debts")
        opened.go("account")
        opened.button("Remove the key").click()
        expect(opened.button("Remove the key")).to_be_hidden()


def test_language_changes_and_the_account_is_left(browser: Browser, site: Site) -> None:
    with negotiator_page(browser, site.address, "fr-FR") as opened:
        assert opened.page.locator("html").get_attribute("lang") == "es"
        email = opened.register()
        opened.go("")
        expect(opened.answers).to_contain_text("Hola, Ana")
        opened.page.get_by_label("Idioma").select_option("zh")
        expect(opened.answers).to_contain_text("您好，Ana")
        opened.go("account")
        opened.button("删除账户").click()
        opened.dialog.get_by_role("button", name="删除账户").click()
        expect(opened.dialog).to_contain_text("已删除的债务：0")
        opened.button("关闭").first.click()
        opened.log_in(email)
        expect(opened.page.get_by_role("alert")).to_have_text("电子邮箱或密码不正确。")


def test_a_session_that_ended_elsewhere_is_told(browser: Browser, site: Site) -> None:
    with negotiator_page(browser, site.address, "en-GB") as opened:
        email = opened.register()
        opened.go("")
        opened.page.locator(".suggestions").wait_for()
        elsewhere = opened.page.context.new_page()
        elsewhere.goto(site.address)
        elsewhere.get_by_role("button", name="Log out").click()
        elsewhere.locator(".entrance").wait_for()
        opened.ask("What are my debts?")
        expect(opened.page.get_by_role("alert")).to_contain_text("Your session has ended")
        opened.log_in(email)
        opened.page.locator(".suggestions").wait_for()
