"""A plan as unsaved outbox rows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from arfollow.shared.workdays import Calendar
from dunning.facts import Case, Ground
from dunning.facts.rows import Row
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    ContactAttempt,
    Promise,
    PromiseStatus,
    Run,
)
from dunning.outbox import Draft
from dunning.policy import (
    CUSTOMER_CHANNELS,
    Channel,
    ItemKey,
    Kind,
    Line,
    Plan,
    PlannedAttempt,
    Reason,
    SkipRecord,
    Tone,
    sentence,
)

WORDS = {
    Channel.EMAIL: "e-mail",
    Channel.CALL: "call",
    Channel.LETTER: "letter",
    Channel.VISIT: "visit",
    Channel.INTERNAL: "notice to ourselves",
    Channel.HANDOVER: "hand-over",
}
WRITTEN = frozenset({Channel.EMAIL, Channel.LETTER})
EXEMPT = frozenset({Kind.PROMISE_FOLLOW_UP})


class Drafting:
    """Turns one customer's plan into drafts."""

    def __init__(self, case: Case, ground: Ground, today: date, run: Run | None) -> None:
        self.case, self.ground, self.today, self.run = case, ground, today, run
        self.items = {item.key: item for item in case.facts.items}
        self.people = {row["id"]: row for row in case.people}

    def drafts(self, plan: Plan) -> list[Draft]:
        """What is to be made, then what is recorded instead."""
        made = [self._draft(attempt, plan) for attempt in plan.attempts]
        return made + [self._record(skips) for skips in _together(plan.skips)]

    def _draft(self, planned: PlannedAttempt, plan: Plan) -> Draft:
        attempt = self._attempt(planned)
        alone = sum(1 for a in plan.attempts if a.channel is planned.channel) > 1
        if alone and planned.lead is not None:
            what = f"dun:{self.case.customer.pk}:{planned.lead.invoice_id}"
            attempt.dedupe_key = f"{what}:{planned.channel}:{self.today:%Y-%m-%d}"
        items = [self._item(attempt, line) for line in planned.lines]
        return Draft(attempt, items, self._recipients(attempt, planned), self._calendar(planned))

    def _attempt(self, planned: PlannedAttempt) -> ContactAttempt:
        lead = planned.lead
        return ContactAttempt(
            customer=self.case.customer,
            run=self.run,
            policy_version_id=self.case.version_of(lead),
            channel=planned.channel.value,
            kind=AttemptKind(planned.kind.value),
            tone=planned.tone.value,
            language=self.case.facts.language,
            step_key=planned.step_key,
            action_key=planned.action_key,
            substitute_for=planned.substitutes.value if planned.substitutes else "",
            lead_invoice_id=lead.invoice_id if lead else None,
            lead_instalment_no=lead.instalment_no if lead else 0,
            promise_id=planned.promise_id,
            certified=planned.certified,
            offers_plan=planned.offers_plan,
            customer_facing=planned.channel in CUSTOMER_CHANNELS,
            exempt=planned.kind in EXEMPT,
            needs_approval=planned.needs_approval,
            reason=planned.reason.value,
            reason_text=_why(planned),
            planned_on=self.today,
            local_date=self.today,
            pay_by=planned.deadline,
            note=planned.note,
        )

    def _item(self, attempt: ContactAttempt, line: Line) -> AttemptItem:
        key = line.key
        return AttemptItem(
            attempt=attempt,
            invoice_id=key.invoice_id if key else None,
            instalment_no=key.instalment_no if key else 0,
            label=line.label[:120],
            part=line.part.value,
            currency=line.currency,
            amount=line.amount,
            days_late=(self.today - line.due_date).days if line.due_date else 0,
            completes=line.completes,
            step_key=line.step_key,
            action_key=line.action_key,
            repeat=line.repeat,
            cycle=line.cycle,
            offset=line.offset,
            taken=line.taken,
            pay_by=line.pay_by,
        )

    def _record(self, skips: Sequence[SkipRecord]) -> Draft:
        """Steps recorded instead of taken: rows too, so that the projection can be rebuilt."""
        first = skips[0]
        attempt = ContactAttempt(
            customer=self.case.customer,
            run=self.run,
            policy_version_id=self.case.version_of(first.key),
            channel=first.channel.value,
            tone=Tone.INTERNAL.value,
            step_key=first.step_key,
            action_key=first.action_key,
            lead_invoice_id=first.key.invoice_id,
            lead_instalment_no=first.key.instalment_no,
            customer_facing=False,
            state=AttemptState.SKIPPED,
            reason=first.reason.value,
            reason_text=sentence(first.reason),
            planned_on=self.today,
            local_date=self.today,
            done_on=self.today,
        )
        return Draft(attempt, [self._skipped(attempt, skip) for skip in skips])

    def _skipped(self, attempt: ContactAttempt, skip: SkipRecord) -> AttemptItem:
        item = self.items[skip.key]
        late = (self.today - item.due_date).days
        return AttemptItem(
            attempt=attempt,
            invoice_id=skip.key.invoice_id,
            instalment_no=skip.key.instalment_no,
            label=item.number[:120],
            part="please_pay" if late > 0 else "not_yet_due",
            currency=item.currency,
            amount=item.collectible,
            days_late=late,
            completes=True,
            step_key=skip.step_key,
            action_key=skip.action_key,
            repeat=skip.repeat,
            cycle=skip.cycle,
            offset=skip.offset,
        )

    def _recipients(
        self, attempt: ContactAttempt, planned: PlannedAttempt
    ) -> list[AttemptRecipient]:
        if planned.channel is Channel.INTERNAL:
            return self._colleague(attempt)
        if planned.channel is not Channel.EMAIL or planned.contact_id is None:
            return []
        chosen = [(self.people[planned.contact_id], AttemptRecipient.Field.TO)]
        if planned.also_escalation:
            chosen += [(row, AttemptRecipient.Field.CC) for row in self._escalation()]
        return [
            AttemptRecipient(
                attempt=attempt,
                contact_id=row["id"],
                field=field,
                name=row["name"],
                address=row["email"],
            )
            for row, field in _each_address_once(chosen)
        ]

    def _escalation(self) -> list[Row]:
        usable = {person.contact_id for person in self.case.facts.contacts if person.may_email}
        return [r for r in self.case.people if r["role"] == "escalation" and r["id"] in usable]

    def _colleague(self, attempt: ContactAttempt) -> list[AttemptRecipient]:
        """An internal notice goes to the owner of the customer, or to the office."""
        owner, company = self.case.customer.owner, self.ground.company
        name, address = (str(owner), owner.email) if owner else ("", "")
        address = address or company.email or company.sender_email
        if not address:
            return []
        return [AttemptRecipient(attempt=attempt, name=name, address=address)]

    def _calendar(self, planned: PlannedAttempt) -> Calendar:
        ours = planned.channel is Channel.INTERNAL
        days = self.ground.settings.our_calendar if ours else self.case.facts.calendar
        return days if isinstance(days, Calendar) else Calendar()


