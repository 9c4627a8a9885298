"""From a plan to outbox rows: who it goes to, what it lists, in which order it leaves."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from arfollow.shared import clock
from customers.models import Customer
from dunning import runs
from dunning.facts import lay_ground, load_cases
from dunning.models import (
    AttemptItem,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    Policy,
    PolicyVersion,
)
from dunning.models.stored import plain_policies, store_version
from dunning.policy import Channel as Way
from dunning.policy import (
    Kind,
    Line,
    Part,
    Plan,
    PlannedAttempt,
    Reason,
    SkipRecord,
    Tone,
    sentence,
)
from dunning.runs.drafts import Drafting
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _early_on_monday() -> Iterator[None]:
    with clock.at(datetime(2026, 3, 2, 5, tzinfo=UTC)):
        yield


def late(days: int) -> date:
    return MONDAY - timedelta(days=days)


def drafting(customer: Customer) -> Drafting:
    ground = lay_ground()
    customer = Customer.objects.select_related("owner").get(pk=customer.pk)
    return Drafting(load_cases([customer], MONDAY, ground)[0], ground, MONDAY, None)


def final(customer: Customer, **fields: object) -> PlannedAttempt:
    """A final demand to the customer's first contact."""
    contact = customer.contacts.order_by("pk").first()
    assert contact is not None
    values: dict[str, object] = {
        "channel": Way.EMAIL,
        "tone": Tone.FINAL,
        "kind": Kind.LADDER,
        "reason": Reason.DUE,
        "contact_id": contact.pk,
        "also_escalation": True,
    }
    return PlannedAttempt(**(values | fields))  # type: ignore[arg-type]


def addresses(customer: Customer, planned: PlannedAttempt) -> list[tuple[str, str]]:
    draft = drafting(customer).drafts(Plan(attempts=(planned,)))[0]
    return [(row.field, row.address) for row in draft.recipients]


def test_the_escalation_contact_gets_a_copy_of_a_final_demand() -> None:
    customer = make.customer(email="ap@example.test")
    make.contact(customer, role="escalation", name="Boss", email="boss@example.test")
    make.contact(customer, role="approver", name="Other", email="other@example.test")
    assert addresses(customer, final(customer)) == [
        (AttemptRecipient.Field.TO, "ap@example.test"),
        (AttemptRecipient.Field.CC, "boss@example.test"),
    ]


def test_one_address_gets_one_copy() -> None:
    customer = make.customer(email="ap@example.test")
    make.contact(customer, role="escalation", name="Same", email="AP@example.test")
    assert addresses(customer, final(customer)) == [(AttemptRecipient.Field.TO, "ap@example.test")]


def test_an_escalation_contact_that_may_not_be_written_to_gets_no_copy() -> None:
    customer = make.customer(email="ap@example.test")
    make.contact(
        customer, role="escalation", name="Boss", email="boss@example.test", do_not_email=True
    )
    assert len(addresses(customer, final(customer))) == 1


@pytest.mark.parametrize("channel", [Way.CALL, Way.LETTER, Way.VISIT])
def test_only_mail_has_addresses(channel: Way) -> None:
    customer = make.customer()
    assert addresses(customer, final(customer, channel=channel)) == []


def test_a_notice_goes_to_the_office_where_a_customer_has_no_owner() -> None:
    make.company()
    customer = make.customer()
    found = addresses(customer, final(customer, channel=Way.INTERNAL, tone=Tone.INTERNAL))
    assert [address for _, address in found] == ["accounts@harbourpine.example"]


def test_records_of_one_cause_share_a_row() -> None:
    customer = make.customer()
    keys = [make.invoice(customer, due=late(9)).pk for _ in range(3)]
    draft = drafting(customer)
    skips = tuple(
        SkipRecord(item.key, "courtesy", "email", Way.EMAIL, Reason.LAPSED, offset=-3)
        for item in draft.case.facts.items
    )
    rows = draft.drafts(Plan(skips=skips))
    assert len(rows) == 1
    assert sorted(item.invoice_id or 0 for item in rows[0].items) == keys
    assert rows[0].attempt.state == AttemptState.SKIPPED
    assert rows[0].attempt.reason_text == sentence(Reason.LAPSED)
    assert not rows[0].attempt.customer_facing


