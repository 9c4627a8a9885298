"""The customer page as a collector uses it: check, write, note, assign, merge, stop supply."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from arfollow.staff.absences import add_absence
from customers.checks import verify_contact
from customers.models import Contact, Customer, EmailState, FraudWarning
from customers.services import add_note, save_contact, update_customer
from dunning.briefing import neglected_invoices
from dunning.models import ContactAttempt, Task
from dunning.outcomes.merging import merge
from dunning.runs import run
from dunning.views.customer_filter import begins
from invoices.imports.apply import Request, import_ledger
from tests import make
from tests.pages.conftest import member

TODAY = clock.today()
AUGUST = "2020-08-31"


@pytest.fixture
def customer(db: None) -> Customer:
    make.company()
    row = make.customer("C-100", "Ashdown Joinery", email="ap@ashdown.example")
    verify_contact(row.contacts.get().pk, ["email"], how="replied", on=TODAY, actor=SYSTEM)
    make.invoice(row, "700.00", due=TODAY - timedelta(days=30), number="INV-OLD")
    newer = make.invoice(row, "50.00", due=TODAY - timedelta(days=10), number="INV-NEW")
    make.payment(row, "50.00", TODAY - timedelta(days=4), newer)
    run(TODAY)
    return row


@pytest.fixture
def mia(client: Client, db: None) -> Client:
    client.force_login(member("collector"))
    return client


@pytest.fixture
def ruth(client: Client, db: None) -> Client:
    client.force_login(member("manager"))
    return client


def page(client: Client, row: Customer, query: str = "") -> str:
    return client.get(f"/customers/{row.pk}/{query}").content.decode()


def titles(client: Client, row: Customer, query: str = "") -> list[str]:
    entries = client.get(f"/customers/{row.pk}/{query}").context["entries"]
    return [entry["title"] for entry in entries]


def test_the_page_tells_how_they_pay_and_what_they_skipped(mia: Client, customer: Customer) -> None:
    text = page(mia, customer)
    habits = mia.get(f"/customers/{customer.pk}/").context["habits"]
    assert habits.behaviour.average_late == 6
    assert "Skipped at present: INV-OLD" in text
    assert "1 time a newer invoice was paid before an older one" in text
    assert "Repeat late payer" in text


def test_the_page_tells_what_comes_next_and_why(mia: Client, customer: Customer) -> None:
    context = mia.get(f"/customers/{customer.pk}/").context
    assert context["next_step"] is not None or context["stops"]
    assert "What comes next" in page(mia, customer)


def test_the_timeline_is_filtered_by_kind_day_and_person(mia: Client, customer: Customer) -> None:
    from_mia = member("collector")
    add_note(customer.pk, "Pat is on leave", actor=make_actor(from_mia))
    assert titles(mia, customer, "?kind=notes") == ["Pat is on leave"]
    assert titles(mia, customer, f"?person={from_mia.pk}") == ["Pat is on leave"]
    assert "Pat is on leave" not in titles(mia, customer, "?person=0")
    assert all("Payment" in title for title in titles(mia, customer, "?kind=money"))
    assert titles(mia, customer, f"?until={TODAY - timedelta(days=1)}") == []
    assert "Nothing of this kind is on file" in page(mia, customer, "?kind=disputes")


def make_actor(user: Any) -> Any:
    return type(SYSTEM)(user.pk, str(user))


def test_the_timeline_is_exported_as_it_is_filtered(mia: Client, customer: Customer) -> None:
    add_note(customer.pk, "=Pat is on leave", actor=SYSTEM)
    answer: Any = mia.get(f"/customers/{customer.pk}/?kind=notes&export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0] == "When,Kind,What,State,Who"
    assert "'=Pat is on leave" in text
    assert "Payment of" not in text


def test_the_page_costs_the_same_however_long_its_history(mia: Client, customer: Customer) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            mia.get(f"/customers/{customer.pk}/")
        return len(queries)

    cost()
    few = cost()
    for number in range(12):
        add_note(customer.pk, f"Note {number}", actor=SYSTEM)
        make.contact(customer, name=f"P{number}", email=f"p{number}@ashdown.example")
        make.invoice(customer, due=TODAY - timedelta(days=number))
    assert cost() <= few + 2
    assert len(mia.get(f"/customers/{customer.pk}/").content) < 200_000


def test_an_address_is_verified_by_somebody_and_says_how(mia: Client, customer: Customer) -> None:
    contact = make.contact(customer, name="Kim", email="kim@ashdown.example")
    form = {"what": ["email"], "how": "called_known", "on": str(TODAY)}
    assert mia.post(f"/contacts/{contact.pk}/verify/", form).status_code == 302
    contact.refresh_from_db()
    assert contact.email_state == EmailState.VERIFIED
    assert "by Mia Okafor: called a number we knew before" in page(mia, customer)


def test_a_strange_change_stands_above_the_page_until_it_is_checked(
    mia: Client, customer: Customer
) -> None:
    save_contact(customer.pk, actor=SYSTEM, name="Eve", email="eve@elsewhere.example")
    assert "Check this first." in page(mia, customer)
    assert [row.name for row in mia.get("/customers/?state=warning").context["list"].rows] == [
        "Ashdown Joinery"
    ]
    warning = FraudWarning.objects.get()
    assert mia.post(f"/warnings/{warning.pk}/clear/", {"why": "Called Pat"}).status_code == 302
    assert "Check this first." not in page(mia, customer)


def test_somebody_who_reports_new_bank_details_warns_everybody(
    mia: Client, customer: Customer
) -> None:
    mia.post(f"/customers/{customer.pk}/warn/", {"text": "A caller gave new bank details."})
    assert "A caller gave new bank details. Call a number that was known before." in page(
        mia, customer
    )


def test_a_refused_e_mail_keeps_what_was_typed(mia: Client, customer: Customer) -> None:
    Contact.objects.filter(customer=customer).update(do_not_email=True)
    answer = mia.post(f"/customers/{customer.pk}/write/", letter(customer))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "asked not to be written to" in text
    assert "Thank you for the order" in text


def letter(customer: Customer, **fields: Any) -> dict[str, Any]:
    return {
        "contact": customer.contacts.order_by("pk")[0].pk,
        "subject": "Your account with us",
        "text": "Thank you for the order.",
        "tone": "friendly",
        "token": "6c1a1d0e-5a0f-4d5c-9a52-0f7c6a2c1b11",
        **fields,
    }


def test_the_linter_says_at_the_field_what_to_mend(mia: Client, customer: Customer) -> None:
    answer = mia.post(f"/customers/{customer.pk}/write/", letter(customer, text="Pay your debt."))
    assert "text" in answer.context["form"].errors
    assert not ContactAttempt.objects.filter(kind="manual").exists()


def test_the_look_is_framed_and_shows_the_table(mia: Client, customer: Customer) -> None:
    answer = mia.post(f"/customers/{customer.pk}/write/look/", letter(customer, table="on"))
    assert "INV-OLD" in answer.content.decode()
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert not ContactAttempt.objects.filter(kind="manual").exists()


def test_the_customers_of_an_absent_colleague_stand_in_the_list_of_the_cover(
    mia: Client, customer: Customer
) -> None:
    ruth = member("manager")
    update_customer(customer.pk, {"owner": ruth}, actor=SYSTEM)
    Task.objects.create(
        customer=customer, kind="decide", title="Decide", due_on=TODAY, dedupe_key="d"
    )
    cover = member("collector")
    assert mia.get(f"/customers/?owner={cover.pk}").context["list"].rows == []
    add_absence(ruth, cover, TODAY, TODAY, actor=SYSTEM)
    (row,) = mia.get(f"/customers/?owner={cover.pk}").context["list"].rows
    assert row.name == "Ashdown Joinery"
    assert "covered by Mia Okafor at present" in page(mia, customer)
    assert "for Ruth Adler" in mia.get("/worklist/").content.decode()


def test_the_number_of_a_merged_account_leads_on(ruth: Client, customer: Customer) -> None:
    old = make.customer("OLD-9", "Ashdown Joinery Ltd")
    preview = ruth.get(f"/customers/{customer.pk}/merge/?number=OLD-9").content.decode()
    assert "It cannot be undone." in preview
    answer = ruth.post(f"/customers/{customer.pk}/merge/", {"number": "OLD-9"})
    assert answer.status_code == 302
    assert ruth.get(f"/customers/{old.pk}/")["Location"] == f"/customers/{customer.pk}/"
    (row,) = ruth.get("/customers/?q=OLD-9").context["list"].rows
    assert row.pk == customer.pk


def test_later_imports_of_a_merged_number_go_to_the_account_that_goes_on(
    customer: Customer,
) -> None:
    head = "customer number,customer name,invoice number,invoice date,due date,amount\n"
    first = head + "77,Old Ltd,I-1,2026-01-05,2026-02-04,10.00\n"
    import_ledger(Request("a.csv", first.encode(), TODAY, source="erp"))
    old = Customer.objects.get(number="77")
    merge(old.pk, customer.pk, actor=SYSTEM, today=TODAY)
    second = first + "77,Old Ltd,I-2,2026-02-05,2026-03-07,20.00\n"
    import_ledger(Request("b.csv", second.encode(), TODAY, source="erp"))
    assert set(customer.invoices.filter(source="erp").values_list("number", flat=True)) == {
        "I-1", "I-2",
    }  # fmt: skip
    assert not old.invoices.exists()


def test_our_own_mail_accounts_are_in_no_list(mia: Client, customer: Customer) -> None:
    make.customer("TEST", "Test messages", internal=True, email=None)
    assert [row.number for row in mia.get("/customers/").context["list"].rows] == ["C-100"]
    assert mia.get("/customers/?q=TEST").context["list"].rows == []


@pytest.mark.parametrize("word", ["ashd", "ASHDOWN J", "C-1", "ap@ashdown", "INV-OLD", "joinery"])
def test_a_customer_is_found_by_what_is_at_hand(mia: Client, customer: Customer, word: str) -> None:
    make.customer("D-1", "Baltic Freight")
    rows = mia.get("/customers/", {"q": word}).context["list"].rows
    assert [row.number for row in rows] == ["C-100"]


def test_supply_is_stopped_by_a_manager_and_shown(ruth: Client, customer: Customer) -> None:
    ruth.post(f"/customers/{customer.pk}/supply/", {"reason": "Six weeks late"})
    assert "Supply stopped" in page(ruth, customer)
    assert len(ruth.get("/customers/?state=credit").context["list"].rows) == 1


def test_a_new_customer_with_a_default_owner_is_not_neglected(ruth: Client) -> None:
    make.company(default_owner=member("collector"))
    make.invoice(make.customer(), due=TODAY - timedelta(days=9))
    run(TODAY)
    assert list(neglected_invoices(TODAY)) == []


def test_a_collector_walks_from_the_page_to_a_sent_e_mail(
    page_as: Callable[..., Page], customer: Customer
) -> None:
    """Write, look, send: without leaving the keyboard's reach."""
    browser = page_as("collector")
    browser.goto(f"/customers/{customer.pk}/")
    browser.get_by_role("link", name="Write an e-mail").click()
    browser.get_by_role("textbox", name="Text").fill("Thank you for the order of Monday.")
    browser.get_by_label("List the open invoices in the text").check()
    browser.get_by_role("button", name="Show it as they will see it").click()
    frame = browser.frame_locator("iframe[name=look]")
    frame.get_by_text("Thank you for the order of Monday.").wait_for()
    frame.get_by_text("INV-OLD").first.wait_for()
    browser.get_by_role("button", name="Send it").click()
    browser.get_by_text("It leaves in a minute").wait_for()
    assert ContactAttempt.objects.filter(kind="manual").count() == 1


