"""Logging a call or visit: the record, the planned call it completes, the consequences.

In this order, in one transaction under the customer's lock: the same form sent twice is
found by its token; the attempt is made or completed; the record is written; each answer is
carried out; the timeline gets its event.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.staff.models import Company
from customers.models import Contact, Customer
from customers.services import lock_customer, touch
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptState,
    CallOutcome,
    CallRecord,
    Channel,
    ContactAttempt,
    ContactLevel,
    Direction,
    TaskKind,
    Tone,
)
from dunning.outbox import adopt_if_new, moves
from dunning.outcomes.consequences import carry_out
from dunning.outcomes.days import Days, days_around
from dunning.outcomes.inputs import Answer, CallInput, Case
from dunning.outcomes.items import OpenItem, chosen, list_items
from dunning.outcomes.notes import TaskNote, finish_task, leave_event, open_task
from dunning.outcomes.replies import read_reply
from dunning.outcomes.trail import trailed
from dunning.outcomes.tries import TRIES, is_last_try
from dunning.outcomes.words import TABLE
from dunning.policy import Reason

LISTED_AT_MOST = 3000


def record_call(call: CallInput, *, actor: Actor, now: datetime) -> ContactAttempt:
    """Log a call or visit and carry out the consequence of each outcome (PROTOCOL §4).

    The same token twice answers with the call as it was logged the first time.
    """
    with transaction.atomic():
        customer = lock_customer(call.customer_id)
        known = ContactAttempt.objects.filter(call__token=call.token, customer=customer).first()
        if known is not None or not call.answers:
            return _known(known)
        company = Company.load()
        days = days_around(customer, company, now)
        planned = _planned(call, customer)
        _check(call)
        with trailed(None, customer.pk, now) as walk:
            case = _log(call, customer, company, planned, days, actor)
            walk.record = case.record
            for answer in call.answers:
                _answer(case, answer)
            _finish(case, planned)
    return case.attempt


def _known(attempt: ContactAttempt | None) -> ContactAttempt:
    if attempt is None:
        raise ServiceError("Choose what came of the call.")
    return attempt


def add_answer(
    attempt_id: int, answer: Answer, *, actor: Actor, now: datetime, token: UUID | None = None
) -> ContactAttempt:
    """One more outcome of a call that is logged: other invoices may have another one.

    The same `token` twice adds it once.
    """
    record = CallRecord.objects.select_related("attempt").get(pk=attempt_id)
    with transaction.atomic():
        customer = lock_customer(record.attempt.customer_id)
        record.refresh_from_db()
        attempt = record.attempt
        if token is not None and any(step["token"] == str(token) for step in record.trail):
            return attempt
        company = Company.load()
        call = CallInput(customer.pk, (answer,), token or attempt.uuid, attempt_id=attempt_id)
        days = days_around(customer, company, now)
        case = Case(customer, company, record.contact, call, attempt, record, days, actor, ())
        with trailed(record, customer.pk, now) as walk:
            walk.token = token
            _answer(case, answer)
            _tell(case)
            touch(customer.pk)
    return attempt


def _planned(call: CallInput, customer: Customer) -> ContactAttempt | None:
    """The planned call that this one is, named or found; a call of theirs is never ours."""
    waiting = ContactAttempt.objects.filter(
        customer=customer, channel=call.channel, state=AttemptState.PLANNED
    )
    if call.attempt_id is not None:
        found = waiting.filter(pk=call.attempt_id).first()
        if found is None:
            raise ServiceError("This call was logged or cancelled meanwhile. Look again.")
        return found
    if call.direction == Direction.IN or call.task_id is not None:
        return None
    return waiting.order_by("planned_on", "pk").first()


def _check(call: CallInput) -> None:
    outcomes = {answer.outcome for answer in call.answers}
    if outcomes & TRIES and len(call.answers) > 1:
        raise ServiceError("Nobody was reached: there can be no other outcome.")


def _log(
    call: CallInput,
    customer: Customer,
    company: Company,
    planned: ContactAttempt | None,
    days: Days,
    actor: Actor,
) -> Case:
    """The attempt with its record; a planned call is completed by what counts as made."""
    main = call.answers[0]
    contact = _contact(call, customer)
    level = main.level or TABLE[main.outcome].level
    done = planned is not None and _makes(main.outcome, planned, days)
    if planned is not None and done:
        attempt = _complete(planned, level, days, actor)
    else:
        attempt = _new_attempt(call, customer, level, planned, days, actor)
    known = replace(call, attempt_id=planned.pk if planned else None)
    record = _record(known, main, attempt, contact, level, days, actor)
    return Case(customer, company, contact, known, attempt, record, days, actor, ())


def _contact(call: CallInput, customer: Customer) -> Contact | None:
    if call.contact_id is None:
        return None
    return Contact.objects.filter(pk=call.contact_id, customer=customer).first()


def _makes(outcome: CallOutcome, planned: ContactAttempt, days: Days) -> bool:
    """Done by a conversation, a message left, or the third try on two days (rule 4)."""
    if outcome in TRIES:
        return is_last_try(planned, days.today)
    return TABLE[outcome].makes


def _complete(
    planned: ContactAttempt, level: ContactLevel, days: Days, actor: Actor
) -> ContactAttempt:
    reached = days.today if level == ContactLevel.RIGHT else None
    moves.made(
        planned.pk,
        done_on=days.today,
        at=days.now,
        reached_on=reached,
        exempt=planned.exempt or level == ContactLevel.NONE,
    )
    planned.refresh_from_db()
    return planned


def _new_attempt(
    call: CallInput,
    customer: Customer,
    level: ContactLevel,
    planned: ContactAttempt | None,
    days: Days,
    actor: Actor,
) -> ContactAttempt:
    """A call nobody planned, a call of theirs, or one more try of a planned call."""
    kind = _kind(call)
    answer = call.answers[0]
    written = _own_id(call)
    items = chosen(customer.pk, answer.items, today=days.today)[:LISTED_AT_MOST]
    adopt_if_new()
    attempt = ContactAttempt.objects.create(
        customer=customer,
        channel=call.channel,
        kind=kind,
        tone=planned.tone if planned else Tone.FRIENDLY,
        language=customer.language,
        automatic=False,
        exempt=kind == AttemptKind.CALL_BACK or level == ContactLevel.NONE,
        state=AttemptState.SENT,
        planned_on=days.today,
        local_date=days.today,
        done_on=days.today,
        sent_at=days.now,
        reached_on=days.today if level == ContactLevel.RIGHT and not written else None,
        message_id=written,
        customer_facing=not written,
        lead_invoice_id=items[0].key.invoice_id if items else None,
        lead_instalment_no=items[0].key.instalment_no if items else 0,
        dedupe_key=_try_key(planned) if planned else f"call:{call.token}",
        created_by_id=actor.id,
        note=call.note,
    )
    list_items(attempt, items, today=days.today)
    return attempt


def _own_id(call: CallInput) -> str:
    """What stands for a message of theirs in our list of contacts; "" where they spoke."""
    if call.reply_id is None:
        return ""
    count = CallRecord.objects.filter(reply=call.reply_id).count()
    return f"<reply.{call.reply_id}.{count}@inbound>"


def _try_key(planned: ContactAttempt) -> str:
    tried = ContactAttempt.objects.filter(dedupe_key__startswith=f"try:{planned.pk}:").count()
    return f"try:{planned.pk}:{tried + 1}"


def _kind(call: CallInput) -> AttemptKind:
    if call.direction == Direction.IN:
        return AttemptKind.INBOUND
    return AttemptKind.CALL_BACK if call.task_id is not None else AttemptKind.MANUAL


def _record(
    call: CallInput,
    main: Answer,
    attempt: ContactAttempt,
    contact: Contact | None,
    level: ContactLevel,
    days: Days,
    actor: Actor,
) -> CallRecord:
    received = False if main.outcome == CallOutcome.NOT_RECEIVED else call.invoice_received
    return CallRecord.objects.create(
        attempt=attempt,
        token=call.token,
        reply_id=call.reply_id,
        direction=call.direction,
        at=call.at or days.now,
        number_used=call.number_used or (contact.phone if contact else ""),
        contact=contact,
        person=call.person or (contact.name if contact else ""),
        level=level,
        outcome=main.outcome,
        invoice_received=received,
        follow_up_on=call.follow_up_on,
        note=call.note,
        by_id=actor.id,
    )


def _answer(case: Case, answer: Answer) -> None:
    items = tuple(chosen(case.customer.pk, answer.items, today=case.days.today))
    _mark(case.attempt, items, answer.outcome)
    carry_out(replace(case, items=items), answer)


def _mark(attempt: ContactAttempt, items: tuple[OpenItem, ...], outcome: CallOutcome) -> None:
    """Say at each listed item what came of it; list those that were only now spoken of."""
    wanted = {item.key: item for item in items}
    listed = [
        row
        for row in AttemptItem.objects.filter(attempt=attempt, invoice__isnull=False)
        if (row.invoice_id, row.instalment_no) in wanted
    ]
    for row in listed:
        row.outcome = outcome
    AttemptItem.objects.bulk_update(listed, ["outcome"], batch_size=500)
    known = {(row.invoice_id, row.instalment_no) for row in listed}
    missing = [item for key, item in wanted.items() if tuple(key) not in known]
    today = attempt.done_on or attempt.planned_on
    list_items(attempt, missing[:LISTED_AT_MOST], today=today, outcome=outcome)


def _finish(case: Case, planned: ContactAttempt | None) -> None:
    call = case.call
    if call.task_id is not None:
        said = case.record.get_outcome_display()
        finish_task(call.task_id, actor=case.actor, result=f"Called: {said}")
    if planned is not None and case.attempt.pk != planned.pk:
        _move_planned(planned, case)
    if call.reply_id is not None:
        read_reply(call.reply_id, actor=case.actor, now=case.days.now)
    elif call.direction == Direction.IN and case.record.level == ContactLevel.RIGHT:
        _cover_planned(case)
    if call.follow_up_on is not None:
        title = "Call again, as noted in the last call"
        note = TaskNote(TaskKind.CALL_BACK, title, call.follow_up_on, "follow-up")
        open_task(case.customer, note, attempt=case.attempt)
    _tell(case)
    touch(case.customer.pk)


def _move_planned(planned: ContactAttempt, case: Case) -> None:
    """Nobody was reached: the planned call stays due, at another hour."""
    ContactAttempt.objects.filter(pk=planned.pk, state=AttemptState.PLANNED).update(
        due_at=case.days.retry_at
    )


def _cover_planned(case: Case) -> None:
    """They called us and spoke to us: a call of ours that was planned is not needed."""
    waiting = ContactAttempt.objects.filter(
        customer=case.customer, channel=Channel.CALL, state=AttemptState.PLANNED
    )
    text = "They called us; the conversation covers it."
    for pk in waiting.values_list("pk", flat=True):
        moves.skip(pk, reason=Reason.CONVERSATION, text=text, done_on=case.days.today)


def _tell(case: Case) -> None:
    labels = dict(CallOutcome.choices)
    said = ", ".join(str(labels[answer.outcome]).lower() for answer in case.call.answers)
    who = case.record.person or "the customer"
    verb = {Direction.IN: "They called"}.get(Direction(case.record.direction), f"Called {who}")
    if case.attempt.channel == Channel.VISIT:
        verb = f"Visited {who}"
    elif case.record.reply_id is not None:
        verb = "They wrote"
    values = {"level": case.record.level, "number": case.record.number_used}
    leave_event(
        "call.logged", case.attempt, case.customer.pk, f"{verb}: {said}", case.actor, values
    )
