"""A restored or copied database mails nobody until somebody says that it moved (D9, F-31)."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from unittest.mock import Mock

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from arfollow.shared import clock
from arfollow.staff.models import Company
from dunning import outbox as product
from dunning.delivery import events
from dunning.dispatch import NotOurDatabase
from dunning.models import AttemptState, Heartbeat
from dunning.outbox import instance
from tests import make, outbox
from tests.races import ROOT, environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting():
    """A message of a person's own, so that the hour of the test does not matter."""
    outbox.company()
    return message_to("C-1")


def message_to(number):
    customer = make.customer(number)
    invoice = make.invoice(customer, "400.00", outbox.late(10))
    return outbox.queued(customer, invoice, automatic=False)


class Elsewhere:
    """Another machine: its own directories, and whatever database it was given."""

    def __init__(self, place: Path, database: str) -> None:
        self.mail = place / "mail"
        self.environment = environment(
            self.mail, VAR_DIR=str(place / "var"), RACE_DATABASE=database, HOSTNAME="elsewhere"
        )

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def letters(self) -> int:
        return len(list(self.mail.glob("*.eml")))


def copied(place: Path) -> str:
    """The database as a backup carries it: without the file that says whose it is."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite":
        return name  # the same server, asked from another host
    target = place / "restored.sqlite3"
    with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return str(target)


def test_a_copy_sends_nothing_and_names_the_way_out(waiting, tmp_path):
    other = Elsewhere(tmp_path, copied(tmp_path))
    refused = other.manage("send_due")
    assert refused.returncode == 1
    assert "adopt_instance" in refused.stdout + refused.stderr
    assert other.letters == 0


def test_after_it_was_adopted_there_it_sends_there(waiting, tmp_path):
    other = Elsewhere(tmp_path, copied(tmp_path))
    assert other.manage("send_due").returncode == 1
    adopted = other.manage("adopt_instance")
    assert adopted.returncode == 0, adopted.stderr
    sent = other.manage("send_due")
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert other.letters == 1


def test_what_was_adopted_elsewhere_no_longer_sends_here(waiting, tmp_path):
    """On one server both see the same database; a copied file leaves the original alone."""
    other = Elsewhere(tmp_path, copied(tmp_path))
    assert other.manage("adopt_instance").returncode == 0
    if connection.vendor == "sqlite":
        assert outbox.send_some().sent == 1
    else:
        with pytest.raises(Exception, match="another installation"):
            outbox.send_some()
        assert outbox.state(waiting) == AttemptState.PLANNED


def test_a_copied_instance_file_is_what_would_let_a_copy_send(waiting, tmp_path):
    """Hence the advice to leave it out of backups: it is the only thing that makes us us."""
    other = Elsewhere(tmp_path, copied(tmp_path))
    place = Path(other.environment["VAR_DIR"])
    place.mkdir(parents=True)
    shutil.copy(settings.INSTANCE_FILE, place / "instance")
    assert other.manage("send_due").returncode == 0
    assert other.letters == 1


def test_the_host_name_alone_changes_nothing(waiting, tmp_path):
    """A container gets a new name at each start; the file is what counts."""
    here = environment(tmp_path / "mail", HOSTNAME="renamed", VAR_DIR=str(settings.VAR_DIR))
    done = subprocess.run(
        [sys.executable, "manage.py", "send_due"],
        cwd=ROOT, env=os.environ | here, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def hours_ago(number):
    """The sender of the original was last at work when the backup was made."""
    Heartbeat.objects.update_or_create(
        name="sender", defaults={"at": clock.now() - timedelta(hours=number)}
    )


def test_a_backup_is_adopted_with_a_pause(waiting, settings, tmp_path):
    """F-70: what left after it was made is not in it, so a person looks first."""
    hours_ago(9)
    settings.INSTANCE_FILE = tmp_path / "instance"
    said = StringIO()
    call_command("adopt_instance", stdout=said)
    assert "sending is paused" in said.getvalue()
    assert "Restored from a backup" in Company.load().pause_reason
    assert outbox.send_some().sent == 0
    assert outbox.state(waiting) == AttemptState.HELD


@pytest.mark.parametrize(("hours", "words"), [(9, ["--nothing-left-since"]), (0, [])])
def test_what_was_stopped_before_it_moved_goes_on_at_once(
    waiting, settings, tmp_path, hours, words
):
    hours_ago(hours)
    settings.INSTANCE_FILE = tmp_path / "instance"
    call_command("adopt_instance", *words, stdout=StringIO())
    assert outbox.send_some().sent == 1


class Past:
    """A backup of our own database, restored in place: the same machine, the same files."""

    def __init__(self, place: Path) -> None:
        self.file = place / "backup.sqlite3"
        with closing(sqlite3.connect(self._live())) as live, closing(self._open()) as copy:
            live.backup(copy)

    def restore(self) -> None:
        connection.close()
        with closing(self._open()) as copy, closing(sqlite3.connect(self._live())) as live:
            copy.backup(live)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.file)

    def _live(self) -> str:
        return str(connection.settings_dict["NAME"])


@pytest.mark.sqlite  # a whole database is turned back; what is asked of it is the same on both
def test_a_backup_restored_in_place_does_not_send_again_what_has_left(waiting, tmp_path):
    """The id in VAR_DIR matches; the high-water mark beside it does not (F-70)."""
    past = Past(tmp_path)
    assert outbox.send_some().sent == 1
    past.restore()
    assert outbox.state(waiting) == AttemptState.PLANNED
    with pytest.raises(NotOurDatabase, match="adopt_instance"):
        outbox.send_some()
    said = StringIO()
    call_command("adopt_instance", stdout=said)
    assert "sending is paused" in said.getvalue()
    assert outbox.send_some().sent == 0


@pytest.mark.sqlite
def test_a_backup_since_which_nothing_left_goes_on_in_place(waiting, tmp_path):
    assert outbox.send_some().sent == 1
    past = Past(tmp_path)
    assert outbox.send_some().sent == 0
    past.restore()
    other = message_to("C-2")
    assert outbox.send_some().sent == 1
    assert outbox.state(other) == AttemptState.SENT


def test_a_mark_below_the_machines_own_stops_sending_until_somebody_adopts(waiting):
    assert outbox.send_some().sent == 1
    Heartbeat.objects.filter(name__startswith="sent:").update(at=clock.now() - timedelta(days=1))
    assert not product.may_send()
    assert instance.trouble() == "restored"
    call_command("adopt_instance", "--nothing-left-since", stdout=StringIO())
    assert product.may_send()


def test_a_mark_that_cannot_be_read_goes_to_a_person(waiting):
    mark = settings.INSTANCE_FILE.with_name("instance.mark")
    assert outbox.send_some().sent == 1
    mark.write_text("something else", encoding="ascii")
    assert not product.may_send()
    call_command("adopt_instance", stdout=StringIO())
    assert mark.read_text(encoding="ascii").startswith("sent:")


def test_a_clock_that_goes_back_lowers_no_mark(waiting):
    assert outbox.send_some().sent == 1
    message_to("C-2")
    with time_machine.travel(clock.now() - timedelta(days=2), tick=False):
        assert outbox.send_some().sent == 1
        assert product.may_send()
    assert product.may_send()


def test_without_room_for_the_mark_messages_still_leave(waiting, monkeypatch):
    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError(28, "no room")))
    assert outbox.send_some().sent == 1
    assert product.may_send()


def test_a_machine_that_joins_has_a_mark_of_its_own(waiting, settings, tmp_path):
    """Hosts share the id; each knows how far it has sent itself."""
    assert outbox.send_some().sent == 1
    shutil.copy(settings.INSTANCE_FILE, tmp_path / "instance")
    settings.INSTANCE_FILE = tmp_path / "instance"
    message_to("C-2")
    assert outbox.send_some().sent == 1
    assert Heartbeat.objects.filter(name__startswith="sent:").count() == 2


def test_adopting_ones_own_database_again_does_not_pause_it(waiting):
    hours_ago(9)
    call_command("adopt_instance", stdout=StringIO())
    call_command("adopt_instance", stdout=StringIO())
    assert not Company.load().paused


def test_what_the_provider_has_already_is_recorded_and_not_sent_again(waiting, mailoutbox):
    """F-70: the provider's report of a message that this copy believes is still to be sent."""
    told = events.Report("postmark", "delivered", "E-1", at=clock.now(), attempt=str(waiting.uuid))
    events.apply(events.store(told, now=clock.now()), now=clock.now())
    assert outbox.send_some().sent == 0
    waiting.refresh_from_db()
    assert waiting.state == AttemptState.SENT
    assert "before this database was restored" in waiting.reason_text
    assert mailoutbox == []
    call_command("dunning_audit", stdout=StringIO())
