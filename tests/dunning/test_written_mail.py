"""An e-mail that somebody writes goes through the same gate, outbox and linter as any other."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, Actor
from customers.checks import verify_contact
from customers.models import Contact, Customer, EmailState, LegalStop
from customers.services import save_contact, set_email_state, set_legal_stop
from dunning.delivery.texts import RefusedText
from dunning.facts import lay_ground, load_cases
from dunning.models import AttemptKind, AttemptState, ContactAttempt, FrozenMessage, Inbound
from dunning.outbox import cancel, switches
from dunning.policy.pace import is_contact
from dunning.writing import UNDO, Written, look, write
from tests import make, outbox

pytestmark = pytest.mark.django_db
MIA = Actor(None, "Mia")


@pytest.fixture
def customer() -> Customer:
    """A customer whose contact was verified, with one invoice twenty days late."""
    outbox.company()
    row = make.customer(email="ap@ashdown.example")
    verify_contact(row.contacts.get().pk, ["email"], how="replied", on=make.TODAY, actor=SYSTEM)
    make.invoice(row, "120.00", due=outbox.late(20), number="INV-7")
    return row


def note(customer: Customer, **fields: Any) -> Written:
    values: dict[str, Any] = {
        "contact_id": Contact.objects.filter(customer=customer).order_by("pk")[0].pk,
        "subject": "Your account with us",
        "text": "{{ greeting }},\n\nthank you for the order of Monday.",
    }
    return Written(**values | fields)


def written(customer: Customer, **fields: Any) -> ContactAttempt:
    return write(customer.pk, note(customer, **fields), actor=MIA, now=outbox.MORNING)


def test_it_waits_a_minute_and_then_leaves(customer: Customer) -> None:
    attempt = written(customer)
    assert attempt.due_at == outbox.MORNING + UNDO
    assert outbox.send_some(now=outbox.MORNING).sent == 0
    assert outbox.send_some(now=outbox.MORNING + UNDO).sent == 1
    frozen = FrozenMessage.objects.get(attempt=attempt)
    assert frozen.envelope["to"] == ["Pat Keel <ap@ashdown.example>"]
    assert "thank you for the order of Monday" in frozen.text


def test_it_can_be_stopped_within_that_minute(customer: Customer) -> None:
    attempt = written(customer)
    cancel(attempt.pk, actor=MIA, reason="Wrong person")
    assert outbox.send_some(now=outbox.SLOT).sent == 0


def test_pressing_send_twice_sends_once(customer: Customer) -> None:
    token = uuid4()
    first, second = written(customer, token=token), written(customer, token=token)
    assert first.pk == second.pk
    assert outbox.send_some(now=outbox.SLOT).sent == 1


def test_the_look_is_what_leaves_and_keeps_nothing(customer: Customer) -> None:
    content = look(customer.pk, note(customer, table=True), actor=MIA)
    assert "INV-7" in content.html
    assert "120.00" in content.html
    assert not ContactAttempt.objects.exists()


def test_the_table_statement_and_copies_go_along_where_they_are_asked_for(
    customer: Customer,
) -> None:
    plain = look(customer.pk, note(customer), actor=MIA)
    assert plain.attachments == ()
    assert "INV-7" not in plain.html
    full = look(customer.pk, note(customer, attach=("statement", "copies")), actor=MIA)
    assert [file.content_type for file in full.attachments] == ["application/pdf"]
    assert full.attachments[0].name.startswith("statement-")


def test_nothing_open_means_nothing_to_send_along(customer: Customer) -> None:
    make.payment(customer, "120.00")
    with pytest.raises(ServiceError, match="Nothing is open"):
        written(customer, table=True)


def test_the_linter_has_its_say(customer: Customer) -> None:
    with pytest.raises(RefusedText) as refusal:
        written(customer, text="Pay your debt now!!", subject="")
    codes = {problem.code for problem in refusal.value.problems}
    assert {"banned_word", "subject_empty"} <= codes
    assert not ContactAttempt.objects.exists()


def test_it_counts_as_a_contact_unless_it_answers_them(customer: Customer) -> None:
    values = {"received_at": outbox.MORNING, "read_at": outbox.MORNING, "subject": "Which one?"}
    reply = Inbound.objects.create(customer=customer, **values)
    written(customer)
    written(customer, answers=reply.pk)
    facts = load_cases([customer], make.TODAY, lay_ground())[0].facts
    counted = {contact.kind: is_contact(contact) for contact in facts.history}
    assert counted[AttemptKind.MANUAL] is True
    assert counted[AttemptKind.ANSWER] is False


def test_an_answer_names_a_message_of_this_customer(customer: Customer) -> None:
    strange = Inbound.objects.create(customer=make.customer(), received_at=outbox.MORNING)
    with pytest.raises(ServiceError, match="not on file"):
        written(customer, answers=strange.pk)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"email_state": EmailState.UNVERIFIED}, "not verified yet"),
        ({"email_state": EmailState.BOUNCED}, "bounced"),
        ({"email_state": EmailState.COMPLAINED}, "complained"),
        ({"do_not_email": True}, "asked not to be written to"),
        ({"active": False}, "not there any more"),
        ({"email": ""}, "has no e-mail address"),
    ],
)
def test_it_is_refused_with_the_reason_where_nobody_may_write(
    customer: Customer, change: dict[str, Any], why: str
) -> None:
    Contact.objects.filter(customer=customer).update(**change)
    with pytest.raises(ServiceError, match=why):
        written(customer)
    assert not ContactAttempt.objects.exists()


def test_it_is_refused_while_sending_is_paused_or_stopped(customer: Customer) -> None:
    switches.switch_off("customer", str(customer.pk), actor=SYSTEM, reason="Ask Ruth first")
    with pytest.raises(ServiceError, match="Ask Ruth first"):
        written(customer)
    switches.pause(actor=SYSTEM, reason="Audit")
    with pytest.raises(ServiceError, match=r"paused: Audit"):
        written(customer)


def test_it_is_refused_on_a_copy_of_the_database(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dunning.writing.may_send", lambda: False)
    with pytest.raises(ServiceError, match="another installation"):
        written(customer)


def test_it_is_refused_after_a_legal_stop(customer: Customer) -> None:
    set_legal_stop(customer.pk, LegalStop.INSOLVENT, on=make.TODAY, actor=SYSTEM)
    with pytest.raises(ServiceError, match="Insolvent"):
        written(customer)


def test_it_is_refused_while_an_earlier_message_is_unknown(customer: Customer) -> None:
    first = written(customer)
    ContactAttempt.objects.filter(pk=first.pk).update(state=AttemptState.UNKNOWN)
    with pytest.raises(ServiceError, match="is not known"):
        written(customer)


def test_a_bounce_in_between_stops_it_at_the_last_look(customer: Customer) -> None:
    attempt = written(customer)
    set_email_state(customer.contacts.get().pk, EmailState.BOUNCED, actor=SYSTEM, why="bounced")
    assert outbox.send_some(now=outbox.SLOT).sent == 0
    assert outbox.state(attempt) == AttemptState.CANCELLED


def test_what_was_paid_in_between_is_not_in_the_table_any_more(customer: Customer) -> None:
    make.invoice(customer, "80.00", due=outbox.late(5), number="INV-8")
    attempt = written(customer, table=True)
    make.payment(customer, "120.00", make.TODAY, customer.invoices.get(number="INV-7"))
    assert outbox.send_some(now=outbox.MORNING + timedelta(minutes=5)).sent == 1
    text = FrozenMessage.objects.get(attempt=attempt).text
    assert "INV-8" in text
    assert "INV-7" not in text


def test_merge_fields_of_the_writer_cannot_reach_anything_else(customer: Customer) -> None:
    save_contact(customer.pk, actor=SYSTEM, contact_id=customer.contacts.get().pk, name="Pat")
    with pytest.raises(ServiceError):
        written(customer, text="{{ customer.pk }} {{ settings }}")
