"""What can be done with several rows of the worklist at once.

The preview does it for real and takes it back: what it says will change, and what it says is
refused and why, is what the services say themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.staff.models import Role, User
from customers.models import Customer
from customers.services import update_customer
from dunning.forms.worklist import AssignForm, BulkHoldForm, DoneForm, NoForm, PostponeForm
from dunning.models import ContactAttempt, Hold, Task
from dunning.outbox import approve
from dunning.outcomes import HoldInput, add_hold, finish_task, say_day
from dunning.outcomes.postpone import postpone_call, postpone_task
from dunning.worklist import Work

NOT_A_TASK = {
    "unknown": "Somebody has to say whether it arrived.",
    "reply": "A reply has to be read.",
    "approval": "It is approved or declined, not ticked off.",
    "broken": "A call is done by logging it.",
    "call": "A call is done by logging it.",
    "letter": "A letter is done by posting it.",
    "no_address": "It needs an address.",
    "dispute": "A dispute ends with what was decided.",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done to one row: what it says, and whether it was refused."""

    work: Work
    text: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """Who does it, on which day, with what they entered."""

    actor: Actor
    user: User
    today: date
    data: Mapping[str, Any]


type Act = Callable[[Work, Given], str]


@dataclass(frozen=True, slots=True)
class Action:
    """A bulk action: its words, its form, who may, and the act on one row."""

    label: str
    button: str
    form: type[forms.Form]
    act: Act
    role: Role = Role.COLLECTOR
    once_per_customer: bool = False


def _customer(work: Work) -> Customer:
    if work.customer is None:
        raise ServiceError("Nobody knows yet which customer this is about.")
    return work.customer


def _assign(work: Work, given: Given) -> str:
    customer, owner = _customer(work), given.data["owner"]
    before = Customer.objects.select_related("owner").get(pk=customer.pk).owner
    if before == owner:
        raise ServiceError(f"{owner} looks after them already.")
    update_customer(customer.pk, {"owner": owner}, actor=given.actor)
    return f"{before or 'Nobody'} → {owner}"


def _hold(work: Work, given: Given) -> str:
    customer, data = _customer(work), given.data
    until = data["until"]
    longer = Hold.objects.filter(
        customer=customer, invoice=None, released_on=None, ends_on__gte=until
    ).order_by("-ends_on")
    if held := longer.first():
        raise ServiceError(f"On hold already, until {say_day(held.ends_on)}.")
    wanted = HoldInput(data["reason"], until, (), ours=False, note=data["note"])
    add_hold(customer.pk, wanted, actor=given.actor, today=given.today)
    return f"Nothing is sent and nobody calls until {say_day(until)}."


def _postpone(work: Work, given: Given) -> str:
    until, why = given.data["until"], given.data["note"]
    if isinstance(work.row, Task):
        postpone_task(work.row.pk, until, actor=given.actor, today=given.today, reason=why)
    elif work.kind in ("call", "broken"):
        postpone_call(work.row.pk, until, actor=given.actor, today=given.today, reason=why)
    else:
        raise ServiceError("Only calls and tasks can be postponed.")
    return f"Back on {say_day(until)}."


def _approve(work: Work, given: Given) -> str:
    if work.kind != "approval":
        raise ServiceError("It does not wait for an approval.")
    ids = [work.row.pk, *_mail_of(work.row)]
    for pk in ids:
        approve(pk, actor=given.actor)
    return "Both leave as planned." if len(ids) > 1 else "It goes on as planned."


def _mail_of(letter: ContactAttempt) -> list[int]:
    """The e-mail of a final demand, which is one row with its letter."""
    if not letter.with_mail:  # type: ignore[attr-defined]  # annotated by the worklist
        return []
    rows = ContactAttempt.objects.filter(
        customer=letter.customer_id, planned_on=letter.planned_on, channel="email",
        tone=letter.tone, kind=letter.kind, state=letter.state, held_for=letter.held_for,
    )  # fmt: skip
    return list(rows.values_list("pk", flat=True))


def _done(work: Work, given: Given) -> str:
    if not isinstance(work.row, Task):
        raise ServiceError(NOT_A_TASK[work.kind])
    finish_task(work.row.pk, actor=given.actor, result=given.data["result"])
    return f"Done: {work.why}"


ACTIONS: Mapping[str, Action] = {
    "postpone": Action("Postpone to a day", "Postpone", PostponeForm, _postpone),
    "hold": Action("Put on hold", "Put on hold", BulkHoldForm, _hold, once_per_customer=True),
    "done": Action("Mark tasks done", "Mark as done", DoneForm, _done),
    "assign": Action("Give to somebody", "Assign", AssignForm, _assign, once_per_customer=True),
    "approve": Action("Approve", "Approve", NoForm, _approve, role=Role.MANAGER),
}


def preview(action: Action, works: Iterable[Work], given: Given) -> list[Deed]:
    """What would come of it, by doing it and taking it back."""
    return [_tried(action, work, given) for work in _each(action, works)]


def carry_out(action: Action, works: Iterable[Work], given: Given) -> list[Deed]:
    """Do it, each row for itself: one that is refused keeps no other back."""
    return [_deed(action, work, given) for work in _each(action, works)]


def _each(action: Action, works: Iterable[Work]) -> list[Work]:
    """The rows, or one for each customer where the action is about customers."""
    if not action.once_per_customer:
        return list(works)
    found: dict[object, Work] = {}
    for work in works:
        found.setdefault(work.customer.pk if work.customer else work.mark, work)
    return list(found.values())


def _tried(action: Action, work: Work, given: Given) -> Deed:
    try:
        with transaction.atomic():
            deed = _deed(action, work, given)
            raise _TakenBackError(deed)
    except _TakenBackError as tried:
        return tried.deed


class _TakenBackError(Exception):
    """Carries what a preview found out of the transaction that it undoes."""

    def __init__(self, deed: Deed) -> None:
        super().__init__()
        self.deed = deed


def _deed(action: Action, work: Work, given: Given) -> Deed:
    try:
        with transaction.atomic():
            return Deed(work, action.act(work, given))
    except ServiceError as refusal:
        return Deed(work, str(refusal), refused=True)
