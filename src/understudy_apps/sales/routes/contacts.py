"""`contacts`: the people and companies that the team talks to, as JSON and as CSV."""

from datetime import date, datetime
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from understudy_apps.errors import BadRequest
from understudy_apps.languages import Language
from understudy_apps.sales import csv_files, quote_files
from understudy_apps.sales.contacts import ContactFilter
from understudy_apps.sales.dependencies import Operator, Parts, Services
from understudy_apps.sales.pipeline import Stage
from understudy_apps.sales.shapes import (
    Channel,
    ContactChanges,
    ContactFields,
    Id,
    Interest,
    Position,
)

router = APIRouter(tags=["contacts"])


class StageChange(BaseModel):
    """When a contact came into a stage."""

    stage: Stage
    changed_at: datetime


class Contact(BaseModel):
    """A person or company."""

    id: int
    name: str
    company: str
    channel: Channel
    interest: Interest
    email: str
    phone: str
    notes: str
    language: Language
    stage: Stage
    created_at: datetime
    updated_at: datetime


class ContactDetails(Contact):
    """A contact with the stages that it came through, the first one first."""

    stages: list[StageChange]


class ContactPage(BaseModel):
    """Some contacts; `total` counts all that were asked for."""

    contacts: list[Contact]
    total: int


class BadLine(BaseModel):
    """A line of a file that was left out."""

    line: int
    reason: str


class ImportReport(BaseModel):
    """What an import did."""

    imported: int
    bad_lines: list[BadLine]
    ignored_columns: list[str]


class Quote(BaseModel):
    """A quote that the agent made; `GET quotes/{id}` is its PDF."""

    id: int
    customer: str
    currency: str
    total_cents: int
    valid_until: date
    created_at: datetime


def _wanted(
    search: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
    stage: Stage | None = None,
    channel: Channel | None = None,
    interest: Interest | None = None,
) -> ContactFilter:
    return ContactFilter(search, stage, channel, interest)


Wanted = Annotated[ContactFilter, Depends(_wanted)]


@router.get("/contacts")
async def list_contacts(
    _session: Operator,
    parts: Parts,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Position = 0,
) -> ContactPage:
    """List contacts, those changed last first."""
    rows, total = await parts.records.contacts.page(wanted, limit=limit, offset=offset)
    return ContactPage(contacts=[Contact(**row) for row in rows], total=total)


@router.post("/contacts", status_code=201)
async def create_contact(body: ContactFields, _session: Operator, parts: Parts) -> Contact:
    """Create a contact."""
    return Contact(**await parts.records.contacts.create(body))


@router.get("/contacts.csv")
async def export_contacts(_session: Operator, parts: Parts, wanted: Wanted) -> Response:
    """Export contacts for a spreadsheet; cells that it would take for formulas are quoted."""
    rows = await parts.records.contacts.every(wanted)
    content = await anyio.to_thread.run_sync(csv_files.written, rows)
    headers = {"content-disposition": 'attachment; filename="contacts.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/contacts.csv")
async def import_contacts(request: Request, _session: Operator, parts: Parts) -> ImportReport:
    """Import contacts from a CSV file, which is the body; lines that are wrong are told."""
    content = await request.body()
    try:
        found = await anyio.to_thread.run_sync(csv_files.read, content)
    except csv_files.CsvFault as fault:
        raise BadRequest(str(fault), "unreadable_file") from fault
    return ImportReport(
        imported=await parts.records.contacts.create_many(found.contacts),
        bad_lines=[BadLine(line=bad.line, reason=bad.reason) for bad in found.bad_lines],
        ignored_columns=found.ignored_columns,
    )


@router.get("/contacts/{contact_id}")
async def get_contact(contact_id: Id, _session: Operator, parts: Parts) -> ContactDetails:
    """Return a contact."""
    return await _details(parts, contact_id)


@router.patch("/contacts/{contact_id}")
async def change_contact(
    contact_id: Id, body: ContactChanges, _session: Operator, parts: Parts
) -> ContactDetails:
    """Change fields of a contact, its stage among them."""
    await parts.records.contacts.change(contact_id, body)
    return await _details(parts, contact_id)


@router.delete("/contacts/{contact_id}", status_code=204)
async def delete_contact(contact_id: Id, _session: Operator, parts: Parts) -> None:
    """Erase a contact with its conversations, follow-ups and quotes."""
    await parts.records.contacts.delete(contact_id)


@router.get("/contacts/{contact_id}/quotes")
async def list_quotes(contact_id: Id, _session: Operator, parts: Parts) -> list[Quote]:
    """List the quotes of a contact, latest first."""
    rows = await parts.records.quotes.of_contact(contact_id)
    return [Quote.model_validate(row) for row in rows]


@router.get("/quotes/{quote_id}")
async def get_quote(quote_id: Id, _session: Operator, parts: Parts) -> Response:
    """Return a quote as PDF."""
    return await quote_answer(parts, await parts.records.quotes.get(quote_id))


async def quote_answer(parts: Services, row: dict[str, Any]) -> Response:
    """Return the answer that carries a quote's PDF."""
    company = parts.knowledge.current().catalogue.company.name
    content = await quote_files.pdf_of(row, company)
    headers = {"content-disposition": f'inline; filename="{quote_files.name_of(row)}"'}
    return Response(content, media_type="application/pdf", headers=headers)


async def _details(parts: Services, contact_id: int) -> ContactDetails:
    return ContactDetails(**await parts.records.contacts.get(contact_id))
