"""What was planned and allowed, against what arrived and what the database says of it."""

from collections import Counter
from collections.abc import Iterable
from io import StringIO

from django.core.management import CommandError, call_command
from django.db.models import Exists, OuterRef

from arfollow.shared import clock
from dunning.delivery.ids import attempt_of
from dunning.models import AttemptItem, AttemptState, ContactAttempt, Task, TaskStatus
from tests.faults.harness.results import Judgement
from tests.faults.harness.world import World

UNDER_WAY = (AttemptState.PLANNED, AttemptState.CLAIMED, AttemptState.SENDING)
MAY_HAVE_LEFT = (AttemptState.SENT, AttemptState.UNKNOWN)
BY_MACHINE = ("email", "internal")


def judge(world: World, *, most_unknown: int, forbidden: Iterable[int] = ()) -> Judgement:
    """After recovery: every customer was written to once, or a person is asked.

    ``forbidden`` are customers to whom nothing may have gone.
    """
    found = Judgement()
    log = [line for line in world.sink.log() if line["what"] == "taken"]
    taken = Counter(str(attempt_of(line["id"])) for line in log)
    rows = list(ContactAttempt.objects.filter(channel__in=BY_MACHINE))
    _at_the_sink(found, taken, rows)
    _in_the_database(found, rows, set(forbidden))
    _steps_taken_twice(found, taken)
    _unknowns(found, rows, most_unknown)
    own_proofs(found)
    return found


def _at_the_sink(found: Judgement, taken: Counter[str], rows: list[ContactAttempt]) -> None:
    known = {str(row.uuid) for row in rows}
    twice = [key for key, count in taken.items() if count > 1]
    found.blame("doubled", twice, "taken more than once by the mail server:")
    found.blame("wrong", taken.keys() - known, "arrived without an attempt:")
    never = [r.pk for r in rows if r.state == AttemptState.SENT and not taken[str(r.uuid)]]
    found.blame("lost", never, "recorded as sent, never arrived:")
    denied = [r.pk for r in rows if r.state not in MAY_HAVE_LEFT and taken[str(r.uuid)]]
    found.blame("wrong", denied, "arrived, recorded as not sent:")


def _in_the_database(found: Judgement, rows: list[ContactAttempt], forbidden: set[int]) -> None:
    stuck = [f"{row.pk} ({row.state} {row.error[:60]})" for row in rows if row.state in UNDER_WAY]
    found.blame("lost", stuck, "not finished after recovery:")
    against = [r.pk for r in rows if r.customer_id in forbidden and r.state in MAY_HAVE_LEFT]
    found.blame("wrong", against, "went to somebody it must not go to:")


def _steps_taken_twice(found: Judgement, taken: Counter[str]) -> None:
    keys = ("invoice", "step_key", "action_key", "repeat", "cycle")
    items = AttemptItem.objects.filter(completes=True, attempt__uuid__in=list(taken))
    steps = Counter(items.values_list(*keys))
    twice = [key for key, count in steps.items() if count > 1]
    found.blame("doubled", twice, "the same step arrived in two messages:")


def _unknowns(found: Judgement, rows: list[ContactAttempt], most: int) -> None:
    """Each has a task that asks a person; no more of them than the fault explains."""
    asks = Task.objects.filter(
        attempt=OuterRef("pk"), kind="check_delivery", status=TaskStatus.OPEN
    )
    unknown = [row.pk for row in rows if row.state == AttemptState.UNKNOWN]
    asked = ContactAttempt.objects.filter(Exists(asks), pk__in=unknown)
    found.unknown = len(unknown)
    hidden = set(unknown) - set(asked.values_list("pk", flat=True))
    found.blame("hidden", hidden, "unknown, and nobody is asked:")
    found.blame("wrong", unknown[most:], "unknown without need:")
    failed = [row.pk for row in rows if row.state == AttemptState.FAILED]
    told = Task.objects.filter(attempt__in=failed).values_list("attempt_id", flat=True)
    found.blame("hidden", set(failed) - set(told), "failed, and nobody is told:")


def own_proofs(found: Judgement) -> None:
    """The product's own audits, as an operator runs them."""
    for command in ("dunning_audit", "audit_verify"):
        out = StringIO()
        try:
            call_command(command, stdout=out, stderr=out)
        except CommandError as error:
            found.blame("wrong", [f"{error} {out.getvalue()}"[:300]], f"{command}:")


def written_to(world: World) -> set[int]:
    """Customers for whom something is sent or unknown."""
    rows = ContactAttempt.objects.filter(state__in=MAY_HAVE_LEFT, channel__in=BY_MACHINE)
    return set(rows.values_list("customer_id", flat=True))


def nobody_forgotten(found: Judgement, world: World, wanted: Iterable[int]) -> None:
    """Everybody who should have been written to was, or may have been."""
    missing = sorted(set(wanted) - written_to(world))
    stands = ContactAttempt.objects.filter(customer__in=missing, channel__in=BY_MACHINE)
    why = {row.customer_id: f" ({row.state} {row.reason} {row.error[:120]})" for row in stands}
    named = [f"{pk}{why.get(pk, '')}" for pk in missing]
    found.blame("lost", named, f"customers nobody wrote to by {clock.now():%H:%M}:")
