"""Does a waiting message still say the truth? Shrinks it to what is left (L5, rule 7).

Called under the customer's lock: by the last look before sending, and at printing and
posting of letters.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from arfollow.shared.events import canonical
from arfollow.shared.money import ZERO
from dunning.facts import Ground, lay_ground, load_cases, paid_towards
from dunning.models import (
    AttemptItem,
    ContactAttempt,
    ItemPart,
    PlanStatus,
    PolicyStep,
    PromiseStatus,
    Tone,
)
from dunning.outbox import desk
from dunning.policy import Channel, CustomerFacts, ItemKey, Kind, Line, Part, Reason, sentence
from dunning.policy import Tone as PolicyTone
from dunning.policy.clock import legal_deadline
from dunning.policy.recheck import Planned, Verified, recheck
from dunning.policy.words import AGREED

WITHOUT_LEDGER = frozenset({"test", "inbound", "morning"})
COUNTED_FROM = "deadline_counted_from"
CHANGING = ("part", "amount", "days_late", "completes", "taken")
PAGE = 200


@dataclass(frozen=True, slots=True)
class Truth:
    """``reason`` is why it must not leave; ``dropped`` are items it no longer speaks of."""

    reason: Reason | None = None
    dropped: tuple[str, ...] = ()
    changed: bool = False


def refresh(attempt: ContactAttempt, *, today: date, ground: Ground | None = None) -> Truth:
    """Compare with the ledger of this moment and bring the attempt's items up to date.

    ``today`` is the customer's date. Runs in the caller's transaction, under the lock.
    """
    to_colleagues = attempt.channel == Channel.INTERNAL and attempt.kind == "manual"
    if attempt.kind in WITHOUT_LEDGER or to_colleagues:
        return Truth()
    if _agreement_ended(attempt, today):
        return Truth(Reason.AGREEMENT_ENDED)
    items = list(attempt.items.select_related("invoice").order_by("pk"))
    known = load_cases([attempt.customer], today, ground or lay_ground())[0].facts
    found = _verify(attempt, items, today, known)
    if found.reason is not None:
        return Truth(found.reason)
    truth = _bring_up_to_date(attempt, items, found.lines, today)
    return replace(truth, changed=True) if _renew_deadline(attempt, known, today) else truth


def _agreement_ended(attempt: ContactAttempt, today: date) -> bool:
    """Whether the promise or plan that the message speaks of needs no word any more."""
    if attempt.kind not in AGREED:
        return False
    if attempt.plan is not None:
        return attempt.plan.status != PlanStatus.ACTIVE
    promise = attempt.promise
    if promise is None or promise.status != PromiseStatus.OPEN:
        return True
    return paid_towards(promise, until=today) >= promise.amount


def _verify(
    attempt: ContactAttempt, items: Sequence[AttemptItem], today: date, known: CustomerFacts
) -> Verified:
    planned = Planned(
        channel=Channel(attempt.channel),
        kind=Kind(attempt.kind),
        tone=PolicyTone(attempt.tone),
        lines=tuple(_line(item) for item in items),
    )
    return recheck(known, planned, today)


def _renew_deadline(attempt: ContactAttempt, known: CustomerFacts, today: date) -> bool:
    """A message that leaves later than it was decided gives as many days as it was to give;
    a final demand never fewer than the law asks for. The next step follows the date."""
    counted_from = date.fromisoformat(attempt.content.get(COUNTED_FROM, str(attempt.planned_on)))
    if attempt.pay_by is None or today <= counted_from:
        return False
    pay_by = known.calendar.roll_forward(attempt.pay_by + (today - counted_from))
    if attempt.tone == Tone.FINAL:
        least = legal_deadline(
            known.calendar, known.settings, known.country, known.legal_type, today
        )
        pay_by = max(pay_by, least)
    attempt.pay_by = pay_by
    attempt.content = attempt.content | {COUNTED_FROM: str(today)}
    attempt.save(update_fields=["pay_by", "content"])
    attempt.items.filter(pay_by__isnull=False).update(pay_by=pay_by)
    return True


def _line(item: AttemptItem) -> Line:
    key = ItemKey(item.invoice_id, item.instalment_no) if item.invoice_id else None
    return Line(
        part=Part(item.part),
        amount=item.amount,
        currency=item.currency,
        key=key,
        label=item.label or (item.invoice.number if item.invoice else ""),
        step_key=item.step_key,
        action_key=item.action_key,
        repeat=item.repeat,
        cycle=item.cycle,
        offset=item.offset,
        completes=item.completes,
        taken=item.taken,
        pay_by=item.pay_by,
    )


def _bring_up_to_date(
    attempt: ContactAttempt, items: Sequence[AttemptItem], lines: Sequence[Line], today: date
) -> Truth:
    """Write only what differs; a completing row keeps its key, others are simply replaced."""
    labels = {_key(item): item.label for item in reversed(items)}
    wanted = [_values(line, today, labels) for line in lines]
    if [_known(item) for item in items] == wanted:
        return Truth()
    own = {_key(item): item for item in items if item.completes}
    kept = [values for values in wanted if values["completes"]]
    money = _money(items) != _money_of(wanted)
    _write(attempt, items, {own[_key_of(values)].pk: values for values in kept}, wanted)
    dropped = tuple(sorted({str(i.invoice) for i in own.values()} - _numbers(kept, own)))
    _follow_the_lead(attempt)
    if money:
        _tell(attempt, dropped)
    return Truth(None, dropped, changed=True)


def _write(
    attempt: ContactAttempt,
    items: Sequence[AttemptItem],
    kept: dict[int, dict[str, Any]],
    wanted: Sequence[dict[str, Any]],
) -> None:
    """In pages: a message may name thousands of invoices (L35)."""
    gone = [item.pk for item in items if item.pk not in kept]
    for start in range(0, len(gone), PAGE):
        attempt.items.filter(pk__in=gone[start : start + PAGE]).delete()
    moved = [item for item in items if item.pk in kept and _known(item) != kept[item.pk]]
    for item in moved:
        for name, value in kept[item.pk].items():
            setattr(item, name, value)
    AttemptItem.objects.bulk_update(moved, CHANGING, batch_size=PAGE)
    AttemptItem.objects.bulk_create(
        (AttemptItem(attempt=attempt, **v) for v in wanted if not v["completes"]), batch_size=PAGE
    )


def _key(item: AttemptItem) -> tuple[int | None, int]:
    return item.invoice_id, item.instalment_no


def _plain_key(key: ItemKey) -> tuple[int | None, int]:
    return key.invoice_id, key.instalment_no


def _key_of(values: dict[str, Any]) -> tuple[int | None, int]:
    return values["invoice_id"], values["instalment_no"]


def _numbers(
    kept: Iterable[dict[str, Any]], own: dict[tuple[int | None, int], AttemptItem]
) -> set[str]:
    return {str(own[_key_of(values)].invoice) for values in kept if _key_of(values) in own}


def _money(items: Iterable[AttemptItem]) -> list[tuple[object, ...]]:
    return sorted((i.currency, i.part, i.amount, i.completes) for i in items)


def _money_of(wanted: Iterable[dict[str, Any]]) -> list[tuple[object, ...]]:
    return sorted((v["currency"], v["part"], v["amount"], v["completes"]) for v in wanted)


NAMES = (
    "invoice_id", "instalment_no", "label", "part", "currency", "amount", "days_late",
    "completes", "step_key", "action_key", "repeat", "cycle", "offset", "taken", "pay_by",
)  # fmt: skip


def _known(item: AttemptItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in NAMES}


def _values(line: Line, today: date, labels: dict[tuple[int | None, int], str]) -> dict[str, Any]:
    due = line.due_date
    return {
        "invoice_id": line.key.invoice_id if line.key else None,
        "instalment_no": line.key.instalment_no if line.key else 0,
        "label": labels.get(_plain_key(line.key), line.label) if line.key else line.label,
        "part": ItemPart(line.part),
        "currency": line.currency,
        "amount": line.amount,
        "days_late": (today - due).days if due and line.key else 0,
        "completes": line.completes,
        "step_key": line.step_key,
        "action_key": line.action_key,
        "repeat": line.repeat,
        "cycle": line.cycle,
        "offset": line.offset,
        "taken": line.taken,
        "pay_by": line.pay_by,
    }


def _follow_the_lead(attempt: ContactAttempt) -> None:
    """Where the leading item is gone the next one leads, and the tone is its step's at most."""
    own = list(attempt.items.filter(completes=True).order_by("pk"))
    lead = (attempt.lead_invoice_id, attempt.lead_instalment_no)
    if not own or any(_key(item) == lead for item in own):
        return
    steps = PolicyStep.objects.filter(
        version=attempt.policy_version, step_key__in={item.step_key for item in own}
    )
    tones = dict(steps.values_list("step_key", "tone"))
    new = max(own, key=lambda item: _rank(tones.get(item.step_key, attempt.tone)))
    tone = tones.get(new.step_key, attempt.tone)
    attempt.lead_invoice_id, attempt.lead_instalment_no = _key(new)
    attempt.step_key, attempt.action_key = new.step_key, new.action_key
    if attempt.tone != Tone.INTERNAL and _rank(tone) < _rank(attempt.tone):
        attempt.tone = tone
    attempt.save(
        update_fields=["lead_invoice", "lead_instalment_no", "step_key", "action_key", "tone"]
    )


