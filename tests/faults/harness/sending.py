"""What sender processes do, and how what a fault left behind is recovered from."""

from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from arfollow.shared import clock
from dunning.dispatch import send_some, sweep
from dunning.models import AttemptState, ContactAttempt
from tests.faults.harness.oracle import BY_MACHINE
from tests.faults.harness.processes import done, until
from tests.faults.harness.world import World

LEASE = 3
AHEAD = timedelta(hours=2)
OPEN = (AttemptState.PLANNED, AttemptState.CLAIMED, AttemptState.SENDING)


def send(later: timedelta = timedelta(0)) -> None:
    """One sender's pass, as the beat's task makes it, but to the end."""
    send_some(now=clock.now() + later, seconds=None)


def tick(later: timedelta = timedelta(0)) -> None:
    """What the beat asks for each minute: sweep, then send."""
    sweep(now=clock.now() + later)
    send(later)


def recover(world: World, *, seconds: float = 90, step: int = 0, **settings: Any) -> bool:
    """Let the leases run out and the ticks go on until nothing due is left.

    ``step`` minutes of business time pass between two ticks: for what is tried again later.
    """
    ticks = count()
    surroundings = {"MAILERS": world.sink.mailers, "SEND_LEASE_SECONDS": LEASE} | settings

    def tried() -> bool:
        later = timedelta(minutes=step * next(ticks))
        done(partial(tick, later), **surroundings)
        return not still_open(later + AHEAD if step else later)

    return until(tried, seconds, pause=0.3)


def still_open(later: timedelta = timedelta(0)) -> int:
    """Messages that should have left by now (or a little later), or are on their way."""
    due = ContactAttempt.objects.filter(
        state__in=OPEN, channel__in=BY_MACHINE, due_at__lte=clock.now() + later
    )
    return due.count()
