"""A policy tried out on facts: day by day, as if nobody paid and everybody worked.

Mails are accepted and calls made on their day, approvals given, letters delivered three
days later; money, promises and disputes stay as they are on the first day. So it answers
what a policy would ask of staff and customers, not what will come in.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from dunning.policy.answer import (
    Line,
    Plan,
    PlannedAttempt,
    SkipRecord,
)
from dunning.policy.decide import decide
from dunning.policy.types import (
    Contact,
    CustomerFacts,
    DoneStep,
    Policy,
)
from dunning.policy.words import (
    Channel,
    ItemKey,
    Part,
    Result,
    State,
)

ONE_DAY = timedelta(days=1)
LETTER_TAKES = timedelta(days=3)
FIRST_DAYS = 7
WAITING = frozenset({State.PLANNED, State.CLAIMED, State.SENDING, State.HELD, State.UNKNOWN})
RESULTS = {
    Channel.CALL: Result.RIGHT_PARTY,
    Channel.VISIT: Result.RIGHT_PARTY,
    Channel.LETTER: Result.DELIVERED,
}


def rehearse(
    policy: Policy, facts: CustomerFacts, first: date, last: date
) -> Iterator[tuple[date, Plan]]:
    """The plan of each day on which something happens, from the first to the last day.

    Days on which nothing can come due are passed over.
    """
    facts, today = waiting_left(facts), first
    while today <= last:
        plan = decide(policy, facts, today)
        if plan.attempts or plan.skips:
            yield today, plan
            facts = carried_out(facts, plan, today)
            today += ONE_DAY
        else:
            today = _next_look(plan, facts, today)


def waiting_left(facts: CustomerFacts) -> CustomerFacts:
    """Whatever waits to be sent, made or approved is taken as done on its day."""
    items = tuple(
        replace(item, history=tuple(_as_done(row) for row in item.history)) for item in facts.items
    )
    history = tuple(
        replace(c, state=State.SENT) if c.state in WAITING else c for c in facts.history
    )
    return replace(facts, items=items, history=history)


def _as_done(row: DoneStep) -> DoneStep:
    if row.state not in WAITING:
        return row
    result = RESULTS.get(row.channel, Result.ACCEPTED)
    return replace(row, state=State.SENT, done_on=row.on, delivered_on=row.on, result=result)


def _next_look(plan: Plan, facts: CustomerFacts, today: date) -> date:
    """The first day on which a decision may change: its own day, a new item, a new month."""
    month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    days = [decision.next_on for decision in plan.decisions if decision.next_on is not None]
    days += [item.due_date + ONE_DAY for item in facts.items if item.due_date >= today]
    if today.day < FIRST_DAYS:
        days.append(today + ONE_DAY)
    return max(min([*days, month]), today + ONE_DAY)


def carried_out(facts: CustomerFacts, plan: Plan, today: date) -> CustomerFacts:
    """The facts of the next morning."""
    rows: dict[ItemKey, list[DoneStep]] = {}
    for number, attempt in enumerate(plan.attempts):
        for line in attempt.lines:
            if line.key is not None and (line.completes or line.part is Part.PLEASE_PAY):
                rows.setdefault(line.key, []).append(_done(attempt, line, today, number))
    for skip in plan.skips:
        rows.setdefault(skip.key, []).append(_skipped(skip, today))
    items = tuple(
        replace(item, history=item.history + tuple(rows[item.key])) if item.key in rows else item
        for item in facts.items
    )
    due = {item.key: item.due_date for item in facts.items}
    contacts = tuple(_contact(attempt, due, today) for attempt in plan.attempts)
    return replace(facts, items=items, history=facts.history + contacts)


def _done(attempt: PlannedAttempt, line: Line, today: date, number: int) -> DoneStep:
    letter = attempt.channel is Channel.LETTER
    return DoneStep(
        step_key=line.step_key,
        action_key=line.action_key,
        channel=attempt.channel,
        state=State.SENT,
        on=today,
        repeat=line.repeat,
        cycle=line.cycle,
        done_on=today,
        delivered_on=today + LETTER_TAKES if letter else None,
        tone=attempt.tone,
        pay_by=line.pay_by,
        result=RESULTS.get(attempt.channel, Result.ACCEPTED),
        completes=line.completes,
        taken=line.taken,
        offset=line.offset,
        kind=attempt.kind,
        attempt_id=today.toordinal() * 100 + number,
    )


def _skipped(skip: SkipRecord, today: date) -> DoneStep:
    return DoneStep(
        step_key=skip.step_key,
        action_key=skip.action_key,
        channel=skip.channel,
        state=State.SKIPPED,
        on=today,
        repeat=skip.repeat,
        cycle=skip.cycle,
        skip=skip.reason,
        offset=skip.offset,
    )


def _contact(attempt: PlannedAttempt, due: dict[ItemKey, date], today: date) -> Contact:
    return Contact(
        on=today,
        channel=attempt.channel,
        tone=attempt.tone,
        lead=attempt.lead,
        kind=attempt.kind,
        result=RESULTS.get(attempt.channel, Result.ACCEPTED),
        lead_due=due.get(attempt.lead) if attempt.lead else None,
    )
