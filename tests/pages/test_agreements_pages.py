"""Agreements on screen: what stands in which list, and every change as a person makes it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from arfollow.shared import clock
from arfollow.shared.events import actor_of
from dunning.models import (
    AttemptKind,
    ContactAttempt,
    Hold,
    PaymentPlan,
    PlanStatus,
    Promise,
    PromiseStatus,
)
from dunning.outcomes import (
    HoldInput,
    PlanTerms,
    PromiseInput,
    add_hold,
    add_promise,
    agree_plan,
    offer_plan,
    settle_plans,
    settle_promises,
)
from invoices.models import CreditNote, Dispute
from tests import make
from tests.pages.conftest import DAY, member

pytestmark = pytest.mark.django_db
WEIGHT = 200_000


class Book:
    """A customer of Mia's who owes 400 and 600 dollars, seen on the day of the tests."""

    def __init__(self) -> None:
        make.company()
        self.mia = member("collector")
        self.customer = make.customer(owner=self.mia, name="Ashdown Joinery Ltd")
        self.older = make.invoice(self.customer, "400.00", DAY - timedelta(days=40))
        self.newer = make.invoice(self.customer, "600.00", DAY - timedelta(days=10))

    def promise(self, due: date, *, made: date = DAY, amount: str = "400.00") -> Promise:
        given = PromiseInput(due_on=due, amount=Decimal(amount), person="Jane")
        return add_promise(
            self.customer.pk, given, actor=actor_of(self.mia), today=made, now=clock.now()
        )

    def plan(self, first: date, count: int = 2) -> PaymentPlan:
        terms = PlanTerms(first, count=count)
        return offer_plan(self.customer.pk, terms, actor=actor_of(self.mia), today=DAY)

    def hold(self, until: date) -> Hold:
        wanted = HoldInput("ours", until, note="The truck is late")
        return add_hold(self.customer.pk, wanted, actor=actor_of(self.mia), today=DAY)[0]

    def dispute(self, amount: str = "100.00") -> Dispute:
        return make.dispute(self.older, amount, on=DAY)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def mia(client: Client, book: Book) -> Client:
    client.force_login(book.mia)
    return client


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert len(answer.content) < WEIGHT
    return answer.content.decode()


def test_a_promise_stands_in_the_tab_of_its_day_and_state(mia: Client, book: Book) -> None:
    given = book.promise(DAY)
    shown = {tab: "Ashdown" in text(mia, f"/agreements/?show={tab}") for tab in
             ("week", "today", "late", "open", "kept", "broken")}  # fmt: skip
    assert [tab for tab, there in shown.items() if there] == ["week", "today", "open"]
    Promise.objects.filter(pk=given.pk).update(made_on=DAY - timedelta(days=9),
                                               due_on=DAY - timedelta(days=1))  # fmt: skip
    assert "Ashdown" in text(mia, "/agreements/?show=late")
    settle_promises(DAY + timedelta(days=9))
    broken = text(mia, "/agreements/?show=broken")
    assert "Ashdown" in broken
    assert "0 %, kept 0 of 1 promise" in broken


def test_the_totals_of_promises_tie_to_the_rows_per_currency(mia: Client, book: Book) -> None:
    make.invoice(book.customer, "50.00", DAY - timedelta(days=3), currency="EUR")
    book.promise(DAY)
    book.promise(DAY, amount="150.00")
    given = PromiseInput(due_on=DAY, amount=Decimal(50), currency="EUR")
    add_promise(book.customer.pk, given, actor=actor_of(book.mia), today=DAY)
    shown = text(mia, "/agreements/?show=open")
    assert "2 promises</dt><dd>USD 550.00" in shown
    assert "1 promise</dt><dd>EUR 50.00" in shown


