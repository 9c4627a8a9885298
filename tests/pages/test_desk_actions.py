"""What people change from the pages: done once, refused in words, back where they came from."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from customers.models import Customer, PaymentTerms
from dunning.models import CallRecord, Hold, Promise
from invoices.models import CreditNote, Dispute, Invoice, Payment
from tests.dunning.calling import MONDAY, Line, planned_call, ring
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


# --- calls, promises, holds -------------------------------------------------------------------


def call_form(outcome: str, **fields: Any) -> dict[str, Any]:
    return {"token": str(uuid.uuid4()), "outcome": outcome, "direction": "out"} | fields


def test_a_call_is_logged_and_leads_back_to_the_customer(desk: Client, line: Line) -> None:
    answer = desk.post(f"{home(line)}call/", call_form("refuses", contact=line.contact.pk))
    assert answer["Location"] == home(line)
    assert "refuses" in said(answer)
    assert CallRecord.objects.get().contact == line.contact


def test_l18_a_form_sent_twice_logs_one_call(desk: Client, line: Line) -> None:
    form = call_form("says_paid", contact=line.contact.pk)
    for _ in range(2):
        assert desk.post(f"{home(line)}call/", form).status_code == 302
    assert CallRecord.objects.count() == Hold.objects.count() == 1


def test_a_planned_call_of_somebody_else_is_not_logged_twice(desk: Client, line: Line) -> None:
    path = f"{home(line)}call/?attempt={planned_call(line).pk}"
    desk.post(path, call_form("refuses", contact=line.contact.pk))
    answer = desk.post(path, call_form("refuses", contact=line.contact.pk))
    assert "logged or cancelled meanwhile" in errors(answer)


def test_only_the_chosen_outcome_is_asked_for_its_details(desk: Client, line: Line) -> None:
    form = call_form("no_answer", **{"promise-on": "no day", "disputes-amount": "x"})
    assert desk.post(f"{home(line)}call/", form).status_code == 302


def test_a_missing_detail_is_named(desk: Client, line: Line) -> None:
    answer = desk.post(f"{home(line)}call/", call_form("promise", **{"promise-on": ""}))
    assert "They pay on: This field is required." in errors(answer)


def test_another_outcome_for_another_invoice_follows(desk: Client, line: Line) -> None:
    first = call_form("promise", more="1", items=[f"{line.older.pk}-0"])
    answer = desk.post(f"{home(line)}call/", first | {"promise-on": "2026-03-06"})
    call = CallRecord.objects.get()
    assert answer["Location"] == f"{home(line)}call/?call={call.pk}"
    second = call_form("disputes", items=[f"{line.newer.pk}-0"], **{"disputes-reason": "price"})
    assert desk.post(answer["Location"], second).status_code == 302
    assert CallRecord.objects.count() == 1
    assert Dispute.objects.get().invoice == line.newer


def test_an_agreed_call_back_is_kept_from_its_task(desk: Client, line: Line) -> None:
    line.call("voicemail")
    task = line.tasks()["call_back"]
    path = f"{home(line)}call/?task={task.pk}"
    assert task.title in desk.get(path).content.decode()
    desk.post(path, call_form("refuses", contact=line.contact.pk))
    assert "call_back" not in line.tasks()


def test_a_promise_leads_back_to_where_it_was_noted(desk: Client, line: Line) -> None:
    form = {"due_on": "2026-03-06", "next": "/worklist/"}
    answer = desk.post(f"{home(line)}promise/", form)
    assert answer["Location"] == "/worklist/"
    assert Promise.objects.get().amount == Decimal(1000)


def test_the_way_back_never_leaves_the_site(desk: Client, line: Line) -> None:
    form = {"due_on": "2026-03-06", "next": "https://elsewhere.example/"}
    assert desk.post(f"{home(line)}promise/", form)["Location"] == home(line)


def test_a_promise_too_far_ahead_is_refused_in_words(desk: Client, line: Line) -> None:
    answer = desk.post(f"{home(line)}promise/", {"due_on": "2026-06-01"})
    assert "Agree a plan instead." in errors(answer)


def test_a_promise_is_taken_back_with_its_reason(desk: Client, line: Line) -> None:
    desk.post(f"{home(line)}promise/", {"due_on": "2026-03-06"})
    path = f"/promises/{Promise.objects.get().pk}/cancel/"
    assert desk.post(path, {}).status_code == 422
    desk.post(path, {"reason": "noted twice"})
    assert Promise.objects.get().status == "cancelled"


def test_a_hold_is_set_and_ended(desk: Client, line: Line) -> None:
    form = {"reason": "other", "until": "2026-03-10", "invoice": line.older.pk}
    desk.post(f"{home(line)}hold/", form)
    hold = Hold.objects.get()
    assert (hold.invoice, hold.ends_on) == (line.older, date(2026, 3, 10))
    desk.post(f"/holds/{hold.pk}/end/")
    hold.refresh_from_db()
    assert hold.released_on == MONDAY


def test_a_plan_is_agreed(desk: Client, line: Line) -> None:
    line.call("asks_plan")
    plan = line.customer.plans.get()
    agree = reverse("plan-agree", args=[plan.pk])
    page = desk.get(agree).content.decode()
    assert "USD 333.33" in page
    desk.post(agree, {"on": "2026-03-02"})
    plan.refresh_from_db()
    assert plan.status == "active"


def test_a_task_is_closed_with_what_came_of_it(desk: Client, line: Line) -> None:
    line.call("refuses")
    task = line.tasks()["owner_decides"]
    desk.post(f"/tasks/{task.pk}/", {"outcome": "done", "result": "We wait a month"})
    task.refresh_from_db()
    assert (task.status, task.result) == ("done", "We wait a month")


def test_a_task_leads_to_where_it_is_done(desk: Client, line: Line) -> None:
    line.call("asks_plan")
    page = desk.get(f"/tasks/{line.tasks()['agree_plan'].pk}/").content.decode()
    assert reverse("plan-detail", args=[line.customer.plans.get().pk]) in page
    line.call("collected", amount=Decimal("400.00"), call_channel="visit")
    page = desk.get(f"/tasks/{line.tasks()['other'].pk}/").content.decode()
    assert f"{home(line)}payment/" in page


def test_a_reply_is_shown_and_marked_as_read(desk: Client, line: Line) -> None:
    reply = line.customer.inbound.create(received_at=NOON, subject="Copies", text="<b>please</b>")
    page = desk.get(f"/replies/{reply.pk}/", follow=True).content.decode()
    assert "&lt;b&gt;please" in page
    desk.post(f"/replies/{reply.pk}/")
    reply.refresh_from_db()
    assert reply.read_by == member("admin")


# --- the ledger -------------------------------------------------------------------------------


def payment_form(amount: str, **fields: Any) -> dict[str, Any]:
    values = {
        "token": str(uuid.uuid4()),
        "amount": amount,
        "currency": "usd",
        "received_on": "2026-03-02",
        "method": "cheque",
    }
    return values | fields


def test_a_payment_settles_the_oldest_invoice_first(desk: Client, line: Line) -> None:
    answer = desk.post(f"{home(line)}payment/", payment_form("1,000.00"))
    assert "USD 1,000.00 is recorded." in said(answer)
    assert not Invoice.objects.filter(open_amount__gt=0).exists()


def test_a_payment_can_be_for_one_invoice_only(desk: Client, line: Line) -> None:
    part = {f"part-{line.newer.pk}": "600,00"}
    desk.post(f"{home(line)}payment/", payment_form("600", **part))
    line.older.refresh_from_db()
    line.newer.refresh_from_db()
    assert (line.older.open_amount, line.newer.open_amount) == (Decimal(400), Decimal(0))


@pytest.mark.parametrize("amount", ["", "0", "-5", "1.005", "a lot"])
def test_an_amount_that_is_none_is_refused(desk: Client, line: Line, amount: str) -> None:
    assert "Amount:" in errors(desk.post(f"{home(line)}payment/", payment_form(amount)))
    assert not Payment.objects.exists()


def test_parts_beyond_the_payment_are_refused(desk: Client, line: Line) -> None:
    form = payment_form("100", **{f"part-{line.newer.pk}": "200"})
    assert "more than this" in errors(desk.post(f"{home(line)}payment/", form))


def test_a_payment_sent_twice_is_recorded_once(desk: Client, line: Line) -> None:
    form = payment_form("100")
    for _ in range(2):
        assert desk.post(f"{home(line)}payment/", form).status_code == 302
    assert Payment.objects.count() == 1


def test_l13_a_reversed_payment_opens_the_invoice_again(desk: Client, line: Line) -> None:
    desk.post(f"{home(line)}payment/", payment_form("400"))
    path = f"/payments/{Payment.objects.get().pk}/reverse/"
    desk.post(path, {"on": "2026-03-02", "reason": "bounced"})
    line.older.refresh_from_db()
    assert line.older.open_amount == Decimal(400)
    assert desk.post(path, {"on": "2026-03-02", "reason": "bounced"}).status_code == 422


def test_a_credit_note_is_set_against_an_invoice(desk: Client, line: Line) -> None:
    form = {"number": "CN-1", "issue_date": "2026-03-02", "amount": "50", "currency": "USD"}
    desk.post(f"{home(line)}credit-note/", form | {"invoice": line.older.pk})
    line.older.refresh_from_db()
    assert line.older.open_amount == Decimal(350)
    assert desk.post(f"{home(line)}credit-note/", form).status_code == 422
    assert CreditNote.objects.count() == 1


def test_a_dispute_is_recorded_and_settled(desk: Client, line: Line) -> None:
    form = {"amount": "150", "reason": "quality", "raised_on": "2026-03-02"}
    desk.post(f"/invoices/{line.older.pk}/dispute/", form)
    dispute = Dispute.objects.get()
    settle = {"status": "rejected", "on": "2026-03-02", "resolution": "Delivered as ordered"}
    desk.post(f"/disputes/{dispute.pk}/close/", settle)
    dispute.refresh_from_db()
    assert dispute.status == "rejected"


def test_more_than_is_open_cannot_be_disputed(desk: Client, line: Line) -> None:
    form = {"amount": "400.01", "reason": "quality", "raised_on": "2026-03-02"}
    answer = desk.post(f"/invoices/{line.older.pk}/dispute/", form)
    assert "Only USD 400.00" in errors(answer)


# --- the customer -----------------------------------------------------------------------------


def test_a_contact_is_added_once_with_its_number_as_it_is_dialled(desk: Client, line: Line) -> None:
    form = {"name": "Lee", "role": "approver", "phone": "(207) 555-0142", "active": "on"}
    for _ in range(2):
        desk.post(f"{home(line)}contacts/add/", form)
    added = line.customer.contacts.get(name="Lee")
    assert added.phone == "+1 207-555-0142"


@pytest.mark.parametrize("phone", ["12", "call me"])
def test_a_number_that_cannot_be_dialled_is_refused(desk: Client, line: Line, phone: str) -> None:
    form = {"name": "Lee", "role": "approver", "phone": phone, "active": "on"}
    assert desk.post(f"{home(line)}contacts/add/", form).status_code == 422


def test_a_changed_address_of_a_contact_is_not_verified(desk: Client, line: Line) -> None:
    line.call("not_received")
    form = {"name": "Pat Keel", "role": "payables", "email": "new@example.test", "active": "on"}
    desk.post(f"/contacts/{line.contact.pk}/", form)
    line.contact.refresh_from_db()
    assert (line.contact.email, line.contact.email_state) == ("new@example.test", "unverified")


def test_the_postal_address_is_replaced_and_kept_in_the_history(desk: Client, line: Line) -> None:
    form = {"line1": "1 New Road", "city": "Bath", "postal_code": "04530", "country": "us"}
    desk.post(f"{home(line)}address/", form)
    assert line.customer.addresses.get(active=True).line1 == "1 New Road"
    assert line.customer.addresses.count() == 2


def test_terms_are_recorded_with_who_agreed_to_them(desk: Client, line: Line) -> None:
    terms = PaymentTerms.objects.get_or_create(code="net30x", name="Net 30", days=30)[0]
    form = {"terms": terms.pk, "agreed_by": "Pat Keel", "agreed_on": "2026-03-01"}
    desk.post(f"{home(line)}terms/", form)
    assert line.customer.terms_agreements.get().agreed_by == "Pat Keel"


def test_a_legal_stop_is_set_and_released(desk: Client, line: Line) -> None:
    desk.post(f"{home(line)}legal-stop/", {"kind": "insolvent", "why": "court notice"})
    assert Customer.objects.get(pk=line.customer.pk).legal_stop == "insolvent"
    desk.post(f"{home(line)}legal-stop/", {"kind": "", "why": "withdrawn"})
    assert Customer.objects.get(pk=line.customer.pk).legal_stop == ""


def test_the_account_gets_another_owner(desk: Client, line: Line) -> None:
    desk.post(f"{home(line)}owner/", {"owner": member("manager").pk})
    form = {"language": "en", "time_zone": "Europe/London"}
    desk.post(f"{home(line)}account/", form)
    changed = Customer.objects.get(pk=line.customer.pk)
    assert (changed.owner, changed.time_zone) == (member("manager"), "Europe/London")
    assert desk.post(f"{home(line)}account/", form | {"time_zone": "Moon/Base"}).status_code == 422
