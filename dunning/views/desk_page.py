"""What lies beside the telephone: whom to ring, what to say, what was sent, what was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from arfollow.shared.money import with_currency
from arfollow.staff.models import Company, User
from customers.models import Customer, TermsAgreement
from customers.payruns import PayRuns, pay_runs
from dunning.forms.calls import Desk
from dunning.models import (
    AttemptKind,
    AttemptState,
    CallRecord,
    Channel,
    ContactAttempt,
    Hold,
    Inbound,
    PaymentPlan,
    PlanStatus,
    Promise,
    PromiseStatus,
    Task,
)
from dunning.outbox.calendars import customer_calendar, our_calendar
from dunning.outcomes import (
    BestHour,
    Days,
    Hours,
    best_hour,
    collectible_by_currency,
    hours_at,
    next_try,
    open_items,
    promise_words,
    say_day,
    tried_days,
)
from dunning.policy.made import may_call_again

SENT_SHOWN, SAID_SHOWN, NEXT_SHOWN = 8, 3, 3
WRITTEN = (Channel.EMAIL, Channel.LETTER)


@dataclass(frozen=True, slots=True)
class Dial:
    """May they be rung now? `why_not` warns; a number is dialled by a click only without it."""

    hours: Hours
    best: BestHour | None
    tried: Sequence[date]
    why_not: str


@dataclass(slots=True)
class Sight:
    """All that stands beside the form."""

    dial: Dial
    why: str
    pinned: list[tuple[str, str]]
    script: "Script"
    sent: list[ContactAttempt]
    leaving: list[ContactAttempt]
    said: list[CallRecord]
    letters_in: list[Inbound]
    promise: Promise | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """The script by step, with live figures: receipt first, then the status (R30, R33)."""

    opening: str
    receipt: str
    status: tuple[str, ...]
    ask: str


def desk_of(
    customer: Customer,
    days: Days,
    *,
    channel: str,
    inbound: bool = False,
    reply: Inbound | None = None,
) -> Desk:
    """What the form is about; a promise starts with the customer's next pay run."""
    contacts = customer.contacts.filter(active=True).order_by("-primary", "id")
    runs = pay_runs(customer.payment_rules)
    pays_on = _next_run(runs, customer, days)
    return Desk(
        customer=customer,
        contacts=list(contacts),
        items=open_items(customer.pk),
        days=days,
        channel=channel,
        pays_on=pays_on,
        pays_why=f"Their next pay run: “{runs.said}”." if runs and pays_on else "",
        inbound=inbound or reply is not None,
        reply=reply,
    )


def _next_run(runs: PayRuns | None, customer: Customer, days: Days) -> date | None:
    """Their next pay run, where a promise may reach it."""
    if runs is None:
        return None
    found = runs.next_after(days.today, customer_calendar(customer))
    return found if found <= days.promise_latest else None


def sight_of(
    desk: Desk,
    company: Company,
    me: User,
    *,
    planned: ContactAttempt | None,
    task: Task | None,
    now: datetime,
) -> Sight:
    """Everything beside the form, in a fixed number of queries."""
    customer = desk.customer
    sent = _sent(customer)
    promise = Promise.objects.filter(customer=customer).exclude(status=PromiseStatus.CANCELLED)
    newest = promise.order_by("-made_on", "-pk").first()
    return Sight(
        dial=_dial(desk, company, now),
        why=_why(desk, planned, task),
        pinned=_pinned(desk, newest),
        script=_script(desk, company, me, sent, newest),
        sent=sent,
        leaving=_leaving(customer),
        said=_said(customer),
        letters_in=list(Inbound.objects.filter(customer=customer).order_by("-received_at")[:2]),
        promise=newest,
    )


# --- the telephone ----------------------------------------------------------------------------


