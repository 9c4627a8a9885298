"""The rows of one customer put together as CustomerFacts."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from customers.models import Customer
from dunning.facts.ground import Ground
from dunning.facts.history import contact, contact_elsewhere, done_step, inbound_contact, person
from dunning.facts.rows import Row, Rows
from dunning.facts.start import start_step
from dunning.models import AttemptKind, AttemptState, HoldReason, PlanStatus, PromiseStatus
from dunning.policy import (
    Contact,
    CreditFacts,
    CustomerFacts,
    HoldFacts,
    Interval,
    ItemFacts,
    ItemKey,
    PlanFacts,
    Policy,
    PromiseFacts,
)
from invoices.models import DisputeStatus

ONE_DAY = timedelta(days=1)
ZERO = Decimal("0.00")
FOLLOWED = (AttemptState.SENT, AttemptState.SKIPPED)
WAITING = (AttemptState.PLANNED, AttemptState.HELD)


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that was read for a page of customers, by customer or by its own key."""

    today: date
    ground: Ground
    contacts: Rows
    postal: set[int]
    placed: set[int]
    invoices: Rows
    instalments: Rows
    disputes: Rows
    holds: Rows
    promises: Rows
    promise_items: Rows
    plans: Rows
    missed: dict[int, date]
    credit_notes: Rows
    unapplied: Rows
    newest_payment: dict[int, date]
    lately_paid: Rows
    contact_history: Rows
    item_history: Rows
    inbound: Rows
    same_mailbox: dict[str, list[Row]]
    policy_of_customer: dict[int, int]
    policy_of_invoice: dict[int, int]
    tags: dict[int, list[int]]
    follow_ups: Rows


@dataclass(frozen=True, slots=True)
class Case:
    """One customer: the facts, the policy, and what writing the plan needs beside them."""

    customer: Customer
    facts: CustomerFacts
    policy: Policy | None
    version_id: int | None
    item_versions: dict[ItemKey, int]
    people: list[Row]
    follow_ups: dict[ItemKey, Row]

    @property
    def addresses(self) -> list[str]:
        """E-mail addresses of this customer, for limits that hold per address."""
        return [row["email"].lower() for row in self.people if row["email"]]

    def version_of(self, key: ItemKey | None) -> int | None:
        """The policy version an item follows."""
        return self.item_versions.get(key, self.version_id) if key else self.version_id


