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

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from arfollow.shared import clock
from arfollow.staff.models import Company
from dunning.delivery import events
from dunning.models import AttemptState, Heartbeat
from tests import make, outbox
from tests.races import ROOT, environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting():
    """A message of a person's own, so that the hour of the test does not matter."""
    outbox.company()
    customer = make.customer("C-1")
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
