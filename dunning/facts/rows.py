"""The queries behind the facts: each reads plain values of a page of customers, once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import F, Max, Q

from customers.models import Address, Contact, Customer
from dunning.models import (
    PLACED,
    AttemptItem,
    AttemptRecipient,
    ContactAttempt,
    Enrolment,
    FollowUp,
    FollowUpState,
    Hold,
    Inbound,
    PaymentPlan,
    Placement,
    PlanInstalment,
    PlanStatus,
    Promise,
    PromiseItem,
    PromiseStatus,
)
from invoices.models import (
    Allocation,
    CreditNote,
    Dispute,
    Instalment,
    Invoice,
    Payment,
)

Row = Mapping[str, Any]
Rows = dict[int, list[Row]]

CONTACTS_SINCE = timedelta(days=150)
PROMISES_SINCE = timedelta(days=90)
PAYMENTS_SINCE = timedelta(days=30)
ADDRESS_SINCE = timedelta(days=45)
ASK_STEP = "ask-received"


def grouped(rows: Iterable[Row], key: str) -> Rows:
    """Rows in lists by one of their values."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


def contacts(ids: list[int]) -> Rows:
    """Active people at the customers, primary ones first."""
    rows = Contact.objects.filter(customer__in=ids, active=True).order_by("-primary", "id")
    return grouped(
        rows.values(
            "id", "customer_id", "role", "name", "email", "email_state", "do_not_email",
            "phone", "phone_state", "do_not_call",
        ),
        "customer_id",
    )  # fmt: skip


def postal(ids: list[int]) -> set[int]:
    """Customers with a usable postal address."""
    rows = Address.objects.filter(customer__in=ids, active=True, undeliverable=False)
    return set(rows.exclude(line1="").values_list("customer_id", flat=True))


def placed(ids: list[int]) -> set[int]:
    """Customers handed over to an agency that has not given them back (rule 7)."""
    rows = Placement.objects.filter(customer__in=ids, status__in=PLACED)
    return set(rows.values_list("customer_id", flat=True))


def open_invoices(ids: list[int], today: date) -> Rows:
    """Open invoices that were issued by then."""
    rows = Invoice.objects.filter(customer__in=ids, open_amount__gt=0, issue_date__lte=today)
    return grouped(
        rows.order_by("id").values(
            "id", "customer_id", "number", "issue_date", "due_date", "currency", "amount",
            "open_amount", "disputed_amount", "chased_to", "chased_on",
        ),
        "customer_id",
    )  # fmt: skip


def instalments(ids: list[int]) -> Rows:
    """Open instalments by invoice; an invoice without any is one item."""
    rows = Instalment.objects.filter(
        invoice__customer__in=ids, invoice__open_amount__gt=0, open_amount__gt=0
    ).order_by("number")
    return grouped(rows.values("invoice_id", "number", "due_date", "open_amount"), "invoice_id")


def disputes(ids: list[int]) -> Rows:
    """Disputes of open invoices, settled ones too: their days stopped the clock."""
    rows = Dispute.objects.filter(invoice__customer__in=ids, invoice__open_amount__gt=0)
    return grouped(
        rows.values("invoice_id", "amount", "status", "raised_on", "resolved_on"), "invoice_id"
    )


def holds(ids: list[int]) -> Rows:
    """Every hold: running ones stop, past ones of ours stopped the clock."""
    rows = Hold.objects.filter(customer__in=ids)
    return grouped(
        rows.values(
            "customer_id", "invoice_id", "instalment_no", "reason", "stops_clock", "starts_on",
            "ends_on", "released_on",
        ),
        "customer_id",
    )  # fmt: skip


def promises(ids: list[int], today: date) -> Rows:
    """Open promises and those settled lately, oldest first; cancelled ones never counted."""
    since = today - PROMISES_SINCE
    rows = Promise.objects.filter(
        Q(status=PromiseStatus.OPEN) | Q(settled_on__gte=since), customer__in=ids
    ).exclude(status=PromiseStatus.CANCELLED)
    return grouped(
        rows.order_by("made_on", "id").values(
            "id", "customer_id", "made_on", "due_on", "amount", "status", "settled_on"
        ),
        "customer_id",
    )


