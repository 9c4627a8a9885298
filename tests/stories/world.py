"""A small world in memory that carries plans out, so that a life of 150 days takes milliseconds.

Mails are accepted, calls are made by staff (or not), approvals are given (or not); the
history that decide() reads tomorrow is made of what happened today.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from arfollow.shared.workdays import Calendar
from dunning.policy import (
    Channel,
    Contact,
    ContactFacts,
    CreditFacts,
    CustomerFacts,
    Decision,
    DoneStep,
    HoldFacts,
    Interval,
    ItemFacts,
    ItemKey,
    Kind,
    Part,
    Plan,
    PlannedAttempt,
    Policy,
    PromiseFacts,
    Reason,
    Result,
    Settings,
    State,
    TaskDraft,
    Tone,
    decide,
)

ONE_DAY = timedelta(days=1)
BY_VOICE = (Channel.CALL, Channel.VISIT)


def day(text: str) -> date:
    """A date from ISO text."""
    return date.fromisoformat(text)


def days_from(first: str, last: str) -> Iterator[date]:
    """Every day from the first up to and including the last."""
    current, end = day(first), day(last)
    while current <= end:
        yield current
        current += ONE_DAY


def contact(*, email: bool = True, phone: bool = True, role: str = "payables") -> ContactFacts:
    """One person at the customer."""
    return ContactFacts(1, frozenset({role}), may_email=email, may_call=phone)


@dataclass
class Bill:
    """One open item that payments and disputes may change."""

    key: ItemKey
    issued: date
    due: date
    open: Decimal
    currency: str = "USD"
    disputed: Decimal = Decimal("0.00")
    dispute_open: bool = False
    settled_dispute_on: date | None = None
    stops: list[Interval] = field(default_factory=list)
    start_step: str = ""
    policy: Policy | None = None
    skipped_since: date | None = None


@dataclass
class Made:
    """One attempt, and what became of it."""

    number: int
    plan: PlannedAttempt
    on: date
    state: State
    done_on: date | None = None
    delivered_on: date | None = None
    result: Result = Result.NONE
    skip: Reason | None = None

    @property
    def tone(self) -> Tone:
        return self.plan.tone

    @property
    def channel(self) -> Channel:
        return self.plan.channel


@dataclass
class World:
    """One customer and our house. ``staff`` is "calls", "never" or "unanswered"."""

    policy: Policy
    country: str = "US"
    staff: str = "calls"
    approves: bool = True
    mails_leave: bool = True
    contacts: tuple[ContactFacts, ...] = (contact(),)
    postal: bool = True
    settings: Settings = field(default_factory=Settings)
    quiet: tuple[Interval, ...] = ()
    bills: dict[ItemKey, Bill] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    skips: list[tuple[date, ItemKey, DoneStep]] = field(default_factory=list)
    plans: list[tuple[date, Plan]] = field(default_factory=list)
    tasks: list[tuple[date, TaskDraft]] = field(default_factory=list)
    holds: list[HoldFacts] = field(default_factory=list)
    promises: list[PromiseFacts] = field(default_factory=list)
    credits: list[CreditFacts] = field(default_factory=list)
    inbound: list[date] = field(default_factory=list)
    unread: int = 0
    paid_on: date | None = None
    extra: dict[str, object] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def calendar(self) -> Calendar:
        quiet = tuple((start, end or date.max) for start, end in self.quiet)
        return Calendar(self.country, quiet=quiet)

    # --- what people do -----------------------------------------------------------------

    def invoice(
        self,
        issued: str,
        due: str = "",
        amount: str = "1000.00",
        currency: str = "USD",
        **more: object,
    ) -> ItemKey:
        """A new invoice; due on receipt where no due date is given."""
        key = ItemKey(next(self.numbers))
        bill = Bill(key, day(issued), day(due or issued), Decimal(amount), currency)
        self.bills[key] = replace(bill, **more)  # type: ignore[arg-type]
        return key

    def pay(self, key: ItemKey, on: str, amount: str = "") -> None:
        """A payment posted and allocated to one item."""
        bill = self.bills[key]
        bill.open -= Decimal(amount) if amount else bill.open
        self.paid_on = day(on)

    def dispute(self, key: ItemKey, on: str, amount: str = "") -> None:
        """A dispute of the item, or of a part of it; the clock stops for a whole one."""
        bill = self.bills[key]
        bill.disputed = Decimal(amount) if amount else bill.open
        bill.dispute_open = True
        if bill.disputed == bill.open:
            bill.stops.append(Interval(day(on), None))

    def settle(self, key: ItemKey, on: str) -> None:
        """The dispute is rejected: everything is owed again."""
        bill = self.bills[key]
        bill.disputed, bill.dispute_open, bill.settled_dispute_on = Decimal("0.00"), False, day(on)
        bill.stops = [Interval(start, end or day(on)) for start, end in bill.stops]

    def promise(self, on: str, due: str, *keys: ItemKey, in_row: int = 1) -> None:
        """A promise for some items, or for the whole account."""
        number = len(self.promises) + 1
        self.promises.append(
            PromiseFacts(number, day(on), day(due), items=frozenset(keys), in_row=in_row)
        )

    # --- a day --------------------------------------------------------------------------

    def facts(self, today: date) -> CustomerFacts:
        """What decide() may know this morning."""
        rows = self._rows()
        items = tuple(self._item(bill, rows.get(bill.key, ())) for bill in self.bills.values())
        base = CustomerFacts(
            customer_id=1,
            number="C1",
            calendar=self.calendar,
            items=tuple(item for item in items if item.issue_date <= today),
            country=self.country,
            contacts=self.contacts,
            postal_ok=self.postal,
            history=tuple(self._history()),
            holds=tuple(self.holds),
            promises=tuple(self._promise(promise) for promise in self.promises),
            credits=tuple(self.credits),
            quiet=self.quiet,
            last_payment_on=self.paid_on,
            unread_replies=self.unread,
            settings=self.settings,
        )
        return replace(base, **self.extra)  # type: ignore[arg-type]

    def run(self, today: date) -> Plan:
        """Plan the day and carry it out."""
        plan = decide(self.policy, self.facts(today), today)
        self.plans.append((today, plan))
        self.tasks += [(today, task) for task in plan.tasks]
        for skip in plan.skips:
            self._record(skip.attempt_id, skip.key, today, skip)
        for attempt in plan.attempts:
            self._start(attempt, today)
        self.work(today)
        return plan

    def live(self, first: str, last: str) -> None:
        """Run every day from the first to the last."""
        for today in days_from(first, last):
            self.run(today)

    def work(self, today: date) -> None:
        """What leaves and what staff do on this day."""
        for attempt in self.made:
            if attempt.state is State.HELD and self.approves:
                attempt.state = State.PLANNED
            if attempt.state is State.PLANNED:
                self._carry_out(attempt, today)

    def _start(self, attempt: PlannedAttempt, today: date) -> None:
        state = State.HELD if attempt.needs_approval else State.PLANNED
        self.made.append(Made(len(self.made) + 1, attempt, today, state))

    def _carry_out(self, attempt: Made, today: date) -> None:
        if attempt.channel in BY_VOICE:
            if self.staff == "calls":
                self._sent(attempt, today, Result.RIGHT_PARTY)
            elif self.staff == "unanswered":
                self._sent(attempt, today, Result.NO_CONTACT)
        elif self.mails_leave or attempt.channel is not Channel.EMAIL:
            letter = attempt.channel is Channel.LETTER
            self._sent(attempt, today, Result.DELIVERED if letter else Result.ACCEPTED)
            attempt.delivered_on = today + 3 * ONE_DAY if letter else None

    def _sent(self, attempt: Made, today: date, result: Result) -> None:
        attempt.state, attempt.done_on, attempt.result = State.SENT, today, result

    def _record(self, attempt_id: int, key: ItemKey, today: date, skip: object) -> None:
        if attempt_id:
            attempt = self.made[attempt_id - 1]
            attempt.state, attempt.skip = State.SKIPPED, Reason.NOT_MADE
            return
        row = DoneStep(
            step_key=skip.step_key,  # type: ignore[attr-defined]
            action_key=skip.action_key,  # type: ignore[attr-defined]
            channel=skip.channel,  # type: ignore[attr-defined]
            state=State.SKIPPED,
            on=today,
            repeat=skip.repeat,  # type: ignore[attr-defined]
            cycle=skip.cycle,  # type: ignore[attr-defined]
            skip=skip.reason,  # type: ignore[attr-defined]
            offset=skip.offset,  # type: ignore[attr-defined]
        )
        self.skips.append((today, key, row))

    # --- the facts of tomorrow ----------------------------------------------------------

    def _item(self, bill: Bill, rows: Iterable[DoneStep]) -> ItemFacts:
        return ItemFacts(
            key=bill.key,
            number=f"INV-{bill.key.invoice_id}",
            issue_date=bill.issued,
            due_date=bill.due,
            currency=bill.currency,
            open=bill.open,
            disputed=bill.disputed,
            dispute_open=bill.dispute_open,
            dispute_settled_on=bill.settled_dispute_on,
            history=tuple(rows),
            start_step=bill.start_step,
            clock_stops=tuple(bill.stops),
            skipped_since=bill.skipped_since,
            policy=bill.policy,
        )

    def _rows(self) -> dict[ItemKey, list[DoneStep]]:
        rows: dict[ItemKey, list[DoneStep]] = {}
        for attempt in self.made:
            for line in attempt.plan.lines:
                listed = line.part is Part.PLEASE_PAY or line.completes or line.step_key
                if line.key is not None and listed:
                    rows.setdefault(line.key, []).append(_row(attempt, line))
        for _, key, row in self.skips:
            rows.setdefault(key, []).append(row)
        return rows

    def _history(self) -> Iterator[Contact]:
        for attempt in self.made:
            lead = attempt.plan.lead
            yield Contact(
                on=attempt.done_on or attempt.on,
                channel=attempt.channel,
                tone=attempt.tone,
                lead=lead,
                kind=attempt.plan.kind,
                result=attempt.result,
                state=attempt.state,
                lead_due=self.bills[lead].due if lead else None,
            )
        for on in self.inbound:
            yield Contact(on, Channel.EMAIL, Tone.INTERNAL, kind=Kind.INBOUND)

    def _promise(self, promise: PromiseFacts) -> PromiseFacts:
        follow = next((m for m in self.made if m.plan.promise_id == promise.promise_id), None)
        if follow is None:
            return promise
        return replace(
            promise,
            followed_up=follow.state in (State.SENT, State.SKIPPED),
            follow_up_open_since=follow.on,
            follow_up_attempt_id=follow.number,
        )

    # --- what tests ask -----------------------------------------------------------------

    def dates(self, *channels: Channel, kind: Kind = Kind.LADDER) -> list[date]:
        """Days on which an attempt was made on these channels (all, where none is named)."""
        found = {
            m.on
            for m in self.made
            if m.plan.kind is kind and (not channels or m.channel in channels)
        }
        return sorted(found)

    def sent(self, channel: Channel, kind: Kind | None = None) -> list[Made]:
        """Attempts of a channel that left or were made."""
        return [
            m
            for m in self.made
            if m.channel is channel
            and m.state is State.SENT
            and (kind is None or m.plan.kind is kind)
        ]

    def said(self, today: str, key: ItemKey) -> Decision:
        """The decision for an item on a day."""
        plan = next(plan for on, plan in reversed(self.plans) if on == day(today))
        return next(decision for decision in plan.decisions if decision.key == key)

    def skipped(self, key: ItemKey) -> dict[str, Reason]:
        """Records of an item: step and action with the reason."""
        own = {
            f"{row.step_key}/{row.action_key}": row.skip
            for _, found, row in self.skips
            if found == key and row.skip is not None
        }
        lapsed = {
            f"{line.step_key}/{line.action_key}": made.skip
            for made in self.made
            if made.skip is not None
            for line in made.plan.lines
            if line.key == key and line.completes
        }
        return own | lapsed


def _row(attempt: Made, line: object) -> DoneStep:
    return DoneStep(
        step_key=line.step_key,  # type: ignore[attr-defined]
        action_key=line.action_key,  # type: ignore[attr-defined]
        channel=attempt.channel,
        state=attempt.state,
        on=attempt.on,
        repeat=line.repeat,  # type: ignore[attr-defined]
        cycle=line.cycle,  # type: ignore[attr-defined]
        done_on=attempt.done_on,
        delivered_on=attempt.delivered_on,
        skip=attempt.skip,
        tone=attempt.tone,
        pay_by=line.pay_by,  # type: ignore[attr-defined]
        result=attempt.result,
        completes=line.completes,  # type: ignore[attr-defined]
        taken=line.taken,  # type: ignore[attr-defined]
        offset=line.offset,  # type: ignore[attr-defined]
        kind=attempt.plan.kind,
        attempt_id=attempt.number,
    )
