"""Why a message came back: dead is only what says so (FACTS §9)."""

import json

import pytest

from dunning.delivery.bounces import Cause, cause_of, read_bounces

REPORT = """\
From: MAILER-DAEMON@mx.example.test
To: accounts@harbourpine.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

Your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.test

Final-Recipient: rfc822; <Pat.Keel@Example.test>
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--B
Content-Type: message/rfc822

Message-ID: <attempt.0b6ad0d2-62f5-4a2b-9b0c-9d0a4d5a4a11@harbourpine.example>
Subject: Your account

Hello
--B--
"""


def report(said="550 5.1.1 no such user", status="5.1.1", action="failed"):
    return REPORT.format(said=said, status=status, action=action).encode()


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("550 5.1.1 <x@example.test>: Recipient rejected: User unknown", Cause.UNKNOWN_USER),
        ("550 No such user here", Cause.UNKNOWN_USER),
        ("The email account that you tried to reach does not exist.", Cause.UNKNOWN_USER),
        ("Host or domain name not found. Name service error for name=example.test",
         Cause.UNKNOWN_HOST),
        ("552 5.2.2 The mailbox is full: x@example.test over quota", Cause.FULL),
        ("550 5.7.1 Message rejected due to local policy. User unknown to us", Cause.POLICY),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using rbl", Cause.POLICY),
        ("550 5.7.26 unauthenticated: SPF and DKIM did not pass", Cause.POLICY),
        ("450 4.2.1 try again later", Cause.TEMPORARY),
        ("550 5.0.0 nothing that we know", Cause.OTHER),
        ("", Cause.OTHER),
    ],
)  # fmt: skip
def test_the_words_of_a_report_name_the_cause(said, cause):
    assert cause_of(said) is cause


@pytest.mark.parametrize("status", ["5.0.0", "5.2.0", "5.3.0", "5.4.0", "5.5.0", "5.7.0", "5.9.9"])
def test_a_status_of_5_alone_is_not_a_dead_address(status):
    assert not cause_of("", status).is_dead


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.10"])
def test_a_code_that_names_the_user_or_the_host_is_enough(status):
    assert cause_of("", status).is_dead


def test_who_calls_it_temporary_does_not_know_that_it_is_dead():
    assert cause_of("451 user unknown in local table", "4.1.1") is Cause.TEMPORARY


def test_a_delivery_report_names_recipient_cause_and_message():
    (bounce,) = read_bounces(report())
    assert (bounce.recipient, bounce.failed) == ("pat.keel@example.test", True)
    assert bounce.cause is Cause.UNKNOWN_USER
    assert bounce.message_id.startswith("<attempt.0b6ad0d2-62f5-4a2b-9b0c-9d0a4d5a4a11@")


def test_a_delay_is_no_failure():
    (bounce,) = read_bounces(report("451 4.4.1 no answer", "4.4.1", "delayed"))
    assert not bounce.failed
    assert bounce.cause is Cause.TEMPORARY


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff", b"Subject: hello\r\n\r\nI have paid.", b"-" * 9999]
)
def test_what_is_no_report_has_no_recipients(raw):
    assert read_bounces(raw) == []


def test_a_broken_report_never_raises():
    whole = report()
    for cut in range(0, len(whole), 37):
        read_bounces(whole[:cut] + b"\xff\x00" + whole[cut + 5 :])


@pytest.fixture
def labelled(shared_data):
    root = shared_data / "email" / "bounces"
    labels = json.loads((root / "sisimai_labels.json").read_text("utf-8"))
    found = []
    for name, rows in labels.items():
        bounces = read_bounces((root / "sisimai" / name).read_bytes())
        found += zip(rows, bounces, strict=False)
    return found


def test_real_reports_are_read_and_few_living_addresses_are_taken_for_dead(labelled):
    """Where our reading differs from the labels, the server itself wrote "user unknown"."""
    dead = [(row, b) for row, b in labelled if b.failed and b.cause.is_dead]
    right = [row for row, _ in dead if row["hard"]]
    hard = [row for row, _ in labelled if row["hard"]]
    by_status = [row for row, b in labelled if b.status.startswith("5")]
    said = [b for row, b in dead if not row["hard"]]
    assert len(labelled) > 100
    assert len(right) / len(dead) > 0.75
    assert len(right) / len(hard) > 0.85
    assert sum(row["hard"] for row in by_status) / len(by_status) < 0.5
    assert all("unknown" in b.text.lower() or "exist" in b.text or "such" in b.text for b in said)


def test_every_real_bounce_can_be_read_without_an_error(shared_data):
    for path in (shared_data / "email" / "bounces").glob("*/*"):
        for bounce in read_bounces(path.read_bytes()):
            assert bounce.recipient == bounce.recipient.strip().lower()
