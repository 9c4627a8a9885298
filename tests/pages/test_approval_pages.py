"""Approvals and wordings on screen: seen as it goes, edited with the linter, four eyes (rule 6)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client

from arfollow.shared.events import actor_of
from dunning import outbox as product
from dunning.delivery.notice import text_of
from dunning.delivery.texts import editable_texts, lint
from dunning.models import ContactAttempt, MessageEdit, MessageTemplate
from tests import make, outbox
from tests.make import TODAY
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _on_a_monday() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


def desk_of(role: str) -> Client:
    client = Client()
    client.force_login(member(role))
    return client


@pytest.fixture
def ruth() -> Client:
    return desk_of("manager")


def said(answer: Any) -> str:
    return " ".join(str(each) for each in get_messages(answer.wsgi_request))


@pytest.fixture
def held() -> list[ContactAttempt]:
    """An e-mail and a letter to one customer that wait for a manager."""
    outbox.company()
    customer = make.customer(name="Ashdown Ltd")
    invoice = make.invoice(customer, "400.00", outbox.late(60), number="A-1")
    pay_by = TODAY + timedelta(days=14)
    return [
        outbox.queued(customer, invoice, channel=channel, tone="direct", step=channel,
                      needs_approval=True, pay_by=pay_by)
        for channel in ("email", "letter")
    ]  # fmt: skip


def words(attempt: ContactAttempt, before: str = "Good day.") -> dict[str, str]:
    text = text_of(attempt)
    return {"subject": text.subject, "body": f"{before}\n\n{text.body}"}


def test_e_mail_and_letter_stand_side_by_side_with_whom_they_go_to(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    page = ruth.get("/approvals/").content.decode()
    mail, letter = held
    assert f"/outbox/{mail.pk}/preview/" in page
    assert f"/outbox/{letter.pk}/preview/" in page
    assert mail.recipients.get().address in page
    assert str(letter.customer.addresses.get()) in page
    assert page.count("USD 400.00") == 2


def test_the_letter_is_shown_with_its_words_and_figures(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    frame = ruth.get(f"/outbox/{held[1].pk}/preview/")
    assert "A-1" in frame.content.decode()
    assert "sandbox" in frame["Content-Security-Policy"]


def test_both_are_approved_at_once(ruth: Client, held: list[ContactAttempt]) -> None:
    answer = ruth.post("/approvals/approve/", {"pk": [each.pk for each in held]})
    assert "2 approved" in said(answer)
    assert {outbox.state(each) for each in held} == {"planned"}


def test_a_message_that_was_decided_meanwhile_is_not_approved_again(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    product.cancel(held[0].pk, actor=actor_of(member("manager")), reason="x")
    answer = ruth.post("/approvals/approve/", {"pk": [held[0].pk]})
    assert "does not wait any more" in said(answer)
    assert outbox.state(held[0]) == "cancelled"


def test_who_edited_it_does_not_approve_it_while_there_is_another(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    member("admin")
    mail = held[0]
    ruth.post(f"/outbox/{mail.pk}/edit/", words(mail))
    assert "another approver has to look" in ruth.get("/approvals/").content.decode()
    refused = ruth.post("/approvals/approve/", {"pk": [mail.pk]})
    assert "another approver has to look" in said(refused)
    assert outbox.state(mail) == "held"
    desk_of("admin").post("/approvals/approve/", {"pk": [mail.pk]})
    assert outbox.state(mail) == "planned"


def test_a_sole_manager_approves_their_own_edit_and_it_is_logged(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    ruth.post(f"/outbox/{held[0].pk}/edit/", words(held[0]))
    ruth.post("/approvals/approve/", {"pk": [held[0].pk]})
    assert outbox.state(held[0]) == "planned"


def test_each_edit_is_a_version_with_its_author(held: list[ContactAttempt]) -> None:
    mail = held[0]
    desk_of("collector").post(f"/outbox/{mail.pk}/edit/", words(mail, "One."))
    desk_of("manager").post(f"/outbox/{mail.pk}/edit/", words(mail, "Two."))
    found = MessageEdit.objects.filter(attempt=mail).values_list("version", "by__username")
    assert list(found) == [(1, "mia"), (2, "ruth")]
    mail.refresh_from_db()
    assert text_of(mail).body.startswith("Two.")


def test_money_and_table_cannot_be_edited_away(ruth: Client, held: list[ContactAttempt]) -> None:
    for name in ("invoice_table", "amount_due", "deadline"):
        typed = words(held[0])
        typed["body"] = typed["body"].replace("{{ " + name + " }}", "USD 1.00")
        answer = ruth.post(f"/outbox/{held[0].pk}/edit/", typed)
        assert answer.status_code == 422
        assert "is missing" in answer.content.decode(), name
    assert not MessageEdit.objects.exists()


def test_what_the_linter_finds_stands_beside_the_words_which_are_kept(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    answer = ruth.post(f"/outbox/{held[0].pk}/edit/", words(held[0], "Pay your debt now"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "“debt”" in page
    assert "Pay your debt now" in page


def test_the_look_shows_the_real_figures_and_what_to_mend_and_keeps_nothing(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    look = ruth.post(f"/outbox/{held[0].pk}/edit/look/", words(held[0], "This debt."))
    page = look.content.decode()
    assert "USD 400.00" in page
    assert "This debt." in page
    assert "“debt”" in page
    assert "sandbox" in look["Content-Security-Policy"]
    assert not MessageEdit.objects.exists()


def test_an_approved_message_that_is_edited_waits_for_approval_again(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    mail = held[0]
    ruth.post("/approvals/approve/", {"pk": [mail.pk]})
    answer = desk_of("collector").post(f"/outbox/{mail.pk}/edit/", words(mail))
    assert "waits for approval" in said(answer)
    row = outbox.again(mail)
    assert (row.state, row.held_for, row.approved_by) == ("held", "approval", None)


def test_a_message_that_needed_no_approval_stays_planned_when_it_is_edited() -> None:
    outbox.company()
    customer = make.customer()
    invoice = make.invoice(customer, "400.00", outbox.late(20))
    mail = outbox.queued(customer, invoice, tone="firm", pay_by=TODAY + timedelta(days=9))
    desk_of("collector").post(f"/outbox/{mail.pk}/edit/", words(mail))
    assert outbox.state(mail) == "planned"
    assert "Good day." in desk_of("collector").get(f"/outbox/{mail.pk}/preview/").content.decode()


def test_going_back_to_the_policys_text_is_a_version_too(
    ruth: Client, held: list[ContactAttempt]
) -> None:
    mail = held[0]
    shipped = text_of(mail).body
    ruth.post(f"/outbox/{mail.pk}/edit/", words(mail))
    ruth.post(f"/outbox/{mail.pk}/edit/undo/")
    row = outbox.again(mail)
    assert text_of(row).body == shipped
    assert row.edited_by is None
    assert MessageEdit.objects.filter(attempt=mail).count() == 2


def test_a_sent_message_cannot_be_edited(ruth: Client, held: list[ContactAttempt]) -> None:
    typed = words(held[0])
    ContactAttempt.objects.filter(pk=held[0].pk).update(
        state="sent", held_for="", done_on=TODAY, message_id="<a@b>"
    )
    answer = ruth.post(f"/outbox/{held[0].pk}/edit/", typed)
    assert answer.status_code == 422
    assert "It is sent already" in answer.content.decode()


def test_the_approvals_export_what_they_show(ruth: Client, held: list[ContactAttempt]) -> None:
    answer = ruth.get("/approvals/?export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert text.count("Ashdown Ltd") == len(held)


def test_the_approvals_take_as_many_queries_for_one_customer_as_for_four(
    ruth: Client, held: list[ContactAttempt], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(60) as few:
        ruth.get("/approvals/")
    for number in range(3):
        customer = make.customer(name=f"More {number}")
        invoice = make.invoice(customer, "9.00", outbox.late(60), number=f"M-{number}")
        outbox.queued(customer, invoice, channel="letter", tone="direct", needs_approval=True)
    with django_assert_max_num_queries(len(few)):
        ruth.get("/approvals/")


# --- the texts of all messages of a kind ------------------------------------------------------

FIRM = "/texts/email/firm/ladder/"


def test_every_text_in_use_opens_and_its_shipped_words_are_fit(ruth: Client) -> None:
    page = ruth.get("/texts/").content.decode()
    for each in editable_texts():
        path = f"/texts/{each.channel}/{each.tone}/{each.kind or 'ladder'}/"
        assert path in page
        assert lint(each.shipped) == (), path
    assert ruth.get(FIRM).status_code == 200


def firm(before: str) -> dict[str, str]:
    (text,) = (e for e in editable_texts() if (e.channel, e.tone, e.kind) == ("email", "firm", ""))
    return {"subject": text.shipped.subject, "body": f"{before}\n\n{text.shipped.body}"}


def test_a_saved_text_is_a_version_and_an_old_one_can_be_used_again(ruth: Client) -> None:
    make.company()
    ruth.post(FIRM, firm("One."))
    ruth.post(FIRM, firm("Two."))
    assert MessageTemplate.objects.get(current=True).body.startswith("Two.")
    ruth.post(f"{FIRM}restore/", {"version": "1"})
    now = MessageTemplate.objects.get(current=True)
    assert (now.version, now.body[:4]) == (3, "One.")
    ruth.post(f"{FIRM}restore/")
    assert not MessageTemplate.objects.filter(current=True).exists()


def test_a_text_that_is_not_fit_is_refused_with_the_words_kept(ruth: Client) -> None:
    answer = ruth.post(FIRM, firm("You ignored us"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "ignored" in page
    assert not MessageTemplate.objects.exists()


def test_a_collector_reads_texts_and_changes_none() -> None:
    mia = desk_of("collector")
    assert "Save the text" not in mia.get(FIRM).content.decode()
    assert mia.post(FIRM, firm("One.")).status_code == 403


def test_a_text_is_tried_on_the_newest_message_of_its_kind(ruth: Client) -> None:
    outbox.company()
    customer = make.customer()
    invoice = make.invoice(customer, "321.00", outbox.late(20))
    outbox.queued(customer, invoice, tone="firm", pay_by=TODAY + timedelta(days=9))
    page = ruth.post(f"{FIRM}look/", firm("Hello there.")).content.decode()
    assert "Hello there." in page
    assert "321.00" in page
    assert "Nothing to mend" in page


def test_an_unknown_text_is_not_found(ruth: Client) -> None:
    assert ruth.get("/texts/email/loud/ladder/").status_code == 404
