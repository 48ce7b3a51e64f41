"""People's accounts: registered, recognised, changed and erased. Knows nothing of HTTP.

What identifies a person is compared in one normal form, so that nobody registers twice by accident.
"""

import re
import time
import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import BadRequest, Conflict, NotFound, NotSignedIn
from understudy_apps.languages import Language
from understudy_apps.negotiator.tables import agreements, chats, debts, users
from understudy_apps.passwords import hash_password, is_right

MINIMUM_PASSWORD = 8
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@(?P<domain>[^\s@]{1,253})")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PUNCTUATION = re.compile(r"[\s().\-/]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Registration:
    """What a person gives to register, in normal form."""

    name: str
    surname: str
    email: str
    telephone: str
    password: str
    language: Language


@dataclass(frozen=True, slots=True)
class Account:
    """A registered person."""

    id: int
    name: str
    surname: str
    email: str
    telephone: str
    language: Language
    api_key_hint: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done with the data of a person who left.

    `threads` are (owner, thread id) of conversations that the model's server still has.
    """

    debts_erased: int
    receipts_kept: list[int]
    threads: list[tuple[str, str]]


def normal_name(text: str, field: str) -> str:
    """Return a name without outer or doubled blanks. Raises BadRequest."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name.isprintable() or not any(character.isalnum() for character in name):
        raise BadRequest(f"{field}: a name has visible letters.", "invalid_name", field)
    return name


def normal_email(text: str) -> str:
    """Return an address as it is compared: lower case, its domain in ASCII. Raises BadRequest."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    found = _EMAIL.fullmatch(email)
    domain = _ascii_domain(found["domain"]) if found else None
    local = email.partition("@")[0]
    if domain is None or not local.isprintable() or ".." in f".{local}.":
        raise BadRequest(
            "email: an e-mail address looks like ana@example.com.", "invalid_email", "email"
        )
    return f"{local}@{domain}"


def _ascii_domain(text: str) -> str | None:
    try:
        domain = text.encode("idna").decode()
    except UnicodeError:
        return None
    labels = domain.split(".")
    is_valid = len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)
    return domain if is_valid and not labels[-1].isdecimal() else None


def normal_telephone(text: str, country_code: str) -> str:
    """Return a number in E.164, one without a country being of `country_code`.

    Raises BadRequest.
    """
    digits = _PUNCTUATION.sub("", text)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if not digits.startswith("+"):
        digits = f"+{country_code}{digits}"
    if not _E164.fullmatch(digits):
        raise BadRequest(
            "telephone: a number looks like +34 600 000 000, with 7 to 15 digits.",
            "invalid_telephone",
            "telephone",
        )
    return digits


def check_password(password: str, email: str) -> None:
    """Raise BadRequest for a password that is short, blank or the e-mail address."""
    if len(password) < MINIMUM_PASSWORD:
        raise BadRequest(
            f"password: it needs {MINIMUM_PASSWORD} characters or more.",
            "password_too_short",
            "password",
        )
    if password.strip().lower() in ("", email, email.partition("@")[0]):
        raise BadRequest(
            "password: it must be neither blank nor the e-mail address.",
            "password_too_easy",
            "password",
        )


async def register(database: Database, person: Registration) -> Account:
    """Store a new account. Raises Conflict when its e-mail or telephone is another's."""
    row = {
        "name": person.name,
        "surname": person.surname,
        "email": person.email,
        "telephone": person.telephone,
        "language": person.language,
        "password_hash": await hash_password(person.password),
        "created_at": int(time.time()),
    }
    try:
        async with database.write() as connection:
            await _check_is_free(connection, person)
            stored = await connection.execute(insert(users).values(row).returning(*users.c))
            return _account(stored.one())
    except IntegrityError as error:
        # On PostgreSQL somebody else can register between the check and the insertion.
        async with database.read() as connection:
            await _check_is_free(connection, person)
        raise Conflict("The account exists already.", "account_exists") from error


async def _check_is_free(connection: AsyncConnection, person: Registration) -> None:
    same = or_(users.c.email == person.email, users.c.telephone == person.telephone)
    taken = (await connection.execute(select(users.c.email).where(same))).scalars().all()
    if person.email in taken:
        raise Conflict("An account with this e-mail exists already.", "email_taken", "email")
    if taken:
        raise Conflict(
            "An account with this telephone exists already.", "telephone_taken", "telephone"
        )


def login_email(text: str) -> str | None:
    """Return the normal form of what somebody logs in with, None for what no account has."""
    try:
        return normal_email(text)
    except BadRequest:
        return None


async def authenticate(database: Database, email: str | None, password: str) -> Account:
    """Return the account of a `login_email` and its password.

    Raises NotSignedIn, as late and in the same words for an unknown address as for a wrong
    password.
    """
    row = None
    if email is not None:
        query = select(users).where(users.c.email == email)
        async with database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
    if not await is_right(row.password_hash if row else None, password) or row is None:
        raise NotSignedIn("E-mail or password is wrong.", "wrong_login")
    return _account(row)


async def account_of(database: Database, user_id: int) -> Account:
    """Return an account. Raises NotFound."""
    async with database.read() as connection:
        row = (await connection.execute(select(users).where(_is(user_id)))).one_or_none()
    return _found(row)


async def set_language(database: Database, user_id: int, language: Language) -> Account:
    """Change the language that the assistant speaks with a person. Raises NotFound."""
    statement = update(users).where(_is(user_id)).values(language=language).returning(*users.c)
    async with database.write() as connection:
        row = (await connection.execute(statement)).one_or_none()
    return _found(row)


async def erase(database: Database, user_id: int) -> Erasure:
    """Erase a person: account, sessions, chats, debts and offers.

    Debts with an agreement and the receipts stay, without a link to the person, since the other
    side of a contract must be able to prove it.
    """
    own = debts.c.user_id == user_id
    agreed = exists().where(agreements.c.debt_id == debts.c.id)
    async with database.write() as connection:
        await connection.execute(select(debts.c.id).where(own).with_for_update())
        # Nothing is made for the person from here on.
        await connection.execute(select(users.c.id).where(_is(user_id)).with_for_update())
        erased = await connection.execute(
            delete(debts).where(own, ~agreed).returning(debts.c.deleted_at)
        )
        receipts = select(agreements.c.id).where(agreements.c.user_id == user_id)
        threads = select(chats.c.owner, chats.c.thread_id).where(chats.c.user_id == user_id)
        erasure = Erasure(
            debts_erased=sum(row.deleted_at is None for row in erased),
            receipts_kept=list((await connection.execute(receipts)).scalars()),
            threads=[(row.owner, row.thread_id) for row in await connection.execute(threads)],
        )
        # The database's references do the rest: see tables.
        await connection.execute(delete(users).where(_is(user_id)))
    return erasure


def _is(user_id: int) -> ColumnElement[bool]:
    return users.c.id == user_id


def _found(row: Row[Any] | None) -> Account:
    if row is None:
        raise NotFound("The account does not exist any more.", "not_found")
    return _account(row)


def _account(row: Row[Any]) -> Account:
    columns = row._mapping
    return Account(**{name: columns[name] for name in Account.__slots__})
