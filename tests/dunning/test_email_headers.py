"""Headers of FACTS section 9, and nothing that could be smuggled into them."""

import uuid
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from dunning.delivery.ids import attempt_of, message_id
from dunning.delivery.mime import (
    BadAddress,
    EmailContent,
    Envelope,
    Party,
    build_message,
    render_email,
)
from tests.notices import HARBOUR, notice

ATTEMPT = uuid.UUID("956ab74e-8c56-43ff-929a-5fe96756bbf5")
CONTENT = EmailContent(
    subject="Your account with Harbour & Pine", text="Hello\n", html="<p>Hello</p>"
)
ENVELOPE = Envelope(
    attempt=ATTEMPT,
    sender=Party("mia@harbourpine.test", "Mia Okafor, Harbour & Pine"),
    to=(Party("jane@northwind.test", "Jane Ferris"),),
    cc=(Party("cfo@northwind.test"),),
    reply_to=Party("mia@harbourpine.test", "Mia Okafor"),
)


def sent(content: EmailContent = CONTENT, envelope: Envelope = ENVELOPE) -> EmailMessage:
    raw = build_message(content, envelope).message().as_bytes()
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_automatic_mail_says_so_and_asks_for_no_auto_replies() -> None:
    message = sent()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"


def test_mail_that_a_person_sends_is_not_marked_automatic() -> None:
    message = sent(envelope=replace(ENVELOPE, automatic=False))
    assert message["Auto-Submitted"] is None


def test_the_message_id_comes_from_the_attempt_and_leads_back_to_it() -> None:
    message = sent()
    assert message["Message-ID"] == f"<attempt.{ATTEMPT}@harbourpine.test>"
    assert attempt_of(message["Message-ID"]) == ATTEMPT
    assert message_id(ATTEMPT, "x@other.test") == f"<attempt.{ATTEMPT}@other.test>"


@pytest.mark.parametrize("other", ["", "<a@b>", "<attempt.nonsense@b>", f"<attempt.{'z' * 36}@b>"])
def test_other_message_ids_lead_to_no_attempt(other: str) -> None:
    assert attempt_of(other) is None


def test_later_reminders_stay_in_the_thread() -> None:
    first = f"<attempt.{uuid.uuid4()}@harbourpine.test>"
    message = sent(envelope=replace(ENVELOPE, in_reply_to=first))
    assert message["In-Reply-To"] == first
    assert message["References"] == first
    assert message["Subject"] == "Your account with Harbour & Pine"


def test_the_whole_thread_is_referred_to_when_it_is_known() -> None:
    chain = ("<one@x.test>", "<two@x.test>")
    message = sent(envelope=replace(ENVELOPE, in_reply_to=chain[1], references=chain))
    assert message["References"].split() == list(chain)


def test_a_first_message_refers_to_nothing() -> None:
    message = sent()
    assert message["In-Reply-To"] is None
    assert message["References"] is None


def test_there_is_no_one_click_unsubscribe() -> None:
    assert sent()["List-Unsubscribe"] is None


def test_from_to_cc_and_reply_to_are_the_given_people() -> None:
    message = sent()
    assert message["From"].addresses[0].addr_spec == "mia@harbourpine.test"
    assert message["From"].addresses[0].display_name == "Mia Okafor, Harbour & Pine"
    assert [each.addr_spec for each in message["To"].addresses] == ["jane@northwind.test"]
    assert [each.addr_spec for each in message["Cc"].addresses] == ["cfo@northwind.test"]
    assert message["Reply-To"].addresses[0].addr_spec == "mia@harbourpine.test"


def test_the_attempt_travels_in_the_providers_metadata() -> None:
    assert build_message(CONTENT, ENVELOPE).metadata == {"attempt": str(ATTEMPT)}


def test_text_comes_first_then_html_then_the_statement() -> None:
    message = sent(render_email(notice()))
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    body = message.get_body(("plain",))
    assert body is not None
    assert "Dear Jane Ferris" in body.get_content()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "no address",
        "a@b",
        "jane@northwind.test\nBcc: x@evil.test",
        "jane@northwind.test\r\nBcc: x@evil.test",
        "jane@northwind.test\n",
        "jane@northwind.test,x@evil.test",
        "jane@northwind.test x@evil.test",
        "<jane@northwind.test>",
        "jane@north\x00wind.test",
        "jane\u202e@northwind.test",
        'jane"@northwind.test',
        "jane@northwind.test;",
    ],
)
@pytest.mark.parametrize("place", ["sender", "to", "cc", "reply_to"])
def test_only_one_plain_address_goes_into_a_header(place: str, address: str) -> None:
    bad: object = Party(address) if place in ("sender", "reply_to") else (Party(address),)
    with pytest.raises(BadAddress):
        build_message(CONTENT, replace(ENVELOPE, **{place: bad}))


@pytest.mark.parametrize(
    "name",
    [
        "Jane\r\nBcc: x@evil.test",
        'Jane" <x@evil.test>, "',
        "Jane, Doe; x@evil.test",
        "Jané \u4e2d\u6587",
        "=?utf-8?q?Bcc?=",
    ],
)
def test_a_name_stays_a_name(name: str) -> None:
    message = sent(envelope=replace(ENVELOPE, to=(Party("jane@northwind.test", name),)))
    assert [each.addr_spec for each in message["To"].addresses] == ["jane@northwind.test"]
    assert message["Bcc"] is None


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\u2028"])
def test_a_subject_cannot_carry_another_header(line_end: str) -> None:
    message = sent(replace(CONTENT, subject=f"Hello{line_end}Bcc: x@evil.test"))
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: x@evil.test"


@pytest.mark.parametrize("thread", ["x", "<a@b>\r\nBcc: c@d", "<a@b> <c@d", "<a b@c>", "<>"])
def test_a_malformed_thread_is_refused(thread: str) -> None:
    with pytest.raises(BadAddress):
        build_message(CONTENT, replace(ENVELOPE, in_reply_to=thread))


def test_a_company_name_with_line_breaks_reaches_no_header() -> None:
    odd = replace(HARBOUR, name="Harbour\r\nBcc: x@evil.test")
    message = sent(render_email(notice(company=odd)))
    assert message["Bcc"] is None
