"""Buttons of the outbox and of letters, as a collector and a manager press them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from dunning.models import ContactAttempt, Letter
from tests import make, outbox
from tests.dunning.calling import MONDAY, Line, ring
from tests.pages.answers import errors, said
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)

PAY_BY = MONDAY + timedelta(days=14)


@pytest.fixture(autouse=True)
def _on_a_monday() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


@pytest.fixture
def line() -> Line:
    return ring()


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("admin"))
    return client


def mail(line: Line, **fields: Any) -> ContactAttempt:
    return outbox.queued(line.customer, line.older, **fields)


def state(attempt: ContactAttempt) -> str:
    return outbox.state(attempt)


def test_a_message_is_stopped_with_the_reason(desk: Client, line: Line) -> None:
    attempt = mail(line)
    path = f"/outbox/{attempt.pk}/cancel/"
    assert desk.post(path, {}).status_code == 422
    assert desk.post(path, {"reason": "They rang"}).status_code == 302
    assert state(attempt) == "cancelled"
    assert "already" in errors(desk.post(path, {"reason": "again"}))


def test_the_outbox_shows_what_leaves_and_when(desk: Client, line: Line) -> None:
    mail(line)
    page = desk.get("/outbox/").content.decode()
    assert line.customer.name in page
    assert "Mar 2026, " in page


def test_the_message_is_shown_as_the_customer_sees_it(desk: Client, line: Line) -> None:
    attempt = mail(line)
    frame = desk.get(f"/outbox/{attempt.pk}/preview/")
    assert line.older.number in frame.content.decode()
    assert "sandbox" in frame["Content-Security-Policy"]


def final_letter(line: Line, **fields: Any) -> ContactAttempt:
    wanted = {"channel": "letter", "tone": "direct", "needs_approval": True, "pay_by": PAY_BY}
    return mail(line, **wanted | fields)


def test_a_letter_is_approved_printed_posted_and_delivered(desk: Client, line: Line) -> None:
    attempt = final_letter(line)
    assert "Waits for approval" in desk.get(f"/outbox/{attempt.pk}/").content.decode()
    desk.post(f"/outbox/{attempt.pk}/approve/")
    printed = desk.post("/letters/print/", {"pk": [attempt.pk]})
    letter = Letter.objects.get()
    assert printed["Location"] == f"/letters/batch/{letter.print_batch}/"
    assert desk.get(f"/letters/{letter.pk}/pdf/")["Content-Type"] == "application/pdf"
    assert desk.get(f"{printed['Location']}pdf/").content.startswith(b"%PDF-")
    desk.post("/letters/post/", {"on": "2026-03-02", f"post-{letter.pk}": "on"})
    assert state(attempt) == "sent", outbox.again(attempt).reason_text
    desk.post(f"/letters/{letter.pk}/delivery/", {"status": "delivered", "on": "2026-03-04",
                                                  "signer": "P. Keel"})  # fmt: skip
    letter.refresh_from_db()
    assert (letter.status, letter.signer) == ("delivered", "P. Keel")


def test_a_letter_paid_since_is_named_to_be_pulled(desk: Client, line: Line) -> None:
    attempt = final_letter(line)
    desk.post(f"/outbox/{attempt.pk}/approve/")
    desk.post("/letters/print/", {"pk": [attempt.pk]})
    letter = Letter.objects.get()
    make.payment(line.customer, "400.00", MONDAY, line.older)
    answer = desk.post("/letters/post/", {"on": "2026-03-02", f"post-{letter.pk}": "on"})
    assert f"Pull letter {letter.number}" in said(answer)
    assert state(attempt) == "cancelled"


def test_a_certified_letter_is_posted_with_its_article_number(desk: Client, line: Line) -> None:
    attempt = mail(
        line, channel="letter", tone="direct", needs_approval=True, certified=True, pay_by=PAY_BY
    )
    desk.post(f"/outbox/{attempt.pk}/approve/")
    desk.post("/letters/print/", {"pk": [attempt.pk]})
    letter = Letter.objects.get()
    form = {"on": "2026-03-02", f"post-{letter.pk}": "on"}
    path = f"/letters/{letter.pk}/posted/"
    assert "needs its article number" in errors(desk.post(path, form))
    odd = form | {f"article-{letter.pk}": "9414 8112 0620"}
    assert "compare it with the label" in errors(desk.post(path, odd))
    desk.post(path, odd | {"certain": "on"})
    letter.refresh_from_db()
    assert (letter.status, letter.article_number) == ("posted", "941481120620")


def test_nothing_is_printed_that_was_not_chosen(desk: Client, line: Line) -> None:
    attempt = final_letter(line)
    desk.post(f"/outbox/{attempt.pk}/approve/")
    assert desk.post("/letters/print/", {}).status_code == 422
    assert not Letter.objects.filter(status="printed").exists()


def test_a_declined_step_needs_its_next_move(desk: Client, line: Line) -> None:
    attempt = final_letter(line)
    path = f"/outbox/{attempt.pk}/decline/"
    again = {"reason": "not yet", "next_move": "again"}
    assert "Enter the day" in errors(desk.post(path, again))
    desk.post(path, {"reason": "they rang", "next_move": "plan"})
    assert state(attempt) == "cancelled"
    assert "agree_plan" in line.tasks()


@pytest.mark.parametrize(
    ("how", "then"), [("arrived", "sent"), ("drop", "failed"), ("send_again", "failed")]
)
def test_a_person_settles_what_may_have_left(desk: Client, line: Line, how: str, then: str) -> None:
    attempt = mail(line)
    ContactAttempt.objects.filter(pk=attempt.pk).update(state="unknown")
    assert "Did it arrive?" in desk.get(f"/outbox/{attempt.pk}/").content.decode()
    desk.post(f"/outbox/{attempt.pk}/resolve/", {"how": how})
    assert state(attempt) == then
    again = ContactAttempt.objects.filter(state="planned", reason="sent_again").count()
    assert again == (1 if how == "send_again" else 0)


def test_a_settlement_nobody_knows_settles_nothing(desk: Client, line: Line) -> None:
    attempt = mail(line)
    ContactAttempt.objects.filter(pk=attempt.pk).update(state="unknown")
    desk.post(f"/outbox/{attempt.pk}/resolve/", {"how": "perhaps"})
    assert state(attempt) == "unknown"


def test_a_storm_is_let_go_by_one_button(desk: Client, line: Line) -> None:
    held = mail(line)
    ContactAttempt.objects.filter(pk=held.pk).update(state="held", held_for="storm", reason="storm")
    assert "Let 1 message go" in desk.get("/outbox/?show=held").content.decode()
    desk.post("/outbox/release-storm/")
    assert state(held) == "planned"


def test_l28_a_step_is_skipped_by_a_manager_with_a_reason(desk: Client, line: Line) -> None:
    attempt = mail(line)
    path = f"/outbox/{attempt.pk}/skip/"
    assert desk.post(path, {"reason": ""}).status_code == 422
    desk.post(path, {"reason": "They told us in person"})
    row = outbox.again(attempt)
    assert (row.state, row.reason_text) == ("skipped", "They told us in person")
