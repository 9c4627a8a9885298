"""The call desk as a collector works it: by keyboard, by mouse, without JavaScript."""

from collections.abc import Callable
from datetime import timedelta
from itertools import cycle, islice

import pytest
from playwright.sync_api import Page, expect

from customers.models import Customer
from dunning.forms.calls import KEYS
from dunning.models import CallOutcome, CallRecord, ContactAttempt, Promise
from dunning.outcomes import outcomes_of
from invoices.models import Dispute
from tests import make
from tests.dunning.calling import MONDAY, Line, planned_call
from tests.pages.conftest import PageAs, member

type LookAt = Callable[..., None]

DESK = "/desk/?hours=any"
COMMON = {
    CallOutcome.NO_ANSWER: ["n"],
    CallOutcome.VOICEMAIL: ["v"],
    CallOutcome.PROMISE: ["p"],
    CallOutcome.SAYS_PAID: ["s"],
    CallOutcome.CALL_BACK: ["b"],
    CallOutcome.NOT_RECEIVED: ["i"],
}
"""No answer, voicemail, everything by the next pay run, says paid, tomorrow, send it again."""

RARER = {
    CallOutcome.BUSY: ["u"],
    CallOutcome.MESSAGE: ["m"],
    CallOutcome.WRONG_NUMBER: ["w"],
    CallOutcome.DISCONNECTED: ["d"],
    CallOutcome.WAITING_APPROVAL: ["a"],
    CallOutcome.PAYMENT_RUN: ["r"],
    CallOutcome.WRONG_PERSON: ["o", "type:Ann Lee", "Tab", "type:ann@example.test"],
    CallOutcome.NEEDS_DOCUMENT: ["c"],
    CallOutcome.DISPUTES: ["q", "Escape", "1"],
    CallOutcome.ASKS_PLAN: ["l"],
    CallOutcome.CANNOT_PAY: ["t", "type:Their bank blocked the account"],
    CallOutcome.REFUSES: ["f"],
    CallOutcome.HUNG_UP: ["h"],
    CallOutcome.DO_NOT_CALL: ["z"],
    CallOutcome.REPRESENTED: ["e"],
    CallOutcome.INSOLVENT: ["g"],
    CallOutcome.DECEASED: ["k"],
}


LISTENS = """() => {
  const form = document.querySelector("[data-desk]");
  return document.readyState === "complete" && (!form || form.matches(".by-key:not([aria-busy])"));
}"""


class Hand:
    """A hand on the keyboard: counts each key and each text typed as one interaction."""

    def __init__(self, page: Page) -> None:
        self.page, self.made = page, 0

    def press(self, keys: list[str]) -> None:
        for key in keys:
            self.made += 1
            kind, _, text = key.partition(":")
            if kind == "type":
                self.page.keyboard.type(text)
            else:
                self.page.keyboard.press(key)

    def save(self) -> int:
        """Enter, and the next page is there; answers how many interactions it took."""
        self.leave("Enter")
        made, self.made = self.made, 0
        return made

    def leave(self, key: str) -> None:
        """A key that leads on; the next page listens before its first key is pressed."""
        with self.page.expect_navigation():
            self.press([key])
        self.page.wait_for_function(LISTENS)


def calls_of(person: str, number: int, **fields: object) -> list[Line]:
    """Customers of this person, each with two overdue invoices and a planned call."""
    make.company()
    owner, lines = member(person), []
    for _ in range(number):
        customer = make.customer(owner=owner, **fields)
        older = make.invoice(customer, "400.00", MONDAY - timedelta(days=40))
        newer = make.invoice(customer, "600.00", MONDAY - timedelta(days=10))
        line = Line(customer, customer.contacts.get(), owner, older, newer)
        planned_call(line)
        lines.append(line)
    return lines


