"""What each outcome of a call does: one small function per row of the table in `words`."""

from collections.abc import Callable, Mapping
from datetime import date

from arfollow.shared.errors import ServiceError
from arfollow.shared.money import with_currency
from customers.models import Contact, ContactRole, EmailState, LegalStop, PhoneState
from customers.services import (
    save_contact,
    save_contact_state,
    set_legal_stop,
    set_phone_state,
    update_customer,
)
from dunning.models import CallOutcome, Direction, HoldReason, TaskKind
from dunning.outcomes.agreements import (
    HoldInput,
    PromiseInput,
    add_hold,
    add_promise,
)
from dunning.outcomes.inputs import Answer, Case
from dunning.outcomes.items import OpenItem, collectible_by_currency
from dunning.outcomes.notes import TaskNote, open_task
from dunning.outcomes.plans import draft_plan
from dunning.outcomes.queued import resend, stop_everything
from dunning.policy import ItemKey
from invoices.services import open_dispute

type Consequence = Callable[[Case, Answer], None]


def carry_out(case: Case, answer: Answer) -> None:
    """Do what the outcome asks for, in the caller's transaction."""
    CONSEQUENCES[answer.outcome](case, answer)


def _task(case: Case, note: TaskNote) -> None:
    open_task(case.customer, note, attempt=case.attempt)


def _hold(case: Case, answer: Answer, reason: HoldReason, until: date, note: str = "") -> None:
    wanted = HoldInput(reason, until, items=answer.items, note=note or answer.note)
    add_hold(case.customer.pk, wanted, actor=case.actor, today=case.days.today, call=case.attempt)


def _keys(case: Case) -> list[ItemKey]:
    return [item.key for item in case.items]


def _contact_of(case: Case) -> Contact:
    if case.contact is None:
        raise ServiceError("Choose the contact that this is about.")
    return case.contact


# --- nobody reached ------------------------------------------------------------------------


def _try_again(case: Case, answer: Answer) -> None:
    """A planned call moves to another hour (see `calls`); an unplanned one becomes a task."""
    if case.call.attempt_id is None:
        title = f"Try again: {case.record.get_outcome_display().lower()}"
        when = case.days.retry_at
        _task(case, TaskNote(TaskKind.CALL_BACK, title, when.date(), "retry", due_at=when))


def _after_message(case: Case, answer: Answer) -> None:
    day = case.days.message_retry_on
    _task(case, TaskNote(TaskKind.CALL_BACK, "Call again after the message left", day, "retry"))
    if answer.send_email:
        resend(case, case.items)


def _number_wrong(case: Case, answer: Answer) -> None:
    said = case.record.get_outcome_display().lower()
    if case.contact is not None and case.contact.phone:
        set_phone_state(case.contact.pk, PhoneState.INVALID, actor=case.actor, why=said)
    number = case.record.number_used or "the number"
    title = f"Find the right number: {number} is {said}"
    _task(case, TaskNote(TaskKind.FIND_NUMBER, title, case.days.today))


def _call_back(case: Case, answer: Answer) -> None:
    if answer.at is None or answer.at <= case.days.now:
        raise ServiceError("Enter a day and hour to come for the call back.")
    day = answer.at.astimezone(case.days.zone).date()
    who = answer.person or case.record.person or "them"
    title = f"Call {who} back as agreed"
    _task(case, TaskNote(TaskKind.CALL_BACK, title, day, "agreed", due_at=answer.at))
    _hold(case, answer, HoldReason.CALL_BACK, day)


# --- they will pay -------------------------------------------------------------------------


def _promise(case: Case, answer: Answer) -> None:
    given = PromiseInput(
        due_on=_day_of(answer, "Enter the day they promised to pay by."),
        amount=answer.amount,
        currency=answer.currency,
        items=answer.items,
        person=answer.person or case.record.person,
        note=answer.note,
    )
    add_promise(
        case.customer.pk,
        given,
        actor=case.actor,
        today=case.days.today,
        call=case.attempt,
        now=case.days.now,
    )


