"""Customers: the list with what is late, and the page of one with everything known."""

import csv
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM, Entry, actor_of, record_many
from arfollow.shared.models import EventData
from customers.models import Customer, LegalStop
from customers.services import set_legal_stop, update_customer
from dunning.models import ContactAttempt, Hold, HoldReason, Promise
from dunning.runs import run
from tests import make
from tests.pages.conftest import member

TODAY = clock.today()


@pytest.fixture
def reader(client: Client, db: None) -> Client:
    client.force_login(member("collector"))
    return client


def listed(client: Client, query: str = "") -> list[str]:
    return [row.name for row in client.get(f"/customers/{query}").context["list"].rows]


def page(client: Client, customer: Customer, query: str = "") -> str:
    return client.get(f"/customers/{customer.pk}/{query}").content.decode()


def test_customers_are_listed_by_name_with_what_is_open_and_late(reader: Client) -> None:
    ashdown = make.customer(name="Ashdown Joinery Ltd")
    make.customer(name="Baltic Freight")
    make.invoice(ashdown, "700.00", due=TODAY - timedelta(days=12))
    make.invoice(ashdown, "50.00", due=TODAY + timedelta(days=12))
    assert listed(reader) == ["Ashdown Joinery Ltd", "Baltic Freight"]
    (row, _) = reader.get("/customers/").context["list"].rows
    (balance,) = row.balances
    assert (balance["open"], balance["overdue"], balance["days"]) == (750, 700, 12)


def test_a_customer_is_found_by_name_number_or_invoice(reader: Client) -> None:
    ashdown = make.customer("000451", "Ashdown Joinery Ltd")
    make.customer("C-2", "Baltic Freight")
    make.invoice(ashdown, number="INV-77")
    for word in ("joinery", "0004", "INV-77"):
        assert listed(reader, f"?q={word}") == ["Ashdown Joinery Ltd"], word


def test_only_overdue_customers_without_an_owner_are_asked_for(reader: Client) -> None:
    late, owned, current = (make.customer(name=name) for name in ("Late", "Owned", "Current"))
    update_customer(owned.pk, {"owner": member("manager")}, actor=SYSTEM)
    for customer in (late, owned):
        make.invoice(customer, due=TODAY - timedelta(days=1))
    make.invoice(current, due=TODAY)
    assert listed(reader, "?owner=none&overdue=on") == ["Late"]
    assert listed(reader, f"?owner={member('manager').pk}") == ["Owned"]


