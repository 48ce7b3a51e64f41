"""The functions that the assistant may call for one person: words for the model, offers to open.

They propose; nothing here accepts. What is asked for wrongly is refused in words.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.languages import Language
from understudy_apps.negotiator import cases, chats, money, negotiation, offers, plans, spoken
from understudy_apps.negotiator.cases import Case
from understudy_apps.negotiator.chats import Chat
from understudy_apps.negotiator.documents import catalogue
from understudy_apps.negotiator.money import BadAmount
from understudy_apps.negotiator.offers import Kind, Offer, Terms
from understudy_apps.negotiator.plans import Refusal
from understudy_apps.negotiator.wording import say

Number = Annotated[Any, WithJsonSchema({"type": "number"})]
"""Told to the model as a number, taken as anything: what is none is refused in words."""
Whole = Annotated[Any, WithJsonSchema({"type": "integer"})]
Year = Annotated[Any, WithJsonSchema({"type": "string", "pattern": r"^\d{4}$"})]


@dataclass
class Functions:
    """The functions of one chat, and the offers that their calls opened.

    `file_ids` has the ids of the documents by name. The docstrings of the functions are what the
    model reads.
    """

    database: Database
    chat: Chat
    language: Language
    file_ids: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    opened: list[Offer] = field(default_factory=list)

    @property
    def all(self) -> list[Callable[..., Any]]:
        """Every function that the model may call."""
        return [
            self.set_debt_id,
            self.get_all_debts,
            self.manage_negotiation,
            self.calculate_payment_plan,
            self.propose_payment_plan,
            self.propose_partial_immediate_payment,
            self.identify_community_holidays_query,
            self.identify_arenas_holidays_query,
            self.identify_bus_schedule_query,
        ]

    async def set_debt_id(self, debt_id: Whole = None) -> str:
        """Choose the debt (deuda, 债务) to talk about; without a number, ask which one it is.

        Args:
            debt_id: Number of the debt
        """
        if debt_id is None:
            return await self._which_debt()
        try:
            wanted = money.whole_of(debt_id)
        except BadAmount:
            return self._say("unreadable_debt")
        async with self.database.write() as connection:
            case = await cases.find(connection, self.chat.user_id, wanted)
            if case is None:
                return self._say("unknown_debt", id=wanted)
            await chats.set_debt(connection, self.chat.id, wanted)
        return spoken.agreed(case, self.language) or spoken.about(case, self.language)

    async def get_all_debts(self) -> str:
        """Show the list of all debts, each with number, total and status."""
        return spoken.all_debts(await self._listed(), self.language)

    async def manage_negotiation(
        self, counteroffer: Number = None, request_immediate_payment_offer: bool = False
    ) -> str:
        """Answer a counteroffer of euros, tell the current offer, or give a better discount.

        For whoever wants to pay everything (oferta actual, pago inmediato, descuento si paga
        ahora; 目前报价).

        Args:
            counteroffer: Euros that the person offers to pay now, everything included
            request_immediate_payment_offer: Whether a better discount for paying now is wanted
        """
        try:
            offered = None if counteroffer is None else money.cents_of(counteroffer)
        except BadAmount as error:
            return self._say(error.fault)
        async with self.database.write() as connection:
            case = await self._case(connection)
            if isinstance(case, str):
                return case
            before = await cases.state_of(connection, case.debt_id)
            after, answer = negotiation.negotiate(
                before,
                case.total_cents,
                counteroffer_cents=offered,
                wants_immediate_payment=bool(request_immediate_payment_offer),
            )
            await cases.save(connection, case, before, after, self._now_s)
            await self._open(connection, case, "discount", offers.discount_terms(answer))
        return spoken.answer(case, answer, offered, self.language)

    async def calculate_payment_plan(
        self, proposed_maximum_period_months: Number = None, proposed_monthly_payment: Number = None
    ) -> str:
        """Calculate instalments for a number of months or a monthly payment of the person's own.

        Args:
            proposed_maximum_period_months: Number of months
            proposed_monthly_payment: Monthly payment
        """
        try:
            months = _months(proposed_maximum_period_months)
        except BadAmount:
            return self._say("bad_months")
        try:
            monthly = proposed_monthly_payment
            monthly_cents = None if monthly is None else money.cents_of(monthly)
        except BadAmount as error:
            return self._say(error.fault)
        async with self.database.write() as connection:
            case = await self._case(connection)
            if isinstance(case, str):
                return case
            plan = plans.judged_plan(case.debt, months=months, monthly_cents=monthly_cents)
            if isinstance(plan, Refusal):
                return spoken.refusal(case, plan, self.language)
            await self._open(connection, case, "plan", offers.plan_terms(plan))
        return spoken.plan(case, plan, self.language)

    async def propose_payment_plan(self) -> str:
        """Propose a payment plan (plan de pagos, 还款方案): the longest one, always accepted."""
        async with self.database.write() as connection:
            case = await self._case(connection)
            if isinstance(case, str):
                return case
            plan = plans.longest_plan(case.debt)
            await self._open(connection, case, "plan", offers.plan_terms(plan))
        return spoken.plan(case, plan, self.language)

    async def propose_partial_immediate_payment(
        self, immediate_payment_amount: Number = None
    ) -> str:
        """Propose a partial payment now (una parte ahora), the rest in instalments (el resto a
        plazos, 其余分期).

        Args:
            immediate_payment_amount: Amount to pay at once
        """
        if immediate_payment_amount is None:
            return self._say("partial_missing")
        try:
            immediate_cents = money.cents_of(immediate_payment_amount)
        except BadAmount as error:
            return self._say(error.fault)
        async with self.database.write() as connection:
            case = await self._case(connection)
            if isinstance(case, str):
                return case
            partial = plans.judged_partial_payment(case.total_cents, immediate_cents)
            if isinstance(partial, Refusal):
                return spoken.refusal(case, partial, self.language)
            terms = offers.partial_terms(case.total_cents, partial)
            await self._open(connection, case, "partial", terms)
        return spoken.partial(case, partial, self.language)

    def identify_arenas_holidays_query(self, year: Year = None) -> str:
        """Find the file with the opening days of the shopping centre Arenas (阿雷纳斯购物中心).

        Args:
            year: Year of the calendar
        """
        return self._calendar("arenas", year)

    def identify_community_holidays_query(self, year: Year = None) -> str:
        """Find the file with the holidays (días festivos, 节假日) of each region (自治区).

        Regions are, for example, Madrid (马德里) and Catalonia (Cataluña, 加泰罗尼亚).

        Args:
            year: Year of the calendar
        """
        return self._calendar("holidays", year)

    def identify_bus_schedule_query(self) -> str:
        """Find the file with the timetable of the bus: when it leaves.

        Asked as: a qué hora sale el autobús, 公交车几点出发.
        """
        return self._file(catalogue.BUS)

    # --- what they share ----------------------------------------------------------------------

    @property
    def _now_s(self) -> int:
        return int(self.clock())

    def _say(self, key: str, **values: object) -> str:
        return say(self.language, key, **values)

    async def _listed(self) -> list[Case]:
        async with self.database.read() as connection:
            return await cases.listed(connection, self.chat.user_id)

    async def _which_debt(self) -> str:
        return spoken.which_debt(await self._listed(), self.language)

    async def _case(self, connection: AsyncConnection) -> Case | str:
        """Return the debt of the chat, locked, or in words why it is not negotiated.

        Who has a single debt that is not agreed need not choose it.
        """
        found = await cases.listed(connection, self.chat.user_id)
        chosen = await chats.debt_of(connection, self.chat.id)
        possible = cases.negotiable(found)
        if chosen is None and len(possible) == 1:
            chosen = possible[0].debt_id
        case = None
        if chosen is not None:
            case = await cases.lock(connection, self.chat.user_id, chosen)
        if case is None:
            return spoken.which_debt(found, self.language)
        return spoken.agreed(case, self.language) or case

    async def _open(
        self, connection: AsyncConnection, case: Case, kind: Kind, terms: Terms
    ) -> None:
        self.opened.append(await offers.propose(connection, case, kind, terms, self._now_s))

    def _calendar(self, kind: Literal["arenas", "holidays"], year: Any) -> str:
        try:
            wanted = catalogue.DEFAULT_YEAR if year is None else money.whole_of(year)
        except BadAmount:
            return self._say("unreadable_year", year=catalogue.DEFAULT_YEAR)
        document = catalogue.of_year(kind, wanted)
        if document is None:
            years = ", ".join(map(str, sorted(catalogue.YEARS)))
            return self._say("no_year", year=wanted, years=years)
        return self._file(document)

    def _file(self, document: catalogue.Document) -> str:
        file_id = self.file_ids.get(document.name)
        if file_id is None:
            return self._say("no_file")
        return self._say("read_file", file_id=file_id, summary=document.summary(self.language))


def _months(given: Any) -> int | None:
    """Return a number of months rounded up to whole ones. Raises BadAmount."""
    if given is None:
        return None
    months = money.decimal_of(given)
    if months <= 0:
        raise BadAmount("not_positive")
    if months > money.LARGEST_CENTS:
        raise BadAmount("too_large")
    return math.ceil(months)
