"""Is every attempt accounted for? Promises D1 to D4 and D10 as queries (`dunning_audit`)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from arfollow.shared.models import Event
from dunning.delivery.kept import sha256
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    FrozenMessage,
    Task,
    TaskKind,
)
from dunning.outbox.moves import IN_FLIGHT
from invoices.models import Allocation, WriteOff

LEFT = (AttemptState.SENDING, AttemptState.SENT, AttemptState.UNKNOWN)
SHOWN = 10
NEWEST = 1_000
CLOCKS_APART = timedelta(minutes=6)  # one column is of our clock, the other of the database's
FORGOTTEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that does not hold, with some of the attempts that show it."""

    code: str
    text: str
    count: int
    attempts: tuple[int, ...]


def audit(now: datetime) -> list[Breach]:
    """Every promise that does not hold at this moment; an empty list is what should come."""
    found = [check(now) for check in CHECKS]
    return [breach for breach in found if breach is not None]


def _breach(code: str, text: str, rows: list[int]) -> Breach | None:
    return Breach(code, text, len(rows), tuple(rows[:SHOWN])) if rows else None


def _doubled_steps(now: datetime) -> Breach | None:
    keys = ["invoice", "instalment_no", "step_key", "action_key", "repeat", "cycle"]
    rows = AttemptItem.objects.filter(completes=True, live=True, attempt__state__in=LEFT)
    twice = rows.values(*keys).annotate(n=Count("pk"), last=Max("attempt")).filter(n__gt=1)
    text = "The same step of an item was taken twice."
    return _breach("D1-step", text, list(twice.values_list("last", flat=True)))


def _doubled_messages(now: datetime) -> Breach | None:
    rows = ContactAttempt.objects.exclude(message_id="").values("message_id")
    twice = rows.annotate(n=Count("pk"), last=Max("pk")).filter(n__gt=1)
    text = "Two attempts have the same Message-ID."
    return _breach("D1-message", text, list(twice.values_list("last", flat=True)))


def _forgotten(now: datetime) -> Breach | None:
    rows = ContactAttempt.objects.filter(
        state__in=IN_FLIGHT, lease_until__lt=Now() - FORGOTTEN_AFTER
    )
    text = "Claimed or sending long past the lease: does the sweeper run?"
    return _breach("D2-forgotten", text, _ids(rows))


def _without_bytes(now: datetime) -> Breach | None:
    rows = ContactAttempt.objects.filter(
        state__in=LEFT, channel__in=[Channel.EMAIL, Channel.INTERNAL], frozen=None
    ).exclude(worker="")
    return _breach("D2-bytes", "Left without the bytes that left being kept.", _ids(rows))


def _damaged_bytes(now: datetime) -> Breach | None:
    rows = FrozenMessage.objects.select_related("document").order_by("-pk")[:NEWEST]
    damaged = [
        row.pk
        for row in rows.iterator(chunk_size=100)
        if sha256(bytes(row.document.data)) != row.document.sha256
    ]
    return _breach("D2-hash", "Kept bytes do not match their hash.", damaged)


def _hidden_doubt(now: datetime) -> Breach | None:
    """Each unknown message that nobody has settled has its event and its task."""
    told = Event.objects.filter(
        object_type="attempt", object_id=OuterRef("pk"), verb="attempt.unknown"
    )
    asked = Task.objects.filter(attempt=OuterRef("pk"), kind=TaskKind.CHECK_DELIVERY)
    rows = ContactAttempt.objects.filter(state=AttemptState.UNKNOWN)
    hidden = rows.filter(~Exists(told) | ~Exists(asked))
    return _breach("D3-hidden", "Unknown, and nobody was told.", _ids(hidden))


def _half_ended(now: datetime) -> Breach | None:
    """`live` of an attempt and of its items end together."""
    items = AttemptItem.objects.filter(attempt=OuterRef("pk"), live=True)
    rows = ContactAttempt.objects.filter(Exists(items), live=False)
    return _breach("D2-live", "Items still count for an attempt that does not.", _ids(rows))


def _after_payment(now: datetime) -> Breach | None:
    """Everything an automatic mail was sent for had been paid before it went on its way."""
    paid = Allocation.objects.filter(invoice=OuterRef("invoice"), reversed_on=None)
    other = Allocation.objects.filter(invoice=OuterRef("invoice")).filter(
        Q(reversed_on__isnull=False) | Q(created_at__gte=OuterRef("attempt__sending_at"))
    )
    rows = AttemptItem.objects.filter(
        Exists(paid),
        ~Exists(other),
        ~Exists(WriteOff.objects.filter(invoice=OuterRef("invoice"))),
        completes=True,
        invoice__open_amount=0,
        attempt__state__in=LEFT,
        attempt__automatic=True,
        attempt__sending_at__isnull=False,
    )
    text = "Went on its way after the item was paid."
    found = rows.values_list("attempt", flat=True).distinct()[:100_000]
    return _breach("D4-paid", text, [pk for pk in found if not _money_came_later(pk)])


def _money_came_later(attempt_id: int) -> bool:
    """Whether the customer's chain has money for its items after the message: the order of
    events is that of the commits, whatever a clock that was set back wrote beside them."""
    said = Event.objects.filter(
        object_type="attempt", object_id=attempt_id, verb__in=("attempt.sent", "attempt.unknown")
    ).first()
    if said is None:
        return False
    rows = Allocation.objects.filter(invoice__attempt_items__attempt=attempt_id, reversed_on=None)
    money = Q()
    for pk, payment, credit in rows.values_list("pk", "payment_id", "credit_note_id"):
        money |= Q(object_type="allocation", object_id=pk)
        money |= Q(object_type="payment", object_id=payment)
        money |= Q(object_type="creditnote", object_id=credit)
    later = Event.objects.filter(money, chain=said.chain, seq__gt=said.seq)
    return bool(money) and later.exists()


def _two_a_day(now: datetime) -> Breach | None:
    rows = ContactAttempt.objects.filter(
        automatic=True,
        customer_facing=True,
        exempt=False,
        channel=Channel.EMAIL,
        state__in=LEFT,
        live=True,
    )
    # Accounts that were merged later had a message each, as two customers.
    accounts = rows.values("customer", "moved_from", "local_date")
    twice = accounts.annotate(n=Count("pk"), last=Max("pk"))
    text = "More than one automatic e-mail to a customer on one day."
    return _breach("D10-day", text, list(twice.filter(n__gt=1).values_list("last", flat=True)))


def _illegal_states(now: datetime) -> Breach | None:
    wrong = (
        Q(state=AttemptState.SENT, sending_at__gt=F("sent_at") + CLOCKS_APART)
        | Q(state__in=[AttemptState.SENT, AttemptState.UNKNOWN], lease_until__isnull=False)
        | Q(state__in=[AttemptState.PLANNED, AttemptState.HELD], sent_at__isnull=False)
        | Q(state=AttemptState.PLANNED, live=False)
        | ~Q(state__in=AttemptState.values)
    )
    rows = ContactAttempt.objects.filter(wrong)
    return _breach("D2-state", "Columns contradict the state.", _ids(rows))


def _ids(rows: QuerySet[ContactAttempt]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:100_000])


CHECKS: tuple[Callable[[datetime], Breach | None], ...] = (
    _doubled_steps,
    _doubled_messages,
    _forgotten,
    _without_bytes,
    _damaged_bytes,
    _hidden_doubt,
    _half_ended,
    _after_payment,
    _two_a_day,
    _illegal_states,
)
