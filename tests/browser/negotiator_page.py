"""The negotiator in a browser: what a person does on its page."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Locator, expect
from tests.browser.first_page import FirstPage

PASSWORD = "correct horse"
_NUMBERS = itertools.count(1)
_WAIT_MS = 30_000


class NegotiatorPage(FirstPage):
    """The page, in the language of its browser."""

    def _heard(self, line: Any) -> None:
        # Browsers write every refusal to their console; what it means to the person is tested.
        if "responded with a status of 4" not in line.text:
            super()._heard(line)

    def register(self, **given: str) -> str:
        """Register somebody whom nobody else is, and return their e-mail."""
        number = next(_NUMBERS)
        email = f"ana{number}@example.com"
        self.page.get_by_role("tab").nth(1).click()
        self.fill_in({"email": email, "telephone": f"+34 600 {number:06}", **given})
        self.page.locator(".debts").wait_for()
        return email

    def fill_in(self, given: dict[str, str]) -> None:
        """Fill in the registration, with what is not given as anybody would, and send it."""
        person = {"name": "Ana", "surname": "Ruiz", "password": PASSWORD, **given}
        fields = ("name", "surname", "email", "telephone", "password")
        for field, name in zip(self.page.locator("form input").all(), fields, strict=True):
            field.fill(person[name])
        self.page.keyboard.press("Enter")

    def log_in(self, email: str, password: str = PASSWORD) -> None:
        """Log in."""
        self.page.locator("input[autocomplete=username]").fill(email)
        self.page.locator("input[autocomplete=current-password]").fill(password)
        self.page.keyboard.press("Enter")

    def go(self, place: str) -> None:
        """Go to `debts`, `account` or, without a name, to the chat."""
        self.page.locator(f"nav a[href='#/{place}']").click()

    def add_debt(self, total: str, months: str) -> None:
        """Write a debt down and send it."""
        self.page.locator(".titled button").click()
        self.write_debt(total, months)

    def write_debt(self, total: str, months: str) -> None:
        """Fill in the dialog of a debt and send it."""
        fields = self.dialog.locator("input")
        fields.nth(0).fill(total)
        fields.nth(1).fill(months)
        self.page.keyboard.press("Enter")

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    @property
    def debts(self) -> Locator:
        """The cards of the debts."""
        return self.page.locator(".debts .card")

    @property
    def offers(self) -> Locator:
        """The cards of offers that can be, or were, accepted."""
        return self.page.locator(".card.offer")

    def say(self, text: str) -> Locator:
        """Say something and return the answer once it is whole."""
        self.answers.first.wait_for()
        before = self.answers.count()
        self.ask(text)
        expect(self.answers).to_have_count(before + 1)
        return self.answered(before + 1)

    def fits(self) -> bool:
        """Tell whether nothing of the page is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth === innerWidth"))


@contextmanager
def negotiator_page(
    browser: Browser, address: str, locale: str = "es-ES", **context: Any
) -> Iterator[NegotiatorPage]:
    """Open the page in a profile of its own; afterwards nothing may have gone wrong in it."""
    # Without motion, a picture shows what a person sees in the end.
    given = {"locale": locale, "reduced_motion": "reduce", **context}
    with browser.new_context(**given) as profile:
        profile.set_default_timeout(_WAIT_MS)
        opened = NegotiatorPage(profile.new_page(), address)
        opened.page.locator("h1").wait_for()
        yield opened
        assert opened.faults == []
        assert opened.foreign() == set()
