"""At most one automatic message per customer, channel and local day: a constraint (D10, F-24)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from dunning.models import AttemptState, ContactAttempt
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db


def row(customer, **fields):
    """One attempt written past every rule of the program: only the database can refuse it."""
    values = {"customer": customer, "channel": "email", "tone": "friendly", "automatic": True,
              "planned_on": TODAY, "local_date": TODAY, "state": "planned"} | fields  # fmt: skip
    key = f"{ContactAttempt.objects.count()}"
    with transaction.atomic():
        return ContactAttempt.objects.create(**values, dedupe_key=key)


@pytest.mark.parametrize("state", ["planned", "failed", "unknown", "sent"])
@pytest.mark.parametrize("channel", ["email", "letter"])
def test_a_second_automatic_message_on_a_day_is_refused_by_the_database(channel, state):
    customer = make.customer()
    done = {"done_on": TODAY, "message_id": "<m@x>"} if state == "sent" else {}
    end = {"reason": "x", "live": False} if state == "failed" else {}
    row(customer, channel=channel, state=state, **done, **end)
    with pytest.raises(IntegrityError):
        row(customer, channel=channel)


@pytest.mark.parametrize(
    "other",
    [
        {"channel": "letter"},
        {"local_date": TODAY + timedelta(days=1)},
        {"automatic": False},
        {"exempt": True},
        {"customer_facing": False},
        {"state": "held", "held_for": "storm"},
        {"state": "cancelled", "reason": "paid", "live": False},
    ],
)
def test_what_does_not_count_for_the_day_may_stand_beside_it(other):
    customer = make.customer()
    row(customer)
    assert row(customer, **other).pk


def test_another_customer_has_a_day_of_their_own():
    row(make.customer("C-1"))
    assert row(make.customer("C-2")).pk


def test_f24_ten_invoices_and_ten_runs_are_one_mail_a_day():
    outbox.company()
    customer = make.customer("C-1")
    invoices = [make.invoice(customer, "10.00", outbox.late(9 + number)) for number in range(10)]
    for number, invoice in enumerate(invoices):
        outbox.queued(customer, invoice, step=f"step-{number}")
    for _ in range(10):
        send_some(now=SLOT)
    sent = ContactAttempt.objects.filter(state=AttemptState.SENT)
    assert sent.count() == 1
    days = list(ContactAttempt.objects.values_list("local_date", flat=True))
    assert len(set(days)) == len(days)