def _day_of(answer: Answer, missing: str) -> date:
    if answer.on is None:
        raise ServiceError(missing)
    return answer.on


def _says_paid(case: Case, answer: Answer) -> None:
    _hold(case, answer, HoldReason.SAYS_PAID, case.days.says_paid_until)
    title = "Ask for the remittance advice: they say it is paid"
    _task(case, TaskNote(TaskKind.ASK_REMITTANCE, title, case.days.next_day))


def _waiting_approval(case: Case, answer: Answer) -> None:
    until = _day_of(answer, "Enter the day by which it will be approved.")
    who = f"With {answer.person}" if answer.person else ""
    _hold(case, answer, HoldReason.WAITING_APPROVAL, until, note=who)


def _payment_run(case: Case, answer: Answer) -> None:
    _hold(case, answer, HoldReason.PAYMENT_RUN, _day_of(answer, "Enter the day they pay on."))


# --- something is missing ------------------------------------------------------------------


def _not_received(case: Case, answer: Answer) -> None:
    contact = _confirm_address(case, answer)
    resend(case, case.items, contact=contact)
    _hold(case, answer, HoldReason.DOCUMENT, case.days.resent_until, note="Sent again")


def _confirm_address(case: Case, answer: Answer) -> Contact:
    """The address they confirmed. Only one that we reached ourselves vouches for it (R58)."""
    contact = _contact_of(case)
    email = answer.email.strip().lower() or contact.email
    if not email:
        raise ServiceError("Enter the e-mail address they confirmed.")
    outbound = case.record.direction == Direction.OUT
    state = EmailState.VERIFIED if outbound else EmailState.UNVERIFIED
    if email == contact.email and not outbound:
        return contact
    changes = {"email": email, "email_state": state}
    return save_contact_state(contact, changes, actor=case.actor, why=f"{email} confirmed")


def _wrong_person(case: Case, answer: Answer) -> None:
    if not (answer.email or answer.phone):
        raise ServiceError("Enter an e-mail address or number of the right contact.")
    role = case.contact.role if case.contact else ContactRole.PAYABLES
    if case.contact is not None:
        changes = {"active": False, "primary": False}
        save_contact_state(case.contact, changes, actor=case.actor, why="is the wrong person")
    new = save_contact(
        case.customer.pk,
        actor=case.actor,
        name=answer.person,
        email=answer.email,
        phone=answer.phone,
        primary=True,
        role=role,
    )
    if new.can_email:
        resend(case, case.items, contact=new)


def _needs_document(case: Case, answer: Answer) -> None:
    what = answer.reason or "a copy"
    title = f"Send {what} as they asked"
    _task(case, TaskNote(TaskKind.SEND_DOCUMENT, title, case.days.today, what[:40]))
    _hold(case, answer, HoldReason.DOCUMENT, case.days.document_until, note=what)


# --- they do not or cannot pay -------------------------------------------------------------


def _disputes(case: Case, answer: Answer) -> None:
    if not answer.items:
        raise ServiceError("Choose the invoices that they dispute.")
    if answer.amount is not None and len(case.items) != 1:
        raise ServiceError("Choose the one invoice that the disputed amount is part of.")
    for invoice_id in dict.fromkeys(key.invoice_id for key in _keys(case)):
        open_dispute(
            invoice_id,
            answer.amount,
            reason=answer.reason or "other",
            raised_on=case.days.today,
            actor=case.actor,
            raised_by=answer.person or case.record.person,
            owner=case.customer.owner,
            target_date=case.days.dispute_target,
            note=answer.note,
        )


def _asks_plan(case: Case, answer: Answer) -> None:
    draft_plan(
        case.customer, case.items, actor=case.actor, today=case.days.today, call=case.attempt
    )
    title = "Agree the payment plan they asked for"
    _task(case, TaskNote(TaskKind.AGREE_PLAN, title, case.days.next_day))
    _hold(case, answer, HoldReason.OURS, case.days.plan_until, note="Plan to be agreed")


