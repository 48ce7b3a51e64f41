"""Passwords, sealed secrets and limits: what keeps others out."""

import os
import stat
from pathlib import Path

import pytest

from understudy_apps.errors import CannotStart, TooManyAttempts
from understudy_apps.passwords import hash_password, is_right
from understudy_apps.rate_limit import RateLimit, address_key
from understudy_apps.sealing import CannotOpen, Sealer


@pytest.mark.anyio
async def test_a_password_is_right_in_any_spelling_of_its_characters() -> None:
    stored = await hash_password("contraseña")
    assert stored.startswith("$argon2id$") and "contraseña" not in stored
    assert stored != await hash_password("contraseña")
    assert await is_right(stored, "contrasen\u0303a")
    assert not await is_right(stored, "contrasena")


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", "nobody has this password"])
async def test_no_password_opens_an_account_that_does_not_exist(text: str) -> None:
    assert not await is_right(None, text)


def test_what_is_sealed_opens_again_with_the_same_file(tmp_path: Path) -> None:
    key_file = tmp_path / "new" / "app.key"
    sealed = Sealer(key_file).seal("sk-señal")
    assert "sk" not in sealed and sealed.isascii()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert os.listdir(key_file.parent) == ["app.key"]
    assert Sealer(key_file).open_(sealed) == "sk-señal"


def test_a_key_file_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    key_file = tmp_path / "app.key"
    Sealer(key_file).load()
    key_file.chmod(0o644)
    Sealer(key_file).load()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_another_key_and_a_damaged_key_are_told_apart(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "one.key").seal("secret")
    with pytest.raises(CannotOpen):
        Sealer(tmp_path / "two.key").open_(sealed)
    (tmp_path / "one.key").write_text("not a key")
    with pytest.raises(CannotStart, match=r"one\.key"):
        Sealer(tmp_path / "one.key").load()


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_attempts_are_limited_by_key_and_allowed_again_in_time() -> None:
    clock = Clock()
    limit = RateLimit(2, 60, clock=clock)
    limit.take("ana")
    clock.now_s = 10.5
    limit.take("ana")
    with pytest.raises(TooManyAttempts) as refused:
        limit.take("ana")
    assert refused.value.retry_after_s == 50
    limit.take("eva")
    clock.now_s = 60
    limit.take("ana")
    with pytest.raises(TooManyAttempts):
        limit.take("ana")


def test_attempts_that_succeed_are_given_back_or_forgotten() -> None:
    limit = RateLimit(2, 60, clock=Clock())
    for _ in range(5):
        limit.take("ana")
        limit.give_back("ana")
    limit.take("ana")
    limit.take("ana")
    limit.forget("ana")
    limit.take("ana")


def test_a_crowd_of_keys_does_not_fill_the_memory() -> None:
    limit = RateLimit(1, 60, clock=Clock())
    limit.take("first")
    for number in range(10_000):
        limit.take(str(number))
    limit.take("first")
    with pytest.raises(TooManyAttempts):
        limit.take("9999")


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_addresses_of_one_subscriber_are_one_key(host: str | None, key: str) -> None:
    assert address_key(host) == key
