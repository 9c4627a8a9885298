"""Facts are what the rows say: every stop, every history row, every policy, as plain values."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from arfollow.shared.events import SYSTEM
from customers.models import EmailState, PhoneState, Tag
from dunning import outcomes, runs
from dunning.delivery.frozen import keep
from dunning.facts.start import start_step
from dunning.models import (
    AttemptState,
    CallRecord,
    Channel,
    ContactAttempt,
    ContactLevel,
    FollowUp,
    HeldFor,
    Inbound,
    Letter,
    LetterStatus,
    Policy,
    PolicyVersion,
    ProviderStatus,
)
from dunning.models.stored import plain_policies, store_version
from dunning.policy import (
    PRESETS,
    DoneStep,
    Interval,
    ItemKey,
    Kind,
    Reason,
    Result,
    State,
)
from invoices.models import Invoice
from invoices.services import resolve_dispute
from tests import make
from tests.dunning.fact_rows import MONDAY, attempt, case_of, facts_of, item_of, late

pytestmark = pytest.mark.django_db


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
