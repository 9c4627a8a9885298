"""Print jobs: what is due, under a batch name, and the same bytes again by that name."""

from dataclasses import dataclass
from datetime import date, datetime

from arfollow.shared import faults
from arfollow.shared.events import SYSTEM, Actor
from dunning.delivery.letters import PrintBatch, print_letters
from dunning.models import AttemptState, Channel, ContactAttempt, Letter, LetterStatus


@dataclass(frozen=True, slots=True)
class PrintJob:
    """A batch with its name; the name is empty where nothing was printed."""

    name: str
    batch: PrintBatch


class NoSuchBatch(LookupError):
    """No letter was printed under this name."""


def due_letters(today: date) -> list[int]:
    """Approved letters whose day has come and that are not posted, oldest first.

    A letter that was printed but not posted is among them: it comes out as it was.
    """
    due = ContactAttempt.objects.filter(
        channel=Channel.LETTER, state=AttemptState.PLANNED, planned_on__lte=today
    )
    return list(due.order_by("planned_on", "pk").values_list("pk", flat=True))


def print_due(*, today: date, now: datetime, actor: Actor = SYSTEM) -> PrintJob:
    """Print what is due; letters printed for the first time get the job's name."""
    return name_batch(print_letters(due_letters(today), actor=actor, now=now), now=now)


def name_batch(batch: PrintBatch, *, now: datetime) -> PrintJob:
    """Give the letters that have no batch yet the name of this one; else it is the old one."""
    if not batch.letters:
        return PrintJob("", batch)
    faults.point("L7")
    name = f"{now:%Y%m%d-%H%M%S}-{batch.letters[0].pk}"
    ids = [letter.pk for letter in batch.letters]
    unnamed = Letter.objects.filter(pk__in=ids, print_batch="")
    unnamed = unnamed.exclude(status__in=(LetterStatus.DRAFTED, LetterStatus.APPROVED))
    if not unnamed.update(print_batch=name):
        name = batch.letters[0].print_batch
    faults.point("L8")
    return PrintJob(name, batch)


def print_again(name: str, *, now: datetime, actor: Actor = SYSTEM) -> PrintJob:
    """The stored bytes of a batch, whatever happened since. NoSuchBatch for an unknown name."""
    rows = Letter.objects.filter(print_batch=name).order_by("pk") if name else Letter.objects.none()
    ids = list(rows.values_list("attempt_id", flat=True))
    if not ids:
        raise NoSuchBatch(f"no letters were printed as “{name}”")
    return PrintJob(name, print_letters(ids, actor=actor, now=now))
