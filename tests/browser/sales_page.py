"""The sales agent in a browser: its server, its operator's page, and visitors on other sites."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import IO, Any

from playwright.sync_api import (
    APIRequestContext,
    Browser,
    BrowserContext,
    Frame,
    Locator,
    Page,
    expect,
)
from tests.browser.first_page import SCREENS, FirstPage
from tests.cli.running import WAIT_S, Workplace
from tests.http.test_auth import make_key

OPERATOR = "eva"
PASSWORD = "correct horse"
MESSAGES_A_DAY = 5
WAIT_MS = 30_000


@dataclass(frozen=True)
class Site:
    """`understudy serve` with both applications; `token` is that of the first start."""

    root: str
    token: str

    @property
    def address(self) -> str:
        return f"{self.root}/sales/"


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """Serve with a key, so that pages of other sites may ask, and shop.example may show the widget.

    Both lines that a person needs are read from the log: the address, and the setup token.
    """
    workplace = Workplace(folder)
    with ThreadPoolExecutor(1) as thread:
        # The browser's driver has an event loop in this one.
        thread.submit(make_key, workplace.data_dir).result()
    workplace.environment = {
        "SALES_FRAME_ANCESTORS": "'self' http://shop.example:*",
        "SALES_DAILY_MESSAGES_PER_VISITOR": str(MESSAGES_A_DAY),
    }
    words = ("serve", "--port", "0", "--app", "negotiator", "--app", "sales")
    with workplace.start(*words) as process:
        assert process.stderr is not None
        lines: Queue[str] = Queue()
        reader = threading.Thread(target=_read, args=(process.stderr, lines))
        reader.start()
        try:
            base_url = _found(lines, r'base_url = "(\S+)/v1"')
            yield Site(base_url, _found(lines, r"setup token (\S+),"))
        finally:
            process.terminate()
            process.wait(WAIT_S)
            reader.join(WAIT_S)


def _read(stderr: IO[str], lines: Queue[str]) -> None:
    """Read to the end, as a full pipe would block the server; an empty line says that it ended."""
    for line in stderr:
        lines.put(line)
    lines.put("")


def _found(lines: Queue[str], pattern: str) -> str:
    said = ""
    while line := lines.get(timeout=WAIT_S):
        said += line
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"the server ended: {said}")


class Api:
    """The application's API, for what a test only needs to be there."""

    def __init__(self, client: APIRequestContext, root: str) -> None:
        self._client = client
        self._root = root
        self.headers: dict[str, str] = {}

    def ask(self, path: str, body: Any) -> Any:
        """Return the JSON of an answer; with a body it is a POST."""
        method = "GET" if body is None else "POST"
        answer = self._client.fetch(
            self._root + path, method=method, data=body, headers=self.headers
        )
        assert answer.ok, answer.text()
        return answer.json()

    def write(self, text: str) -> None:
        """Write as a visitor, and wait for the end of the answer."""
        address = f"{self._root}visitor/messages"
        answer = self._client.post(address, data={"text": text}, headers=self.headers)
        assert "event: done" in answer.text()


class SalesPage(FirstPage):
    """The operator's page, in the language of its browser."""

    def _heard(self, line: Any) -> None:
        # Browsers write every refusal to their console; what it means to the person is tested.
        if "responded with a status of 4" not in line.text:
            super()._heard(line)

    def go(self, place: str) -> None:
        """Go to `contacts`, `agent` and so on or, without a name, to the dashboard."""
        self.page.locator(f"nav a[href='#/{place}']").click()

    def enter(self, *values: str) -> None:
        """Fill in the form of the entrance and send it."""
        fields = self.page.locator(".entrance input")
        expect(fields).to_have_count(len(values))
        for field, value in zip(fields.all(), values, strict=True):
            field.fill(value)
        self.page.keyboard.press("Enter")

    def add_contact(self, name: str, company: str, **more: str) -> None:
        """Create a contact, which is shown then."""
        self.button("Add a contact").click()
        for label, value in {"Name": name, "Company": company, **more}.items():
            self.dialog.get_by_label(label, exact=True).fill(value)
        self.dialog.get_by_role("button", name="Save").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    @property
    def rows(self) -> Locator:
        """The rows of a list of contacts or conversations."""
        return self.page.locator(".rows li")

    def tile(self, name: str) -> Locator:
        """Return the number of the dashboard that is called so."""
        return self.page.locator(".tile", has_text=name).locator("strong")


@contextmanager
def sales_page(browser: Browser, address: str, **context: Any) -> Iterator[SalesPage]:
    """Open the operator's page in a profile of its own; nothing may have gone wrong in it."""
    with browser.new_context(**{"locale": "en-GB", **context}) as profile:
        profile.set_default_timeout(WAIT_MS)
        opened = SalesPage(profile.new_page(), address)
        yield opened
        assert opened.faults == []
        assert opened.foreign() == set()


class Shop:
    """A page of another site with the widget's script, in a profile of its own."""

    def __init__(self, profile: BrowserContext, site: Site, host: str) -> None:
        self.page: Page = profile.new_page()
        self.console: list[str] = []
        self.page.on("console", lambda line: self.console.append(line.text))
        self.page.goto(host)
        self.page.add_script_tag(url=f"{site.address}widget.js")

    def open(self) -> "Widget":
        """Open the chat with the keyboard: what the script adds cannot be seen from outside."""
        self.page.keyboard.press("Tab")
        self.page.keyboard.press("Enter")
        return Widget(self.page.frames[1])


class Widget:
    """The chat as a visitor sees it."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.answers = frame.locator(".message.model")

    def say(self, text: str) -> Locator:
        """Write a message and return its answer once it is whole."""
        expect(self.answers.first).to_be_visible()
        before = self.answers.count()
        self.write(text)
        expect(self.answers).to_have_count(before + 1)
        answer = self.answers.nth(before)
        expect(answer).to_have_attribute("aria-busy", "false")
        return answer

    def write(self, text: str) -> None:
        """Write a message, whatever comes of it."""
        writing = self.frame.locator(".composer textarea")
        writing.fill(text)
        writing.press("Enter")


@contextmanager
def shop(browser: Browser, site: Site, host: str, **context: Any) -> Iterator[Shop]:
    """Open a page of another site that has the script."""
    with browser.new_context(**{"locale": "en-GB", **context}) as profile:
        profile.set_default_timeout(WAIT_MS)
        yield Shop(profile, site, host)


def picture(page: Page, name: str) -> None:
    """Write a screenshot for people to look at."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")
