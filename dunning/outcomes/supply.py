"""Stopping and releasing supply: sales hears of both, by an internal notice of the outbox.

Nothing here happens by itself: what is over its limit, or late in its policy, becomes a task.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.db import transaction
from django.db.models import F, Q, Sum

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company
from customers.models import Customer
from customers.services import lock_customer, touch
from dunning.models import (
    AttemptKind,
    AttemptRecipient,
    Channel,
    ContactAttempt,
    FollowUp,
    FollowUpState,
    PolicyStep,
    Task,
    TaskKind,
    Tone,
)
from dunning.outbox import Draft, plan
from dunning.outcomes.notes import TaskNote, leave_event, open_task
from dunning.wording.notice import Purpose
from invoices.models import Invoice

LATE_TONES = (Tone.URGENT, Tone.FINAL)
ABOUT = "credit-stop"
ASKED_AGAIN_AFTER = timedelta(days=60)


def stop_supply(
    customer_id: int, reason: str, *, actor: Actor, today: date, now: datetime | None = None
) -> Customer:
    """No further supply until it is released; sales is told why, and by whom."""
    if not reason.strip():
        raise ServiceError("Say why supply is stopped.")
    with transaction.atomic():
        customer = lock_customer(customer_id)
        if customer.credit_stop:
            raise ServiceError("Supply is stopped already.")
        customer.credit_stop, customer.credit_stop_since = True, today
        customer.credit_stop_reason = reason.strip()[:200]
        _save(customer)
        said = f"Supply stopped: {customer.credit_stop_reason}"
        leave_event("customer.credit_stop", customer, customer.pk, said, actor)
        _tell_sales(customer, said, "Please deliver nothing more until it is released.", actor, now)
        Task.objects.filter(dedupe_key=_task_key(customer.pk), status="open").update(
            status="done", done_at=clock.now(), done_by_id=actor.id, result=said[:300]
        )
        touch(customer_id)
    return customer


def release_supply(
    customer_id: int, reason: str, *, actor: Actor, now: datetime | None = None
) -> Customer:
    """Supply goes on; sales is told."""
    if not reason.strip():
        raise ServiceError("Say why supply goes on.")
    with transaction.atomic():
        customer = lock_customer(customer_id)
        if not customer.credit_stop:
            raise ServiceError("Supply is not stopped.")
        customer.credit_stop, customer.credit_stop_since = False, None
        customer.credit_stop_reason = ""
        _save(customer)
        said = f"Supply goes on: {reason.strip()[:200]}"
        leave_event("customer.credit_release", customer, customer.pk, said, actor)
        _tell_sales(customer, said, "You may deliver again.", actor, now)
        touch(customer_id)
    return customer


def _save(customer: Customer) -> None:
    customer.save(update_fields=["credit_stop", "credit_stop_since", "credit_stop_reason"])


def sales_address(customer: Customer, company: Company) -> tuple[str, str]:
    """Name and address of who hears of it; two empty strings where nobody is known."""
    if customer.sales_email:
        return customer.sales_name, customer.sales_email
    return ("Sales", company.sales_email) if company.sales_email else ("", "")


def _tell_sales(
    customer: Customer, said: str, then: str, actor: Actor, now: datetime | None
) -> None:
    """Through the outbox, to sales; where no address is known, to the owner and managers."""
    now, company = now or clock.now(), Company.load()
    name, address = sales_address(customer, company)
    today = clock.today(company.time_zone)
    lines = [
        f"{customer.name} ({customer.number})",
        said,
        then,
        "Open: " + (", ".join(_open_words(customer)) or "nothing"),
        f"Decided by {actor.label}.",
    ]
    attempt = ContactAttempt(
        customer=customer,
        channel=Channel.INTERNAL,
        kind=AttemptKind.MANUAL,
        tone=Tone.INTERNAL,
        automatic=False,
        customer_facing=False,
        exempt=True,
        reason="credit_stop",
        reason_text=said[:300],
        planned_on=today,
        local_date=today,
        due_at=now,
        dedupe_key=f"supply:{uuid4()}",
        created_by_id=actor.id,
        content={
            "purpose": Purpose.MANUAL.value,
            "subject": _literal(f"{said.partition(':')[0]}: {customer.name}")[:120],
            "body": _literal("\n\n".join(lines)),
        },
    )
    to = [AttemptRecipient(attempt=attempt, name=name, address=address)] if address else []
    plan([Draft(attempt, (), to)], now=now, company=company, actor=actor)


def _literal(text: str) -> str:
    """Words that a person typed are no merge fields."""
    return text.replace("{{", "{ {").replace("{%", "{ %")


def _open_words(customer: Customer) -> list[str]:
    rows = Invoice.objects.filter(customer=customer, open_amount__gt=0).order_by()
    sums = rows.values_list("currency").annotate(sum=Sum("open_amount")).order_by("currency")
    return [with_currency(amount, currency) for currency, amount in sums]


def suggest_stops(today: date) -> int:
    """A task for whoever is over their limit or late in their policy, and still supplied."""
    reasons = _at_a_late_step() | _over_limit()
    if not reasons:
        return 0
    asked = Task.objects.filter(
        dedupe_key__in=[_task_key(pk) for pk in reasons],
        created_at__date__gt=today - ASKED_AGAIN_AFTER,
    )
    known = set(asked.values_list("dedupe_key", flat=True))
    wanted = [pk for pk in reasons if _task_key(pk) not in known]
    rows = Customer.objects.filter(
        pk__in=wanted, credit_stop=False, legal_stop="", merged_into=None
    )
    made = 0
    for customer in rows.select_related("owner").order_by("pk"):
        note = TaskNote(TaskKind.DECIDE, f"Stop supply? {reasons[customer.pk]}", today, ABOUT)
        open_task(customer, note)
        made += 1
    return made


def _task_key(customer_id: int) -> str:
    return f"{TaskKind.DECIDE}:{customer_id}:{ABOUT}"


def over_limit(customers: Iterable[Customer]) -> dict[int, Decimal]:
    """What customers with a credit limit owe in its currency, where it is more."""
    limits: Mapping[int, tuple[str, Decimal]] = {
        row.pk: (row.currency, row.credit_limit)
        for row in customers
        if row.credit_limit is not None
    }
    rows = Invoice.objects.filter(customer__in=list(limits), open_amount__gt=0).order_by()
    sums = rows.values_list("customer", "currency").annotate(sum=Sum("open_amount"))
    return {
        pk: amount
        for pk, currency, amount in sums
        if currency == limits[pk][0] and amount > limits[pk][1]
    }


def _over_limit() -> dict[int, str]:
    rows = Invoice.objects.filter(
        open_amount__gt=0,
        customer__credit_limit__isnull=False,
        customer__credit_stop=False,
        currency=F("customer__currency"),
    ).order_by()
    sums = rows.values_list("customer", "currency", "customer__credit_limit").annotate(
        sum=Sum("open_amount")
    )
    return {
        pk: f"{with_currency(amount, currency)} open; the limit is "
        f"{with_currency(limit, currency)}."
        for pk, currency, limit, amount in sums
        if limit is not None and amount > limit
    }


def _at_a_late_step() -> dict[int, str]:
    """Whose open item has taken an urgent or final step."""
    late = Q(pk__in=())
    steps = PolicyStep.objects.filter(tone__in=LATE_TONES).values_list("version_id", "step_key")
    for version_id, step_key in steps:
        late |= Q(policy_version_id=version_id, last_step=step_key)
    rows = FollowUp.objects.filter(late, customer__credit_stop=False)
    rows = rows.exclude(state=FollowUpState.CLOSED).order_by()
    words = "An urgent reminder or a final demand went out and is not answered by a payment."
    return dict.fromkeys(rows.values_list("customer", flat=True).distinct(), words)