def test_lists_export_what_they_show(mia: Client, book: Book) -> None:
    book.promise(DAY)
    book.dispute()
    book.hold(DAY)
    book.plan(DAY + timedelta(days=7))
    for path, word in (
        ("/agreements/?show=open", "Promised USD 400.00"),
        ("/agreements/disputes/?show=open", "100.00"),
        ("/agreements/holds/?show=running", "The truck is late"),
        ("/agreements/plans/?show=draft", "900.00"),
    ):
        answer = mia.get(f"{path}&export=csv")
        lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert word in lines, path
        assert lines.count("\n") == 2, path


def test_a_filter_narrows_by_customer_and_owner(mia: Client, book: Book) -> None:
    book.promise(DAY)
    assert "Ashdown" in text(mia, f"/agreements/?show=open&q=ashdown&who={book.mia.pk}")
    other = member("manager")
    assert "Ashdown" not in text(mia, f"/agreements/?show=open&who={other.pk}")


def test_the_queries_of_the_lists_do_not_grow_with_their_rows(mia: Client, book: Book) -> None:
    paths = ("/agreements/?show=open", "/agreements/disputes/", "/agreements/holds/",
             "/agreements/plans/?show=draft")  # fmt: skip
    another(book)
    few = [queries(mia, path) for path in paths]
    for _ in range(3):
        another(book)
    assert [queries(mia, path) for path in paths] == few
    assert max(few) <= 20


def another(book: Book) -> None:
    """One more customer with a promise, a hold, a dispute and a plan."""
    other = Book.__new__(Book)
    other.mia, other.customer = book.mia, make.customer(owner=book.mia)
    other.older = other.newer = make.invoice(other.customer, "500.00", DAY - timedelta(days=9))
    other.promise(DAY)
    other.hold(DAY)
    other.dispute("10.00")
    other.plan(DAY + timedelta(days=7))


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as found:
        client.get(path)
    return len(found)


def test_a_promise_noted_on_its_page_is_thanked_for_unless_the_box_is_off(
    mia: Client, book: Book
) -> None:
    path = f"/customers/{book.customer.pk}/promise/"
    due = (DAY + timedelta(days=5)).isoformat()
    mia.post(path, {"due_on": due, "amount": "100"})
    mia.post(path, {"due_on": due, "amount": "200", "confirm": "on"})
    (thanks,) = ContactAttempt.objects.filter(kind=AttemptKind.PROMISE_CONFIRMED)
    assert thanks.promise is not None
    assert thanks.promise.amount == Decimal(200)


def offer(book: Book, **changes: str) -> dict[str, str]:
    first = (DAY + timedelta(days=7)).isoformat()
    return {"how": "count", "count": "3", "first_on": first, "every": "14"} | changes


def test_a_plan_is_seen_before_it_is_kept(mia: Client, book: Book) -> None:
    path = f"/customers/{book.customer.pk}/plan/"
    shown = mia.post(path, offer(book)).content.decode()
    assert "333.33" in shown
    assert "333.34" in shown
    assert not PaymentPlan.objects.exists()
    kept = mia.post(path, offer(book, keep="1"))
    plan = PaymentPlan.objects.get()
    assert (kept.status_code, kept["Location"]) == (302, f"/agreements/plans/{plan.pk}/")
    assert [part.amount for part in plan.instalments.all()] == [
        Decimal("333.33"), Decimal("333.33"), Decimal("333.34"),
    ]  # fmt: skip


def test_a_plan_of_a_fixed_amount_ends_with_the_rest(mia: Client, book: Book) -> None:
    path = f"/customers/{book.customer.pk}/plan/"
    shown = mia.post(path, offer(book, how="fixed", each="300")).content.decode()
    assert shown.count("300.00") == 3
    assert '<td class="num">100.00</td>' in shown


def test_an_offer_that_cannot_be_laid_out_keeps_what_was_typed(mia: Client, book: Book) -> None:
    path = f"/customers/{book.customer.pk}/plan/"
    answer = mia.post(path, offer(book, how="fixed", each="0.50"))
    assert answer.status_code == 422
    assert "larger amount" in answer.content.decode()
    assert 'value="0.50"' in answer.content.decode()