def test_a_collector_checks_a_contact_notes_and_filters(
    page_as: Callable[..., Page], customer: Customer
) -> None:
    browser = page_as("collector")
    browser.goto(f"/customers/{customer.pk}/")
    browser.get_by_role("link", name="Note", exact=True).click()
    browser.get_by_label("Note").fill("Pays on Fridays")
    browser.get_by_role("button", name="Keep the note").click()
    browser.get_by_label("Kind").select_option("notes")
    browser.get_by_role("button", name="Filter").click()
    browser.get_by_text("Pays on Fridays").wait_for()
    assert browser.locator(".timeline > li").count() == 1
    browser.get_by_role("link", name="Verify Pat Keel").click()
    browser.get_by_label("+1 207 555 0199").check()
    browser.get_by_label("Called a number we knew before").check()
    browser.get_by_role("button", name="Verified").click()
    browser.get_by_text("Pat Keel is verified.").wait_for()


def test_a_manager_merges_after_seeing_what_moves(
    page_as: Callable[..., Page], customer: Customer
) -> None:
    make.invoice(make.customer("OLD-9", "Ashdown Joinery Ltd"), "20.00", due=TODAY)
    browser = page_as("manager")
    browser.goto(f"/customers/{customer.pk}/")
    browser.get_by_role("link", name="Ashdown Joinery Ltd (OLD-9)").click()
    browser.get_by_role("button", name="Merge OLD-9 into C-100").click()
    browser.get_by_text("is part of Ashdown Joinery (C-100) now").wait_for()
    assert customer.invoices.count() == 3


