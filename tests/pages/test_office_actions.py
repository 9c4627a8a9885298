"""Policies, sending and imports as an administrator changes them from the pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from arfollow.shared.models import Event
from arfollow.staff.models import Company, User
from dunning.models import ContactAttempt, Enrolment, Policy
from invoices.models import ImportBatch, Invoice
from tests import outbox
from tests.dunning.calling import MONDAY, Line, ring
from tests.pages.answers import errors, home, said
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)


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


def test_a_customer_follows_another_policy(desk: Client, line: Line) -> None:
    policy = Policy.objects.get(name="Gentle")
    path = f"/policies/{policy.pk}/enrol/"
    assert desk.post(path, {"whom": "customer", "name": ""}).status_code == 422
    assert "There is no customer" in errors(desk.post(path, {"whom": "customer", "name": "X"}))
    desk.post(path, {"whom": "customer", "name": line.customer.number})
    assert Enrolment.objects.get(customer=line.customer).policy == policy


def test_the_preview_tells_what_a_run_would_do_and_writes_nothing(desk: Client, line: Line) -> None:
    page = desk.get("/policies/preview/?look=1").content.decode()
    assert "Its next step" in page
    assert not ContactAttempt.objects.exists()


def test_sending_is_paused_with_a_reason_and_goes_on(desk: Client, line: Line) -> None:
    desk.post("/settings/sending/pause/", {})
    assert not Company.load().paused
    desk.post("/settings/sending/pause/", {"reason": "year end"})
    assert Company.load().pause_reason == "year end"
    assert "year end" in desk.get("/worklist/").content.decode()
    desk.post("/settings/sending/pause/", {"resume": "1"})
    assert not Company.load().paused


def test_shadow_mode_is_turned_on_and_off_and_leaves_its_trace(desk: Client) -> None:
    desk.post("/settings/sending/shadow/", {"email": "not an address"})
    assert not Company.load().shadow_mode
    desk.post("/settings/sending/shadow/", {"email": "me@example.test"})
    assert (Company.load().shadow_mode, Company.load().shadow_email) == (True, "me@example.test")
    desk.post("/settings/sending/shadow/", {"go": "1"})
    assert not Company.load().shadow_mode
    assert Event.objects.filter(verb="sending.shadow").count() == 2


def test_a_test_message_waits_in_the_outbox_for_the_next_tick(desk: Client, line: Line) -> None:
    answer = desk.post("/settings/sending/test/")
    attempt = ContactAttempt.objects.get(kind="test")
    assert answer["Location"] == f"/outbox/{attempt.pk}/"
    assert attempt.recipients.get().address == member("admin").email
    assert attempt.customer.number == "TEST"
    assert "This is a test message" in desk.get(f"/outbox/{attempt.pk}/preview/").content.decode()


def test_a_test_message_needs_an_address_of_ones_own(desk: Client) -> None:
    User.objects.filter(pk=member("admin").pk).update(email="")
    assert "your own e-mail address" in said(desk.post("/settings/sending/test/"))
    assert not ContactAttempt.objects.filter(kind="test").exists()


LEDGER = (
    "customer_number,customer_name,email,invoice_number,issue_date,due_date,currency,amount\n"
    "C-9,Kestrel Signage,ap@kestrel.example,INV-9,2026-01-02,2026-02-01,USD,120.00\n"
    "C-9,Kestrel Signage,ap@kestrel.example,INV-10,2026-01-09,2026-02-08,USD,broken\n"
)


def upload(desk: Client, text: str = LEDGER, **fields: str) -> Any:
    file = SimpleUploadedFile("ledger.csv", text.encode(), content_type="text/csv")
    return desk.post("/imports/upload/", {"file": file, "as_of": "2026-03-02"} | fields)


def test_an_import_is_shown_first_and_written_once_it_is_confirmed(desk: Client) -> None:
    shown = upload(desk)
    page = shown.content.decode()
    assert "Import 1 new invoice" in page
    assert "broken" in page
    assert not Invoice.objects.exists()
    first, second = (
        desk.post("/imports/apply/", {"token": shown.context["token"]}) for _ in range(2)
    )
    assert "1 invoices are new" in said(first)
    assert "imported already" in said(second)
    assert Invoice.objects.get().number == "INV-9"
    batch = ImportBatch.objects.get()
    assert batch.imported_by == member("admin")
    assert desk.get(f"/imports/{batch.pk}/").status_code == 200


def test_a_file_that_cannot_be_read_says_why(desk: Client) -> None:
    assert "File:" in errors(upload(desk, "nothing,that\nis,known\n"))
    assert "names no field" in errors(upload(desk, columns="moon = x"))


def test_a_forged_confirmation_imports_nothing(desk: Client) -> None:
    answer = desk.post("/imports/apply/", {"token": "made up"})
    assert "Upload the file once more" in said(answer)
    assert not ImportBatch.objects.exists()


def test_the_evidence_of_what_was_sent_stands_beside_the_call(desk: Client, line: Line) -> None:
    sent = mail(line)
    ContactAttempt.objects.filter(pk=sent.pk).update(
        state="sent", done_on=MONDAY - timedelta(days=1), message_id="<a@b>",
        provider_status="delivered",
    )  # fmt: skip
    page = desk.get(f"{home(line)}call/").content.decode()
    assert "1 Mar 2026" in page
    assert "Delivered" in page
