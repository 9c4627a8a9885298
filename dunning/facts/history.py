"""Attempt rows as the policy's history: what was done, listed, reached."""

from datetime import date
from zoneinfo import ZoneInfo

from customers.models import EmailState, PhoneState
from dunning.facts.rows import Row
from dunning.models import AttemptState, ContactLevel, HeldFor, LetterStatus, ProviderStatus
from dunning.policy import (
    Channel,
    Contact,
    ContactFacts,
    DoneStep,
    ItemKey,
    Kind,
    Reason,
    Result,
    State,
    Tone,
)

LEVELS = {
    ContactLevel.RIGHT: Result.RIGHT_PARTY,
    ContactLevel.THIRD: Result.THIRD_PARTY,
    ContactLevel.NONE: Result.NO_CONTACT,
}
RETURNED = frozenset({LetterStatus.REFUSED, LetterStatus.UNCLAIMED, LetterStatus.UNDELIVERABLE})
WRITTEN_TO = frozenset({EmailState.UNVERIFIED, EmailState.VERIFIED})
KINDS = {kind.value: kind for kind in Kind}
DECLINED = "declined"


def result_of(row: Row, *, live: bool) -> Result:
    """How far a contact got; a sent message that no longer counts has bounced."""
    if row["state"] != AttemptState.SENT:
        return Result.NONE
    if row.get("level"):
        return LEVELS[row["level"]]
    if row.get("letter_status") == LetterStatus.DELIVERED:
        return Result.DELIVERED
    if row.get("letter_status") in RETURNED:
        return Result.RETURNED
    if not live:
        return Result.BOUNCED
    delivered = row["provider_status"] == ProviderStatus.DELIVERED
    return Result.DELIVERED if delivered else Result.ACCEPTED


def done_step(row: Row) -> DoneStep:
    """One row of an item's history."""
    state = State(row["state"])
    returned = row["letter_status"] in RETURNED
    return DoneStep(
        step_key=row["step_key"],
        action_key=row["action_key"],
        channel=Channel(row["channel"]),
        state=state,
        on=row["local_date"],
        repeat=row["repeat"],
        cycle=row["cycle"],
        done_on=row["done_on"],
        delivered_on=row["delivered_on"]
        or ((row["reported_on"] or row["done_on"]) if returned else None),
        skip=_skip_reason(row, state),
        tone=Tone(row["tone"]),
        pay_by=row["pay_by"],
        result=result_of(row, live=row["attempt_live"]),
        completes=row["completes"],
        taken=row["taken"],
        offset=row["offset"],
        again_on=row["again_on"],
        kind=KINDS.get(row["kind"], Kind.MANUAL),
        attempt_id=row["attempt_id"],
    )


def _skip_reason(row: Row, state: State) -> Reason | None:
    if state is State.HELD:
        return None if row["held_for"] == HeldFor.APPROVAL else Reason.HELD
    if state is State.CANCELLED:
        return Reason.DECLINED if row["reason"] == DECLINED else None
    if state is not State.SKIPPED:
        return None
    known = row["reason"] in Reason.__members__.values()
    return Reason(row["reason"]) if known else Reason.BY_STAFF


def contact(row: Row) -> Contact:
    """One contact of the customer's own history."""
    lead = row["lead_invoice_id"]
    return Contact(
        on=row["done_on"] or row["local_date"],
        channel=Channel(row["channel"]),
        tone=Tone(row["tone"]),
        lead=ItemKey(lead, row["lead_instalment_no"]) if lead else None,
        kind=KINDS.get(row["kind"], Kind.MANUAL),
        result=result_of(row, live=row["live"]),
        state=State(row["state"]),
        lead_due=row["lead_due"],
    )


def contact_elsewhere(row: Row) -> Contact:
    """A contact that reached the same mailbox for another account."""
    return Contact(
        on=row["done_on"] or row["local_date"],
        channel=Channel(row["channel"]),
        tone=Tone(row["tone"]),
        kind=KINDS.get(row["kind"], Kind.MANUAL),
        result=result_of(row, live=row["live"]),
        state=State(row["state"]),
        other_account=True,
    )


def inbound_contact(row: Row, zone: ZoneInfo) -> Contact:
    """Something the customer wrote, on our day."""
    on: date = row["received_at"].astimezone(zone).date()
    return Contact(on, Channel(row["channel"]), Tone.INTERNAL, kind=Kind.INBOUND)


def person(row: Row) -> ContactFacts:
    """How one person can be reached; the same rule as `Contact.can_email` and `can_call`."""
    mail = row["email"] and row["email_state"] in WRITTEN_TO and not row["do_not_email"]
    dial = row["phone"] and row["phone_state"] != PhoneState.INVALID and not row["do_not_call"]
    return ContactFacts(row["id"], frozenset({row["role"]}), bool(mail), bool(dial))