def test_the_payments_of_a_draft_are_changed_on_its_page(mia: Client, book: Book) -> None:
    plan = book.plan(DAY + timedelta(days=7))
    first, second = [part.due_on.isoformat() for part in plan.instalments.all()]
    path = f"/agreements/plans/{plan.pk}/change/"
    wanted = {"day-1": first, "amount-1": "250", "day-2": second, "amount-2": "750"}
    refused = mia.post(path, wanted | {"amount-2": "700"})
    assert refused.status_code == 422
    assert "USD 50.00 less than the plan" in refused.content.decode().replace("&#x27;", "'")
    assert mia.post(path, wanted).status_code == 302
    assert [part.amount for part in plan.instalments.all()] == [Decimal(250), Decimal(750)]


def test_an_agreed_plan_says_when_the_next_payment_comes(mia: Client, book: Book) -> None:
    plan = book.plan(DAY + timedelta(days=7))
    assert mia.post(f"/agreements/plans/{plan.pk}/agree/", {"on": DAY.isoformat()}).status_code
    plan.refresh_from_db()
    assert plan.status == PlanStatus.ACTIVE
    page = text(mia, f"/agreements/plans/{plan.pk}/")
    assert "E-mail of" in page
    listed = text(mia, "/agreements/plans/")
    assert "Ashdown" in listed
    assert "500.00" in listed


def test_the_customers_page_says_that_a_plan_has_ended_and_why(mia: Client, book: Book) -> None:
    plan = book.plan(DAY + timedelta(days=7))
    agree_plan(plan.pk, on=DAY, actor=actor_of(book.mia))
    assert "plan has ended" not in text(mia, f"/customers/{book.customer.pk}/")
    settle_plans(DAY + timedelta(days=30))
    shown = text(mia, f"/customers/{book.customer.pk}/")
    assert "Their payment plan has ended." in shown
    assert "was missed" in shown
    assert "was missed" in text(mia, f"/agreements/plans/{plan.pk}/")


def test_a_hold_is_extended_with_a_reason_and_never_without_an_end(mia: Client, book: Book) -> None:
    hold = book.hold(DAY + timedelta(days=2))
    path = f"/holds/{hold.pk}/extend/"
    assert mia.post(path, {"reason": "Still late"}).status_code == 422
    later = DAY + timedelta(days=6)
    assert mia.post(path, {"until": later.isoformat(), "reason": "Still late"}).status_code == 302
    hold.refresh_from_db()
    assert hold.ends_on == later
    earlier = mia.post(path, {"until": DAY.isoformat(), "reason": "Sooner"})
    assert "Enter a later day" in earlier.content.decode()


def test_another_owner_and_target_are_set_on_the_page_of_the_dispute(
    mia: Client, book: Book
) -> None:
    row = book.dispute()
    ruth, target = member("manager"), DAY + timedelta(days=3)
    path = f"/disputes/{row.pk}/"
    given = {"owner": ruth.pk, "target_date": target.isoformat(), "note": "Carrier asked"}
    assert mia.post(path, given).status_code == 302
    row.refresh_from_db()
    assert (row.owner, row.target_date, row.note) == (ruth, target, "Carrier asked")
    page = text(mia, path)
    assert "is with Ruth Adler" in page
    assert "USD 300.00 of the invoice is not disputed and is asked for as before" in page


def test_a_dispute_past_its_target_is_marked(mia: Client, book: Book) -> None:
    row = book.dispute()
    Dispute.objects.filter(pk=row.pk).update(
        raised_on=DAY - timedelta(days=40), target_date=DAY - timedelta(days=1)
    )
    assert "Past target" in text(mia, "/agreements/disputes/?show=past")
    assert "Past its target" in text(mia, f"/disputes/{row.pk}/")


