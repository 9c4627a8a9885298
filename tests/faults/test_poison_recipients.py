"""Recipients that no message can reach: each fails with its reason, the others go on (F-46)."""

import pytest

from customers.models import Contact
from dunning.delivery.mime import BadAddress, Party
from dunning.models import AttemptRecipient, AttemptState, ContactAttempt, Task
from tests import make, outbox
from tests.faults.mailhosts import FakeSmtp, running
from tests.faults.test_smtp_phases import use
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db

POISON = [
    "nobody",
    "two@@example.test",
    "a@example.test, b@example.test",
    "a@example.test\nBcc: c@example.test",
    "a@example.test\r",
    "büro@example.test",
    "a@-example-.test",
    f"{'a' * 240}@exa mple.test",
]


def queued_to(number, address):
    """A reminder to an address that is there although no form would have taken it."""
    customer = make.customer(f"C-{number}")
    attempt = outbox.queued(customer, make.invoice(customer, "90.00", outbox.late(9)))
    Contact.objects.filter(customer=customer).update(email=address)
    AttemptRecipient.objects.filter(attempt=attempt).update(address=address)
    return attempt


def test_each_fails_with_its_reason_and_the_others_go_on(settings):
    outbox.company()
    bad = [queued_to(number, address) for number, address in enumerate(POISON)]
    good = [queued_to(100, "ap@example.test"), queued_to(101, "einkauf@bücher.example")]
    with running(FakeSmtp("all well")) as server:
        use(settings, server.port)
        send_some(now=SLOT)
    rows = ContactAttempt.objects.in_bulk([attempt.pk for attempt in bad])
    assert {(row.state, row.reason) for row in rows.values()} == {("failed", "refused_address")}
    assert all(row.sending_at is None for row in rows.values())
    assert [outbox.state(attempt) for attempt in good] == [AttemptState.SENT] * 2
    assert len(server.taken) == 2
    assert sorted(server.named) == ["RCPT TO:<AP@EXAMPLE.TEST>",
                                    "RCPT TO:<EINKAUF@XN--BCHER-KVA.EXAMPLE>"]  # fmt: skip
    asked = Task.objects.filter(kind="ask_address", attempt__in=bad)
    assert asked.count() == len(POISON)
    assert all("\n" not in task.title and "\r" not in task.title for task in asked)


@pytest.mark.parametrize("length", [255, 320, 321, 5_000])
def test_an_address_that_is_longer_than_any_may_be_goes_into_no_header(length):
    with pytest.raises(BadAddress):
        Party("a" * (length - 13) + "@example.test").header()


def test_a_poison_copy_stops_its_message_and_is_named():
    outbox.company()
    attempt = queued_to(1, "ap@example.test")
    AttemptRecipient.objects.create(attempt=attempt, field="cc", address="no address")
    assert send_some(now=SLOT).failed == 1
    assert Task.objects.get(kind="ask_address").title.startswith(
        "Ask for a usable e-mail address: no address"
    )
