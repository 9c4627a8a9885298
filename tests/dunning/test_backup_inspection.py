"""What is found inside a restored backup, and which program made it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from arfollow.shared import clock
from arfollow.shared.models import EventChain
from dunning.management.backup import Unusable, inspection
from dunning.management.backup.findings import BREACH, LOOK, OK
from dunning.models import AttemptState, ContactAttempt, Heartbeat
from invoices.models import Invoice
from tests import make, outbox

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def waiting():
    """A message that is planned, of an installation that is at work."""
    return planned()


def planned():
    outbox.company()
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(10))
    attempt = outbox.queued(customer, invoice, automatic=False)
    Heartbeat.objects.update_or_create(name="sender", defaults={"at": clock.now()})
    return attempt


@pytest.fixture
def found(monkeypatch, settings, tmp_path):
    """What is found in the test's own database, as if it were restored on another machine."""
    monkeypatch.setattr(inspection, "NAME", "test")
    settings.INSTANCE_FILE = tmp_path / "elsewhere" / "instance"

    def look(media=""):
        return {one.name: one for one in inspection.inspect(clock.now(), media)}

    return look


def results(findings):
    return {name: one.result for name, one in findings.items()}


# --- what is found inside -------------------------------------------------------------------------


def test_a_sound_database_has_nothing_but_good_findings(waiting, found):
    assert set(results(found()).values()) == {OK}


def test_an_amount_that_does_not_equal_its_rows_is_a_breach(waiting, found):
    Invoice.objects.update(open_amount="1.00")
    said = found()["ledger"]
    assert said.result == BREACH
    assert "its rows give 400.00" in said.text


def test_an_event_that_was_cut_off_is_a_breach(waiting, found):
    EventChain.objects.update(head="0" * 64)
    assert found()["events"].result == BREACH


def test_a_breach_of_the_outbox_is_one_of_the_backup(waiting, found):
    ContactAttempt.objects.update(sent_at=clock.now())
    said = found()["outbox"]
    assert said.result == BREACH
    assert said.text.startswith("D2-state")


def test_a_file_that_the_copy_of_the_media_lacks_is_a_breach(waiting, found, tmp_path):
    Invoice.objects.update(original="invoices/a.pdf")
    assert found(str(tmp_path))["media"].text == "invoices/a.pdf is missing"
    (tmp_path / "invoices").mkdir()
    (tmp_path / "invoices" / "a.pdf").touch()
    assert found(str(tmp_path))["media"].result == OK


def on_the_wire(attempt, *, since, seen):
    """The backup was made ``seen`` ago while the message was being sent."""
    now = clock.now()
    ContactAttempt.objects.filter(pk=attempt.pk).update(
        state=AttemptState.SENDING, sending_at=now - since, lease_until=now - since + 2 * MINUTE,
        worker="",
    )  # fmt: skip
    Heartbeat.objects.update(at=now - seen)


def test_what_was_on_the_wire_is_listed_and_no_breach(found):
    """In a copy every lease runs out, as nobody sweeps there."""
    with clock.at(clock.now() - 600 * MINUTE):
        waiting = planned()
    on_the_wire(waiting, since=600 * MINUTE, seen=600 * MINUTE)
    said = found()
    assert said["outbox"].result == OK
    assert said["in doubt"].result == LOOK
    [doubt] = said["in doubt"].facts["in_doubt"]
    assert (doubt["attempt"], doubt["customer"], doubt["state"]) == (waiting.pk, "C-1", "sending")


def test_what_nobody_swept_before_the_backup_was_made_is_a_breach(waiting, found):
    on_the_wire(waiting, since=600 * MINUTE, seen=MINUTE)
    assert found()["outbox"].text.startswith("D2-forgotten")


def test_a_copy_that_would_send_is_a_breach(waiting, found, settings):
    """Which the guard of instances forbids; here the guard's file came along."""
    owner = inspection.Installation.objects.get().instance_id
    settings.INSTANCE_FILE.parent.mkdir()
    settings.INSTANCE_FILE.write_text(owner)
    ContactAttempt.objects.update(state=AttemptState.CANCELLED, live=False)
    assert found()["mute"].result == BREACH


def test_the_age_is_that_of_the_last_sign_of_life(waiting, found):
    """Without one, of the newest event; a Sunday without events is no old backup."""
    assert "newest event 0 min old" in found()["age"].text
    Heartbeat.objects.all().delete()
    monday = clock.now() + timedelta(hours=25)
    said = inspection._age(monday)
    assert said.result == LOOK
    assert "older than the 24 hours" in said.text


# --- which program made it ------------------------------------------------------------------------


def test_a_newer_program_s_backup_is_refused(found):
    MigrationRecorder(connection).record_applied("dunning", "9999_what_comes")
    with pytest.raises(Unusable, match=r"newer arfollow: dunning\.9999_what_comes"):
        found()


@pytest.mark.postgres
def test_an_older_program_s_backup_is_brought_up_to_date_in_the_scratch_copy(found):
    executor = MigrationExecutor(connection)
    [last] = executor.loader.graph.leaf_nodes("dunning")
    [before] = [key for key in executor.loader.graph.node_map[last].parents if key[0] == "dunning"]
    executor.migrate([before.key])
    said = found()
    assert said["migrations"].result == LOOK
    assert said["migrations"].facts["applied"] == [".".join(last)]
    assert said["outbox"].result == OK


def test_a_database_that_cannot_be_brought_up_to_date_is_a_breach(found):
    """Its rows say that a table is not there yet, and it is."""
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")
    said = found()
    assert results(said) == {"migrations": BREACH}


def test_another_program_s_database_is_refused(found):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'dunning'")
    with pytest.raises(Unusable, match=r"not one of arfollow"):
        found()


def test_nothing_but_a_scratch_database_is_ever_looked_into(waiting):
    """The looking migrates and sweeps: never on a database that people work with."""
    with pytest.raises(CommandError, match=r"restored backups only") as error:
        call_command("backup_verify", "--inside", stdout=StringIO())
    assert error.value.returncode == 2
