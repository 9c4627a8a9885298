"""kill -9 at named points: nothing lost, nothing twice, doubt is named (F-01 to F-09)."""

import signal
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from dunning.dispatch import sweep
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, ContactAttempt, Task
from tests import outbox, races
from tests.outbox import SLOT, send_some

# `bin/faults` kills at every point on both databases: once is enough here.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.sqlite]

ROWS = 4
POINTS = {
    # point: (unknown afterwards, messages that were on disk when it died)
    "C2:1": (0, 0),  # claimed
    "C3:2": (0, 1),  # rendered
    "C4:2": (1, 1),  # sending is committed, nothing has left
    "C5:2": (1, 2),  # the other side has it, we have no answer
    "C6:2": (1, 2),  # the answer is read
    "C7:2": (1, 2),  # inside the last transaction
    "C8:2": (0, 2),  # done
}


def die_at(point, place):
    """A sender that kills itself there."""
    with races.racing(1, SLOT, place, CRASH_AT=point) as [racer]:
        racer.wait(timeout=100)
    assert racer.returncode == -signal.SIGKILL, racer.stderr.read()


def let_leases_run_out():
    leased = ContactAttempt.objects.filter(lease_until__isnull=False)
    leased.update(lease_until=Now() - timedelta(seconds=1))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_sender_loses_nothing_and_doubles_nothing(point, tmp_path, settings):
    unknown, on_disk = POINTS[point]
    races.many(ROWS)
    die_at(point, tmp_path)
    assert len(races.arrived(tmp_path)) == on_disk
    let_leases_run_out()
    sweep(now=SLOT)
    mail = tmp_path / "mail"
    backend = "arfollow.shared.mailfile.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": {"file_path": str(mail)}}}
    send_some(now=SLOT)
    ids = races.arrived(tmp_path)
    assert max(Counter(ids).values()) == 1
    assert outbox.in_state(AttemptState.UNKNOWN) == unknown
    assert outbox.in_state(AttemptState.SENT) == ROWS - unknown
    assert Task.objects.filter(kind="check_delivery").count() == unknown
    assert audit(SLOT) == []


def test_nothing_is_swept_while_the_lease_runs(tmp_path):
    races.many(1)
    with races.racing(1, SLOT, tmp_path, CRASH_AT="C4:1") as [racer]:
        racer.wait(timeout=100)
    sweep(now=SLOT + timedelta(days=1))  # business time moves no lease
    assert outbox.in_state(AttemptState.SENDING) == 1


def test_without_the_tests_own_settings_there_is_no_such_switch(tmp_path):
    """CRASH_AT in the environment does nothing to the product."""
    races.many(1)
    env = {"CRASH_AT": "C4:1", "DJANGO_SETTINGS_MODULE": "tests.production_like_settings"}
    with races.racing(1, SLOT, tmp_path, **env) as racers:
        assert races.tallies(racers)[0]["sent"] == 1
