"""Follow-ups as a projection: written from decisions, only where something changed."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from dunning.facts import Case
from dunning.facts.rows import Row
from dunning.models import CustomerFollowUp, FollowUp, FollowUpState
from dunning.policy import Decision, ItemKey, Plan, Reason, sentence

WRITTEN = (
    "policy_version_id", "state", "last_step", "last_step_on", "next_step", "next_on", "reason",
)  # fmt: skip
UPDATED = [name.removesuffix("_id") for name in WRITTEN] + ["reason_text", "decided_on", "customer"]
BY_A_PERSON = frozenset(
    {
        Reason.AWAITING_APPROVAL,
        Reason.UNKNOWN_DELIVERY,
        Reason.DELIVERY_FAILED,
        Reason.DECLINED,
        Reason.LETTER_OPEN,
        Reason.HELD,
    }
)
# Nothing tells us when these end, so they are looked at again each business day.
REVIEWED_DAILY = frozenset(
    {
        Reason.PAUSED,
        Reason.STALE_DATA,
        Reason.BELOW_MINIMUM,
        Reason.BELOW_AGENCY_MINIMUM,
        Reason.NO_ADDRESS,
        Reason.PLAN,
    }
)
BATCH = 500


def write_follow_ups(pairs: Iterable[tuple[Case, Plan]], today: date) -> None:
    """Store each item's place; close what is no longer open; remember how far we have seen."""
    rows: list[FollowUp] = []
    gone: list[int] = []
    seen: list[CustomerFollowUp] = []
    for case, plan in pairs:
        decided = {decision.key for decision in plan.decisions}
        rows += [
            follow_up(case, decision, today)
            for decision in plan.decisions
            if changed(case.follow_ups.get(decision.key), values(case, decision, today))
            or case.follow_ups[decision.key]["customer_id"] != case.customer.pk
        ]
        gone += [
            row["id"]
            for key, row in case.follow_ups.items()
            if key not in decided and row["state"] != FollowUpState.CLOSED
        ]
        seen.append(
            CustomerFollowUp(
                customer=case.customer, projected_seq=case.customer.ledger_seq, decided_on=today
            )
        )
    _store(rows, gone, seen, today)


def _store(
    rows: list[FollowUp], gone: list[int], seen: list[CustomerFollowUp], today: date
) -> None:
    FollowUp.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["invoice", "instalment_no"],
        update_fields=UPDATED,
        batch_size=BATCH,
    )
    for start in range(0, len(gone), BATCH):
        FollowUp.objects.filter(pk__in=gone[start : start + BATCH]).update(
            state=FollowUpState.CLOSED,
            next_on=None,
            next_step="",
            reason=Reason.PAID,
            reason_text=sentence(Reason.PAID),
            decided_on=today,
        )
    CustomerFollowUp.objects.bulk_create(
        seen,
        update_conflicts=True,
        unique_fields=["customer"],
        update_fields=["projected_seq", "decided_on"],
        batch_size=BATCH,
    )


def values(case: Case, decision: Decision, today: date) -> dict[str, Any]:
    """The projected columns of one item."""
    return {
        "policy_version_id": case.version_of(decision.key),
        "state": state_of(decision).value,
        "last_step": decision.step_key or decision.last_step,
        "last_step_on": today if decision.step_key else decision.last_on,
        "next_step": decision.next_step,
        "next_on": look_again(case, decision, today),
        "reason": decision.reason.value,
    }


def changed(row: Row | None, new: dict[str, Any]) -> bool:
    """Whether the stored projection says something else."""
    return row is None or any(row[name] != new[name] for name in WRITTEN)


def follow_up(case: Case, decision: Decision, today: date) -> FollowUp:
    """The row to be written."""
    key: ItemKey = decision.key
    return FollowUp(
        customer=case.customer,
        invoice_id=key.invoice_id,
        instalment_no=key.instalment_no,
        reason_text=sentence(decision.reason),
        decided_on=today,
        **values(case, decision, today),
    )


def state_of(decision: Decision) -> FollowUpState:
    """Finished, blocked until a person acts, waiting for a day, or on its way."""
    if decision.reason is Reason.FINISHED:
        return FollowUpState.FINISHED
    if decision.reason in BY_A_PERSON:
        return FollowUpState.BLOCKED
    if not decision.stopped:
        return FollowUpState.ACTIVE
    return FollowUpState.WAITING if decision.next_on else FollowUpState.BLOCKED


def look_again(case: Case, decision: Decision, today: date) -> date | None:
    """The day of the next look; None where a change of the ledger or an act wakes it."""
    day = decision.next_on
    if day is None and decision.reason not in REVIEWED_DAILY:
        return None
    if day is None or day <= today:
        return case.facts.calendar.add(today, 1)
    return day