def _cannot_pay(case: Case, answer: Answer) -> None:
    reason = answer.reason or answer.note
    if not reason:
        raise ServiceError("Enter why they cannot pay.")
    changes = {"cannot_pay_reason": reason[:300]}
    update_customer(case.customer.pk, changes, actor=case.actor)
    title = f"Cannot pay ({reason[:120]}): offer a plan or escalate"
    _task(case, TaskNote(TaskKind.DECIDE, title, case.days.next_day, "cannot-pay"))


def _flag(case: Case, answer: Answer) -> None:
    said = "They refuse to pay" if answer.outcome == CallOutcome.REFUSES else "They hung up"
    _task(
        case,
        TaskNote(TaskKind.OWNER_DECIDES, f"{said}: escalate?", case.days.next_day, "escalate"),
    )


def _do_not_call(case: Case, answer: Answer) -> None:
    contact = _contact_of(case)
    changes = {"do_not_call": True}
    save_contact_state(contact, changes, actor=case.actor, why="asked not to be called")


LEGAL_STOPS = {
    CallOutcome.REPRESENTED: LegalStop.REPRESENTED,
    CallOutcome.INSOLVENT: LegalStop.INSOLVENT,
    CallOutcome.DECEASED: LegalStop.DECEASED,
}


def _stop(case: Case, answer: Answer) -> None:
    kind = LEGAL_STOPS[answer.outcome]
    set_legal_stop(case.customer.pk, kind, on=case.days.today, actor=case.actor, why=answer.note)
    stop_everything(case, f"{kind.label}: everything stops.")
    title = f"{kind.label}: decide what comes next"
    _task(case, TaskNote(TaskKind.OWNER_DECIDES, title, case.days.next_day, "legal"))


# --- visits --------------------------------------------------------------------------------


def _collected(case: Case, answer: Answer) -> None:
    amount = _collected_amount(answer, case.items)
    title = f"Book the cheque collected{amount}"
    _task(case, TaskNote(TaskKind.OTHER, title, case.days.today, "cheque"))
    _hold(case, answer, HoldReason.PAYMENT_RECEIVED, case.days.document_until)


def _collected_amount(answer: Answer, items: tuple[OpenItem, ...]) -> str:
    if answer.amount is None:
        return ""
    currency = answer.currency or next(iter(collectible_by_currency(items)), "")
    return f": {with_currency(answer.amount, currency)}" if currency else ""


def _nothing_more(case: Case, answer: Answer) -> None:
    """The record is all there is; the ladder goes on by itself."""


CONSEQUENCES: Mapping[CallOutcome, Consequence] = {
    CallOutcome.NO_ANSWER: _try_again,
    CallOutcome.BUSY: _try_again,
    CallOutcome.VOICEMAIL: _after_message,
    CallOutcome.MESSAGE: _after_message,
    CallOutcome.WRONG_NUMBER: _number_wrong,
    CallOutcome.DISCONNECTED: _number_wrong,
    CallOutcome.CALL_BACK: _call_back,
    CallOutcome.PROMISE: _promise,
    CallOutcome.SAYS_PAID: _says_paid,
    CallOutcome.WAITING_APPROVAL: _waiting_approval,
    CallOutcome.PAYMENT_RUN: _payment_run,
    CallOutcome.NOT_RECEIVED: _not_received,
    CallOutcome.WRONG_PERSON: _wrong_person,
    CallOutcome.NEEDS_DOCUMENT: _needs_document,
    CallOutcome.DISPUTES: _disputes,
    CallOutcome.ASKS_PLAN: _asks_plan,
    CallOutcome.CANNOT_PAY: _cannot_pay,
    CallOutcome.REFUSES: _flag,
    CallOutcome.HUNG_UP: _flag,
    CallOutcome.DO_NOT_CALL: _do_not_call,
    CallOutcome.REPRESENTED: _stop,
    CallOutcome.INSOLVENT: _stop,
    CallOutcome.DECEASED: _stop,
    CallOutcome.COLLECTED: _collected,
    CallOutcome.NOT_COLLECTED: _nothing_more,
}
