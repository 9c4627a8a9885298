"""What else may come between the plan and the wire: credit notes, merges, new addresses, plans,
agencies, write-offs (F-41), and what a reversed payment brings back (F-42).

`test_last_look_everywhere.py` has payments, disputes, promises, holds and the brakes.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.core import mail

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, Actor, actor_of
from arfollow.shared.models import EventData
from customers.models import Contact, Customer
from customers.services import save_contact_state, update_customer
from dunning import outcomes, runs
from dunning.dispatch import sender
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, ContactAttempt, HoldReason
from dunning.outcomes import HoldInput
from dunning.outcomes.merging import merge
from invoices.models import Invoice, Payment
from invoices.services import reverse_payment, write_off
from tests import make, outbox
from tests.dunning.test_last_look_everywhere import (
    AFTER,
    MOMENTS,
    WAYS,
    around,
    hold,
    once,
    promise,
)
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]

CANCELLED, PLANNED, SENT = AttemptState.CANCELLED, AttemptState.PLANNED, AttemptState.SENT
NEW = "new.payables@example.test"
type World = tuple[Customer, Invoice, Actor]


@pytest.fixture
def world() -> World:
    outbox.company()
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(20), number="INV-1")
    return customer, invoice, actor_of(make.user("manager"))


def credit_note(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    make.credit_note(customer, "400.00", TODAY, invoice=invoice)


def written_off(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    write_off(invoice.pk, Decimal("400.00"), on=TODAY, reason="bad debt", actor=boss)


def debit(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    update_customer(customer.pk, {"direct_debit_until": TODAY + timedelta(days=5)}, actor=boss)


def agreed_plan(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    items = outcomes.open_items(customer.pk)
    plan = outcomes.draft_plan(customer, items, actor=boss, today=TODAY)
    outcomes.agree_plan(plan.pk, on=TODAY, actor=boss)


def part_credited(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    make.credit_note(customer, "150.00", TODAY, invoice=invoice)


def part_disputed(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    make.dispute(invoice, "150.00", on=TODAY)


def new_address(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    person = Contact.objects.get(customer=customer)
    save_contact_state(person, {"email": NEW}, actor=boss, why="they said so")


def person_left(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    person = Contact.objects.get(customer=customer)
    save_contact_state(person, {"active": False}, actor=boss, why="left the firm")


def later_due(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    """A corrected invoice, as an import brings it."""
    later = TODAY + timedelta(days=10)
    Invoice.objects.filter(pk=invoice.pk).update(due_date=later, next_due_date=later)


def quiet_days(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    wanted = HoldInput(HoldReason.QUIET, TODAY + timedelta(days=5))
    outcomes.add_hold(customer.pk, wanted, actor=boss, today=TODAY)


type Act = Callable[[Customer, Invoice, Actor], None]
STOPS: dict[str, tuple[Act, str]] = {
    "credit note": (credit_note, "paid"),
    "write-off": (written_off, "paid"),
    "direct debit": (debit, "direct_debit"),
    "plan agreed": (agreed_plan, "plan"),
    "person left": (person_left, "no_recipient"),
    "later due date": (later_due, "not_due"),
}
SHRINKS: dict[str, tuple[Act, str]] = {
    "part credited": (part_credited, "250.00"),
    "part disputed": (part_disputed, "250.00"),
    "new address": (new_address, "400.00"),
}
GATES = [("before the lock", "beat"), ("rendered", "batch"),
         ("rendered", "approval"), ("rendered", "button")]  # fmt: skip


def after(
    world: World, act: Act, moment: str, way: str, patch: pytest.MonkeyPatch
) -> ContactAttempt:
    """The message after the act came at that moment, and it was tried to send it in that way."""
    plan, send = WAYS[way]
    attempt = plan(*world)
    MOMENTS[moment](patch, once(lambda: act(*world)))
    send()
    assert audit(AFTER) == []
    return outbox.again(attempt)


@pytest.mark.parametrize(("moment", "way"), GATES)
@pytest.mark.parametrize("what", STOPS)
def test_f41_what_ends_the_claim_on_them_stops_the_message(
    what: str, moment: str, way: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, reason = STOPS[what]
    row = after(world, act, moment, way, monkeypatch)
    assert mail.outbox == []
    assert row.state == CANCELLED
    assert row.reason in (reason, "sent_again")  # why the button made it stays on the row
    assert row.reason_text


@pytest.mark.parametrize("moment", MOMENTS)
def test_f41_quiet_days_of_theirs_move_the_message_behind_them(
    moment: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = after(world, quiet_days, moment, "beat", monkeypatch)
    assert (row.state, mail.outbox) == (PLANNED, [])
    assert row.local_date == TODAY + timedelta(days=7)


@pytest.mark.parametrize(("moment", "way"), GATES)
@pytest.mark.parametrize("what", SHRINKS)
def test_f41_what_changes_it_is_in_the_message_that_leaves(
    what: str, moment: str, way: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, asked = SHRINKS[what]
    row = after(world, act, moment, way, monkeypatch)
    assert row.state == SENT
    [message] = mail.outbox
    assert asked in message.body
    to = NEW if what == "new address" else "ap.c-1@example.test"
    assert [address.split("<")[-1].strip(">") for address in message.to] == [to]


# --- merging ------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_f41_a_merge_takes_a_waiting_message_back_and_refuses_while_one_is_under_way(
    moment: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, _, boss = world
    survivor = make.customer("C-2", email="other@example.test")
    refusals: list[str] = []

    def act(*_: object) -> None:
        try:
            merge(customer.pk, survivor.pk, actor=boss, today=TODAY)
        except ServiceError as refusal:
            refusals.append(str(refusal))

    row = after(world, act, moment, "beat", monkeypatch)
    if moment == "before the slot":
        assert (row.state, row.reason, mail.outbox) == (CANCELLED, "merged", [])
    else:
        assert (row.state, len(mail.outbox)) == (SENT, 1)
        assert ["on its way at this moment" in said for said in refusals] == [True]


# --- too late (D4) ------------------------------------------------------------------------------


def disputed(customer: Customer, invoice: Invoice, boss: Actor) -> None:
    make.dispute(invoice, "400.00", on=TODAY)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (credit_note, "a credit note was booked while it was on its way"),
        (disputed, "a dispute was opened while it was on its way"),
        (promise, "a promise was made while it was on its way"),
        (hold, "a hold was set while it was on its way"),
        (agreed_plan, "a plan was agreed while it was on its way"),
    ],
)
def test_d4_what_comes_while_it_is_on_the_wire_is_named_as_crossed(
    act: Act, said: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too late to stop it; whoever reads the timeline sees that the two crossed."""
    outbox.queued(*world[:2])
    send = around(sender.Mailbox.send, first=once(lambda: act(*world)))
    monkeypatch.setattr(sender.Mailbox, "send", send)
    assert outbox.send_some(now=SLOT).sent == 1
    assert EventData.objects.filter(summary__endswith=said).count() == 1
    assert audit(AFTER) == []


