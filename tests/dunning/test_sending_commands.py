"""send_due, adopt_instance, dunning_audit, audit_verify: what scripts rely on."""

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from arfollow.shared.events import Entry, record
from arfollow.shared.models import Event, EventChain, EventData
from arfollow.shared.triggers import SQLITE_CREATE, SQLITE_DROP
from dunning import tasks
from dunning.dispatch.audit import CHECKS, audit
from dunning.dispatch.record import tell_unknown
from dunning.models import AttemptItem, AttemptState, ContactAttempt, Heartbeat
from dunning.outbox import moves
from dunning.tasks import send_some, sweep
from invoices.models import Allocation, Invoice, Payment
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]


def run(name, *args, **options):
    out = StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


# --- send_due -------------------------------------------------------------------------------


def test_send_due_says_what_it_did(reminder):
    said = json.loads(run("send_due", "--now", "2026-03-02T10:00+00:00", "--json"))
    assert said == {
        "sent": 1, "failed": 0, "unknown": 0, "held": 0, "cancelled": 0, "remaining": 0,
    }  # fmt: skip


def test_a_moment_without_a_zone_is_ours(reminder):
    make.company(time_zone="America/New_York")
    assert json.loads(run("send_due", "--now", "2026-03-02T10:00", "--json"))["sent"] == 1


def test_send_due_tells_people_in_words(reminder):
    assert run("send_due", "--now", "2026-03-02T10:00+00:00").startswith("1 sent, 0 failed")


def test_a_moment_that_is_none_is_bad_input(reminder):
    with pytest.raises(CommandError) as refused:
        run("send_due", "--now", "soon")
    assert refused.value.returncode == 2


def test_send_due_takes_up_what_a_killed_sender_had_claimed(reminder):
    moves.claim("gone", now=SLOT, lease=timedelta(seconds=-1))
    assert json.loads(run("send_due", "--now", SLOT.isoformat(), "--json"))["sent"] == 1


def test_send_due_refuses_in_a_copy_and_names_the_way_out(reminder, settings, tmp_path):
    settings.INSTANCE_FILE = tmp_path / "elsewhere"
    with pytest.raises(CommandError, match=r"manage\.py adopt_instance") as refused:
        run("send_due")
    assert refused.value.returncode == 1
    run("adopt_instance")
    assert json.loads(run("send_due", "--now", SLOT.isoformat(), "--json"))["sent"] == 1
    assert Event.objects.filter(verb="installation.adopted").exists()


# --- the beat's tasks -----------------------------------------------------------------------


def test_the_tasks_run_and_leave_their_heartbeat(reminder):
    send_some()
    sweep()
    assert {"sender", "sweeper"} <= set(Heartbeat.objects.values_list("name", flat=True))


def test_the_beat_in_a_copy_says_so_and_sends_nothing(reminder, settings, tmp_path, monkeypatch):
    settings.INSTANCE_FILE = tmp_path / "elsewhere"
    said = []
    monkeypatch.setattr(tasks.log, "error", lambda event, why: said.append((event, why)))
    send_some()
    assert [event for event, _ in said] == ["nothing is done"]
    assert "adopt_instance" in said[0][1]
    assert outbox.state(reminder) == "planned"


# --- dunning_audit --------------------------------------------------------------------------


def test_a_healthy_outbox_has_no_breach(reminder):
    run("send_due", "--now", SLOT.isoformat())
    assert run("dunning_audit") == f"{len(CHECKS)} checks, 0 breaches\n"


def tamper(reminder, **values):
    ContactAttempt.objects.filter(pk=reminder.pk).update(**values)


def codes():
    return {breach.code for breach in audit(SLOT)}


@pytest.fixture
def sent(reminder):
    run("send_due", "--now", SLOT.isoformat())
    assert codes() == set()
    return outbox.again(reminder)


def test_a_mail_sent_after_the_payment_is_a_breach(sent):
    money = Payment.objects.create(
        customer=sent.customer,
        received_on=TODAY,
        currency="USD",
        amount="400.00",
        unapplied_amount="0.00",
    )
    Allocation.objects.create(
        payment=money,
        invoice=sent.lead_invoice,
        amount="400.00",
        effective_on=TODAY,
        created_at=sent.sending_at - timedelta(hours=1),
    )
    Invoice.objects.filter(pk=sent.lead_invoice_id).update(open_amount=0, closed_on=TODAY)
    assert codes() == {"D4-paid"}


def test_money_that_the_chain_of_events_has_later_makes_no_breach_of_an_earlier_mail(sent):
    make.payment(sent.customer, "400.00", TODAY, sent.lead_invoice)
    assert codes() == set()
    Allocation.objects.update(created_at=sent.sending_at - timedelta(hours=1))  # a clock set back
    assert codes() == set()


