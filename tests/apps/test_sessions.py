"""A session belongs to one user on one device, ends in time, and cannot be made up."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from starlette.requests import Request
from starlette.responses import Response

from understudy_apps.database import Database
from understudy_apps.errors import NotSignedIn
from understudy_apps.negotiator import tables
from understudy_apps.sessions import CookieRules, Sessions

pytestmark = pytest.mark.anyio
MIGRATIONS = Path(tables.__file__).parent / "migrations"
DAY_S = 86_400


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Device:
    """Keeps the cookies that it is given."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def request(self) -> Request:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
        return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})

    async def log_in(self, sessions: Sessions, user_id: int) -> None:
        response = Response()
        await sessions.open(self.request(), response, user_id)
        for header in response.headers.getlist("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value

    async def user(self, sessions: Sessions) -> int | None:
        session = await sessions.find(self.request())
        return session.user_id if session else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'users.db'}")
    await database.migrate(MIGRATIONS)
    async with database.write() as connection:
        for number in (1, 2):
            user = {column.name: str(number) for column in tables.users.c}
            await connection.execute(insert(tables.users).values(**{**user, "id": number}))
    yield database
    await database.close()


@pytest.fixture
def sessions(database: Database, clock: Clock) -> Sessions:
    cookies = CookieRules("app", lifetime_days=2)
    return Sessions(database, tables.sessions, cookies, clock=clock)


async def stored(database: Database) -> int:
    async with database.read() as connection:
        query = select(func.count()).select_from(tables.sessions)
        return int((await connection.execute(query)).scalar_one())


async def test_a_user_has_one_session_on_each_device(
    sessions: Sessions, database: Database
) -> None:
    laptop, telephone = Device(), Device()
    await laptop.log_in(sessions, 1)
    await telephone.log_in(sessions, 1)
    first = dict(laptop.cookies)
    del laptop.cookies["app"]  # What is left is the cookie that names the device.
    await laptop.log_in(sessions, 1)
    assert await stored(database) == 2
    assert [await device.user(sessions) for device in (laptop, telephone)] == [1, 1]
    laptop.cookies = first
    assert await laptop.user(sessions) is None


async def test_who_logs_in_on_a_device_replaces_who_was_there(sessions: Sessions) -> None:
    device = Device()
    await device.log_in(sessions, 1)
    of_first = dict(device.cookies)
    await device.log_in(sessions, 2)
    assert await device.user(sessions) == 2
    device.cookies = of_first
    assert await device.user(sessions) is None


async def test_a_session_ends_in_time_and_is_cleared_away(
    sessions: Sessions, database: Database, clock: Clock
) -> None:
    device = Device()
    await device.log_in(sessions, 1)
    clock.now_s += 2 * DAY_S - 1
    assert await device.user(sessions) == 1
    clock.now_s += 1
    assert await device.user(sessions) is None
    await Device().log_in(sessions, 2)
    assert await stored(database) == 1


async def test_made_up_tokens_and_no_cookies_are_nobody(sessions: Sessions) -> None:
    device = Device()
    with pytest.raises(NotSignedIn):
        await sessions.demand(device.request())
    device.cookies["app"] = "made-up"
    assert await device.user(sessions) is None


async def test_a_login_of_a_user_who_was_deleted_meanwhile_is_refused(sessions: Sessions) -> None:
    with pytest.raises(NotSignedIn, match="deleted"):
        await Device().log_in(sessions, 3)