# --- the way back (F-42) ------------------------------------------------------------------------


def run_on(day: date) -> ContactAttempt | None:
    """The morning's run; the e-mail that waits after it."""
    with clock.at(datetime.combine(day, time(6), UTC)):
        runs.run(day)
    return ContactAttempt.objects.filter(channel="email", state=PLANNED).first()


def planned_then_paid() -> tuple[Invoice, Payment]:
    """The first reminder is planned, cancelled by a payment, and the cheque bounces."""
    outbox.company()
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(10))
    assert run_on(TODAY) is not None
    payment = make.payment(customer, "400.00", TODAY, invoice)
    outbox.send_some(now=SLOT)
    assert [row.reason for row in ContactAttempt.objects.filter(state=CANCELLED)] == ["paid"]
    return invoice, payment


@pytest.mark.parametrize("days", [0, 8])
def test_f42_a_bounced_cheque_lets_the_cancelled_step_be_planned_once_more(days: int) -> None:
    invoice, payment = planned_then_paid()
    back = TODAY + timedelta(days=days)
    reverse_payment(payment.pk, on=back, reason="cheque bounced", actor=SYSTEM)
    again = [run_on(back + timedelta(days=number)) for number in range(4)]
    found = {row.pk: row for row in again if row is not None}
    assert len(found) == 1
    [row] = found.values()
    [item] = row.items.all()
    assert (item.step_key, item.cycle, item.repeat, item.invoice_id) == ("d3", 1, 0, invoice.pk)
    assert row.due_at is not None
    assert outbox.send_some(now=row.due_at).sent == 1
    assert len(mail.outbox) == 1


def test_f42_no_level_is_skipped_and_none_repeated_after_it() -> None:
    _, payment = planned_then_paid()
    reverse_payment(payment.pk, on=TODAY, reason="cheque bounced", actor=SYSTEM)
    for day in (TODAY + timedelta(days=number) for number in (0, 1, 4, 7, 8, 11, 14, 15)):
        run_on(day)
        outbox.send_some(now=datetime.combine(day, time(10), UTC))
    rows = ContactAttempt.objects.filter(customer_facing=True, kind="ladder")
    rows = rows.exclude(state=CANCELLED).exclude(channel="courtesy").order_by("planned_on", "pk")
    steps = list(dict.fromkeys(row.step_key for row in rows if row.step_key != "courtesy"))
    assert steps == ["d3", "d10", "d17"]
    mails = [row.step_key for row in rows if row.state == SENT and row.channel == "email"]
    assert len(mails) == len(set(mails))


def test_f42_a_payment_reversed_after_the_message_left_repeats_nothing() -> None:
    """L13: what was said stays said; the ladder goes on behind it."""
    outbox.company()
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(10))
    run_on(TODAY)
    assert outbox.send_some(now=SLOT).sent == 1
    payment = make.payment(customer, "400.00", TODAY, invoice)
    run_on(TODAY + timedelta(days=1))
    reverse_payment(payment.pk, on=TODAY + timedelta(days=2), reason="bounced", actor=SYSTEM)
    for number in range(2, 12):
        run_on(TODAY + timedelta(days=number))
    rows = ContactAttempt.objects.filter(customer_facing=True, kind="ladder", step_key="d3")
    assert [row.state for row in rows] == [SENT]
    assert ContactAttempt.objects.filter(step_key="d10").exists()
