"""Rule 3, the table of a notice: please pay, in query, not yet due; credits are negative."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from dunning.policy.answer import (
    Line,
)
from dunning.policy.netting import is_overdue, shared_out
from dunning.policy.reasons import Reason
from dunning.policy.steps import Scene, Verdict
from dunning.policy.words import (
    ZERO,
    ItemKey,
    Part,
)

AGREED = frozenset({Reason.PROMISED, Reason.PLAN})
QUERIED = frozenset({Reason.HOLD, Reason.ASKED_RECEIVED, Reason.ASK_RECEIVED})
NOTHING_LEFT = frozenset({Reason.PAID, Reason.TOLERANCE})


def part_of(verdict: Verdict, scene: Scene) -> Part:
    """Where the collectible amount of an item belongs."""
    if verdict.reason in QUERIED:
        return Part.IN_QUERY
    if verdict.reason in AGREED or not is_overdue(verdict.item, scene.today):
        return Part.NOT_YET_DUE
    return Part.PLEASE_PAY


def asks_for(verdict: Verdict, scene: Scene) -> bool:
    """Whether the item is in the only part whose total is asked for."""
    if verdict.reason in NOTHING_LEFT or verdict.item.currency in scene.net.settled:
        return False
    return verdict.item.collectible > 0 and part_of(verdict, scene) is Part.PLEASE_PAY


def table(verdicts: Iterable[Verdict], scene: Scene) -> list[Line]:
    """Every open item in its part, oldest first, then the credits set against them."""
    lines: list[Line] = []
    for verdict in verdicts:
        lines += _rows(verdict, scene)
    return lines + credit_lines(lines, scene)


def _rows(verdict: Verdict, scene: Scene) -> list[Line]:
    item = verdict.item
    if item.open <= 0 or verdict.reason is Reason.TOLERANCE:
        return []
    row = Line(
        part=part_of(verdict, scene),
        amount=item.collectible,
        currency=item.currency,
        key=item.key,
        label=item.number,
        due_date=item.due_date,
    )
    in_query = replace(row, part=Part.IN_QUERY, amount=min(item.disputed, item.open))
    rows = [row] if item.collectible > 0 else []
    if row.part is Part.PLEASE_PAY and item.currency in scene.net.settled:
        rows = []
    return rows + [in_query] if item.disputed > 0 else rows


def credit_lines(lines: Iterable[Line], scene: Scene) -> list[Line]:
    """Credits as negative lines, so that the total is the sum of what is shown."""
    needed: dict[str, Decimal] = {}
    for line in lines:
        if line.part is Part.PLEASE_PAY and line.key is not None:
            set_off = line.amount - scene.net.amounts[line.key]
            needed[line.currency] = needed.get(line.currency, ZERO) + set_off
    return [
        Line(Part.PLEASE_PAY, -part, credit.currency, label=credit.label)
        for credit, part in shared_out(scene.facts, needed)
    ]


def marked(lines: Iterable[Line], own: Mapping[ItemKey, Line]) -> tuple[Line, ...]:
    """The table with the completing lines of *own* in the place of the plain ones."""
    done: set[ItemKey] = set()
    result = []
    for line in lines:
        mark = own.get(line.key) if line.key is not None else None
        if mark is None or line.part is Part.IN_QUERY or mark.key in done:
            result.append(line)
            continue
        done.add(mark.key or ItemKey(0))
        result.append(replace(mark, part=line.part, amount=line.amount))
    return tuple(result)


def is_taken(verdict: Verdict, scene: Scene) -> bool:
    """Whether a final demand takes the item along: undisputed and thirty days late (rule 6)."""
    item = verdict.item
    late = scene.today - item.due_date
    if item.dispute_open or item.disputed > 0 or verdict.stopped and not _waits(verdict):
        return False
    oldest = timedelta(days=scene.facts.settings.final_takes_from_days)
    return late >= oldest and asks_for(verdict, scene)


def _waits(verdict: Verdict) -> bool:
    """Stops that only concern the item's own severe step do not keep it out."""
    return verdict.reason in (Reason.GATE, Reason.FINAL_RECENT, Reason.BELOW_MINIMUM)
