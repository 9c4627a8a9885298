"""A message that kills its workers is set aside and named; the others go on (item 1)."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.core import mail
from django.db.models.functions import Now

from dunning.dispatch import sender, sweep
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, ContactAttempt, Task
from tests import make, outbox
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db


class Died(BaseException):
    """The process is gone."""


@pytest.fixture
def poisoned(monkeypatch):
    """Four due reminders; whoever renders the first one dies."""
    outbox.company()
    rows = [outbox.queued(c, make.invoice(c, due=outbox.late(10))) for c in customers(4)]
    real = sender.render_and_freeze

    def render(attempt, *args, **options):
        if attempt.pk == rows[0].pk:
            raise Died
        return real(attempt, *args, **options)

    monkeypatch.setattr(sender, "render_and_freeze", render)
    return rows


def customers(number):
    return [make.customer() for _ in range(number)]


def pass_and_recover():
    """A sender that may die, its leases running out, the sweeper."""
    with suppress(Died):
        send_some(now=SLOT)
    leased = ContactAttempt.objects.filter(lease_until__isnull=False)
    leased.update(lease_until=Now() - timedelta(seconds=1))
    return sweep(now=SLOT)


def test_it_is_set_aside_after_its_third_worker_and_named(poisoned):
    first = poisoned[0]
    assert [pass_and_recover()["set_aside"] for _ in range(3)] == [0, 0, 1]
    row = outbox.again(first)
    assert (row.state, row.reason, row.live) == (AttemptState.FAILED, "poison", False)
    assert "three workers began" in Task.objects.get(attempt=first).title
    assert audit(SLOT) == []


def test_the_others_go_out_all_the_same(poisoned):
    for _ in range(3):
        pass_and_recover()
    send_some(now=SLOT)
    assert [outbox.state(row) for row in poisoned[1:]] == [AttemptState.SENT] * 3
    assert len(mail.outbox) == 3


def test_after_the_first_death_it_goes_alone(poisoned):
    """The others were claimed with it once; they are not in its way a second time."""
    pass_and_recover()
    pass_and_recover()
    assert [outbox.again(row).tries for row in poisoned] == [2, 1, 1, 1]


def test_a_worker_that_dies_once_sets_nothing_aside(poisoned):
    assert pass_and_recover()["put_back"] == 4
    assert {outbox.state(row) for row in poisoned} == {AttemptState.PLANNED}