def _together(skips: Sequence[SkipRecord]) -> Iterator[list[SkipRecord]]:
    """New records of one cause in one row, however many items they concern."""
    groups: dict[tuple[str, ...], list[SkipRecord]] = defaultdict(list)
    for skip in skips:
        if not skip.attempt_id:
            key = (skip.step_key, skip.action_key, skip.channel, skip.reason, str(skip.repeat))
            groups[key].append(skip)
    yield from groups.values()


def _each_address_once[Pair: tuple[Row, str]](chosen: Sequence[Pair]) -> Iterator[Pair]:
    seen: set[str] = set()
    for pair in chosen:
        address = pair[0]["email"].lower()
        if address not in seen:
            seen.add(address)
            yield pair


def keys_of(plan: Plan) -> set[ItemKey]:
    """Items the plan has a decision for."""
    return {decision.key for decision in plan.decisions}


def _why(planned: PlannedAttempt) -> str:
    """The reason in a sentence that names what is due since when; a call about a promise says
    what came of it."""
    if planned.promise_id is not None:
        promise = Promise.objects.get(pk=planned.promise_id)
        if promise.status in (PromiseStatus.BROKEN, PromiseStatus.PART_KEPT):
            return f"{promise.words}; we call before going on."
    since = planned.due_since
    if since is None or planned.reason not in (Reason.DUE, Reason.CAUGHT_UP):
        return sentence(planned.reason)
    day = f"{since.day} {since:%B %Y}"
    if planned.reason is Reason.DUE:
        return f"{_step(planned)} fell due on {day}."
    return f"{_step(planned)} has been due since {day}."


def _step(planned: PlannedAttempt) -> str:
    """What is due, for example "The firm e-mail"."""
    tone = f"{planned.tone} " if planned.channel in WRITTEN else ""
    return f"The {tone}{WORDS[planned.channel]}"
