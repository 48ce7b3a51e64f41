"""The first page in a browser: what a person does there, and what must never happen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page

_WAIT_MS = 15_000
SCREENS = Path(__file__).parents[2] / ".cache" / "screens"


class FirstPage:
    """A page that was opened, and everything that went wrong in it."""

    def __init__(self, page: Page, root: str) -> None:
        self.page = page
        self.root = root
        self.faults: list[str] = []
        self._requested: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._heard)
        page.on("request", lambda request: self._requested.append(request.url))
        page.goto(root)
        self.writing = page.locator(".composer textarea")
        self.answers = page.locator(".message.model")

    def _heard(self, line: Any) -> None:
        if line.type in ("error", "warning"):
            self.faults.append(line.text)

    def ask(self, text: str) -> None:
        """Write a message and send it."""
        self.writing.fill(text)
        self.writing.press("Enter")

    def answered(self, count: int = 1) -> Locator:
        """Wait for the end of an answer and return it."""
        self.page.locator(".message.model[aria-busy=false]").nth(count - 1).wait_for()
        return self.answers.nth(count - 1)

    def choose_model(self, name: str) -> None:
        """Choose a model, once the page knows that there is one of the name."""
        self.page.locator(".model-choice").select_option(name)

    def button(self, name: str) -> Locator:
        """Return the button that is called so."""
        return self.page.get_by_role("button", name=name, exact=True)

    def foreign(self) -> set[str]:
        """Return the hosts, other than the server's own, that the page asked for anything."""
        own = urlsplit(self.root).netloc
        return {urlsplit(url).netloc for url in self._requested} - {own, ""}

    def picture(self, name: str) -> None:
        """Write a screenshot for people to look at."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png")


@contextmanager
def first_page(browser: Browser, root: str, **context: Any) -> Iterator[FirstPage]:
    """Open the page in a profile of its own; afterwards nothing may have gone wrong in it."""
    with browser.new_context(**{"locale": "en-GB", **context}) as profile:
        profile.set_default_timeout(_WAIT_MS)
        opened = FirstPage(profile.new_page(), root)
        yield opened
        assert opened.faults == []
        assert opened.foreign() == set()
