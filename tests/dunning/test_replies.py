"""Replies that came by e-mail: taken in once, matched, and answered for like a call."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from arfollow.shared.mailread import Mail, read_mail
from arfollow.shared.models import Event
from dunning.facts import lay_ground, load_cases
from dunning.models import (
    CallOutcome,
    CallRecord,
    ContactAttempt,
    Hold,
    Inbound,
    Promise,
)
from dunning.outcomes import KnownAlready, outcomes_of, take_back, take_in
from dunning.policy.made import contacts_made
from tests import make, outbox
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call, ring
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db


def written(line: Line, text: str = "We pay on Friday.", **headers: str) -> Mail:
    mail = EmailMessage()
    usual = {
        "From": line.contact.email,
        "Subject": "Re: Your account",
        "Message-ID": "<one@example.test>",
        "Date": "Mon, 02 Mar 2026 09:00:00 +0000",
    }
    for name, value in (usual | {k.replace("_", "-"): v for k, v in headers.items()}).items():
        mail[name] = value
    mail.set_content(text)
    return read_mail(mail.as_bytes())


def taken(line: Line, mail: Mail | None = None) -> Inbound:
    return take_in(mail or written(line), actor=line.actor, now=MORNING)


def test_a_reply_is_matched_by_its_sender_and_holds_the_next_step() -> None:
    line = ring()
    reply = taken(line)
    assert reply.customer == line.customer
    assert reply.received_at == MORNING.replace(hour=9, minute=0)
    facts = load_cases([line.customer], MONDAY, lay_ground())[0].facts
    assert facts.unread_replies == 1
    assert Event.objects.filter(verb="reply.received", customer_id=line.customer.pk).exists()


def test_the_message_that_it_answers_says_whose_it_is() -> None:
    line, other = ring(), ring()
    ours = outbox.queued(line.customer, line.older)
    ContactAttempt.objects.filter(pk=ours.pk).update(message_id="<ours@us>")
    mail = written(other, In_Reply_To="<ours@us>", From="stranger@example.test")
    reply = taken(line, mail)
    assert reply.customer == line.customer
    assert reply.attempt == ours


def test_an_address_of_several_customers_is_left_to_a_person() -> None:
    line = ring()
    twin = make.customer(email=line.contact.email)
    assert twin.pk != line.customer.pk
    assert taken(line).customer is None


def test_the_same_message_is_taken_in_once() -> None:
    line = ring()
    first = taken(line)
    with pytest.raises(KnownAlready) as known:
        taken(line)
    assert known.value.reply == first
    assert Inbound.objects.count() == 1


def test_an_out_of_office_note_holds_nothing() -> None:
    line = ring()
    taken(line, written(line, Auto_Submitted="auto-replied"))
    facts = load_cases([line.customer], MONDAY, lay_ground())[0].facts
    assert facts.unread_replies == 0


def test_a_reply_takes_an_outcome_as_a_call_does_and_is_read_by_it() -> None:
    line = ring()
    reply, planned = taken(line), planned_call(line)
    attempt = line.call(
        CallOutcome.PROMISE, on=MONDAY + timedelta(days=4), call_reply_id=reply.pk,
        call_channel="email", call_direction="in",
    )  # fmt: skip
    reply.refresh_from_db()
    planned.refresh_from_db()
    assert reply.read_at == MORNING
    assert Promise.objects.get().amount == 1000
    assert attempt.channel == "email"
    assert attempt.kind == "inbound"
    assert not attempt.customer_facing
    assert planned.state == "planned"
    told = Event.objects.get(verb="call.logged")
    assert told.data.summary == "They wrote: promises to pay"


def test_what_they_wrote_is_no_contact_that_we_made() -> None:
    """Rule 6: three contacts made are ours."""
    line = ring()
    line.call(
        CallOutcome.REFUSES, call_reply_id=taken(line).pk, call_channel="email",
        call_direction="in",
    )  # fmt: skip
    facts = load_cases([line.customer], MONDAY, lay_ground())[0].facts
    assert [contacts_made(item, MONDAY, facts) for item in facts.items] == [0, 0]


def test_nobody_rings_or_hangs_up_in_writing() -> None:
    offered = {row.outcome for row in outcomes_of("email")}
    assert not offered & {"no_answer", "busy", "voicemail", "hung_up", "disconnected", "collected"}
    assert {"promise", "disputes", "not_received", "represented"} <= offered


# --- on the pages -----------------------------------------------------------------------------


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("collector"))
    return client


def eml(line: Line, name: str = "reply.eml", **headers: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, written(line, **headers).raw, "message/rfc822")


def test_a_dropped_message_leads_to_the_page_of_its_customer(desk: Client) -> None:
    line = ring()
    answer = desk.post("/replies/add/", {"file": eml(line)}, follow=True)
    assert answer.redirect_chain[-1][0] == (
        f"/desk/{line.customer.pk}/?reply={Inbound.objects.get().pk}"
    )
    page = answer.content.decode()
    assert "We pay on Friday." in page
    assert 'value="promise"' in page
    assert 'value="no_answer"' not in page


def test_an_outcome_of_a_reply_is_saved_on_that_page(desk: Client) -> None:
    line = ring()
    desk.post("/replies/add/", {"file": eml(line)})
    reply = Inbound.objects.get()
    token = "0d3c5d4e-6a14-4f0e-9a55-0f6a5c0c8a11"
    form = {"token": token, "outcome": "says_paid", "direction": "in", "note": "By mail"}
    desk.post(f"/desk/{line.customer.pk}/?reply={reply.pk}", form)
    reply.refresh_from_db()
    assert reply.read_at is not None
    record = CallRecord.objects.get()
    assert (record.reply, record.direction, record.number_used) == (reply, "in", "")
    assert Hold.objects.get().reason == "says_paid"


def test_markup_in_a_message_is_shown_as_text(desk: Client) -> None:
    line = ring()
    mail = written(line, "<img src=x onerror=alert(1)>")
    desk.post("/replies/add/", {"file": SimpleUploadedFile("a.eml", mail.raw)})
    page = desk.get(f"/desk/{line.customer.pk}/?reply={Inbound.objects.get().pk}").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_message_that_is_here_already_is_shown_kindly(desk: Client) -> None:
    line = ring()
    desk.post("/replies/add/", {"file": eml(line)})
    answer = desk.post("/replies/add/", {"file": eml(line)}, follow=True)
    assert "This message is here already" in answer.content.decode()
    assert Inbound.objects.count() == 1


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (SimpleUploadedFile("a.msg", b"\xd0\xcf\x11\xe0"), "Outlook .msg"),
        (SimpleUploadedFile("a.exe", b"MZ"), "saved as .eml"),
        (SimpleUploadedFile("a.eml", b"PK\x03\x04\0\0"), "not an e-mail"),
        (SimpleUploadedFile("a.eml", b"x" * (10 * 1024 * 1024 + 1)), "larger than 10 MB"),
    ],
)
def test_what_is_no_message_is_refused_with_words(
    desk: Client, file: SimpleUploadedFile, says: str
) -> None:
    file.seek(0)
    answer = desk.post("/replies/add/", {"file": file})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Inbound.objects.exists()


def test_pasted_text_goes_to_the_customer_it_was_opened_from(desk: Client) -> None:
    line = ring()
    desk.post(f"/replies/add/?customer={line.customer.pk}", {"text": "The cheque is in the mail."})
    reply = Inbound.objects.get()
    assert reply.customer == line.customer
    assert reply.added_by == member("collector")
    page = desk.get(f"/desk/{line.customer.pk}/?reply={reply.pk}").content.decode()
    assert "Not an address we know of theirs" in page


def test_nobody_known_is_assigned_by_a_person(desk: Client) -> None:
    line = ring()
    answer = desk.post("/replies/add/", {"text": "Hello", "sender": "x@example.test"}, follow=True)
    assert "Whose reply is it?" in answer.content.decode()
    reply = Inbound.objects.get()
    assert desk.post(f"/replies/{reply.pk}/whose/", {"customer": "nobody"}).status_code == 422
    desk.post(f"/replies/{reply.pk}/whose/", {"customer": line.customer.number})
    reply.refresh_from_db()
    assert reply.customer == line.customer


def test_the_original_is_handed_out_to_be_saved_never_shown(desk: Client) -> None:
    line = ring()
    reply = taken(line)
    answer = desk.get(f"/replies/{reply.pk}/original/")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.content == written(line).raw


def test_taking_an_outcome_of_a_reply_back_makes_it_unread_again() -> None:
    line = ring()
    reply = taken(line)
    attempt = line.call(
        CallOutcome.SAYS_PAID, call_reply_id=reply.pk, call_channel="email", call_direction="in"
    )
    take_back(attempt.pk, actor=line.actor, now=MORNING + timedelta(seconds=9))
    reply.refresh_from_db()
    assert reply.read_at is None