def test_the_pages_of_an_account_have_no_accessibility_violation(
    look_at: Callable[..., None], customer: Customer
) -> None:
    save_contact(customer.pk, actor=SYSTEM, name="Eve", email="eve@elsewhere.example")
    make.customer("OLD-9", "Ashdown Joinery Ltd")
    add_absence(member("manager"), member("collector"), TODAY, TODAY, actor=SYSTEM)
    look_at(f"/customers/{customer.pk}/", "manager")
    look_at(f"/customers/{customer.pk}/write/")
    look_at(f"/customers/{customer.pk}/merge/?number=OLD-9", "manager")
    look_at(f"/customers/{customer.pk}/merge/", "manager")
    look_at(f"/customers/{customer.pk}/supply/", "manager")
    look_at(f"/contacts/{customer.contacts.order_by('pk')[0].pk}/verify/")
    look_at(f"/staff/{member('collector').pk}/hand-over/", "manager")
    look_at("/settings/owners/", "manager")
    look_at("/settings/absences/", "manager")


def test_the_page_of_the_largest_real_customer_is_light_and_tells_its_habits(
    mia: Client, shared_data: Path
) -> None:
    """The HighRadius ledger: 9,681 open items, one customer with a quarter of them (L35)."""
    data = (shared_data / "ledgers" / "highradius_open_items.csv").read_bytes()
    import_ledger(Request("hr.csv", data, _august()))
    largest = Customer.objects.annotate(n=Count("invoices")).order_by("-n")[0]
    answer = mia.get(f"/customers/{largest.pk}/")
    assert answer.status_code == 200
    assert len(answer.content) < 200_000
    assert "How they pay" in answer.content.decode()
    (row,) = mia.get("/customers/", {"q": largest.number}).context["list"].rows
    assert row.pk == largest.pk


def _august() -> Any:
    return TODAY.fromisoformat(AUGUST)


@pytest.mark.sqlite
def test_the_search_reads_no_whole_table(customer: Customer) -> None:
    plan = Customer.objects.filter(begins("ashd")).explain()
    assert "SCAN" not in plan, plan
    assert "customer_by_folded_name" in plan