class Build:
    """Puts one customer's facts together from a page."""

    def __init__(self, page: Page, customer: Customer) -> None:
        self.page, self.customer, self.pk = page, customer, customer.pk
        self.ground, self.today = page.ground, page.today
        self.holds = page.holds.get(self.pk, [])
        self.promises = page.promises.get(self.pk, [])
        self.plans = page.plans.get(self.pk, [])
        self.follow_ups = {
            ItemKey(row["invoice_id"], row["instalment_no"]): row
            for row in page.follow_ups.get(self.pk, [])
        }
        self.paid_lately = _earliest_by_due(page.lately_paid.get(self.pk, []))

    def case(self) -> Case:
        """The finished case."""
        version = self._version(self._own_policy(), None)
        policy = self.ground.policies.get(version) if version else None
        items, versions = self._items(version)
        return Case(
            customer=self.customer,
            facts=self._facts(items),
            policy=policy,
            version_id=version,
            item_versions=versions,
            people=self.page.contacts.get(self.pk, []),
            follow_ups=self.follow_ups,
        )

    # --- which policy ---------------------------------------------------------------------

    def _own_policy(self) -> int | None:
        """Customer before tag before default (the invoice's own comes before them all)."""
        own = self.page.policy_of_customer.get(self.pk)
        if own is not None:
            return own
        for tag in self.page.tags.get(self.pk, []):
            if tag in self.ground.tag_policies:
                return self.ground.tag_policies[tag]
        return self.ground.default_policy

    def _version(self, policy_id: int | None, follow_up: Row | None) -> int | None:
        """The version in use: a running case keeps its own while it follows that policy (L27)."""
        current = self.ground.current.get(policy_id) if policy_id is not None else None
        pinned = follow_up["policy_version_id"] if follow_up else None
        if current is None or pinned is None or not follow_up or not follow_up["last_step"]:
            return current
        same = self.ground.policies[pinned].name == self.ground.policies[current].name
        return pinned if same else current

    # --- the items --------------------------------------------------------------------------

    def _items(self, version: int | None) -> tuple[tuple[ItemFacts, ...], dict[ItemKey, int]]:
        stops = self._stops_by_invoice()
        items: list[ItemFacts] = []
        versions: dict[ItemKey, int] = {}
        for row in self.page.invoices.get(self.pk, []):
            for item in self._of_invoice(row, stops):
                own = self._item_version(item.key, version)
                if own is not None and own != version:
                    versions[item.key] = own
                items.append(self._with_policy(item, own, version, row))
        return tuple(items), versions

    def _item_version(self, key: ItemKey, version: int | None) -> int | None:
        policy_id = self.page.policy_of_invoice.get(key.invoice_id, self._own_policy())
        return self._version(policy_id, self.follow_ups.get(key)) or version

    def _with_policy(
        self, item: ItemFacts, own: int | None, version: int | None, row: Row
    ) -> ItemFacts:
        if own == version and not row["chased_to"]:
            return item
        policy = self.ground.policies.get(own) if own else None
        start = start_step(policy, row["chased_to"]) if policy else ""
        return replace(
            item,
            policy=policy if own != version else None,
            start_step=start,
            chased_on=row["chased_on"],
        )

    def _of_invoice(self, row: Row, stops: dict[int, list[Interval]]) -> Iterator[ItemFacts]:
        parts = self.page.instalments.get(row["id"], [])
        if not parts:
            yield self._item(
                row, 0, row["due_date"], row["open_amount"], row["disputed_amount"], stops
            )
            return
        left = row["disputed_amount"]
        for part in parts:
            disputed = min(left, part["open_amount"])
            left -= disputed
            number, due = part["number"], part["due_date"]
            yield self._item(row, number, due, part["open_amount"], disputed, stops)

    def _item(
        self,
        row: Row,
        number: int,
        due: date,
        amount: Decimal,
        disputed: Decimal,
        stops: dict[int, list[Interval]],
    ) -> ItemFacts:
        key = ItemKey(row["id"], number)
        history = self.page.item_history.get(key.invoice_id, [])
        disputes = self.page.disputes.get(key.invoice_id, [])
        resolved = [d["resolved_on"] for d in disputes if d["resolved_on"] is not None]
        follow_up = self.follow_ups.get(key)
        return ItemFacts(
            key=key,
            number=f"{row['number']}/{number}" if number else row["number"],
            issue_date=row["issue_date"],
            due_date=due,
            currency=row["currency"],
            open=amount,
            disputed=disputed,
            dispute_open=disputed > 0 or any(d["status"] == DisputeStatus.OPEN for d in disputes),
            dispute_settled_on=max(resolved, default=None),
            history=tuple(done_step(h) for h in history if h["instalment_no"] == number),
            cycle=follow_up["cycle"] if follow_up else 1,
            clock_stops=tuple(stops.get(key.invoice_id, ())) + tuple(_disputed_days(row, disputes)),
            skipped_since=_skipped_since(due, self.paid_lately),
        )

    def _stops_by_invoice(self) -> dict[int, list[Interval]]:
        """Kept promises, plans and holds on our side: days that never escalate (rule 1)."""
        stops: dict[int, list[Interval]] = {}
        for invoice_id, interval in (*self._held_days(), *self._kept_days()):
            stops.setdefault(invoice_id, []).append(interval)
        return stops

    def _held_days(self) -> Iterator[tuple[int, Interval]]:
        everyone = [row["id"] for row in self.page.invoices.get(self.pk, [])]
        for hold in self.holds:
            if hold["stops_clock"]:
                end = min(hold["ends_on"], hold["released_on"] or hold["ends_on"])
                for invoice_id in [hold["invoice_id"]] if hold["invoice_id"] else everyone:
                    yield invoice_id, Interval(hold["starts_on"], end)

    def _kept_days(self) -> Iterator[tuple[int, Interval]]:
        for promise in self.promises:
            if promise["status"] == PromiseStatus.KEPT:
                for row in self.page.promise_items.get(promise["id"], []):
                    yield row["invoice_id"], Interval(promise["made_on"], promise["settled_on"])
        for plan in self.plans:
            if plan["agreed_on"] is not None and plan["invoices"] is not None:
                yield plan["invoices"], Interval(plan["agreed_on"], plan["ended_on"])

    # --- the customer -----------------------------------------------------------------------

    def _facts(self, items: tuple[ItemFacts, ...]) -> CustomerFacts:
        customer, page = self.customer, self.page
        quiet = self._quiet()
        return CustomerFacts(
            customer_id=self.pk,
            number=customer.number,
            calendar=self.ground.calendar(customer.country, customer.region, quiet),
            items=items,
            country=customer.country,
            language=customer.language,
            legal_type=customer.legal_type,
            contacts=tuple(person(row) for row in page.contacts.get(self.pk, [])),
            postal_ok=self.pk in page.postal,
            history=tuple(self._history()),
            holds=tuple(self._holds()),
            promises=tuple(self._promises()),
            plans=tuple(self._plans(items)),
            credits=tuple(self._credits()),
            quiet=self.ground.quiet + quiet,
            last_payment_on=page.newest_payment.get(self.pk),
            unread_replies=sum(1 for r in page.inbound.get(self.pk, []) if r["read_at"] is None),
            legal_stop=customer.legal_stop,
            placed=self.pk in page.placed,
            direct_debit_until=customer.direct_debit_until,
            opted_out_soft=customer.opted_out_soft,
            cannot_pay_reason=customer.cannot_pay_reason,
            settings=self.ground.settings,
        )

    def _quiet(self) -> tuple[Interval, ...]:
        return tuple(
            Interval(hold["starts_on"], hold["ends_on"])
            for hold in self.holds
            if hold["reason"] == HoldReason.QUIET
            and hold["invoice_id"] is None
            and hold["released_on"] is None
        )

    def _history(self) -> Iterator[Contact]:
        for row in self.page.contact_history.get(self.pk, []):
            yield contact(row)
        for row in self.page.inbound.get(self.pk, []):
            yield inbound_contact(row, self.ground.zone)
        for address in {row["email"].lower() for row in self.page.contacts.get(self.pk, [])}:
            for row in self.page.same_mailbox.get(address, []):
                if row["customer_id"] != self.pk:
                    yield contact_elsewhere(row)

    def _holds(self) -> Iterator[HoldFacts]:
        """Holds that may still run; a released one ended the day before its release."""
        for hold in self.holds:
            released = hold["released_on"]
            until = hold["ends_on"] if released is None else released - ONE_DAY
            if until < self.today or hold["reason"] == HoldReason.QUIET:
                continue
            invoice_id = hold["invoice_id"]
            keys = frozenset({ItemKey(invoice_id, hold["instalment_no"])} if invoice_id else ())
            yield HoldFacts(hold["reason"], hold["starts_on"], until, hold["stops_clock"], keys)

    def _promises(self) -> Iterator[PromiseFacts]:
        calls = self._follow_up_calls()
        in_row = 0
        for row in self.promises:
            in_row += 1
            call = calls.get(row["id"])
            yield PromiseFacts(
                promise_id=row["id"],
                made_on=row["made_on"],
                due_on=row["due_on"],
                amount=row["amount"],
                state=row["status"],
                items=frozenset(
                    ItemKey(item["invoice_id"], item["instalment_no"])
                    for item in self.page.promise_items.get(row["id"], [])
                ),
                in_row=in_row,
                followed_up=call is not None and call["state"] in FOLLOWED,
                follow_up_open_since=call["local_date"] if call else None,
                follow_up_attempt_id=call["id"] if call else 0,
            )
            in_row = 0 if row["status"] == PromiseStatus.KEPT else in_row

    def _follow_up_calls(self) -> dict[int, Row]:
        """The newest call about each promise that was made, recorded or still waits."""
        return {
            row["promise_id"]: row
            for row in self.page.contact_history.get(self.pk, [])
            if row["promise_id"] is not None
            and row["channel"] == "call"
            and row["kind"] in (AttemptKind.PROMISE_FOLLOW_UP, AttemptKind.LADDER)
            and row["state"] in (*FOLLOWED, *WAITING)
        }

    def _plans(self, items: tuple[ItemFacts, ...]) -> Iterator[PlanFacts]:
        covered: dict[int, set[int]] = {}
        for row in self.plans:
            if row["status"] == PlanStatus.ACTIVE:
                covered.setdefault(row["id"], set()).add(row["invoices"])
        for plan_id, invoices in covered.items():
            keys = frozenset(item.key for item in items if item.key.invoice_id in invoices)
            if keys:
                yield PlanFacts("active", keys, self.page.missed.get(plan_id))

    def _credits(self) -> Iterator[CreditFacts]:
        for row in self.page.credit_notes.get(self.pk, []):
            yield CreditFacts(row["unapplied_amount"], row["currency"], row["number"])
        for row in self.page.unapplied.get(self.pk, []):
            label = f"Payment of {row['received_on']:%Y-%m-%d}"
            yield CreditFacts(row["unapplied_amount"], row["currency"], label)


def _disputed_days(invoice: Row, disputes: Iterable[Row]) -> Iterator[Interval]:
    """Days on which the whole of it was in dispute; a part leaves the rest on its ladder."""
    for dispute in disputes:
        if dispute["amount"] >= invoice["open_amount"]:
            yield Interval(dispute["raised_on"], dispute["resolved_on"])


def _earliest_by_due(rows: Iterable[Row]) -> list[tuple[date, date]]:
    """For each due date paid lately, the first day on which it or a later one was paid."""
    result: list[tuple[date, date]] = []
    earliest: date | None = None
    for row in sorted(rows, key=lambda row: row["due"], reverse=True):
        paid_on = row["effective_on"]
        earliest = paid_on if earliest is None else min(earliest, paid_on)
        result.append((row["due"], earliest))
    return result[::-1]


def _skipped_since(due: date, paid: list[tuple[date, date]]) -> date | None:
    """When a newer item was paid while this one stayed open."""
    place = bisect_right(paid, due, key=lambda pair: pair[0])
    return paid[place][1] if place < len(paid) else None
