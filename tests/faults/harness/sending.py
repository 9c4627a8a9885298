"""What sender processes do, and how what a fault left behind is recovered from."""

from arfollow.shared import clock
from dunning.dispatch import send_some, sweep
from dunning.models import AttemptState, ContactAttempt
from tests.faults.harness.oracle import BY_MACHINE
from tests.faults.harness.processes import done, until
from tests.faults.harness.world import World

LEASE = 2
OPEN = (AttemptState.PLANNED, AttemptState.CLAIMED, AttemptState.SENDING)


def send() -> None:
    """One sender's pass, as the beat's task makes it, but to the end."""
    send_some(seconds=None)


def tick() -> None:
    """What the beat asks for each minute: sweep, then send."""
    sweep()
    send()


def recover(world: World, *, seconds: float = 60) -> bool:
    """Let the leases run out and the ticks go on until nothing due is left."""

    def tried() -> bool:
        done(tick, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=LEASE)
        return not still_open()

    return until(tried, seconds, pause=0.3)


def still_open() -> int:
    """Messages that should have left by now, or are on their way."""
    due = ContactAttempt.objects.filter(
        state__in=OPEN, channel__in=BY_MACHINE, due_at__lte=clock.now()
    )
    return due.count()