def _rank(tone: str) -> int:
    return PolicyTone(tone).rank


def _tell(attempt: ContactAttempt, dropped: tuple[str, ...]) -> None:
    words = (
        f"no longer names {', '.join(dropped[:10])}" if dropped else "figures brought up to date"
    )
    desk.tell(attempt, "attempt.changed", f"{attempt.get_channel_display()} {words}")


def printed_is_true(
    attempt: ContactAttempt,
    *,
    today: date,
    items: Sequence[AttemptItem] | None = None,
    known: CustomerFacts | None = None,
) -> tuple[str, str]:
    """What a printed letter says may not be changed any more: why it is wrong now, and the code.

    Two empty strings where everything it was written for is still owed in full. Who asks about
    a whole pile hands over the letter's ``items`` and what is ``known`` of its customer.
    """
    if items is None:
        items = list(attempt.items.select_related("invoice").order_by("pk"))
    if attempt.pay_by is not None and attempt.pay_by <= today:
        return "The date it asks to pay by has passed.", "deadline_passed"
    known = known or load_cases([attempt.customer], today, lay_ground())[0].facts
    found = _verify(attempt, items, today, known)
    if found.reason is not None:
        return sentence(found.reason), found.reason
    owed = {line.key: line.amount for line in found.lines if line.completes or line.taken}
    for item in items:
        asked = item.completes or item.taken
        key = ItemKey(item.invoice_id or 0, item.instalment_no)
        if asked and owed.get(key, ZERO) < item.amount:
            return f"{item.invoice} was paid or disputed in part.", "changed"
    return "", ""


def digest(attempt: ContactAttempt, *, today: date, also: Sequence[object] = ()) -> str:
    """Hash of everything a rendering depends on; another digest means render again."""
    rows = [[_known(item)[name] for name in NAMES] for item in attempt.items.order_by("pk")]
    people = list(attempt.recipients.order_by("pk").values_list("field", "name", "address"))
    head = [attempt.tone, attempt.kind, attempt.pay_by, attempt.offers_plan, attempt.content]
    text = canonical([today, head, sorted(rows, key=canonical), people, list(also)])
    return hashlib.sha256(text.encode()).hexdigest()
