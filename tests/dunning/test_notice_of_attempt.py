"""A notice is read from the ledger of the moment: tables, terms, people, earlier contacts."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, PaymentTerms, TermsAgreement
from dunning.delivery.notice import notice_of, received_through
from dunning.models import (
    AttemptItem,
    AttemptRecipient,
    CallRecord,
    Channel,
    ContactAttempt,
    ProviderStatus,
    Tone,
)
from invoices.models import Charge, Invoice, LedgerSource
from tests import make
from tests.dunning.notice_rows import TODAY, attempt, late, names, reached, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def our_company() -> None:
    make.company(contact_person=make.user(username="mia", first_name="Mia", last_name="Okafor"))


@pytest.fixture
def ashdown() -> Customer:
    return make.customer("C-1001", "Ashdown Joinery", legal_name="Ashdown Joinery LLC")


def test_items_stand_in_three_parts_per_currency(ashdown: Customer) -> None:
    row = attempt(ashdown)
    names(row, late(ashdown, "100.00", number="A-1", po_number="77"))
    names(row, late(ashdown, "50.00", number="A-2", disputed="20.00"), "30.00")
    names(row, Invoice.objects.get(number="A-2"), "20.00", "in_query")
    names(row, make.invoice(ashdown, "10.00", TODAY + timedelta(days=5)), part="not_yet_due")
    names(row, late(ashdown, "7.00", number="E-1", currency="EUR"))
    dollars, euros = told(row).tables
    assert (dollars.currency, euros.currency) == ("USD", "EUR")
    assert dollars.amount_due == Decimal("130.00")
    assert dollars.amount_in_query == Decimal("20.00")
    assert dollars.amount_not_yet_due == Decimal("10.00")
    assert dollars.in_query[0].note == "damaged or quality"
    assert dollars.please_pay[0].po_number == "77"


def test_a_line_tells_amount_paid_and_days_late(ashdown: Customer) -> None:
    invoice = late(ashdown, "100.00", 12)
    make.payment(ashdown, "40.00", TODAY - timedelta(days=1), invoice)
    invoice.refresh_from_db()
    row = attempt(ashdown)
    names(row, invoice)
    (line,) = told(row).tables[0].please_pay
    assert (line.original, line.paid, line.open) == (
        Decimal("100.00"),
        Decimal("40.00"),
        Decimal("60.00"),
    )
    assert line.days_late == 12
    assert line.issue_date == invoice.issue_date


def test_credits_are_negative_lines_that_say_what_they_are(ashdown: Customer) -> None:
    note = make.credit_note(ashdown, "25.00")
    row = attempt(ashdown)
    names(row, late(ashdown))
    for label, amount in ((note.number, "-25.00"), ("Payment of 2026-02-27", "-5.00")):
        AttemptItem.objects.create(
            attempt=row, label=label, part="please_pay", currency="USD", amount=Decimal(amount)
        )
    table = told(row).tables[0]
    kinds = {line.number: line.kind for line in table.please_pay if line.is_credit}
    assert kinds == {note.number: "credit", "Payment of 2026-02-27": "unapplied"}
    assert table.amount_due == Decimal("70.00")


def test_terms_come_from_the_invoice_before_the_customer(ashdown: Customer) -> None:
    net = PaymentTerms.objects.create(code="T30", name="Net 30", days=30)
    ashdown.terms = net
    ashdown.save()
    row = attempt(ashdown)
    names(row, late(ashdown, number="A-1", days=50))
    names(row, late(ashdown, number="A-2", terms_text="due on receipt"))
    first, second = told(row).tables[0].please_pay
    assert (first.terms, second.terms) == ("Net 30", "due on receipt")


def test_the_owner_answers_else_the_companys_contact_person(ashdown: Customer) -> None:
    row = attempt(ashdown)
    assert told(row).contact.name == "Mia Okafor"
    ashdown.owner = make.user(
        username="tom", first_name="Tom", last_name="Reyes", direct_phone="+1 207 555 0111"
    )
    ashdown.save()
    contact = told(row).contact
    assert (contact.name, contact.phone) == ("Tom Reyes", "+1 207 555 0111")


def test_the_message_is_addressed_to_its_recipient(ashdown: Customer) -> None:
    row = attempt(ashdown)
    dana = make.contact(ashdown, name="Dana Cole", email="dana@example.test", role="escalation")
    AttemptRecipient.objects.create(attempt=row, contact=dana, address=dana.email)
    assert told(row).recipient.name == "Dana Cole"
    assert told(row).recipient.company == "Ashdown Joinery LLC"


def test_without_recipient_the_payables_contact_is_addressed(ashdown: Customer) -> None:
    assert told(attempt(ashdown, channel=Channel.CALL)).recipient.name == "Pat Keel"


def test_only_contacts_that_reached_them_are_listed_oldest_first(ashdown: Customer) -> None:
    invoice = late(ashdown)
    day = TODAY - timedelta(days=20)
    mail = reached(ashdown, invoice, day, provider_status=ProviderStatus.DELIVERED)
    talk = reached(ashdown, invoice, day + timedelta(days=5), channel=Channel.CALL)
    CallRecord.objects.create(
        attempt=talk,
        at="2026-02-15T10:00Z",
        level="right",
        outcome="promise",
        person="Pat Keel",
    )
    reached(ashdown, invoice, day + timedelta(days=6), provider_status=ProviderStatus.BOUNCED)
    reached(ashdown, invoice, day + timedelta(days=7), reached_on=None)
    reached(ashdown, late(ashdown), day + timedelta(days=8))
    row = attempt(ashdown, Tone.FINAL)
    names(row, invoice)
    assert [(c.on, c.channel, c.about) for c in told(row).prior_contacts] == [
        (mail.done_on, "email", "delivered"),
        (talk.done_on, "call", "spoke with Pat Keel"),
    ]


def test_a_call_script_also_lists_what_was_sent_as_evidence(ashdown: Customer) -> None:
    """R32."""
    invoice = late(ashdown)
    reached(ashdown, invoice, TODAY - timedelta(days=7), reached_on=None)
    row = attempt(ashdown, channel=Channel.CALL)
    names(row, invoice)
    assert len(told(row).prior_contacts) == 1


def test_friendly_tones_state_no_deadline(ashdown: Customer) -> None:
    assert told(attempt(ashdown, Tone.FRIENDLY)).deadline is None
    assert told(attempt(ashdown, Tone.FIRM)).deadline == TODAY + timedelta(days=9)


def test_payments_are_counted_to_the_newest_import_never_beyond_today() -> None:
    assert received_through(TODAY) == TODAY
    LedgerSource.objects.create(name="file", as_of=TODAY - timedelta(days=2))
    assert received_through(TODAY) == TODAY - timedelta(days=2)
    LedgerSource.objects.create(name="other", as_of=TODAY + timedelta(days=5))
    assert received_through(TODAY) == TODAY


def test_interest_is_what_was_charged_and_is_open(ashdown: Customer) -> None:
    invoice = late(ashdown)
    for kind, amount, waived in (
        ("interest", "3.20", None),
        ("compensation", "40.00", None),
        ("interest", "9.00", TODAY),
    ):
        Charge.objects.create(
            invoice=invoice,
            kind=kind,
            charged_on=TODAY,
            amount=Decimal(amount),
            open_amount=Decimal(amount),
            basis="clause 7 of our terms",
            waived_on=waived,
        )
    row = attempt(ashdown, Tone.URGENT)
    assert told(row).interest == ()
    names(row, invoice)
    (interest,) = told(row).interest
    assert (interest.accrued, interest.compensation) == (Decimal("3.20"), Decimal("40.00"))
    assert interest.basis == "clause 7 of our terms"


def agreement(customer: Customer, on: date, percent: str = "1.50") -> None:
    net = PaymentTerms.objects.get_or_create(code="T30", defaults={"name": "Net 30"})[0]
    TermsAgreement.objects.create(
        customer=customer,
        terms=net,
        agreed_by="Pat Keel",
        agreed_on=on,
        reference="contract 12",
        interest_percent_per_month=Decimal(percent),
    )


def test_each_further_day_adds_interest_only_where_it_was_agreed_before_the_sale(
    ashdown: Customer,
) -> None:
    invoice = late(ashdown, "1000.00")
    row = attempt(ashdown, Tone.URGENT)
    names(row, invoice)
    agreement(ashdown, invoice.issue_date + timedelta(days=1))
    assert told(row).interest == ()
    agreement(ashdown, invoice.issue_date)
    (interest,) = told(row).interest
    assert interest.per_day == Decimal("0.49")
    assert interest.accrued == 0
    assert "contract 12 (1.5 % a month" in interest.basis


def test_no_interest_is_stated_below_firm(ashdown: Customer) -> None:
    invoice = late(ashdown, "1000.00")
    agreement(ashdown, invoice.issue_date)
    row = attempt(ashdown, Tone.FRIENDLY)
    names(row, invoice)
    assert told(row).interest == ()


def test_the_number_of_queries_does_not_grow_with_the_items(ashdown: Customer) -> None:
    few, many = attempt(ashdown), attempt(ashdown)
    for row, count in ((few, 2), (many, 30)):
        for _ in range(count):
            names(row, late(ashdown))
    counts = []
    for row in (few, many):
        fresh = ContactAttempt.objects.select_related("customer__owner", "promise").get(pk=row.pk)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            notice_of(fresh, today=TODAY)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20


def test_equal_facts_make_equal_notices(ashdown: Customer) -> None:
    row = attempt(ashdown)
    names(row, late(ashdown))
    assert told(row) == told(row)
    assert replace(told(row), date=TODAY + timedelta(days=1)) != told(row)
