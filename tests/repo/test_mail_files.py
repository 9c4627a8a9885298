"""Mail as files: whole messages that a mail program opens, one for each."""

import email
import email.policy
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, mailers
from django.test import override_settings

from arfollow.shared.mailurl import mailer_from_url


def message(subject: str) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives(subject, "Dear Ana\nwith an é", "us@firm.com", ["ana@cust.com"])
    mail.attach_alternative("<p>Dear Ana</p>", "text/html")
    mail.attach("statement.pdf", b"%PDF-1.7 not really", "application/pdf")
    return mail


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "not yet there"


@pytest.fixture
def files(directory: Path) -> override_settings:
    return override_settings(MAILERS={"default": mailer_from_url(f"file://{directory}")})


def test_each_message_is_one_file_that_a_mail_program_reads(
    files: override_settings, directory: Path
) -> None:
    with files:
        assert mailers.default.send_messages([message("First"), message("Second")]) == 2
    found = sorted(directory.iterdir())
    assert [path.suffix for path in found] == [".eml", ".eml"]
    parsed = [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in found]
    assert {mail["Subject"] for mail in parsed} == {"First", "Second"}
    assert [part.get_filename() for part in parsed[0].iter_attachments()] == ["statement.pdf"]


def test_a_directory_that_cannot_be_written_is_an_error_and_leaves_nothing(
    files: override_settings, directory: Path
) -> None:
    directory.write_text("a file stands in the way")
    with files, pytest.raises(OSError, match="exists"):
        mailers.default.send_messages([message("First")])


def test_a_message_that_cannot_be_rendered_leaves_no_file(
    files: override_settings, directory: Path
) -> None:
    broken = message("two\nlines")
    with files, pytest.raises(ValueError, match="linefeed"):
        mailers.default.send_messages([broken])
    assert list(directory.iterdir()) == []
