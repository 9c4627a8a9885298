"""Holds, promises, plans, quiet days and credits are read as the rules see them."""

from decimal import Decimal

import pytest

from arfollow.shared.events import SYSTEM
from arfollow.staff.models import QuietPeriod
from dunning import outcomes
from dunning.facts import lay_ground
from dunning.models import (
    Hold,
    PaymentPlan,
    PlanInstalment,
    Promise,
)
from dunning.outcomes import HoldInput, PromiseInput
from dunning.policy import (
    Interval,
    ItemKey,
)
from invoices.models import LedgerSource
from invoices.services import record_payment
from tests import make
from tests.dunning.fact_rows import MONDAY, facts_of, item_of, late

pytestmark = pytest.mark.django_db


# --- stops --------------------------------------------------------------------------------


def test_a_hold_runs_until_its_day_and_ends_with_its_release() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(5))
    wanted = HoldInput(reason="says_paid", until=late(-7))
    hold = outcomes.add_hold(customer.pk, wanted, actor=SYSTEM, today=late(2))[0]
    found = facts_of(customer).holds
    assert [(h.start, h.until, h.ours, h.items) for h in found] == [
        (late(2), late(-7), False, frozenset())
    ]
    outcomes.release_hold(hold.pk, on=MONDAY, actor=SYSTEM)
    assert facts_of(customer).holds == ()


def test_a_hold_on_our_side_stops_the_clock_of_its_item_only() -> None:
    customer = make.customer()
    held, free = (make.invoice(customer, due=late(5)) for _ in range(2))
    Hold.objects.create(
        customer=customer,
        invoice=held,
        reason="ours",
        stops_clock=True,
        starts_on=late(9),
        ends_on=late(6),
    )
    stops = {item.key.invoice_id: item.clock_stops for item in facts_of(customer).items}
    assert stops == {held.pk: (Interval(late(9), late(6)),), free.pk: ()}


def test_a_quiet_period_of_the_customer_closes_their_calendar() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(5))
    Hold.objects.create(
        customer=customer,
        reason="quiet",
        stops_clock=True,
        starts_on=late(0),
        ends_on=late(-4),
    )
    facts = facts_of(customer)
    assert not facts.calendar.is_business_day(MONDAY)
    assert facts.quiet == (Interval(MONDAY, late(-4)),)
    assert facts.holds == ()


def test_quiet_periods_of_ours_close_every_calendar() -> None:
    QuietPeriod.objects.create(starts_on=late(0), ends_on=late(-1), label="stock-taking")
    facts = facts_of(make.customer())
    assert not facts.calendar.is_business_day(MONDAY)
    assert facts.settings.our_calendar is not None
    assert not facts.settings.our_calendar.is_business_day(MONDAY)


def test_promises_count_in_a_row_until_one_is_kept() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(50))
    for days, status in ((60, "kept"), (50, "broken"), (45, "cancelled"), (40, "broken")):
        Promise.objects.create(
            customer=customer,
            made_on=late(days),
            due_on=late(days - 5),
            currency="USD",
            amount=10,
            status=status,
            settled_on=late(days - 8),
        )
    given = PromiseInput(due_on=late(-3))
    Promise.objects.create(
        customer=customer, made_on=MONDAY, due_on=given.due_on, currency="USD", amount=10
    )
    assert [p.in_row for p in facts_of(customer).promises] == [1, 1, 2, 3]


def test_a_kept_promise_stopped_the_clock_and_a_broken_one_did_not() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, due=late(50))
    for days, status in ((40, "kept"), (20, "broken")):
        promise = Promise.objects.create(
            customer=customer,
            made_on=late(days),
            due_on=late(days - 5),
            currency="USD",
            amount=10,
            status=status,
            settled_on=late(days - 5),
        )
        promise.items.create(invoice=invoice, open_then=100)
    assert item_of(customer).clock_stops == (Interval(late(40), late(35)),)


def test_a_plan_covers_its_invoices_and_tells_what_was_missed() -> None:
    customer = make.customer()
    covered, free = (make.invoice(customer, due=late(5)) for _ in range(2))
    plan = PaymentPlan.objects.create(
        customer=customer, currency="USD", total=100, status="active", agreed_on=late(30)
    )
    plan.invoices.set([covered])
    for number, days in ((1, 20), (2, 6), (3, -20)):
        PlanInstalment.objects.create(
            plan=plan,
            number=number,
            due_on=late(days),
            amount=30,
            paid_amount=30 if number == 1 else 0,
        )
    found = facts_of(customer).plans[0]
    assert (found.items, found.missed_on) == (frozenset({ItemKey(covered.pk)}), late(6))
    assert free.pk not in {key.invoice_id for key in found.items}


def test_credits_are_unapplied_notes_and_cash_of_that_day() -> None:
    customer = make.customer()
    make.invoice(customer, "500.00", due=late(5))
    make.credit_note(customer, "30.00", late(3))
    record_payment(
        customer.pk,
        actor=SYSTEM,
        received_on=late(2),
        currency="USD",
        amount=Decimal("20.00"),
        allocate=[],
    )
    assert [c.amount for c in facts_of(customer).credits] == [30, 20]
    assert [c.amount for c in facts_of(customer, late(3)).credits] == [30]
    assert facts_of(customer).last_payment_on == late(2)


def test_freshness_is_that_of_the_newest_import() -> None:
    assert lay_ground().settings.payment_data_as_of is None
    for name, days in (("old", 30), ("new", 2)):
        LedgerSource.objects.create(name=name, as_of=late(days))
    assert lay_ground().settings.payment_data_as_of == late(2)