def _dial(desk: Desk, company: Company, now: datetime) -> Dial:
    customer, zone = desk.customer, desk.days.zone
    hours = hours_at(now, zone, customer_calendar(customer), company)
    tried = tried_days(customer.pk, desk.days.today)
    return Dial(hours, best_hour(customer.pk, zone, now=now), tried,
                _why_not(desk, company, hours, tried))  # fmt: skip


def _why_not(desk: Desk, company: Company, hours: Hours, tried: Sequence[date]) -> str:
    """Why nobody is rung now, the strictest cause first (rule 2)."""
    if desk.customer.legal_stop:
        return f"{desk.customer.get_legal_stop_display()}: they are not called about payment."
    if not may_call_again(tried, desk.days.today):
        after = next_try(list(tried[:-1]), desk.days.today, our_calendar(company))
        times = "today" if desk.days.today in tried else "three times this week"
        return f"Tried in vain {times}. The next try is due on {say_day(after)}."
    if hours.closed:
        return hours.closed
    if not any(contact.can_call for contact in desk.contacts):
        return "Nobody here has a number that may be dialled."
    return ""


# --- why, and what to know --------------------------------------------------------------------


def _why(desk: Desk, planned: ContactAttempt | None, task: Task | None) -> str:
    if desk.reply is not None:
        return "They wrote to us."
    if task is not None:
        return task.title
    if desk.inbound:
        return "They are calling us."
    return planned.reason_text if planned else "Nothing is planned; you opened this call yourself."


def _pinned(desk: Desk, promise: Promise | None) -> list[tuple[str, str]]:
    """Rules and agreements of the customer, those first that change what may be said."""
    customer = desk.customer
    rules = [("Pay run and rules", customer.payment_rules)]
    if desk.pays_on:
        rules.append(("Next pay run", f"{desk.pays_on:%A} {say_day(desk.pays_on)}"))
    credit = "New orders wait until they pay." if customer.credit_stop else ""
    found = [
        ("Stopped", customer.get_legal_stop_display() if customer.legal_stop else ""),
        ("Could not pay", customer.cannot_pay_reason),
        *rules,
        ("Terms", _terms(customer)),
        ("Promise", promise_words(promise) if promise else ""),
        *_agreed(desk),
        ("In query", _money(_disputed(desk))),
        ("Credit stop", credit),
        ("Good to know", customer.collection_notes),
    ]
    return [(label, text) for label, text in found if text]


def _terms(customer: Customer) -> str:
    agreed = TermsAgreement.objects.filter(customer=customer).select_related("terms")
    newest = agreed.order_by("-agreed_on", "-pk").first()
    if newest is not None:
        return f"{newest.terms}, agreed by {newest.agreed_by} on {say_day(newest.agreed_on)}"
    return str(customer.terms or "")


def _agreed(desk: Desk) -> list[tuple[str, str]]:
    customer, today = desk.customer, desk.days.today
    holds = Hold.objects.filter(customer=customer, released_on=None, ends_on__gte=today)
    plans = PaymentPlan.objects.filter(customer=customer, status=PlanStatus.ACTIVE)
    waits = {f"{h.get_reason_display()}, until {say_day(h.ends_on)}" for h in holds[:10]}
    plan = [f"{with_currency(row.total, row.currency)}, agreed" for row in plans[:2]]
    return [("Waits", "; ".join(sorted(waits))), ("Payment plan", "; ".join(plan))]


def _disputed(desk: Desk) -> dict[str, Any]:
    totals: dict[str, Any] = {}
    for item in desk.items:
        if item.disputed:
            totals[item.currency] = totals.get(item.currency, 0) + item.disputed
    return totals


def _money(totals: dict[str, Any]) -> str:
    return ", ".join(with_currency(amount, code) for code, amount in totals.items())


# --- the script -------------------------------------------------------------------------------


