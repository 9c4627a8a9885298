"""A notice is read from the ledger of the moment: tables, terms, people, earlier contacts."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, PaymentTerms, TermsAgreement
from dunning.delivery.mime import render_email
from dunning.delivery.notice import notice_of, purpose_of, received_through, text_of
from dunning.delivery.pdf import render_letter
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    CallRecord,
    Channel,
    ContactAttempt,
    FollowUp,
    MessageTemplate,
    Policy,
    Promise,
    ProviderStatus,
    Tone,
)
from dunning.wording import compose, lint, preset
from dunning.wording.notice import Notice, Purpose
from invoices.models import Charge, Invoice, LedgerSource
from tests import make
from tests.dunning.pdfs import whole_text

pytestmark = pytest.mark.django_db
TODAY = make.TODAY


@pytest.fixture(autouse=True)
def our_company() -> None:
    make.company(contact_person=make.user(username="mia", first_name="Mia", last_name="Okafor"))


@pytest.fixture
def ashdown() -> Customer:
    return make.customer("C-1001", "Ashdown Joinery", legal_name="Ashdown Joinery LLC")


def attempt(customer: Customer, tone: str = Tone.FIRM, **fields: Any) -> ContactAttempt:
    values: dict[str, Any] = {
        "channel": Channel.EMAIL,
        "planned_on": TODAY,
        "local_date": TODAY,
        "dedupe_key": f"key-{ContactAttempt.objects.count()}",
        "pay_by": TODAY + timedelta(days=9),
        "automatic": False,
    } | fields
    return ContactAttempt.objects.create(customer=customer, tone=tone, **values)


def names(
    row: ContactAttempt, invoice: Invoice, amount: str = "", part: str = "please_pay", **more: Any
) -> AttemptItem:
    due = (TODAY - invoice.due_date).days
    values: dict[str, Any] = {
        "currency": invoice.currency,
        "amount": Decimal(amount or invoice.open_amount),
        "days_late": due,
    } | more
    return AttemptItem.objects.create(attempt=row, invoice=invoice, part=part, **values)


def late(customer: Customer, amount: str = "100.00", days: int = 40, **fields: Any) -> Invoice:
    return make.invoice(customer, amount, TODAY - timedelta(days=days), **fields)


def told(row: ContactAttempt) -> Notice:
    return notice_of(ContactAttempt.objects.get(pk=row.pk), today=TODAY)


def reached(customer: Customer, invoice: Invoice, on: date, **fields: Any) -> ContactAttempt:
    values: dict[str, Any] = {
        "state": AttemptState.SENT,
        "done_on": on,
        "reached_on": on,
        "local_date": on,
        "message_id": f"<{on}@x.test>",
    } | fields
    row = attempt(customer, **values)
    names(row, invoice)
    return row


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


def test_the_final_mail_speaks_of_a_letter_only_when_there_is_one(ashdown: Customer) -> None:
    mail = attempt(ashdown, Tone.FINAL)
    assert told(mail).also_by_post is False
    letter = attempt(ashdown, Tone.FINAL, channel=Channel.LETTER)
    assert told(mail).also_by_post is True
    ContactAttempt.objects.filter(pk=letter.pk).update(
        state=AttemptState.CANCELLED, live=False, reason="paid"
    )
    assert told(mail).also_by_post is False


@pytest.mark.parametrize(
    ("kind", "channel", "tone", "purpose"),
    [
        (AttemptKind.LADDER, Channel.EMAIL, Tone.FIRM, Purpose.REMINDER),
        (AttemptKind.LADDER, Channel.EMAIL, Tone.FINAL, Purpose.FINAL_DEMAND),
        (AttemptKind.LADDER, Channel.LETTER, Tone.FINAL, Purpose.FINAL_DEMAND),
        (AttemptKind.LADDER, Channel.CALL, Tone.FINAL, Purpose.REMINDER),
        (AttemptKind.LADDER, Channel.INTERNAL, Tone.URGENT, Purpose.INTERNAL),
        (AttemptKind.LADDER, Channel.HANDOVER, Tone.INTERNAL, Purpose.INTERNAL),
        (AttemptKind.STATEMENT, Channel.EMAIL, Tone.COURTESY, Purpose.STATEMENT),
        (AttemptKind.ASK_RECEIVED, Channel.EMAIL, Tone.FRIENDLY, Purpose.SKIPPED_ITEM),
        (AttemptKind.RESEND, Channel.EMAIL, Tone.FRIENDLY, Purpose.RESEND),
        (AttemptKind.STATEMENT, Channel.LETTER, Tone.COURTESY, Purpose.STATEMENT),
        (AttemptKind.ASK_RECEIVED, Channel.LETTER, Tone.FRIENDLY, Purpose.SKIPPED_ITEM),
        (AttemptKind.RESEND, Channel.LETTER, Tone.FRIENDLY, Purpose.RESEND),
        (AttemptKind.ASK_RECEIVED, Channel.CALL, Tone.FRIENDLY, Purpose.REMINDER),
        (AttemptKind.CALL_BACK, Channel.CALL, Tone.FIRM, Purpose.REMINDER),
        (AttemptKind.TEST, Channel.EMAIL, Tone.COURTESY, Purpose.TEST),
    ],
)
def test_every_kind_of_attempt_has_a_text_that_renders(
    ashdown: Customer, kind: str, channel: str, tone: str, purpose: Purpose
) -> None:
    row = attempt(ashdown, tone, kind=kind, channel=channel)
    invoice = late(ashdown)
    reached(ashdown, invoice, TODAY - timedelta(days=9), provider_status="delivered")
    names(row, invoice)
    assert purpose_of(row) is purpose
    text = text_of(row)
    assert compose(text, told(row)).subject
    assert lint(text) == ()


def test_a_thank_you_names_the_payment(ashdown: Customer) -> None:
    row = attempt(
        ashdown,
        Tone.COURTESY,
        kind=AttemptKind.THANKS,
        content={
            "payment_amount": "120.00",
            "payment_currency": "USD",
            "payment_date": "2026-02-27",
        },
    )
    mail = render_email(told(row), text_of(row))
    assert "your payment of USD 120.00 reached us on 27 February 2026" in " ".join(
        mail.text.split()
    )


def test_a_part_kept_promise_has_its_own_words_and_an_unkept_one_has_not(
    ashdown: Customer,
) -> None:
    promise = Promise.objects.create(
        customer=ashdown,
        made_on=TODAY,
        due_on=TODAY,
        currency="USD",
        amount=Decimal("100.00"),
        kept_amount=Decimal("60.00"),
    )
    row = attempt(ashdown, promise=promise, kind=AttemptKind.PROMISE_FOLLOW_UP)
    assert purpose_of(row) is Purpose.PROMISE_PART_KEPT
    promise.kept_amount = Decimal("0.00")
    assert purpose_of(row) is Purpose.REMINDER


def test_a_text_of_our_own_replaces_the_preset(ashdown: Customer) -> None:
    own = MessageTemplate.objects.create(
        channel="email", tone="firm", subject="Our own", body="{{ invoice_table }}"
    )
    row = attempt(ashdown)
    assert text_of(row).subject == "Our own"
    MessageTemplate.objects.filter(pk=own.pk).update(current=False)
    assert text_of(row) == preset(Purpose.REMINDER, "email", "firm")


def test_l29_a_text_in_the_customers_language_goes_before_english(ashdown: Customer) -> None:
    for language in ("en", "de"):
        MessageTemplate.objects.create(
            channel="email", tone="firm", language=language, subject=language, body="x"
        )
    assert text_of(attempt(ashdown, language="de")).subject == "de"
    assert text_of(attempt(ashdown, language="fi")).subject == "en"


def test_a_text_edited_for_one_message_wins(ashdown: Customer) -> None:
    """R25."""
    MessageTemplate.objects.create(channel="email", tone="firm", subject="Our own", body="x")
    row = attempt(ashdown, content={"subject": "Edited", "body": "Dear Pat"})
    assert (text_of(row).subject, text_of(row).body) == ("Edited", "Dear Pat")


def test_the_final_demand_names_the_hand_over_only_where_its_policy_has_one(
    ashdown: Customer,
) -> None:
    make.company(agency_name="Aldgate Recoveries")
    versions = {
        key: Policy.objects.get(key=key).versions.get(current=True)
        for key in Policy.objects.values_list("key", flat=True)
    }
    with_hand_over = [
        version
        for version in versions.values()
        if version.steps.filter(actions__channel="handover").exists()
    ]
    without = [version for version in versions.values() if version not in with_hand_over]
    assert with_hand_over
    assert without
    row = attempt(ashdown, Tone.FINAL, policy_version=with_hand_over[0])
    assert told(row).consequences == ("We place the account with Aldgate Recoveries.",)
    row = attempt(ashdown, Tone.FINAL, policy_version=without[0])
    assert told(row).consequences == ()


def test_a_final_demand_by_letter_renders_with_number_and_endorsement(ashdown: Customer) -> None:
    invoice = late(ashdown, number="A-77")
    reached(ashdown, invoice, TODAY - timedelta(days=30), provider_status="delivered")
    row = attempt(ashdown, Tone.FINAL, channel=Channel.LETTER, certified=True)
    names(row, invoice)
    words = whole_text(render_letter(told(row), text=text_of(row)))
    assert f"L-2026-{row.pk:06d}" in words
    assert "Certified Mail, Return Receipt Requested" in words
    assert "A-77" in words
    assert "BANGOR, ME 04401" in words


def test_a_person_in_the_united_kingdom_gets_the_forms(ashdown: Customer) -> None:
    row = attempt(ashdown, Tone.FINAL, channel=Channel.LETTER)
    assert told(row).enclosures == ()
    ashdown.country, ashdown.legal_type = "GB", "sole_trader"
    ashdown.save()
    assert "Reply form" in told(row).enclosures


def test_internal_notices_carry_reason_history_and_link(ashdown: Customer) -> None:
    ashdown.cannot_pay_reason = "lost their main customer"
    ashdown.save()
    invoice = late(ashdown)
    reached(ashdown, invoice, TODAY - timedelta(days=3), provider_status="delivered")
    row = attempt(ashdown, Tone.INTERNAL, channel=Channel.INTERNAL)
    names(row, invoice)
    mail = render_email(told(row), text_of(row))
    flat = " ".join(mail.text.split())
    assert "lost their main customer" in flat
    assert "27 Feb 2026: E-mail, firm (delivered)" in flat
    assert f"/customers/{ashdown.pk}/" in flat
    assert mail.attachments == ()


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


def test_colleagues_read_the_next_step_in_words(ashdown: Customer) -> None:
    version = Policy.objects.get(enrolments__is_default=True).versions.get(current=True)
    step = version.steps.filter(actions__channel="letter").first()
    invoice = late(ashdown)
    FollowUp.objects.create(
        customer=ashdown,
        invoice=invoice,
        policy_version=version,
        next_step=step.step_key,
        next_on=TODAY + timedelta(days=4),
    )
    row = attempt(ashdown, Tone.INTERNAL, channel=Channel.INTERNAL)
    names(row, invoice)
    facts = told(row).internal
    assert facts is not None
    assert facts.next_on == TODAY + timedelta(days=4)
    assert facts.next_step.startswith("Next step: final, by e-mail and letter")
