"""The text of each kind of message: shipped, our own, edited, by letter, to colleagues."""

from datetime import timedelta
from decimal import Decimal

import pytest

from customers.models import Customer
from dunning.delivery.mime import render_email
from dunning.delivery.notice import purpose_of, text_of
from dunning.delivery.pdf import render_letter
from dunning.models import (
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    FollowUp,
    MessageTemplate,
    Policy,
    Promise,
    Tone,
)
from dunning.wording import compose, lint, preset
from dunning.wording.notice import Purpose
from tests import make
from tests.dunning.notice_rows import TODAY, attempt, late, names, reached, told
from tests.dunning.pdfs import whole_text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def our_company() -> None:
    make.company(contact_person=make.user(username="mia", first_name="Mia", last_name="Okafor"))


@pytest.fixture
def ashdown() -> Customer:
    return make.customer("C-1001", "Ashdown Joinery", legal_name="Ashdown Joinery LLC")


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
