"""A disk without room leaves no half file behind and says so (F-48)."""

import errno
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command

from arfollow.shared.errors import ServiceError
from arfollow.shared.keptfiles import WholeFiles
from arfollow.shared.mailfile import EmailBackend
from dunning.delivery.printing import PrintBatch, PrintJob
from dunning.management.commands import render_letters


@pytest.fixture
def no_room(monkeypatch):
    """Files can be made, but nothing fits in them: as on a full disk."""

    def refuse(*_args, **_more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    monkeypatch.setattr(Path, "write_bytes", refuse)


@pytest.mark.usefixtures("no_room")
def test_a_mail_that_does_not_fit_leaves_no_part_of_it(tmp_path):
    mail = EmailMessage("Subject", "Text", "us@example.test", ["them@example.test"])
    with pytest.raises(OSError, match="No space"):
        EmailBackend(alias="default", file_path=str(tmp_path)).send_messages([mail])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_room")
def test_letters_that_do_not_fit_are_named_and_kept(tmp_path, monkeypatch):
    job = PrintJob("B-1", PrintBatch())
    monkeypatch.setattr(render_letters, "write", lambda job, folder: render_letters._write(
        folder, "letters.pdf", b"%PDF"))  # fmt: skip
    monkeypatch.setattr(render_letters.Command, "_job", lambda self, batch: job)
    with pytest.raises(CommandError, match="make room and run this again"):
        call_command("render_letters", out=str(tmp_path), stdout=StringIO())
    assert list(tmp_path.iterdir()) == []


class TooLong(ContentFile):
    """Half of it fits on the disk."""

    def chunks(self, chunk_size=None):
        yield b"number,amount\r\n1,10"
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_upload_that_does_not_fit_leaves_no_half_of_it_under_its_name(tmp_path):
    """Whoever tries again when there is room would import the half that was there."""
    place = WholeFiles(location=tmp_path)
    with pytest.raises(ServiceError, match="no room"):
        place.save("imports/list", TooLong(b"number,amount\r\n1,1000.00\r\n"))
    assert not place.exists("imports/list")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert place.save("imports/list", ContentFile(b"whole")) == "imports/list"
    assert (tmp_path / "imports" / "list").read_bytes() == b"whole"