def test_a_credited_dispute_asks_for_its_credit_note_and_makes_it(mia: Client, book: Book) -> None:
    row = book.dispute()
    path = f"/disputes/{row.pk}/close/"
    given = {"status": "credited", "on": DAY.isoformat(), "resolution": "Two boards short"}
    refused = mia.post(path, given | {"credit_amount": "100"})
    assert refused.status_code == 422
    assert "Enter the number of the credit note" in refused.content.decode()
    done = mia.post(path, given | {"credit_amount": "100", "credit_number": "CN-9"})
    assert done.status_code == 302
    note = CreditNote.objects.get(number="CN-9")
    row.refresh_from_db()
    assert (row.status, row.credit_note, note.amount) == ("credited", note, Decimal(100))


def test_a_rejected_dispute_needs_no_credit_note(mia: Client, book: Book) -> None:
    row = book.dispute()
    given = {"status": "rejected", "on": DAY.isoformat(), "resolution": "Signed for"}
    assert mia.post(f"/disputes/{row.pk}/close/", given).status_code == 302
    assert not CreditNote.objects.exists()


def test_item_four_is_walked_in_a_browser(page_as: Any) -> None:
    """A promise noted and found again, a plan seen, kept and agreed, a dispute settled."""
    book = Book()
    row = book.dispute()
    page = page_as("collector")
    page.goto(f"/customers/{book.customer.pk}/")
    page.get_by_role("link", name="Note a promise").click()
    page.get_by_label("They pay on").fill((DAY + timedelta(days=1)).isoformat())
    page.get_by_label("Amount").fill("250")
    page.get_by_role("button", name="Note the promise").click()
    page.get_by_role("status").filter(has_text="USD 250.00 promised").wait_for()
    page.get_by_role("link", name="Agreements").first.click()
    page.get_by_role("link", name="All open 1").click()
    page.get_by_role("row").filter(has_text="Ashdown").get_by_role("link", name="thanks").wait_for()
    page.goto(f"/customers/{book.customer.pk}/")
    page.get_by_role("link", name="Offer a plan").click()
    page.get_by_role("button", name="Show the payments").click()
    page.get_by_role("heading", name="3 payments, USD 900.00 in all").wait_for()
    assert not PaymentPlan.objects.exists()
    page.get_by_role("button", name="Keep as a draft").click()
    page.get_by_role("link", name="The customer agreed").click()
    page.get_by_role("button", name="The customer agreed").click()
    page.get_by_role("status").filter(has_text="The plan is agreed").wait_for()
    page.goto("/agreements/disputes/")
    page.get_by_role("link", name=row.invoice.number).click()
    page.get_by_role("link", name="Settle the dispute").click()
    page.get_by_role("radio", name="Rejected").check()
    page.get_by_label("What was agreed").fill("Signed for on delivery")
    page.get_by_role("button", name="Settle the dispute").click()
    page.get_by_role("status").filter(has_text="is settled").wait_for()
    assert PaymentPlan.objects.get().status == PlanStatus.ACTIVE


def test_the_pages_of_agreements_have_no_barrier(look_at: Any) -> None:
    book = Book()
    book.promise(DAY + timedelta(days=2))
    old = book.promise(DAY, made=DAY)
    Promise.objects.filter(pk=old.pk).update(status=PromiseStatus.BROKEN, settled_on=DAY)
    book.hold(DAY)
    row = book.dispute()
    plan = book.plan(DAY + timedelta(days=7))
    for path in (
        "/agreements/?show=open",
        "/agreements/?show=broken",
        "/agreements/disputes/",
        f"/disputes/{row.pk}/",
        "/agreements/holds/",
        "/agreements/plans/?show=draft",
        f"/agreements/plans/{plan.pk}/",
        f"/agreements/plans/{plan.pk}/change/",
        f"/customers/{book.customer.pk}/plan/",
    ):
        look_at(path)
