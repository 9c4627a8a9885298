"""The run: for each page of customers lock, load, decide, write, in one transaction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time

from django.db import IntegrityError, transaction

from arfollow.shared import clock, events
from arfollow.shared.events import Entry
from customers.models import Customer
from customers.services import touch
from dunning import outbox
from dunning.facts import Case, Ground, lay_ground, load_cases
from dunning.models import AttemptState, ContactAttempt, CustomerFollowUp, Run, RunStatus
from dunning.outbox import moves
from dunning.policy import Channel, Contact, Kind, Plan, Reason, SkipRecord, State, decide, sentence
from dunning.policy.pace import is_contact
from dunning.runs.desk import write_tasks
from dunning.runs.drafts import Drafting
from dunning.runs.project import write_follow_ups
from dunning.runs.proofs import Proofs
from dunning.runs.report import Report
from dunning.runs.select import BROKEN, customers_to_examine, pages
from dunning.runs.wake import changed_meanwhile, wake_after_changes

log = logging.getLogger(__name__)
MORNING = time(6, 0)

Mailboxes = dict[str, list[Contact]]


@dataclass
class Pass:
    """What one run carries from page to page."""

    today: date
    ground: Ground
    report: Report
    now: datetime
    row: Run | None = None
    mailboxes: Mailboxes = field(default_factory=dict)
    proofs: Proofs = field(default_factory=Proofs)


def run(today: date, *, dry_run: bool = False, customer: str = "", slot: str = "") -> Report | None:
    """Plan everything that is due on that day. None where another process took the slot.

    A dry run decides the same and writes nothing. Repeating a run on the same day, or two
    at once, plans nothing twice: facts are read under the customers' locks.
    """
    ground = lay_ground()
    report = Report(today, dry_run)
    row = None
    if not dry_run:
        row = _open_run(today, slot)
        if row is None:
            return None
        wake_after_changes(ground)
    work = Pass(today, ground, report, moment_of(today, ground), row)
    report.warnings += warnings_of(ground, today)
    try:
        for ids in pages(customers_to_examine(today, customer)):
            _page(ids, work)
    except BaseException:
        _close_run(work, RunStatus.FAILED)
        raise
    if row is not None:
        changed_meanwhile(ground)
    lost = report.reasons[Reason.UNREACHABLE.value]
    if lost:
        report.warnings.append(f"{lost} open items belong to customers nobody can reach.")
    report.warnings += work.proofs.warnings()
    _close_run(work, RunStatus.OK)
    return report


def moment_of(today: date, ground: Ground) -> datetime:
    """Business time of the run: now, or the morning of another day that was asked for."""
    now = clock.now()
    if now.astimezone(ground.zone).date() == today:
        return now
    return datetime.combine(today, MORNING, tzinfo=ground.zone)


def warnings_of(ground: Ground, today: date) -> list[str]:
    """Brakes that hold everybody, said once."""
    settings, found = ground.settings, []
    if ground.default_policy is None:
        found.append("No default policy: customers without an enrolment are not followed up.")
    if settings.paused:
        found.append("Follow-up is paused in the company settings.")
    if ground.company.shadow_mode and not ground.company.shadow_email:
        found.append("Shadow mode is on, but no shadow address is set: nothing can leave.")
    known, days = settings.payment_data_as_of, settings.our_calendar
    if known is None or days is None:
        return found
    if today > days.add(known, settings.freshness_business_days):
        found.append(f"Payment data is of {known:%Y-%m-%d}, too old to chase on: all waits.")
    return found


def _open_run(today: date, slot: str) -> Run | None:
    try:
        with transaction.atomic():
            return Run.objects.create(date=today, slot=slot)
    except IntegrityError:  # another beat took this slot
        return None


def _close_run(work: Pass, status: RunStatus) -> None:
    if work.row is None:
        return
    report = work.report
    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=work.row.pk)  # senders warn in it too
        row.status = status
        row.finished_at = clock.now()
        row.examined = report.examined
        row.customers = report.customers
        row.planned = report.planned_by_channel()
        row.reasons = dict(report.reasons)
        row.warn(report.warnings)
        row.save()


def _page(ids: list[int], work: Pass) -> None:
    """One transaction; where it fails, each customer alone, so that one harms no other (L23)."""
    try:
        _together(ids, work)
    except Exception:  # noqa: BLE001  whatever is wrong with one customer, the others go on
        for pk in ids:
            _alone(pk, work)


def _alone(pk: int, work: Pass) -> None:
    try:
        _together([pk], work)
    except Exception as error:  # named in the report and in the log
        number = Customer.objects.filter(pk=pk).values_list("number", flat=True).first()
        log.exception("customer %s could not be planned", number)
        work.report.warnings.append(f"Customer {number}: {type(error).__name__}: {error}"[:300])
        if work.row is not None:
            CustomerFollowUp.objects.update_or_create(
                customer_id=pk, defaults={"projected_seq": BROKEN, "decided_on": work.today}
            )


def _together(ids: list[int], work: Pass) -> None:
    if work.row is None:
        cases = load_cases(_customers(ids, lock=False), work.today, work.ground)
        pairs, mailboxes = _decide(cases, work)
        made = {case.customer.pk: [a.channel.value for a in plan.attempts] for case, plan in pairs}
    else:
        with transaction.atomic():
            cases = load_cases(_customers(ids, lock=True), work.today, work.ground)
            pairs, mailboxes = _decide(cases, work)
            made = _write(pairs, work)
    for address, contacts in mailboxes.items():
        work.mailboxes.setdefault(address, []).extend(contacts)
    for case, plan in pairs:
        work.report.count(plan, made.get(case.customer.pk, []))
        work.proofs.note(case, plan)


def _customers(ids: list[int], *, lock: bool) -> list[Customer]:
    """In the order of their ids, which is the order every process locks them in."""
    rows = Customer.objects.select_related("owner").filter(pk__in=ids).order_by("pk")
    return list(rows.select_for_update(no_key=True, of=("self",)) if lock else rows)


def _decide(cases: Sequence[Case], work: Pass) -> tuple[list[tuple[Case, Plan]], Mailboxes]:
    """Decide one after the other: accounts that share a mailbox see each other's contact.

    Whoever was silent longest goes first, so that no account of a mailbox starves.
    """
    pairs: list[tuple[Case, Plan]] = []
    new: Mailboxes = {}
    for case in sorted(cases, key=_last_heard):
        shared = [
            contact
            for known in (work.mailboxes, new)
            for address in case.addresses
            for contact in known.get(address, ())
        ]
        facts = case.facts
        if shared:
            facts = replace(facts, history=facts.history + tuple(shared))
        plan = decide(case.policy, facts, work.today)
        pairs.append((case, plan))
        for contact in _messages(plan, work.today):
            for address in case.addresses:
                new.setdefault(address, []).append(contact)
    return pairs, new


def _last_heard(case: Case) -> date:
    """The day of our last message on this account; the first day of all where there is none."""
    ours = [
        contact.on
        for contact in case.facts.history
        if contact.channel is Channel.EMAIL and not contact.other_account and is_contact(contact)
    ]
    return max(ours, default=date.min)


def _messages(plan: Plan, today: date) -> list[Contact]:
    return [
        Contact(today, Channel.EMAIL, a.tone, kind=a.kind, state=State.PLANNED, other_account=True)
        for a in plan.attempts
        if a.channel is Channel.EMAIL and a.kind is not Kind.STATEMENT
    ]


def _write(pairs: Sequence[tuple[Case, Plan]], work: Pass) -> dict[int, list[str]]:
    """Outbox rows, records, tasks and the projection; answers the channels per customer."""
    _lapse([skip for _, plan in pairs for skip in plan.skips if skip.attempt_id], work)
    drafts = [
        draft
        for case, plan in sorted(pairs, key=_oldest_first)
        for draft in Drafting(case, work.ground, work.today, work.row).drafts(plan)
    ]
    stored = outbox.plan(drafts, now=work.now, company=work.ground.company)
    write_tasks(pairs, work.today)
    write_follow_ups(pairs, work.today)
    made: dict[int, list[str]] = {}
    for attempt in stored:
        if attempt.state != AttemptState.SKIPPED:
            made.setdefault(attempt.customer_id, []).append(str(attempt.channel))
    _look_again(drafts, stored, work)
    return made


def _oldest_first(pair: tuple[Case, Plan]) -> date:
    """Messages of one slot leave in the order they were planned: the oldest item first."""
    return min((item.due_date for item in pair[0].facts.items), default=date.max)


def _look_again(
    drafts: Sequence[outbox.Draft], stored: Sequence[ContactAttempt], work: Pass
) -> None:
    """Where the outbox refused a row (it is there already), tomorrow's run decides anew."""
    there = {attempt.uuid for attempt in stored}
    refused = {d.attempt.customer_id for d in drafts if d.attempt.uuid not in there}
    CustomerFollowUp.objects.filter(customer__in=refused).update(
        projected_seq=BROKEN, decided_on=work.today
    )


def _lapse(skips: Sequence[SkipRecord], work: Pass) -> None:
    """Calls and visits nobody made become "not made" (R65).

    The next tick looks again: this one still counted them as contacts, and kept the pace.
    """
    text, skipped = sentence(Reason.NOT_MADE), []
    for attempt_id in dict.fromkeys(skip.attempt_id for skip in skips):
        if moves.skip(attempt_id, reason=Reason.NOT_MADE, text=text, done_on=work.today):
            skipped.append(attempt_id)
    rows = list(ContactAttempt.objects.filter(pk__in=skipped).values_list("pk", "customer_id"))
    events.record_many(
        Entry("attempt.skipped", "attempt", pk, text, customer_id) for pk, customer_id in rows
    )
    for customer_id in {customer_id for _, customer_id in rows}:
        touch(customer_id)