@pytest.mark.timeout(600)
def test_forty_calls_in_a_row_without_the_mouse(page_as: PageAs) -> None:
    calls_of("collector", 40)
    page = page_as("collector")
    page.set_default_timeout(60_000)
    page.goto(DESK)
    hand, took, seen = Hand(page), [], set()
    for keys in islice(cycle(COMMON.values()), 40):
        seen.add(page.locator("h1").inner_text())
        hand.press(keys)
        took.append(hand.save())
    assert len(seen) == 40
    assert CallRecord.objects.count() == 40
    assert max(took) <= 3
    expect(page.locator("h1")).to_have_text("Call desk")


def test_every_outcome_takes_few_interactions_and_is_saved(page_as: PageAs) -> None:
    every = COMMON | RARER
    assert set(every) == {row.outcome for row in outcomes_of("call")}
    calls_of("collector", len(every))
    page = page_as("collector")
    page.goto(DESK)
    hand, took = Hand(page), {}
    for outcome, keys in every.items():
        hand.press(keys)
        took[outcome] = hand.save()
        newest = CallRecord.objects.order_by("-at").first()
        assert newest is not None
        assert newest.outcome == outcome
    assert {outcome: took[outcome] for outcome in COMMON} == dict.fromkeys(COMMON, 2)
    assert max(took.values()) <= 5
    assert sorted(o for o, made in took.items() if made > 3) == ["disputes", "wrong_person"]
    assert Dispute.objects.get().amount == 400


def test_letters_may_be_typed_where_one_writes(page_as: PageAs) -> None:
    (line,) = calls_of("collector", 1)
    page = page_as("collector")
    page.goto(DESK)
    Hand(page).press([".", "type:spoke to Ann", "Escape", "p", "Enter"])
    expect(page.locator("h1")).to_have_text("Call desk")
    record = CallRecord.objects.get()
    assert record.note == "spoke to Ann"
    assert record.outcome == CallOutcome.PROMISE
    assert Promise.objects.get(customer=line.customer).amount == 1000


def test_the_status_is_said_only_once_they_have_the_invoices(page_as: PageAs) -> None:
    """R33: receipt first."""
    calls_of("collector", 1)
    page = page_as("collector")
    page.goto(DESK)
    status = page.locator(".script .status").first
    expect(status).to_be_hidden()
    page.keyboard.press("y")
    expect(status).to_be_visible()
    expect(status).to_contain_text("USD 1,000.00 is past due, 2 invoices")


def test_a_promise_is_about_what_is_ticked(page_as: PageAs) -> None:
    (line,) = calls_of("collector", 1)
    page = page_as("collector")
    page.goto(DESK)
    Hand(page).press(["1", "p"])
    expect(page.locator("[data-ticked]")).to_have_text("USD 600.00")
    amount = page.locator("[name=promise-amount]")
    expect(amount).to_have_attribute("placeholder", "600.00")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Call desk")
    promise = Promise.objects.get()
    assert promise.amount == 600
    assert promise.items.get().invoice == line.newer


def test_one_call_has_different_outcomes_for_its_invoices(page_as: PageAs) -> None:
    (line,) = calls_of("collector", 1)
    page = page_as("collector")
    page.goto(DESK)
    hand = Hand(page)
    hand.press(["2", "p", "Escape"])
    hand.leave("+")
    expect(page.get_by_text("This adds to what is saved already")).to_be_visible()
    assert page.locator("input[name=items]:checked").count() == 1
    hand.press(["q"])
    hand.save()
    assert Promise.objects.get().items.get().invoice == line.older
    assert Dispute.objects.get().invoice == line.newer
    assert CallRecord.objects.count() == 1


def test_a_saved_call_is_undone_with_one_key(page_as: PageAs) -> None:
    first, _ = calls_of("collector", 2)
    page = page_as("collector")
    page.goto(DESK)
    name = page.locator("h1").inner_text()
    hand = Hand(page)
    hand.press(["s"])
    hand.save()
    hand.leave("Backspace")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.get_by_text("is taken back, with everything it did")).to_be_visible()
    assert not CallRecord.objects.exists()
    assert ContactAttempt.objects.filter(state="planned", channel="call").count() == 2