def test_the_list_is_exported_with_amounts_and_currencies(reader: Client) -> None:
    customer = make.customer(name="=Ashdown", currency="EUR")
    make.invoice(customer, "700.00", due=TODAY - timedelta(days=12))
    answer = reader.get("/customers/?export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    head, line = list(csv.reader(StringIO(text)))
    assert head[:2] == ["Customer", "Number"]
    assert (line[0], line[2], line[3], line[4]) == ("'=Ashdown", "EUR 700.00", "EUR 700.00", "12")


def test_a_page_of_the_list_costs_the_same_for_many_customers(reader: Client) -> None:
    def cost(customers: int) -> int:
        for _ in range(customers):
            make.invoice(make.customer(), due=TODAY - timedelta(days=1))
        with CaptureQueriesContext(connection) as queries:
            reader.get("/customers/")
        return len(queries)

    reader.get("/customers/")
    assert cost(2) == cost(12)


def test_an_empty_list_says_why_and_what_comes_next(reader: Client) -> None:
    assert "No customers yet" in reader.get("/customers/").content.decode()
    make.customer()
    assert "No customer matches" in reader.get("/customers/?q=nobody").content.decode()


def test_the_page_says_why_each_open_item_waits_and_until_when(reader: Client) -> None:
    customer = make.customer()
    make.invoice(customer, due=TODAY + timedelta(days=20), number="INV-9")
    before = page(reader, customer)
    assert "The next run looks at it." in before
    run(TODAY)
    after = page(reader, customer)
    assert "Its next step is not due yet." in after
    assert "Courtesy e-mail, 3 days before" in after


def test_the_page_names_the_policy_that_is_followed(reader: Client) -> None:
    assert "Due-date ladder" in page(reader, make.customer())


def test_agreements_that_hold_us_back_stand_beside_the_items(reader: Client) -> None:
    customer = make.customer()
    Promise.objects.create(
        customer=customer, made_on=TODAY, due_on=TODAY, currency="USD", amount="4200.00"
    )
    Hold.objects.create(
        customer=customer, reason=HoldReason.SAYS_PAID, starts_on=TODAY, ends_on=TODAY
    )
    text = page(reader, customer)
    assert "USD 4,200.00 by" in text
    assert "Says it is paid, until" in text


def test_holds_that_ended_are_not_shown(reader: Client) -> None:
    customer = make.customer()
    past = TODAY - timedelta(days=3)
    Hold.objects.create(customer=customer, reason="says_paid", starts_on=past, ends_on=past)
    assert "Says it is paid" not in page(reader, customer)


def test_a_legal_stop_stands_at_the_top(reader: Client) -> None:
    customer = make.customer()
    set_legal_stop(customer.pk, LegalStop.INSOLVENT, on=TODAY, actor=SYSTEM)
    assert "Insolvent" in page(reader, customer)


def test_the_timeline_tells_who_did_what_newest_first(reader: Client) -> None:
    customer = make.customer()
    mia = actor_of(member("collector"))
    update_customer(customer.pk, {"collection_notes": "Ask for Pat"}, actor=mia)
    entries = reader.get(f"/customers/{customer.pk}/").context["entries"]
    assert entries[0]["title"] == "Changed collection notes"
    assert entries[0]["who"] == "Mia Okafor"
    assert entries[-1]["title"].startswith("Opened account")


def test_a_long_timeline_goes_on_with_the_older_part_and_loses_nothing(reader: Client) -> None:
    """Events of one moment, as an import writes them, are not cut off at the page's end."""
    customer = make.customer()
    about = {"object_type": "customer", "object_id": customer.pk, "customer_id": customer.pk}
    record_many([Entry("customer.changed", summary=f"Note {n}", **about) for n in range(95)])
    seen: list[str] = []
    answer = reader.get(f"/customers/{customer.pk}/").context
    while True:
        seen += [entry["title"] for entry in answer["entries"]]
        if not answer["older"]:
            break
        answer = reader.get(f"/customers/{customer.pk}/?after={answer['older']}").context
    assert [title for title in seen if title.startswith("Note")] == [
        f"Note {n}" for n in range(94, -1, -1)
    ]


def test_erased_details_are_said_to_be_erased(reader: Client) -> None:
    customer = make.customer()
    EventData.objects.filter(event__customer_id=customer.pk).update(values=None, summary="")
    assert "Details were erased on request." in page(reader, customer)


def test_what_was_planned_leads_to_the_message(reader: Client) -> None:
    customer = make.customer()
    make.invoice(customer, due=make.TODAY - timedelta(days=4))
    run(make.TODAY)
    planned = ContactAttempt.objects.get(customer=customer, channel="email", state="planned")
    entries = reader.get(f"/customers/{customer.pk}/").context["entries"]
    assert f"/outbox/{planned.pk}/" in [entry["url"] for entry in entries]


@pytest.mark.parametrize("after", ["x", "2026-01-01", "WzFd"])
def test_a_made_up_place_in_the_timeline_shows_the_newest(reader: Client, after: str) -> None:
    customer = make.customer()
    assert reader.get(f"/customers/{customer.pk}/", {"after": after}).context["entries"]


def test_a_customer_with_thousands_of_open_items_gets_a_page_of_ordinary_size(
    reader: Client,
) -> None:
    """L24, L35: the hundred oldest, and a way to all of them."""
    customer = make.customer()
    for n in range(130):
        make.invoice(customer, due=TODAY - timedelta(days=n))
    text = page(reader, customer)
    assert len(text) < 200_000
    assert "These are the hundred oldest." in text


def test_a_reader_finds_no_button_that_changes_anything(client: Client, db: None) -> None:
    customer = make.customer()
    make.invoice(customer)
    client.force_login(member("read_only"))
    text = page(client, customer)
    assert text.count('<form method="post"') == 2, "only the two log-out buttons"
    for words in ("Log a call", "Add an invoice", "Record a payment", "Edit"):
        assert f">{words}</a>" not in text


def test_an_unknown_customer_is_a_page_that_says_so(reader: Client) -> None:
    answer = reader.get("/customers/999/")
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


def test_rows_are_walked_with_j_and_k_and_opened_with_enter(page_as: Callable[..., Page]) -> None:
    for name in ("Ashdown", "Baltic", "Carrow"):
        make.customer(name=name)
    browser = page_as("collector")
    browser.goto("/customers/")
    for key in ("j", "j", "j", "k"):
        browser.keyboard.press(key)
    browser.keyboard.press("Enter")
    browser.get_by_role("heading", name="Baltic").wait_for()


def test_the_slash_leads_to_the_search_which_then_takes_letters(
    page_as: Callable[..., Page],
) -> None:
    make.customer(name="Baltic Freight")
    make.customer(name="Kestrel Signage")
    browser = page_as("collector")
    browser.goto("/customers/")
    browser.keyboard.press("/")
    browser.keyboard.type("kest")
    browser.keyboard.press("Enter")
    browser.wait_for_url("**q=kest**")
    browser.get_by_role("link", name="Kestrel Signage").wait_for()
    assert browser.get_by_role("link", name="Baltic Freight").count() == 0


def test_the_customer_pages_have_no_accessibility_violation(look_at: Callable[..., None]) -> None:
    customer = make.customer()
    make.invoice(customer, due=TODAY - timedelta(days=40), disputed="10.00")
    make.payment(customer, "20.00", TODAY)
    run(TODAY)
    look_at("/customers/")
    look_at(f"/customers/{customer.pk}/")
