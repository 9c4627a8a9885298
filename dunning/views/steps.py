"""Where open items stand in their policies, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from dunning.models import (
    Channel,
    CustomerFollowUp,
    FollowUp,
    FollowUpState,
    PolicyStep,
    PolicyVersion,
    Tone,
)
from dunning.runs import explain
from invoices.models import Invoice

STATE_KINDS = {
    FollowUpState.ACTIVE: "current",
    FollowUpState.WAITING: "promise",
    FollowUpState.BLOCKED: "late",
    FollowUpState.FINISHED: "severe",
    FollowUpState.CLOSED: "good",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One open item's place: why, and what comes next and when."""

    instalment_no: int
    policy: str
    state: str
    kind: str
    reason: str
    last_step: str
    last_on: date | None
    next_step: str
    next_on: date | None
    decided_on: date | None


def standings(invoice_ids: Iterable[int]) -> dict[int, list[Standing]]:
    """The places of several invoices; an invoice that no run has seen has none."""
    rows = FollowUp.objects.filter(invoice__in=list(invoice_ids)).select_related(
        "policy_version__policy"
    )
    found = list(rows.order_by("invoice_id", "instalment_no"))
    words = step_words({row.policy_version_id for row in found if row.policy_version_id})
    places: dict[int, list[Standing]] = {}
    for row in found:
        places.setdefault(row.invoice_id, []).append(_standing(row, words))
    return places


def current_standings(invoice: Invoice, today: date) -> list[Standing]:
    """The places of one invoice; decided anew where its customer changed since the last run."""
    if not invoice.open_amount or not _changed(invoice):
        return standings([invoice.pk]).get(invoice.pk, [])
    told = explain(invoice, today)
    versions = PolicyVersion.objects.filter(policy__name=told.policy, current=True)
    words = {key: text for (_, key), text in step_words(v.pk for v in versions).items()}
    return [
        Standing(
            instalment_no=0,
            policy=told.policy,
            state="Changed since the last run",
            kind="promise",
            reason=told.says,
            last_step=words.get(told.last_step, told.last_step),
            last_on=None,
            next_step=words.get(told.next_step, told.next_step),
            next_on=told.next_on,
            decided_on=today,
        )
    ]


def _changed(invoice: Invoice) -> bool:
    seen = CustomerFollowUp.objects.filter(customer=invoice.customer_id).first()
    return seen is None or seen.projected_seq < invoice.customer.ledger_seq


def step_words(versions: Iterable[int]) -> dict[tuple[int, str], str]:
    """``firm e-mail and call, day 30`` for each step of some policy versions."""
    steps = PolicyStep.objects.filter(version__in=list(versions)).prefetch_related("actions")
    return {(step.version_id, step.step_key): _words(step) for step in steps}


def _words(step: PolicyStep) -> str:
    channels = [Channel(action.channel).label.lower() for action in step.actions.all()]
    tone = "" if step.tone == Tone.INTERNAL else f"{Tone(step.tone).label} "
    day = f"day {step.day}" if step.day >= 0 else f"{-step.day} days before"
    words = f"{tone}{' and '.join(channels)}, {day}"
    return words[:1].upper() + words[1:]


def _standing(row: FollowUp, words: dict[tuple[int, str], str]) -> Standing:
    version = row.policy_version
    state = FollowUpState(row.state)
    return Standing(
        instalment_no=row.instalment_no,
        policy=version.policy.name if version else "",
        state=state.label,
        kind=STATE_KINDS[state],
        reason=row.reason_text,
        last_step=_step(row, row.last_step, words),
        last_on=row.last_step_on,
        next_step=_step(row, row.next_step, words),
        next_on=row.next_on,
        decided_on=row.decided_on,
    )


def _step(row: FollowUp, key: str, words: dict[tuple[int, str], str]) -> str:
    if not key or row.policy_version_id is None:
        return ""
    return words.get((row.policy_version_id, key), key)
