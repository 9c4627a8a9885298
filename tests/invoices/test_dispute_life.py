"""Disputes: whose they are, until when, how they end, and how old they get."""

from datetime import timedelta
from decimal import Decimal

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM
from arfollow.shared.models import Event, EventData
from invoices.models import CreditNote, Dispute, DisputeReason, Invoice
from invoices.queries import dispute_ages
from invoices.services import Credit, assign_dispute, open_dispute, resolve_dispute
from tests import make
from tests.make import TODAY

pytestmark = pytest.mark.django_db
LATER = TODAY + timedelta(days=9)


def disputed(amount: str = "100.00", **fields: object) -> Dispute:
    invoice = make.invoice(make.customer(), "400.00", TODAY - timedelta(days=40))
    values = {"reason": DisputeReason.SHORT_DELIVERY, "raised_on": TODAY, "actor": SYSTEM} | fields
    return open_dispute(invoice.pk, Decimal(amount), **values)  # type: ignore[arg-type]  # by name


def collectible(row: Dispute) -> Decimal:
    invoice = Invoice.objects.get(pk=row.invoice_id)
    return invoice.open_amount - invoice.disputed_amount


def test_the_undisputed_part_stays_collectible() -> None:
    assert collectible(disputed("150.00")) == Decimal(250)


def test_another_owner_and_target_leave_an_event_with_before_and_after() -> None:
    row = disputed(target_date=LATER)
    mia = make.user(first_name="Mia", last_name="Okafor")
    target = LATER + timedelta(days=7)
    assign_dispute(row.pk, owner=mia, target_date=target, actor=SYSTEM, note="Asked the carrier")
    row.refresh_from_db()
    assert (row.owner, row.target_date, row.note) == (mia, target, "Asked the carrier")
    data = EventData.objects.get(event__verb="dispute.assigned")
    assert data.values["before"] == {"owner": "", "target_date": str(LATER)}
    assert data.values["after"] == {"owner": "Mia Okafor", "target_date": str(target)}


def test_what_is_said_later_is_added_to_the_note() -> None:
    row = disputed(note="Two boxes short")
    assign_dispute(row.pk, owner=None, target_date=None, actor=SYSTEM, note="Carrier agrees")
    row.refresh_from_db()
    assert row.note == "Two boxes short\nCarrier agrees"


def test_a_target_before_the_day_it_was_raised_is_refused() -> None:
    row = disputed()
    before = TODAY - timedelta(days=1)
    with pytest.raises(ServiceError, match="on or after"):
        assign_dispute(row.pk, owner=None, target_date=before, actor=SYSTEM)


def test_a_settled_dispute_is_assigned_no_more() -> None:
    row = disputed()
    resolve_dispute(row.pk, "rejected", on=LATER, resolution="Proof of delivery", actor=SYSTEM)
    with pytest.raises(ServiceError, match="resolved already"):
        assign_dispute(row.pk, owner=None, target_date=None, actor=SYSTEM)


def test_a_credited_dispute_makes_its_credit_note_and_sets_it_against_the_invoice() -> None:
    row = disputed("100.00")
    credit = Credit("CN-7", Decimal("80.00"))
    resolve_dispute(
        row.pk, "credited", on=LATER, resolution="Two boxes", actor=SYSTEM, credit=credit
    )
    row.refresh_from_db()
    note = CreditNote.objects.get()
    assert (row.credit_note, note.number, note.unapplied_amount) == (note, "CN-7", Decimal(0))
    assert Invoice.objects.get(pk=row.invoice_id).open_amount == Decimal(320)
    assert collectible(row) == Decimal(320)
    assert set(Event.objects.values_list("verb", flat=True)) >= {
        "credit_note.added",
        "dispute.resolved",
    }


def test_a_credit_note_that_is_in_the_ledger_already_is_taken_not_made_again() -> None:
    row = disputed()
    note = make.credit_note(row.invoice.customer, "100.00", TODAY)
    credit = Credit(note.number, Decimal(100))
    done = resolve_dispute(
        row.pk, "credited", on=LATER, resolution="As agreed", actor=SYSTEM, credit=credit
    )
    assert (done.credit_note, CreditNote.objects.count()) == (note, 1)


@pytest.mark.parametrize(
    ("status", "amount", "words"),
    [("credited", "100.01", "at most what was disputed"), ("rejected", "50.00", "as credited")],
)
def test_a_credit_that_does_not_fit_is_refused_and_the_dispute_stays(
    status: str, amount: str, words: str
) -> None:
    row = disputed()
    credit = Credit("CN-7", Decimal(amount))
    with pytest.raises(ServiceError, match=words):
        resolve_dispute(row.pk, status, on=LATER, resolution="x", actor=SYSTEM, credit=credit)
    row.refresh_from_db()
    assert (row.status, CreditNote.objects.count()) == ("open", 0)


def test_disputes_age_in_four_steps_by_reason_and_owner_and_currency() -> None:
    mia = make.user(first_name="Mia", last_name="Okafor")
    for days, amount in ((0, "1.00"), (7, "2.00"), (8, "4.00"), (30, "8.00"), (31, "16.00"),
                         (60, "32.00"), (61, "64.00")):  # fmt: skip
        disputed(amount, raised_on=TODAY - timedelta(days=days), owner=mia if days > 8 else None)
    ages = dispute_ages(Dispute.objects.all(), TODAY)
    (reason,) = ages["reason"]
    expected = (Decimal(3), Decimal(12), Decimal(48), Decimal(64))
    assert (reason.label, reason.currency) == ("Quantity or short delivery", "USD")
    assert (reason.amounts, reason.total, reason.count) == (expected, Decimal(127), 7)
    assert {row.label: row.total for row in ages["owner"]} == {
        "Mia Okafor": Decimal(120),
        "Nobody": Decimal(7),
    }


def test_those_past_their_target_are_counted() -> None:
    disputed(raised_on=TODAY - timedelta(days=9), target_date=TODAY - timedelta(days=1))
    disputed(target_date=TODAY)
    (row,) = dispute_ages(Dispute.objects.all(), TODAY)["reason"]
    assert (row.count, row.past) == (2, 1)
