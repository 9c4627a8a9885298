"""What leaves next, and what keeps messages back, in words."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from arfollow.staff.models import Company
from dunning.dispatch import trouble_until
from dunning.models import AttemptState, ContactAttempt, Run, SendSwitch
from dunning.models.runs import ABOUT_CUSTOMERS
from dunning.outbox import switches
from dunning.outbox.moves import SENT_BY_MACHINE
from dunning.worklist import held_back

CAUSES = {
    "storm": "a run would send unusually many at once",
    "stale": "payment data is too old to chase on",
    "pause": "they wait for the pause to end",
}
NAMED = 5


@dataclass(frozen=True, slots=True)
class RunWarning:
    """What the run that began at ``at`` had to say about customers."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class NextSlot:
    """The next moment at which messages leave by themselves, and how many wait in all."""

    at: datetime
    waiting: int


def next_slot() -> NextSlot | None:
    """None where nothing waits for a slot."""
    rows = ContactAttempt.objects.filter(
        state=AttemptState.PLANNED, channel__in=SENT_BY_MACHINE, due_at__isnull=False
    )
    found = rows.aggregate(at=Min("due_at"), waiting=Count("pk"))
    return NextSlot(found["at"], found["waiting"]) if found["at"] else None


def warnings(since: datetime) -> list[RunWarning]:
    """About customers, from every run that began since then; the newest first, each once.

    The beat runs anew within minutes: what the last run says about everybody is on the
    stop-lights, but a customer whom an earlier run could not serve is named by that run alone.
    """
    rows = Run.objects.filter(started_at__gte=since).exclude(warnings=[]).order_by("-started_at")
    found: dict[str, RunWarning] = {}
    for at, said in rows.values_list("started_at", "warnings"):
        for text in said:
            if text.startswith(ABOUT_CUSTOMERS):
                found.setdefault(text, RunWarning(at, text))
    return list(found.values())


def stops(company: Company, now: datetime) -> list[str]:
    """Every stop-light that is on, as a sentence; nothing where sending goes on."""
    found = []
    if company.paused:
        found.append(f"Sending is paused: {company.pause_reason}".rstrip(": ") + ".")
    for row in SendSwitch.objects.filter(on=True).order_by("set_at")[:NAMED]:
        found.append(f"Stopped: {switches.name_of(row.scope, row.target)}, {row.reason}.")
    if company.shadow_mode:
        found.append(f"Shadow mode: every message goes to {company.shadow_email}.")
    until = trouble_until(now)
    if until is not None:
        found.append(f"The mail server takes nothing; tried again at {until:%H:%M} UTC.")
    found += _unknown(now)
    for cause, count in held_back().items():
        words = "1 message is held" if count == 1 else f"{count} messages are held"
        found.append(f"{words}: {CAUSES.get(cause, 'they wait for a person')}.")
    return found


def _unknown(now: datetime) -> list[str]:
    """The digest of deliveries that wait for a decision: how many, whose, since when."""
    rows = ContactAttempt.objects.filter(state=AttemptState.UNKNOWN).select_related("customer")
    oldest = list(rows.order_by("pk")[:NAMED])
    if not oldest:
        return []
    number = rows.count()
    what = "1 delivery is unknown" if number == 1 else f"{number} deliveries are unknown"
    names = ", ".join(f"{row.customer.number} {row.customer.name}" for row in oldest)
    more = f" and {number - len(oldest)} more" if number > len(oldest) else ""
    days = (now.date() - oldest[0].local_date).days
    since = f", the oldest for {days} days" if days > 1 else ""
    return [f"{what}{since}; each waits for a decision: {names}{more}."]
