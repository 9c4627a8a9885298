"""When what all customers share has changed, every stored next day may be wrong.

A new quiet period, another holiday country, "send every day", an amount or a policy's new
version: none of them moves a customer's ledger. The planner compares a fingerprint of what it
decided under with what holds now, and looks at everybody again where they differ. It does so
too where the clock was set back: what was stored on a day that has not come yet may be too late.
"""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from arfollow.shared import clock
from arfollow.shared.events import canonical
from dunning.facts import Ground, lay_ground
from dunning.models import CustomerFollowUp, Heartbeat

MARK = "ground:"
SET_BACK = timedelta(minutes=11)  # two machines may be five minutes off, each its own way
MINUTE = timedelta(minutes=1)
UNSEEN = -1
"""In place of the sequence seen: below every real one, so that the customer is examined."""

DECIDING = (
    "country", "region", "send_every_day", "tolerance", "promise_grace_days", "minimum_amount",
    "agency_minimum", "weekly_cap",
)  # fmt: skip


def fingerprint(ground: Ground) -> str:
    """Of everything shared that a decision depends on. Not the pause and not the age of
    payment data: what waits for those is looked at again each business day."""
    company = [str(getattr(ground.company, name)) for name in DECIDING]
    quiet = sorted((period.start, period.end) for period in ground.quiet)
    policies = [sorted(ground.current.items()), ground.default_policy]
    tags = sorted(ground.tag_policies.items())
    text = canonical([company, quiet, policies, tags])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def wake_after_changes(ground: Ground | None = None) -> bool:
    """Let the next run look at everybody, once for each change; whether there was one."""
    mark, now = MARK + fingerprint(ground or lay_ground()), clock.now()
    marks = Heartbeat.objects.filter(name__startswith=MARK)
    if _still_holds(marks.filter(name=mark), now):
        return False
    with transaction.atomic():
        marks.delete()
        Heartbeat.objects.bulk_create([Heartbeat(name=mark, at=now)], ignore_conflicts=True)
        CustomerFollowUp.objects.update(projected_seq=UNSEEN)
    return True


def _still_holds(marks: QuerySet[Heartbeat], now: datetime) -> bool:
    """Whether the last look was under the same and not on a later day than this one (F-49)."""
    last = marks.values_list("at", flat=True).first()
    if last is None or last > now + SET_BACK:
        return False
    if now - last >= MINUTE:
        marks.update(at=now)
    return True


def changed_meanwhile(ground: Ground) -> None:
    """A run that decided under what no longer holds leaves no trace of having looked."""
    if fingerprint(lay_ground()) != fingerprint(ground):
        Heartbeat.objects.filter(name__startswith=MARK).delete()
