"""Facts are what the rows say: every stop, every history row, every policy, as plain values."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from arfollow.shared.events import SYSTEM
from arfollow.staff.models import QuietPeriod
from customers.models import Customer, EmailState, PhoneState, Tag
from dunning import outcomes, runs
from dunning.delivery.frozen import keep
from dunning.facts import Case, lay_ground, load_cases
from dunning.facts.start import start_step
from dunning.models import (
    AttemptItem,
    AttemptState,
    CallRecord,
    Channel,
    ContactAttempt,
    ContactLevel,
    FollowUp,
    HeldFor,
    Hold,
    Inbound,
    Letter,
    LetterStatus,
    PaymentPlan,
    PlanInstalment,
    Policy,
    PolicyVersion,
    Promise,
    ProviderStatus,
)
from dunning.models.stored import plain_policies, store_version
from dunning.outcomes import HoldInput, PromiseInput
from dunning.policy import (
    PRESETS,
    CustomerFacts,
    DoneStep,
    Interval,
    ItemFacts,
    ItemKey,
    Kind,
    Reason,
    Result,
    State,
)
from invoices.models import Invoice, LedgerSource
from invoices.services import record_payment, resolve_dispute
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


def late(days: int) -> date:
    return MONDAY - timedelta(days=days)


def case_of(customer: Customer, today: date = MONDAY) -> Case:
    return load_cases([Customer.objects.get(pk=customer.pk)], today, lay_ground())[0]


def facts_of(customer: Customer, today: date = MONDAY) -> CustomerFacts:
    return case_of(customer, today).facts


def item_of(customer: Customer, today: date = MONDAY) -> ItemFacts:
    return facts_of(customer, today).items[0]


def attempt(invoice: Invoice, days_ago: int, **fields: object) -> ContactAttempt:
    """A contact about one invoice that completed its step `d3`."""
    on = late(days_ago)
    values: dict[str, object] = {
        "channel": Channel.EMAIL,
        "tone": "friendly",
        "state": AttemptState.SENT,
        "done_on": on,
        "message_id": f"<{invoice.pk}-{days_ago}@example.test>",
    }
    row = ContactAttempt.objects.create(  # type: ignore[misc]
        customer=invoice.customer,
        planned_on=on,
        local_date=on,
        dedupe_key=f"{invoice.pk}:{days_ago}",
        lead_invoice=invoice,
        step_key="d3",
        **(values | fields),
    )
    AttemptItem.objects.create(
        attempt=row,
        invoice=invoice,
        part="please_pay",
        currency="USD",
        amount=Decimal("100.00"),
        completes=True,
        step_key="d3",
        action_key="email",
        offset=3,
        live=row.live,
    )
    return row


def history(invoice: Invoice) -> DoneStep:
    return item_of(invoice.customer).history[-1]


# --- items --------------------------------------------------------------------------------


def test_an_item_is_what_is_open_and_what_is_in_dispute() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100.00", due=late(5), disputed="30.00")
    item = item_of(customer)
    assert item.key == ItemKey(invoice.pk)
    assert (item.open, item.disputed, item.collectible) == (100, 30, 70)
    assert item.dispute_open


def test_paid_invoices_and_those_of_tomorrow_are_no_items() -> None:
    customer = make.customer()
    paid = make.invoice(customer, due=late(5))
    make.payment(customer, "100.00", late(4), paid)
    make.invoice(customer, due=late(-40), issued=late(-1))
    assert facts_of(customer).items == ()


def test_the_days_of_a_whole_dispute_stop_the_clock_those_of_a_part_do_not() -> None:
    customer = make.customer()
    make.invoice(customer, "100.00", due=late(5), disputed="30.00")
    assert item_of(customer).clock_stops == ()
    other = make.customer()
    whole = make.invoice(other, "100.00", due=late(50))
    dispute = make.dispute(whole, on=late(40))
    resolve_dispute(dispute.pk, "rejected", on=late(30), resolution="no", actor=SYSTEM)
    item = item_of(other)
    assert item.clock_stops == (Interval(late(40), late(30)),)
    assert item.dispute_settled_on == late(30)
    assert not item.dispute_open


def test_a_newer_invoice_paid_before_an_older_one_is_noticed() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(20))
    newer = make.invoice(customer, due=late(3))
    make.payment(customer, "100.00", late(2), newer)
    assert item_of(customer).skipped_since == late(2)


def test_paying_the_oldest_first_skips_nothing() -> None:
    customer = make.customer()
    oldest = make.invoice(customer, due=late(20))
    make.invoice(customer, due=late(3))
    make.payment(customer, "100.00", late(2), oldest)
    assert item_of(customer).skipped_since is None


def test_an_import_chased_elsewhere_starts_behind_that_step() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(90), chased_to="d3", chased_on=late(4))
    item = item_of(customer)
    assert (item.start_step, item.chased_on) == ("d10", late(4))


@pytest.mark.parametrize(
    ("chased_to", "expected"),
    [("", ""), ("d3", "d10"), ("friendly", "d17"), ("firm", "d45"), ("nonsense", "")],
)
def test_a_step_or_a_tone_says_where_to_start(chased_to: str, expected: str) -> None:
    assert start_step(PRESETS["P2"], chased_to) == expected


# --- history ------------------------------------------------------------------------------


def test_a_sent_message_is_accepted_until_more_is_known() -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    attempt(invoice, 7)
    row = history(invoice)
    assert (row.state, row.result, row.done_on) == (State.SENT, Result.ACCEPTED, late(7))
    assert (row.step_key, row.offset, row.completes) == ("d3", 3, True)


def test_what_the_provider_delivered_is_delivered() -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    attempt(invoice, 7, provider_status=ProviderStatus.DELIVERED)
    assert history(invoice).result is Result.DELIVERED


def test_a_message_that_no_longer_counts_has_bounced() -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    attempt(invoice, 7, live=False)
    assert history(invoice).result is Result.BOUNCED


@pytest.mark.parametrize(
    ("level", "result"),
    [
        (ContactLevel.RIGHT, Result.RIGHT_PARTY),
        (ContactLevel.THIRD, Result.THIRD_PARTY),
        (ContactLevel.NONE, Result.NO_CONTACT),
    ],
)
def test_a_call_reached_whom_its_record_says(level: str, result: Result) -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    call = attempt(invoice, 7, channel=Channel.CALL)
    CallRecord.objects.create(
        attempt=call, at=datetime(2026, 2, 23, tzinfo=UTC), level=level, outcome="refuses"
    )
    assert history(invoice).result is result
    assert facts_of(invoice.customer).history[0].result is result


@pytest.mark.parametrize(
    ("status", "result", "delivered"),
    [
        (LetterStatus.IN_TRANSIT, Result.ACCEPTED, None),
        (LetterStatus.DELIVERED, Result.DELIVERED, late(4)),
        (LetterStatus.REFUSED, Result.RETURNED, late(4)),
    ],
)
def test_a_letter_is_where_the_post_says(
    status: str, result: Result, delivered: date | None
) -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    sent = attempt(invoice, 7, channel=Channel.LETTER)
    Letter.objects.create(
        attempt=sent,
        number="L-1",
        kind="final_demand",
        window_format="us_10",
        dated=late(7),
        posted_on=late(7),
        status=status,
        delivered_on=delivered,
        document=keep(b"%PDF", content_type="application/pdf", name="letter.pdf"),
    )
    row = history(invoice)
    assert (row.result, row.delivered_on) == (result, delivered)


def test_held_for_approval_and_held_by_a_brake_are_told_apart() -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    held = attempt(invoice, 7, state=AttemptState.HELD, held_for=HeldFor.APPROVAL, done_on=None)
    assert (history(invoice).state, history(invoice).skip) == (State.HELD, None)
    ContactAttempt.objects.filter(pk=held.pk).update(held_for=HeldFor.STORM)
    assert history(invoice).skip is Reason.HELD


def test_a_declined_approval_is_known_with_its_day() -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    attempt(
        invoice,
        7,
        state=AttemptState.CANCELLED,
        live=False,
        reason="declined",
        again_on=late(-7),
        done_on=None,
    )
    assert (history(invoice).skip, history(invoice).again_on) == (Reason.DECLINED, late(-7))


def test_a_step_that_a_person_skipped_is_done() -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    attempt(invoice, 7, state=AttemptState.SKIPPED, reason="by_staff")
    assert history(invoice).skip is Reason.BY_STAFF


def test_the_customers_history_names_the_lead_and_its_due_date() -> None:
    invoice = make.invoice(make.customer(), due=late(20))
    attempt(invoice, 7)
    contact = facts_of(invoice.customer).history[0]
    assert (contact.lead, contact.lead_due, contact.on) == (
        ItemKey(invoice.pk),
        late(20),
        late(7),
    )


def test_a_reply_is_inbound_and_unread_until_somebody_read_it() -> None:
    customer = make.customer()
    reply = Inbound.objects.create(
        customer=customer, received_at=datetime(2026, 2, 27, 15, tzinfo=UTC), subject="Re:"
    )
    Inbound.objects.create(
        customer=customer,
        received_at=datetime(2026, 2, 27, 15, tzinfo=UTC),
        subject="Out of office",
        auto_reply=True,
    )
    facts = facts_of(customer)
    assert facts.unread_replies == 1
    assert [(c.kind, c.on) for c in facts.history] == [(Kind.INBOUND, date(2026, 2, 27))]
    outcomes.read_reply(reply.pk, actor=SYSTEM, now=datetime(2026, 3, 2, tzinfo=UTC))
    assert facts_of(customer).unread_replies == 0


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


# --- people -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "mail", "dial"),
    [
        ({}, True, True),
        ({"email_state": EmailState.BOUNCED}, False, True),
        ({"email_state": EmailState.COMPLAINED}, False, True),
        ({"do_not_email": True}, False, True),
        ({"phone_state": PhoneState.INVALID}, True, False),
        ({"do_not_call": True}, True, False),
    ],
)
def test_people_are_reached_as_the_model_says(
    fields: dict[str, object], mail: bool, dial: bool
) -> None:
    customer = make.customer(email=None, phone=None)
    contact = make.contact(customer, name="Pat", email="a@example.test", phone="+12075550100")
    type(contact).objects.filter(pk=contact.pk).update(**fields)
    contact.refresh_from_db()
    person = facts_of(customer).contacts[0]
    assert (person.may_email, person.may_call) == (mail, dial)
    assert (contact.can_email, contact.can_call) == (mail, dial)


def test_an_undeliverable_address_is_none() -> None:
    customer = make.customer()
    assert facts_of(customer).postal_ok
    customer.addresses.update(undeliverable=True)
    assert not facts_of(customer).postal_ok


# --- policies -----------------------------------------------------------------------------


def test_l27_a_running_case_keeps_its_version_and_a_new_one_gets_the_newest() -> None:
    customer = make.customer()
    running = make.invoice(customer, due=late(5))
    runs.run(MONDAY)
    policy = Policy.objects.get(key="p2")
    old = PolicyVersion.objects.get(policy=policy, current=True)
    plain = plain_policies([old.pk])[old.pk]
    steps = tuple(step for step in plain.steps if step.step_key != "d17")
    new = store_version(policy, replace(plain, steps=steps))
    fresh = make.invoice(customer, due=late(-20))
    case = case_of(customer)
    assert case.version_id == new.pk
    assert case.version_of(ItemKey(running.pk)) == old.pk
    assert case.version_of(ItemKey(fresh.pk)) == new.pk
    own = {item.key: item.policy for item in case.facts.items}[ItemKey(running.pk)]
    assert own is not None
    assert own.step("d17") is not None


def test_a_case_that_moves_to_another_policy_takes_its_newest_version() -> None:
    customer = make.customer("C-9")
    invoice = make.invoice(customer, due=late(5))
    runs.run(MONDAY)
    runs.enrol("p3", customer="C-9")
    case = case_of(customer)
    assert case.policy is not None
    assert case.policy.name == "Gentle"
    assert case.version_of(ItemKey(invoice.pk)) == case.version_id


def test_the_first_tag_with_a_policy_decides() -> None:
    customer = make.customer()
    for name in ("big", "export"):
        customer.tags.add(Tag.objects.create(name=name))
    runs.enrol("p4", tag="export")
    case = case_of(customer)
    assert case.policy is not None
    assert case.policy.name == "Fixed process"


def test_a_restart_by_a_person_reads_the_new_cycle() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(5))
    runs.run(MONDAY)
    FollowUp.objects.update(cycle=2)
    assert item_of(customer).cycle == 2
