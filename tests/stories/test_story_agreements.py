"""Days of promises, disputes and plans as customers live them: every mail is read."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core import mail

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from customers.models import Customer
from dunning.models import (
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    FollowUp,
    PaymentPlan,
    Promise,
    Task,
    TaskKind,
    TaskStatus,
)
from dunning.outcomes import (
    PlanTerms,
    PromiseInput,
    add_promise,
    agree_plan,
    offer_plan,
)
from invoices.models import Invoice
from invoices.services import open_dispute, resolve_dispute
from tests import make
from tests.stories.house import House, moment

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
DUE = date(2025, 3, 3)
"""A Monday. On the due-date ladder the friendly e-mail comes on Thursday 6 March."""


def day(text: str) -> date:
    return date.fromisoformat(f"2025-{text}")


def account(amount: str = "10000.00") -> tuple[House, Customer, Invoice]:
    """Somebody who owes 10,000 and had the friendly e-mail."""
    house = House(calls=None)
    customer = make.customer("C-1", "Northwind Traders Ltd")
    invoice = make.invoice(customer, amount, due=DUE)
    house.live(day("03-06"), day("03-07"))
    return house, customer, invoice


def promised(customer: Customer, on: str, by: str, amount: str | None = None) -> Promise:
    given = PromiseInput(due_on=day(by), amount=Decimal(amount) if amount else None)
    with clock.at(moment(day(on), 5)):
        return add_promise(customer.pk, given, actor=SYSTEM, today=day(on), now=moment(day(on), 5))


def mails() -> list[str]:
    """What the customer read so far, each on one line."""
    return [" ".join(str(message.body).split()) for message in mail.outbox]


def test_a_promise_is_thanked_for_reminded_of_and_kept_in_peace() -> None:
    house, customer, invoice = account()
    promised(customer, "03-10", "03-20", "10000.00")
    house.live(day("03-10"), day("03-19"))
    _, thanks, reminder = mails()
    assert "noted your payment of USD 10,000.00 for 20 March 2025" in thanks
    assert "Your payment of USD 10,000.00 is noted for 20 March 2025" in reminder
    make.payment(customer, "10000.00", day("03-20"), invoice)
    house.live(day("03-20"), day("04-20"))
    assert len(mail.outbox) == 3
    assert Promise.objects.get().words == ("Kept the promise of 20 Mar 2025: USD 10,000.00 came in")
    assert not ContactAttempt.objects.filter(channel=Channel.CALL).exists()


def test_the_reminder_leaves_on_the_business_day_before_and_not_on_a_weekend() -> None:
    house, customer, _ = account()
    promised(customer, "03-10", "03-24")
    house.live(day("03-10"), day("03-24"))
    nudge = ContactAttempt.objects.get(kind=AttemptKind.PROMISE_NUDGE)
    assert (nudge.state, nudge.done_on) == (AttemptState.SENT, day("03-21"))


def test_of_a_part_kept_promise_the_call_says_which_part_came() -> None:
    house, customer, _ = account()
    promised(customer, "03-10", "03-20")
    make.payment(customer, "5000.00", day("03-18"))
    house.live(day("03-10"), day("03-25"))
    assert "Thank you for the USD 5,000.00; the remaining USD 5,000.00" in mails()[-1]
    call = ContactAttempt.objects.get(channel=Channel.CALL)
    assert (call.planned_on, call.kind) == (day("03-25"), AttemptKind.PROMISE_FOLLOW_UP)
    assert call.reason_text == (
        "Kept part of the promise of 20 Mar 2025: USD 5,000.00 of 10,000.00 came in; "
        "we call before going on."
    )


def test_who_cannot_be_called_is_thanked_for_the_part_and_asked_for_the_rest() -> None:
    house, customer, _ = account()
    customer.contacts.update(do_not_call=True)
    promised(customer, "03-10", "03-20")
    make.payment(customer, "5000.00", day("03-18"))
    house.live(day("03-10"), day("03-25"))
    asked = mails()[-1]
    assert (
        "Thank you for the USD 5,000.00; the remaining USD 5,000.00 was noted for 20 March 2025"
        in asked
    )
    assert "When may we expect it?" in asked
    made = ContactAttempt.objects.exclude(state=AttemptState.SKIPPED)
    assert not made.filter(channel=Channel.CALL).exists()


def test_a_broken_promise_returns_as_a_call_with_words_that_say_so() -> None:
    house, customer, _ = account()
    promised(customer, "03-10", "03-20")
    house.live(day("03-10"), day("03-25"))
    call = ContactAttempt.objects.get(channel=Channel.CALL)
    assert call.reason_text.startswith(
        "Broke the promise of 20 Mar 2025: nothing of USD 10,000.00 came in"
    )
    assert len(mail.outbox) == 3


def test_nothing_is_chased_between_the_promise_and_the_end_of_its_grace() -> None:
    house, customer, _ = account()
    promised(customer, "03-10", "03-20")
    house.live(day("03-10"), day("03-24"))
    taken = ContactAttempt.objects.filter(kind=AttemptKind.LADDER, planned_on__gt=day("03-07"))
    assert not taken.exists()


def test_thanks_and_reminder_delay_no_step_of_another_invoice() -> None:
    """They are courtesies: no contact under the pace (rule 2)."""
    house, customer, _ = account()
    promised(customer, "03-10", "03-28")
    other = make.invoice(customer, "700.00", due=day("03-10"))
    house.live(day("03-10"), day("03-27"))
    step = ContactAttempt.objects.get(lead_invoice=other, state=AttemptState.SENT)
    assert (step.kind, step.planned_on) == (AttemptKind.LADDER, day("03-20"))


def test_of_a_dispute_over_a_part_the_rest_is_still_asked_for_and_the_part_is_named() -> None:
    house, customer, invoice = account("1000.00")
    open_dispute(invoice.pk, Decimal(300), reason="price", raised_on=day("03-10"), actor=SYSTEM)
    house.live(day("03-10"), day("03-31"))
    firm = mails()[-1]
    assert "our records show" in firm.lower()
    assert "700.00" in firm
    assert "In query" in firm
    assert "300.00" in firm


def test_after_a_rejected_dispute_the_ladder_goes_on_softer() -> None:
    house, customer, invoice = account("1000.00")
    house.live(day("03-08"), day("04-24"))
    before = ContactAttempt.objects.filter(channel=Channel.EMAIL).order_by("pk").last()
    assert before is not None
    assert before.tone == "direct"
    row = open_dispute(invoice.pk, None, reason="price", raised_on=day("04-25"), actor=SYSTEM)
    resolve_dispute(row.pk, "rejected", on=day("05-02"), resolution="As agreed", actor=SYSTEM)
    house.live(day("04-25"), day("05-30"))
    after = ContactAttempt.objects.filter(channel=Channel.EMAIL, planned_on__gt=day("05-02"))
    first = after.order_by("pk").first()
    assert first is not None
    assert first.policy_version is not None
    step = first.policy_version.steps.get(step_key=first.step_key)
    assert (step.tone, first.tone) == ("urgent", "direct")


def planned(customer: Customer, first: str, count: int) -> PaymentPlan:
    with clock.at(moment(day("03-10"), 5)):
        plan = offer_plan(
            customer.pk, PlanTerms(day(first), count=count), actor=SYSTEM, today=day("03-10")
        )
        return agree_plan(plan.pk, on=day("03-10"), actor=SYSTEM, now=moment(day("03-10"), 5))


def test_a_kept_plan_is_confirmed_in_writing_and_ends_well() -> None:
    house, customer, invoice = account("900.00")
    plan = planned(customer, "03-17", 3)
    house.live(day("03-10"), day("03-14"))
    for paid, until in (("03-17", "04-16"), ("04-17", "05-16"), ("05-19", "06-10")):
        make.payment(customer, "300.00", day(paid), invoice)
        house.live(day(paid), day(until))
    plan.refresh_from_db()
    assert plan.status == "kept"
    assert len(mail.outbox) == 2
    assert "It covers USD 900.00 in 3 payments" in mails()[-1]
    assert "17 April 2025: USD 300.00" in mails()[-1]
    assert not Task.objects.filter(status=TaskStatus.OPEN).exists()


def test_a_missed_instalment_ends_the_plan_with_a_task_and_the_ladder_goes_on() -> None:
    house, customer, invoice = account("900.00")
    plan = planned(customer, "03-17", 3)
    make.payment(customer, "300.00", day("03-17"), invoice)
    house.live(day("03-10"), day("04-21"))
    plan.refresh_from_db()
    assert plan.status == "active"
    house.live(day("04-22"), day("05-30"))
    plan.refresh_from_db()
    assert (plan.status, plan.ended_on) == ("ended", day("04-22"))
    assert "payment 2 of USD 300.00, due 17 Apr 2025, was missed" in plan.ended_why
    task = Task.objects.get(kind=TaskKind.PLAN_MISSED)
    assert task.title == plan.ended_why
    again = ContactAttempt.objects.filter(kind=AttemptKind.LADDER, planned_on__gt=day("04-21"))
    assert again.exists()


def test_while_a_plan_is_kept_its_days_never_escalate() -> None:
    house, customer, invoice = account("900.00")
    planned(customer, "03-17", 2)
    house.live(day("03-10"), day("03-19"))
    assert {row.reason for row in FollowUp.objects.filter(invoice=invoice)} == {"plan"}
    quiet = ContactAttempt.objects.filter(kind=AttemptKind.LADDER, planned_on__gt=day("03-07"))
    assert not quiet.exists()


def test_a_third_promise_in_a_row_is_refused_and_a_plan_asked_for() -> None:
    house, customer, _ = account()
    for made, by in (("03-10", "03-12"), ("03-19", "03-21")):
        promised(customer, made, by)
        house.live(day(made), day(by) + timedelta(days=6))
    with pytest.raises(Exception, match="Agree a plan instead"):
        promised(customer, "03-28", "04-02")