def promise_items(ids: list[int], today: date) -> Rows:
    """What the promises cover."""
    since = today - PROMISES_SINCE
    rows = PromiseItem.objects.filter(
        Q(promise__status=PromiseStatus.OPEN) | Q(promise__settled_on__gte=since),
        promise__customer__in=ids,
    )
    return grouped(rows.values("promise_id", "invoice_id", "instalment_no"), "promise_id")


def plans(ids: list[int]) -> Rows:
    """Payment plans that run or ran, with one row per covered invoice."""
    rows = PaymentPlan.objects.filter(customer__in=ids).exclude(status=PlanStatus.DRAFT)
    return grouped(
        rows.values("id", "customer_id", "status", "agreed_on", "ended_on", "invoices"),
        "customer_id",
    )


def missed_instalments(ids: list[int], today: date) -> dict[int, date]:
    """By plan, the due day of its oldest instalment that fell due and is not fully paid."""
    rows = PlanInstalment.objects.filter(
        plan__customer__in=ids,
        plan__status=PlanStatus.ACTIVE,
        due_on__lt=today,
        paid_amount__lt=F("amount"),
    )
    missed: dict[int, date] = {}
    for plan_id, due_on in rows.order_by("due_on").values_list("plan_id", "due_on"):
        missed.setdefault(plan_id, due_on)
    return missed


def credit_notes(ids: list[int], today: date) -> Rows:
    """Credit notes that are not used up."""
    rows = CreditNote.objects.filter(
        customer__in=ids, unapplied_amount__gt=0, issue_date__lte=today
    ).order_by("issue_date", "id")
    return grouped(
        rows.values("customer_id", "number", "currency", "unapplied_amount"), "customer_id"
    )


def unapplied_payments(ids: list[int], today: date) -> Rows:
    """Cash that is not allocated."""
    rows = Payment.objects.filter(
        customer__in=ids, unapplied_amount__gt=0, reversed_on=None, received_on__lte=today
    ).order_by("received_on", "id")
    return grouped(
        rows.values("id", "customer_id", "received_on", "currency", "unapplied_amount"),
        "customer_id",
    )


def newest_payments(ids: list[int], today: date) -> dict[int, date]:
    """The day of each customer's newest payment of the last month."""
    rows = Payment.objects.filter(
        customer__in=ids,
        reversed_on=None,
        received_on__lte=today,
        received_on__gt=today - PAYMENTS_SINCE,
    )
    newest = rows.order_by().values("customer_id").annotate(newest=Max("received_on"))
    return dict(newest.values_list("customer_id", "newest"))


def lately_paid(ids: list[int], today: date) -> Rows:
    """Invoices that a payment settled in the last month: a newer one may skip an older."""
    rows = Allocation.objects.filter(
        invoice__customer__in=ids,
        invoice__open_amount=0,
        payment__isnull=False,
        reversed_on=None,
        effective_on__lte=today,
        effective_on__gt=today - PAYMENTS_SINCE,
    )
    return grouped(
        rows.values("effective_on", customer=F("invoice__customer_id"), due=F("invoice__due_date")),
        "customer",
    )


def contact_history(ids: list[int], today: date) -> Rows:
    """Attempts of the last months, for the pace and the final demand."""
    rows = ContactAttempt.objects.filter(
        customer__in=ids, local_date__gt=today - CONTACTS_SINCE
    ).order_by("id")
    return grouped(
        rows.values(
            "id", "customer_id", "channel", "kind", "tone", "state", "live", "local_date",
            "done_on", "lead_invoice_id", "lead_instalment_no", "promise_id", "provider_status",
            lead_due=F("lead_invoice__due_date"),
            level=F("call__level"),
            letter_status=F("letter__status"),
        ),
        "customer_id",
    )  # fmt: skip


