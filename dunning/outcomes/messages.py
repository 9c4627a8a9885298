"""Messages about what was agreed: thanks for a promise, a reminder of it, a plan in writing.

They go through the outbox and its gate like every other message. None of them counts for
the pace (rule 2); whatever still waits is taken back when its promise or plan ends.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from arfollow.shared.events import SYSTEM, Actor
from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company
from customers.models import Contact
from customers.services import lock_customer, primary_contact
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    PaymentPlan,
    Promise,
    PromiseStatus,
    Tone,
)
from dunning.outbox import Draft, desk, moves, plan, zone_of
from dunning.outbox.calendars import customer_calendar
from dunning.outbox.slots import SendTimes
from dunning.outcomes.items import OpenItem, item_rows, open_items
from dunning.outcomes.words import say_day
from dunning.policy import ItemKey

WAITING = (AttemptState.PLANNED, AttemptState.HELD)
AGREED = "agreed"
"""Code of the reason why these messages go: something was agreed."""


def nudge_day(made_on: date, due_on: date, calendar: Calendar) -> date | None:
    """The business day before the promised one; None where the promise was made on it or later.

    Who promised today for tomorrow has just been thanked and needs no reminder.
    """
    day = calendar.previous(due_on)
    return day if day > made_on else None


def confirm_promise(promise: Promise, *, now: datetime, actor: Actor) -> ContactAttempt | None:
    """Thank for the promise by e-mail; None where it is switched off or nobody can be written to.

    In the caller's transaction, under the customer's lock.
    """
    if not Company.load().confirm_promises:
        return None
    said = f"They promised to pay by {say_day(promise.due_on)}."
    draft = _promise_draft(promise, AttemptKind.PROMISE_CONFIRMED, said, promise.made_on)
    return _queue(draft, now=now, actor=actor)


def remind_of_promises(now: datetime) -> int:
    """Remind of each promise whose day before has come; answers how many messages that makes.

    A day that was missed is made up only before the promised day itself.
    """
    company = Company.load()
    times = SendTimes.of(company)
    last = now.astimezone(zone_of(times, "")).date() + timedelta(days=1)
    waiting = Promise.objects.filter(status=PromiseStatus.OPEN, nudge_on__lte=last)
    count = 0
    for promise in waiting.select_related("customer").order_by("nudge_on", "id"):
        today = now.astimezone(zone_of(times, promise.customer.time_zone)).date()
        if promise.nudge_on is not None and promise.nudge_on <= today:
            count += _remind(promise.pk, today, now, company)
    return count


def _remind(promise_id: int, today: date, now: datetime, company: Company) -> int:
    with transaction.atomic():
        promise = Promise.objects.select_related("customer").get(pk=promise_id)
        lock_customer(promise.customer_id)
        mine = Promise.objects.filter(
            pk=promise_id, status=PromiseStatus.OPEN, nudge_on__isnull=False
        )
        if not mine.update(nudge_on=None):
            return 0
        if not company.nudge_promises or promise.due_on <= today:
            return 0
        said = f"They promised to pay by {say_day(promise.due_on)}; a short reminder before it."
        draft = _promise_draft(promise, AttemptKind.PROMISE_NUDGE, said, today)
        return int(_queue(draft, now=now, actor=SYSTEM) is not None)


def ask_for_rest(promise: Promise, *, now: datetime, today: date) -> ContactAttempt | None:
    """Thank for the part that came of a promise and ask when the rest may be expected.

    Only where nobody can be called: elsewhere the call of rule 8 asks. In the caller's
    transaction, under the customer's lock.
    """
    if any(contact.can_call for contact in promise.customer.contacts.filter(active=True)):
        return None
    draft = _promise_draft(promise, AttemptKind.PROMISE_FOLLOW_UP, f"{promise.words}.", today)
    if draft is not None:
        draft.attempt.tone = Tone.FRIENDLY
    return _queue(draft, now=now, actor=SYSTEM)


def confirm_plan(
    agreed: PaymentPlan, *, now: datetime, today: date, actor: Actor
) -> ContactAttempt | None:
    """Put the agreed plan in writing; None where there is no usable address.

    In the caller's transaction, under the customer's lock.
    """
    ids = set(agreed.invoices.values_list("pk", flat=True))
    items = [item for item in open_items(agreed.customer_id) if item.key.invoice_id in ids]
    attempt = _attempt(agreed, AttemptKind.PLAN_CONFIRMED, "A payment plan was agreed.", today)
    attempt.plan, attempt.dedupe_key = agreed, f"plan:{agreed.pk}"
    return _queue(_draft(attempt, items, today), now=now, actor=actor)


def drop_messages(why: str, *, promise_id: int = 0, plan_id: int = 0) -> int:
    """Take back what still waits about a promise or plan that ended; answers how much it was."""
    about = {"promise_id": promise_id} if promise_id else {"plan_id": plan_id}
    kinds = (
        AttemptKind.PROMISE_CONFIRMED,
        AttemptKind.PROMISE_NUDGE,
        AttemptKind.PLAN_CONFIRMED,
        AttemptKind.PROMISE_FOLLOW_UP,
    )
    waiting = ContactAttempt.objects.filter(**about, kind__in=kinds, state__in=WAITING)
    gone = 0
    for attempt in waiting.select_related("customer"):
        if moves.cancel(attempt.pk, reason="agreement_ended", text=why[:300]):
            desk.tell(attempt, "attempt.cancelled", f"{attempt.get_kind_display()}: {why}")
            gone += 1
    return gone


def _promise_draft(promise: Promise, kind: AttemptKind, said: str, today: date) -> Draft | None:
    covered = promise.items.values_list("invoice_id", "instalment_no")
    keys = {ItemKey(*pair) for pair in covered}
    items = [item for item in open_items(promise.customer_id) if item.key in keys]
    attempt = _attempt(promise, kind, said, today)
    attempt.promise, attempt.dedupe_key = promise, f"{kind}:{promise.pk}"
    return _draft(attempt, items, today)


def _attempt(
    about: Promise | PaymentPlan, kind: AttemptKind, said: str, today: date
) -> ContactAttempt:
    return ContactAttempt(
        customer=about.customer,
        channel=Channel.EMAIL,
        kind=kind,
        tone=Tone.COURTESY,
        language=about.customer.language,
        exempt=True,
        reason=AGREED,
        reason_text=said,
        planned_on=today,
        local_date=today,
    )


def _draft(attempt: ContactAttempt, items: Sequence[OpenItem], today: date) -> Draft | None:
    """None where nobody can be written to; whom we call then hears it on the telephone."""
    contact = primary_contact(attempt.customer_id)
    if contact is None or not contact.can_email:
        return None
    return Draft(
        attempt,
        items=_items(attempt, items, today),
        recipients=[_recipient(attempt, contact)],
        calendar=customer_calendar(attempt.customer),
    )


def _items(attempt: ContactAttempt, items: Sequence[OpenItem], today: date) -> list[AttemptItem]:
    return item_rows(attempt, items, today=today)


def _recipient(attempt: ContactAttempt, contact: Contact) -> AttemptRecipient:
    return AttemptRecipient(
        attempt=attempt, contact=contact, name=contact.name, address=contact.email
    )


def _queue(draft: Draft | None, *, now: datetime, actor: Actor) -> ContactAttempt | None:
    stored = plan([draft] if draft else [], now=now, company=Company.load(), actor=actor)
    return stored[0] if stored else None