def test_copies_leave_while_talking_and_what_was_typed_stays(page_as: PageAs) -> None:
    (line,) = calls_of("collector", 1)
    page = page_as("collector")
    page.goto(DESK)
    Hand(page).press([".", "type:They miss two", "Escape", "2", "i"])
    page.get_by_role("button", name="Copies of what is ticked").click()
    expect(page.locator("#sent")).to_contain_text(f"On the way to {line.contact.email}")
    assert page.get_by_label("Note").input_value() == "They miss two"
    page.get_by_role("button", name="Statement").click()
    expect(page.locator("#sent")).to_contain_text("the statement")
    kinds = ContactAttempt.objects.filter(kind="resend").order_by("pk")
    assert [(each.items.count(), each.content) for each in kinds] == [
        (1, {}),
        (2, {"purpose": "statement"}),
    ]


def test_the_desk_works_without_javascript(page_as: PageAs) -> None:
    first, second = calls_of("collector", 2)
    page = page_as("collector", script=False)
    page.goto(DESK)
    page.get_by_label("Note").fill("Said it on the phone")
    page.get_by_role("button", name="Copies of what is ticked").click()
    assert page.get_by_label("Note").input_value() == "Said it on the phone"
    page.get_by_label("Says paid, or cheque in the mail").check()
    page.get_by_role("button", name="Save, next call").click()
    assert CallRecord.objects.get().note == "Said it on the phone"
    page.locator("summary", has_text="Skip for now").click()
    page.get_by_role("button", name="Put off until the end").click()
    expect(page.get_by_text("is put off until the end of your list")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    assert not CallRecord.objects.exists()


def test_shortcuts_can_be_switched_off(page_as: PageAs) -> None:
    calls_of("collector", 1)
    person = member("collector")
    person.keyboard_shortcuts = False
    person.save()
    page = page_as("collector")
    page.goto(DESK)
    page.keyboard.press("p")
    assert page.locator("input[name=outcome]:checked").count() == 0


def test_a_caller_is_found_by_the_digits_on_the_display(page_as: PageAs) -> None:
    calls_of("collector", 1)
    other = make.customer(phone="+49 40 66969 123", name="Elbkante Bootsbau GmbH")
    make.invoice(other, "100.00", MONDAY - timedelta(days=9))
    page = page_as("collector")
    page.goto(DESK)
    page.keyboard.press("/")
    page.keyboard.type("040 66969-123")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Elbkante Bootsbau GmbH")
    expect(page.get_by_label("Who called")).to_have_value("in")
    hand = Hand(page)
    hand.press(["s"])
    hand.save()
    assert CallRecord.objects.get().direction == "in"


def test_the_pages_of_the_desk_are_readable(look_at: LookAt) -> None:
    (line,) = calls_of("collector", 1)
    Customer.objects.filter(pk=line.customer.pk).update(
        payment_rules="Pays on Fridays.", collection_notes="Ask for Pat."
    )
    line.call(CallOutcome.PROMISE, on=MONDAY + timedelta(days=4))
    look_at(f"/desk/{line.customer.pk}/")
    look_at(f"/desk/{line.customer.pk}/?inbound=1&outcome=promise")
    look_at("/desk/calling/?q=Customer")
    look_at("/desk/calling/?q=nobody")
    line.customer.contacts.update(do_not_call=True)
    look_at("/desk/")


def test_every_key_of_a_page_is_there_once() -> None:
    for channel in ("call", "visit", "email"):
        keys = [KEYS[row.outcome] for row in outcomes_of(channel)]
        assert len(keys) == len(set(keys))
        assert not set(keys) & {"x", "y", "/", "?", ".", "+", "["}