def test_a_lapsed_call_is_no_new_row() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(9))
    draft = drafting(customer)
    key = draft.case.facts.items[0].key
    skip = SkipRecord(key, "d10", "call", Way.CALL, Reason.NOT_MADE, attempt_id=7)
    assert draft.drafts(Plan(skips=(skip,))) == []


def test_a_credit_is_a_line_without_an_invoice() -> None:
    customer = make.customer()
    line = Line(Part.PLEASE_PAY, Decimal("-30.00"), "USD", label="CN-1")
    draft = drafting(customer).drafts(Plan(attempts=(final(customer, lines=(line,)),)))[0]
    item = draft.items[0]
    assert (item.invoice_id, item.label, item.amount) == (None, "CN-1", Decimal("-30.00"))


def test_an_attempt_keeps_the_version_it_was_planned_from() -> None:
    make.invoice(make.customer(), due=late(5))
    runs.run(MONDAY)
    row = ContactAttempt.objects.get(state=AttemptState.PLANNED)
    assert row.policy_version == PolicyVersion.objects.get(policy__key="p2", current=True)
    assert row.run is not None


def test_the_pay_by_date_is_kept_with_the_message_and_with_its_items() -> None:
    make.invoice(make.customer(), due=late(18), chased_to="d10", chased_on=late(9))
    runs.run(MONDAY)
    row = ContactAttempt.objects.get(state=AttemptState.PLANNED)
    assert (row.step_key, row.tone) == ("d17", "firm")
    assert row.pay_by == date(2026, 3, 13)
    assert row.items.get().pay_by == row.pay_by


def test_a_substitute_says_for_what_it_stands() -> None:
    make.invoice(make.customer(email=None), due=late(5))
    runs.run(MONDAY)
    row = ContactAttempt.objects.get(state=AttemptState.PLANNED)
    assert (row.channel, row.substitute_for) == (Channel.CALL, Channel.EMAIL)


def test_the_oldest_items_leave_first() -> None:
    for days in (5, 60, 20):
        make.invoice(make.customer(), due=late(days))
    runs.run(MONDAY)
    mails = ContactAttempt.objects.filter(state=AttemptState.PLANNED).order_by("pk")
    due = [row.lead_invoice.due_date for row in mails if row.lead_invoice is not None]
    assert due == sorted(due)


def test_one_message_per_invoice_leaves_on_days_of_its_own() -> None:
    policy = Policy.objects.get(key="p2")
    version = PolicyVersion.objects.get(policy=policy, current=True)
    plain = plain_policies([version.pk])[version.pk]
    alone = type(plain.settings)(one_message_per_invoice=True)
    store_version(policy, type(plain)(plain.name, plain.steps, plain.reference, alone))
    customer = make.customer()
    for _ in range(2):
        make.invoice(customer, due=late(5))
    runs.run(MONDAY)
    mails = ContactAttempt.objects.filter(state=AttemptState.PLANNED).order_by("local_date")
    assert [row.local_date for row in mails] == [MONDAY, MONDAY + timedelta(days=1)]
    assert AttemptItem.objects.filter(attempt__in=mails).count() == 2


def test_a_final_demand_of_two_channels_is_two_rows_of_one_step() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, due=late(100))
    key = drafting(customer).case.facts.items[0].key
    line = Line(
        Part.PLEASE_PAY,
        invoice.open_amount,
        "USD",
        key,
        step_key="d90",
        action_key="email",
        completes=True,
    )
    both = (
        final(customer, lines=(line,), needs_approval=True),
        final(customer, channel=Way.LETTER, certified=True, needs_approval=True),
    )
    found = drafting(customer).drafts(Plan(attempts=both))
    assert [(d.attempt.channel, d.attempt.certified) for d in found] == [
        ("email", False),
        ("letter", True),
    ]
    assert all(d.attempt.needs_approval for d in found)