def _script(
    desk: Desk,
    company: Company,
    me: User,
    sent: Sequence[ContactAttempt],
    promise: Promise | None,
) -> Script:
    whom = desk.to_ring
    name = whom.name if whom and whom.name else "the person who pays our invoices"
    opening = f"“Good day, this is {me} of {company.name}. May I speak to {name}?”"
    if desk.inbound:
        opening = f"“{company.name}, this is {me}. Thank you for calling.”"
    runs = f"Your next pay run is on {say_day(desk.pays_on)}, as we noted. " if desk.pays_on else ""
    ask = f"“{runs}Which day can we expect the payment?” Repeat the day and the amount."
    return Script(opening, _receipt(desk, sent), tuple(_status(desk, promise)), ask)


def _receipt(desk: Desk, sent: Sequence[ContactAttempt]) -> str:
    """Did it arrive? With what we sent last, when and where (R30, R32)."""
    count = len(desk.overdue)
    many = "our invoice" if count == 1 else f"our {count} invoices" if count else "our invoices"
    if not sent or sent[0].done_on is None:
        return f"“Did {many} reach you?”"
    last = sent[0]
    where = ", ".join(to.address for to in last.recipients.all()) or "your postal address"
    how = "by letter" if last.channel == Channel.LETTER else f"to {where}"
    return f"“We wrote on {say_day(sent[0].done_on)} {how}. Did {many} reach you?”"


def _status(desk: Desk, promise: Promise | None) -> list[str]:
    """Only once they have seen the invoices (R33)."""
    lines = []
    today = desk.days.today
    for currency, amount in collectible_by_currency(desk.overdue).items():
        rows = [item for item in desk.overdue if item.currency == currency]
        oldest = min(rows, key=lambda item: item.due_date)
        many = f"{len(rows)} invoice{'s' * (len(rows) != 1)}"
        lines.append(
            f"{with_currency(amount, currency)} is past due, {many}. The oldest is "
            f"{oldest.number}, due {say_day(oldest.due_date)}, {oldest.days_late(today)} days ago."
        )
    if promise is not None and promise.status in (PromiseStatus.BROKEN, PromiseStatus.PART_KEPT):
        lines.append(_on_promise(promise))
    return lines or ["Nothing is past due. Ask whether everything is in order."]


def _on_promise(promise: Promise) -> str:
    """A part kept is thanked for; the rest was noted for its day."""
    noted = f"noted for {say_day(promise.due_on)}"
    if promise.kept_amount:
        came = with_currency(promise.kept_amount, promise.currency)
        left = with_currency(promise.amount - promise.kept_amount, promise.currency)
        return f"Thank you for the {came}. The remaining {left} was {noted}."
    return f"{with_currency(promise.amount, promise.currency)} was {noted}; may I ask what held it?"


# --- evidence ---------------------------------------------------------------------------------


def _sent(customer: Customer) -> list[ContactAttempt]:
    """What we sent last, with what became of it (R32)."""
    rows = ContactAttempt.objects.filter(
        customer=customer, state=AttemptState.SENT, channel__in=WRITTEN, customer_facing=True
    ).exclude(kind=AttemptKind.INBOUND)
    shown = rows.order_by("-pk").select_related("letter").prefetch_related("recipients")
    return list(shown.defer("content")[:SENT_SHOWN])


def _leaving(customer: Customer) -> list[ContactAttempt]:
    """What is on its way, or leaves next."""
    unsure = Q(state__in=[AttemptState.CLAIMED, AttemptState.SENDING, AttemptState.UNKNOWN])
    waiting = Q(state__in=[AttemptState.PLANNED, AttemptState.HELD])
    rows = ContactAttempt.objects.filter(
        unsure | waiting, customer=customer, channel__in=WRITTEN, customer_facing=True
    )
    return list(rows.order_by("due_at", "pk").prefetch_related("recipients")[:NEXT_SHOWN])


def _said(customer: Customer) -> list[CallRecord]:
    """The last words: what was said when, and by whom."""
    rows = CallRecord.objects.filter(attempt__customer=customer).select_related("by", "attempt")
    return list(rows.order_by("-at", "-pk")[:SAID_SHOWN])