def test_a_mail_without_its_bytes_is_a_breach(sent):
    sent.frozen.delete()
    assert codes() == {"D2-bytes"}


def test_bytes_that_were_changed_are_a_breach(sent):
    document = sent.frozen.document
    document.data = bytes(document.data) + b"!"
    document.save()
    assert codes() == {"D2-hash"}


def test_a_doubt_that_nobody_was_told_of_is_a_breach(sent):
    """D3: unknown is visible, by its event and its task."""
    tamper(sent, state=AttemptState.UNKNOWN, lease_until=None)
    assert codes() == {"D3-hidden"}
    tell_unknown(sent, TODAY)
    assert codes() == set()


def test_an_item_that_counts_for_a_dead_attempt_is_a_breach(sent):
    tamper(sent, live=False)
    assert codes() == {"D2-live"}


def test_a_sender_that_nobody_missed_is_a_breach(reminder):
    moves.claim("gone", now=SLOT, lease=timedelta(hours=-1))
    assert codes() == {"D2-forgotten"}


def test_columns_that_contradict_the_state_are_a_breach(reminder):
    tamper(reminder, sent_at=SLOT)
    assert codes() == {"D2-state"}


def test_two_attempts_with_one_message_id_are_a_breach(sent):
    copy = ContactAttempt.objects.get(pk=sent.pk)
    copy.pk, copy.uuid, copy.dedupe_key = None, uuid.uuid4(), "another"
    copy.local_date = TODAY + timedelta(days=1)
    copy.message_id, copy.worker = "<other@x>", ""
    copy.save()
    assert codes() == set()
    ContactAttempt.objects.filter(pk=copy.pk).update(message_id=sent.message_id)
    assert codes() == {"D1-message"}


def test_a_breach_ends_with_status_one_and_names_the_attempt(sent):
    tamper(sent, live=False)
    out = StringIO()
    with pytest.raises(CommandError) as breach:
        call_command("dunning_audit", "--json", stdout=out)
    assert breach.value.returncode == 1
    found = json.loads(out.getvalue())["breaches"]
    assert [(b["code"], b["attempts"]) for b in found] == [("D2-live", [sent.pk])]


def test_the_database_refuses_a_step_taken_twice(sent):
    item = AttemptItem.objects.get(attempt=sent)
    item.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        item.save(force_insert=True)
    assert AttemptItem.objects.count() == 1


# --- audit_verify ---------------------------------------------------------------------------


@pytest.fixture
def chain():
    for number in range(3):
        record(Entry("test.done", "test", number, f"Event {number}", values={"n": number}))


def unlocked(statement, *values):
    """What somebody with the database file and bad intent would do."""
    with connection.cursor() as cursor:
        for drop in SQLITE_DROP:
            cursor.execute(drop)
        cursor.execute(statement, values or None)
        for create in SQLITE_CREATE:
            cursor.execute(create)


def test_untouched_events_verify(chain):
    assert json.loads(run("audit_verify", "--json")) == {"events": 3, "chains": 1, "faults": []}


def test_erasing_personal_values_keeps_the_chain(chain):
    EventData.objects.filter(event__seq=2).update(values=None, summary="")
    assert json.loads(run("audit_verify", "--json"))["faults"] == []


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("UPDATE event SET actor_label = 'somebody' WHERE seq = 2", "it was changed"),
        ("UPDATE event_data SET summary = 'else'", "its words were changed"),
        ("DELETE FROM event_data WHERE event_id IN (SELECT id FROM event WHERE seq = 2)",
         "its words are missing"),
    ],
)  # fmt: skip
def test_a_changed_event_is_found(chain, statement, text):
    unlocked(statement)
    with pytest.raises(CommandError, match="do not fit"):
        run("audit_verify")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit_verify", stdout=out)
    assert text in out.getvalue()


@pytest.mark.sqlite
@pytest.mark.parametrize(("seq", "text"), [(2, "event 2 is missing"), (3, "are missing")])
def test_a_removed_event_is_found(chain, seq, text):
    row = Event.objects.get(seq=seq)
    unlocked("DELETE FROM event_data WHERE event_id = %s", row.pk)
    unlocked("DELETE FROM event WHERE id = %s", row.pk)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit_verify", stdout=out)
    assert text in out.getvalue()


def test_a_chain_that_vanished_whole_is_found(chain):
    EventChain.objects.create(key="customer:99", seq=4, head="f" * 64)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit_verify", stdout=out)
    assert "customer:99 #0: the whole chain is missing" in out.getvalue()
