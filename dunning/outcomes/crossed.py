"""A payment that crossed one of our firmer messages drafts a thank-you (rule 7)."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from customers.services import lock_customer, primary_contact
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Tone,
)
from dunning.outbox import adopt_if_new
from dunning.outcomes.items import list_items, open_items
from dunning.outcomes.words import say_day
from invoices.models import Payment

CROSSED_DAYS = 3
FIRM_OR_LATER = (Tone.FIRM, Tone.DIRECT, Tone.URGENT, Tone.FINAL)


def draft_thanks(today: date) -> int:
    """Draft "thank you, our message crossed" for payments soon after a firmer notice.

    A draft is held until somebody approves it; one a payment, ever. Answers how many.
    """
    return sum(_draft(payment, notice, today) for payment, notice in _crossed(today))


def _crossed(today: date) -> Iterable[tuple[Payment, ContactAttempt]]:
    since = today - timedelta(days=CROSSED_DAYS)
    notices = ContactAttempt.objects.filter(
        channel__in=(Channel.EMAIL, Channel.LETTER),
        state=AttemptState.SENT,
        kind=AttemptKind.LADDER,
        tone__in=FIRM_OR_LATER,
        done_on__gte=since - timedelta(days=CROSSED_DAYS),
    )
    of_customer = notices.filter(customer=OuterRef("customer"))
    payments = Payment.objects.filter(
        Exists(of_customer), received_on__gte=since, reversed_on__isnull=True
    )
    for payment in payments.select_related("customer"):
        notice = _notice_before(payment, notices)
        if notice is not None:
            yield payment, notice


def _notice_before(payment: Payment, notices: QuerySet[ContactAttempt]) -> ContactAttempt | None:
    """The notice that named an invoice which this payment paid, at most three days before."""
    paid = payment.allocations.filter(reversed_on__isnull=True).values("invoice_id")
    named = AttemptItem.objects.filter(attempt=OuterRef("pk"), invoice_id__in=paid)
    recent = notices.filter(
        Exists(named),
        customer=payment.customer,
        done_on__gte=payment.received_on - timedelta(days=CROSSED_DAYS),
        done_on__lte=payment.received_on,
    )
    return recent.order_by("-done_on").first()


def _crossing(payment: Payment, notice: ContactAttempt) -> str:
    told = say_day(notice.done_on or notice.planned_on)
    return f"Paid on {say_day(payment.received_on)}, after our message of {told}."


def _draft(payment: Payment, notice: ContactAttempt, today: date) -> int:
    key = f"thanks:{payment.pk}"
    contact = primary_contact(payment.customer_id)
    if contact is None or not contact.can_email:
        return 0
    adopt_if_new()
    with transaction.atomic():
        lock_customer(payment.customer_id)
        # its key changes when it is approved, what it is about does not
        known = Q(dedupe_key=key) | Q(content__payment=payment.pk)
        if ContactAttempt.objects.filter(known, customer=payment.customer_id).exists():
            return 0
        attempt = ContactAttempt.objects.create(
            customer=payment.customer,
            channel=Channel.EMAIL,
            kind=AttemptKind.THANKS,
            tone=Tone.COURTESY,
            language=payment.customer.language,
            exempt=True,
            needs_approval=True,
            state=AttemptState.HELD,
            held_for=HeldFor.APPROVAL,
            reason="crossed",
            reason_text=_crossing(payment, notice),
            planned_on=today,
            local_date=today,
            dedupe_key=key,
            content={
                "payment": payment.pk,
                "payment_amount": str(payment.amount),
                "payment_currency": payment.currency,
                "payment_date": payment.received_on.isoformat(),
            },
        )
        AttemptRecipient.objects.create(
            attempt=attempt, contact=contact, name=contact.name, address=contact.email
        )
        list_items(attempt, open_items(payment.customer_id), today=today)
    return 1
