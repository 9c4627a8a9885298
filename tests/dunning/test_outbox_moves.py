"""Only the moves of the contract are legal, and only for who owns the row (DELIVERY §3.2)."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from dunning.models import AttemptState, Channel, ContactAttempt, HeldFor
from dunning.outbox import moves
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = pytest.mark.django_db

LEASE = timedelta(seconds=120)
LONG_AGO = timedelta(seconds=-1)
ME, OTHER = "worker-1", "worker-2"


@pytest.fixture
def row():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


def claim(worker=ME, lease=LEASE, **options):
    return moves.claim(worker, now=SLOT, lease=lease, **options)


def begin(row, worker=ME):
    return moves.begin_sending(row.pk, worker, lease=LEASE, message_id="<a@b>")


def test_a_claim_takes_what_is_due_and_nobody_else_gets_it(row):
    assert claim() == [row.pk]
    assert claim(OTHER) == []
    now = outbox.again(row)
    assert (now.state, now.worker) == (AttemptState.CLAIMED, ME)


def test_a_claim_takes_at_most_one_row_of_a_customer(row):
    second = make.invoice(row.customer, "90.00", outbox.late(5))
    outbox.queued(row.customer, second, channel=Channel.INTERNAL, tone="internal",
                  due_at=SLOT, customer_facing=False)  # fmt: skip
    assert len(claim()) == 1
    assert claim(OTHER) == []


def test_a_claim_takes_no_more_than_asked():
    outbox.company()
    for number in range(7):
        customer = make.customer(f"C-{number}")
        outbox.queued(customer, make.invoice(customer, "90.00", outbox.late(9)))
    assert len(claim(limit=5)) == 5
    assert len(claim(OTHER, limit=5)) == 2


def test_calls_and_letters_are_never_claimed(row):
    for channel in (Channel.CALL, Channel.LETTER, Channel.VISIT, Channel.HANDOVER):
        customer = make.customer(f"C-{channel}")
        invoice = make.invoice(customer, "90.00", outbox.late(9))
        outbox.queued(customer, invoice, channel=channel)
    assert claim() == [row.pk]


def test_only_the_owner_of_a_row_goes_on_with_it(row):
    claim()
    assert not begin(row, OTHER)
    assert begin(row)
    assert not moves.finish(row.pk, OTHER, done_on=TODAY)
    assert moves.finish(row.pk, ME, done_on=TODAY)


def test_a_worker_whose_lease_ran_out_may_not_begin(row):
    claim(lease=LONG_AGO)
    assert not begin(row)


def test_a_row_is_not_sent_without_passing_through_sending(row):
    claim()
    assert not moves.unknown(row.pk, ME, error="x")
    assert outbox.state(row) == AttemptState.CLAIMED


def test_an_expired_claim_is_planned_again(row):
    claim(lease=LONG_AGO)
    assert moves.expire_claims() == [row.pk]
    assert claim(OTHER) == [row.pk]


def test_an_expired_sending_is_unknown_and_never_planned_again(row):
    claim()
    moves.begin_sending(row.pk, ME, lease=LONG_AGO, message_id="<a@b>")
    assert moves.doubtful() == [row.pk]
    assert moves.expire_sending(row.pk, "lost")
    assert claim(OTHER) == []
    assert outbox.again(row).error == "lost"


def test_what_is_being_sent_within_its_lease_is_in_no_doubt(row):
    claim()
    begin(row)
    assert moves.doubtful() == []
    assert not moves.expire_sending(row.pk, "lost")
    assert outbox.state(row) == AttemptState.SENDING


def test_a_late_result_is_still_recorded(row):
    claim()
    moves.begin_sending(row.pk, ME, lease=LONG_AGO, message_id="<a@b>")
    moves.expire_sending(row.pk, "lost")
    assert moves.finish(row.pk, ME, done_on=TODAY)
    assert outbox.state(row) == AttemptState.SENT


def test_what_is_not_taken_comes_back_with_one_try_more(row):
    claim()
    begin(row)
    assert moves.put_back(row.pk, ME, due_at=SLOT + timedelta(minutes=1), error="busy")
    now = outbox.again(row)
    assert (now.state, now.tries, now.sending_at, now.worker) == ("planned", 1, None, "")


def test_a_message_on_its_way_can_be_cancelled_by_nobody(row):
    claim()
    begin(row)
    assert not moves.cancel(row.pk, reason="paid", text="It is paid.")
    assert not moves.hold([row.pk], HeldFor.PAUSE, text="stop")


@pytest.mark.parametrize("state", ["sent", "failed", "cancelled", "skipped", "unknown"])
def test_the_end_is_the_end(row, state):
    ends = {
        "sent": lambda: moves.finish(row.pk, ME, done_on=TODAY),
        "failed": lambda: moves.fail(row.pk, ME, reason="x", text="x", error="x"),
        "unknown": lambda: moves.unknown(row.pk, ME, error="x"),
    }
    if state in ends:
        claim()
        begin(row)
        assert ends[state]()
    elif state == "cancelled":
        assert moves.cancel(row.pk, reason="x", text="x")
    else:
        assert moves.skip(row.pk, reason="x", text="x", done_on=TODAY)
    assert outbox.state(row) == state
    assert claim(OTHER) == []
    assert not moves.cancel(row.pk, reason="y", text="y")
    assert not moves.made(row.pk, done_on=TODAY, at=SLOT)


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_what_does_not_count_frees_its_step(row, end):
    if end == "cancel":
        moves.cancel(row.pk, reason="x", text="x")
    else:
        claim()
        moves.fail(row.pk, ME, reason="x", text="x", error="x")
    assert not outbox.again(row).live
    assert not row.items.filter(live=True).exists()
    invoice = row.lead_invoice
    assert outbox.queued(row.customer, invoice).pk != row.pk


def test_a_skipped_step_is_done_and_not_planned_again(row):
    moves.skip(row.pk, reason="by_staff", text="agreed", done_on=TODAY)
    assert row.items.filter(live=True).exists()
    with pytest.raises(AssertionError, match="planned before"):
        outbox.queued(row.customer, row.lead_invoice)


def test_a_call_is_made_but_a_mail_is_never_made_by_hand(row):
    customer = make.customer("C-2")
    invoice = make.invoice(customer, "90.00", outbox.late(9))
    call = outbox.queued(customer, invoice, channel=Channel.CALL)
    assert moves.made(call.pk, done_on=TODAY, at=SLOT)
    assert not moves.made(row.pk, done_on=TODAY, at=SLOT)


def test_l15_a_bounce_leaves_the_mail_sent_but_not_its_step(row):
    claim()
    begin(row)
    moves.finish(row.pk, ME, done_on=TODAY)
    assert moves.uncount(row.pk)
    now = outbox.again(row)
    assert (now.state, now.live) == (AttemptState.SENT, False)
    assert not row.items.filter(live=True).exists()
    assert not moves.uncount(row.pk)


def test_the_database_refuses_two_messages_in_flight_for_one_customer(row):
    claim()
    other = outbox.queued(row.customer, make.invoice(row.customer, "90.00", outbox.late(5)),
                          channel=Channel.INTERNAL, tone="internal", due_at=SLOT)  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactAttempt.objects.filter(pk=other.pk).update(
            state=AttemptState.CLAIMED, lease_until=SLOT
        )


WRITERS = {"dunning/outbox/moves.py"}
CREATES = {
    "dunning/outbox/planning.py", "dunning/outbox/copies.py",
}  # fmt: skip


def _writes_state(path):
    """`….update(state=…)` of attempts, or an assignment to `.state` of one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update":
            names = {keyword.arg for keyword in node.keywords}
            if "state" in names and "ContactAttempt" in ast.unparse(node.func):
                yield node.lineno
        if isinstance(node, ast.Assign):
            targets = [ast.unparse(target) for target in node.targets]
            if any(target.endswith("attempt.state") for target in targets):
                yield node.lineno


def test_nothing_else_in_the_project_writes_the_state():
    root = Path(settings.BASE_DIR)
    found = {
        str(path.relative_to(root))
        for path in root.glob("dunning/**/*.py")
        if "migrations" not in path.parts and "demo" not in path.parts and any(_writes_state(path))
    }
    assert found <= WRITERS | CREATES