def item_history(ids: list[int]) -> Rows:
    """What completed or listed each open item, by invoice, oldest first."""
    listed = Q(completes=True) | Q(part="please_pay") | Q(step_key=ASK_STEP)
    rows = AttemptItem.objects.filter(
        listed, invoice__customer__in=ids, invoice__open_amount__gt=0
    ).order_by("attempt_id", "id")
    return grouped(
        rows.values(
            "invoice_id", "instalment_no", "step_key", "action_key", "repeat", "cycle", "offset",
            "completes", "taken", "pay_by", "attempt_id",
            channel=F("attempt__channel"),
            kind=F("attempt__kind"),
            tone=F("attempt__tone"),
            state=F("attempt__state"),
            attempt_live=F("attempt__live"),
            local_date=F("attempt__local_date"),
            done_on=F("attempt__done_on"),
            reason=F("attempt__reason"),
            held_for=F("attempt__held_for"),
            again_on=F("attempt__again_on"),
            provider_status=F("attempt__provider_status"),
            level=F("attempt__call__level"),
            letter_status=F("attempt__letter__status"),
            delivered_on=F("attempt__letter__delivered_on"),
            reported_on=F("attempt__letter__reported_on"),
        ),
        "invoice_id",
    )  # fmt: skip


def inbound(ids: list[int], today: date) -> Rows:
    """What customers wrote lately and what of it nobody read; auto-replies are no reply."""
    recent = Q(read_at=None) | Q(received_at__date__gt=today - CONTACTS_SINCE)
    rows = Inbound.objects.filter(recent, customer__in=ids, auto_reply=False)
    return grouped(rows.values("customer_id", "channel", "received_at", "read_at"), "customer_id")


def same_mailbox(ids: list[int], today: date) -> dict[str, list[Row]]:
    """Contacts that reached an address of these customers, for whatever account (rule 2)."""
    addresses = Contact.objects.filter(customer__in=ids, active=True).exclude(email="")
    rows = AttemptRecipient.objects.filter(
        address__in=addresses.values("email"), attempt__local_date__gt=today - ADDRESS_SINCE
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows.values(
        "address",
        customer_id=F("attempt__customer_id"),
        channel=F("attempt__channel"),
        kind=F("attempt__kind"),
        tone=F("attempt__tone"),
        state=F("attempt__state"),
        live=F("attempt__live"),
        local_date=F("attempt__local_date"),
        done_on=F("attempt__done_on"),
        provider_status=F("attempt__provider_status"),
    ):
        found[row["address"].lower()].append(row)
    return found


def enrolments(ids: list[int]) -> list[tuple[int, int | None, int | None]]:
    """Policies of customers and of single invoices: (policy, customer, invoice)."""
    rows = Enrolment.objects.filter(
        Q(customer__in=ids) | Q(invoice__customer__in=ids, invoice__open_amount__gt=0)
    )
    return list(rows.values_list("policy_id", "customer_id", "invoice_id"))


def tags(ids: list[int]) -> dict[int, list[int]]:
    """Tags of the customers, in the order of their ids."""
    through = Customer.tags.through
    found: dict[int, list[int]] = defaultdict(list)
    rows = through._default_manager.filter(customer__in=ids).order_by("tag_id")
    for customer_id, tag_id in rows.values_list("customer_id", "tag_id"):
        found[customer_id].append(tag_id)
    return found


def follow_ups(ids: list[int]) -> Rows:
    """The projection as it stands, to write only what changes; reopened items come back.

    By whose invoice it is: `customer_id` is who was last followed for it, them or a parent.
    """
    rows = FollowUp.objects.filter(
        ~Q(state=FollowUpState.CLOSED) | Q(invoice__open_amount__gt=0), invoice__customer__in=ids
    )
    return grouped(
        rows.values(
            "id", "customer_id", "invoice_id", "instalment_no", "policy_version_id", "cycle",
            "state", "last_step", "last_step_on", "next_step", "next_on", "reason",
            billed=F("invoice__customer_id"),
        ),
        "billed",
    )  # fmt: skip
