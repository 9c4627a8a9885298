"""The desk's queue and its guard rails: who comes next, who must not be rung now, and why."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from arfollow.shared.models import Event
from arfollow.staff.models import Company
from dunning.models import (
    AttemptState,
    CallOutcome,
    CallRecord,
    Channel,
    ContactAttempt,
    DeskSkip,
    Tone,
)
from tests import make
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call
from tests.pages.conftest import member

# Both databases answer these addresses in the access matrix: once is enough here.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
TOKEN = "7f0c2c1e-8f5b-4a55-9e77-27c1f3a7d{:03d}"


@pytest.fixture(autouse=True)
def _monday_morning() -> Iterator[None]:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def desk(client: Client) -> Client:
    make.company()
    client.force_login(member("collector"))
    return client


def line(amount: str = "400.00", *, owner: str = "collector", **fields: object) -> Line:
    """A customer with a planned call; the larger the amount, the sooner in the list."""
    person = member(owner)
    customer = make.customer(owner=person, **fields)
    older = make.invoice(customer, amount, MONDAY - timedelta(days=40))
    newer = make.invoice(customer, "600.00", MONDAY - timedelta(days=10))
    found = Line(customer, customer.contacts.get(), person, older, newer)
    planned_call(found)
    return found


def later(desk: Client, moment: datetime) -> time_machine.travel:
    """At another moment, logged in anew: a session does not last that long."""
    travel = time_machine.travel(moment, tick=False)
    with travel:
        desk.force_login(member("collector"))
    return travel


def due_again() -> None:
    """What moved to another day is due all the same."""
    ContactAttempt.objects.filter(state=AttemptState.PLANNED).update(due_at=MORNING)


def opened(desk: Client, path: str = "/desk/") -> str:
    return desk.get(path, follow=True).content.decode()


def save(desk: Client, path: str, outcome: str, number: int = 1, **fields: str) -> str:
    form = {"token": TOKEN.format(number), "outcome": outcome, "direction": "out"} | fields
    return desk.post(path, form, follow=True).content.decode()


def place(found: Line) -> str:
    return f"/desk/{found.customer.pk}/"


# --- who comes next ---------------------------------------------------------------------------


def test_the_desk_opens_the_next_of_my_calls(desk: Client) -> None:
    mine = line()
    line(owner="manager")
    answer = desk.get("/desk/")
    assert answer.status_code == 302
    assert answer["Location"].startswith(place(mine))
    assert "1 call in my list" in opened(desk)


def test_everyones_calls_are_there_for_who_asks(desk: Client) -> None:
    other = line(owner="manager")
    assert "No call waits" in opened(desk)
    assert other.customer.name in opened(desk, "/desk/?who=all")


def test_after_saving_it_is_the_next_customers_turn_with_the_undo_on_top(desk: Client) -> None:
    first, second = line(), line()
    start = desk.get("/desk/")["Location"]
    here, there = (first, second) if start.startswith(place(first)) else (second, first)
    page = save(desk, start, "says_paid")
    assert f"<title>Call desk: {there.customer.name}" in page
    assert "Undo “says paid, or cheque in the mail”" in page
    assert here.customer.name in page


def test_after_the_minute_there_is_nothing_to_undo(desk: Client) -> None:
    found = line()
    save(desk, place(found), "says_paid")
    with time_machine.travel(MORNING + timedelta(seconds=61)):
        assert "Undo “" not in opened(desk)
        late = desk.post(f"/desk/undo/{CallRecord.objects.get().pk}/", follow=True)
    assert "The minute is over" in late.content.decode()


def test_undo_brings_the_customer_back(desk: Client) -> None:
    found = line()
    save(desk, place(found), "says_paid")
    answer = desk.post(f"/desk/undo/{CallRecord.objects.get().pk}/")
    assert answer["Location"] == place(found)
    assert not CallRecord.objects.exists()


def test_who_is_put_off_comes_again_at_the_end(desk: Client) -> None:
    first, second = line(), line()
    start = desk.get("/desk/")["Location"]
    here, there = (first, second) if start.startswith(place(first)) else (second, first)
    desk.post(f"{place(here)}skip/", {"reason": "They are busy now"})
    assert desk.get("/desk/")["Location"].startswith(place(there))
    assert "1 put off by you" in opened(desk)
    save(desk, place(there), "says_paid")
    assert desk.get("/desk/")["Location"].startswith(place(here))
    told = Event.objects.get(verb="call.put_off")
    assert told.data.summary == "Call put off for today: They are busy now"


def test_putting_off_needs_a_reason(desk: Client) -> None:
    found = line()
    answer = desk.post(f"{place(found)}skip/", {"reason": "", "other": "  "}, follow=True)
    assert "Say why this call is put off." in answer.content.decode()
    assert not DeskSkip.objects.exists()


def test_there_is_a_way_back_to_the_call_before(desk: Client) -> None:
    first, second = line(), line()
    opened(desk, place(first))
    assert f'href="{place(first)}"' in opened(desk, place(second))


def test_an_agreed_call_back_is_kept_on_the_desk(desk: Client) -> None:
    found = line()
    found.call(CallOutcome.VOICEMAIL, attempt=ContactAttempt.objects.get(channel="call"))
    with later(desk, MORNING + timedelta(days=2)):
        start = desk.get("/desk/")["Location"]
        assert "?task=" in start
        assert "Call again after the message left" in opened(desk, start)
        save(desk, start, "says_paid")
    assert "call_back" not in found.tasks()


# --- who must not be rung now -----------------------------------------------------------------


def test_customers_outside_their_calling_hours_are_left_out_and_counted(desk: Client) -> None:
    line(time_zone="America/Los_Angeles")
    page = opened(desk)
    assert "Nobody can be rung now" in page
    assert "1 outside their calling hours" in page
    assert "/desk/?hours=any" not in page
    assert 'href="?hours=any' in page
    assert "<title>Call desk: Customer" in opened(desk, "/desk/?hours=any")


@pytest.mark.parametrize(
    ("hour", "minute", "rung"), [(7, 59, False), (8, 0, True), (20, 59, True), (21, 0, False)]
)
def test_calls_are_made_from_eight_to_nine_in_the_evening(
    desk: Client, hour: int, minute: int, rung: bool
) -> None:
    line()
    with later(desk, datetime(2026, 3, 2, hour, minute, tzinfo=UTC)):
        assert ("Nobody can be rung now" not in opened(desk)) is rung


@pytest.mark.parametrize(
    ("day", "country", "rung"),
    [
        (date(2026, 3, 7), "US", False),
        (date(2026, 5, 25), "US", False),
        (date(2026, 5, 26), "US", True),
        (date(2026, 7, 14), "FR", False),
    ],
)
def test_nobody_is_rung_on_their_weekend_or_holiday(
    desk: Client, day: date, country: str, rung: bool
) -> None:
    line(country=country)
    with later(desk, datetime(day.year, day.month, day.day, 12, 0, tzinfo=UTC)):
        assert ("Nobody can be rung now" not in opened(desk)) is rung


def test_outside_the_hours_the_number_is_shown_but_not_dialled(desk: Client) -> None:
    found = line(time_zone="America/Los_Angeles")
    page = opened(desk, place(found))
    assert "It is 02:15 there" in page
    assert found.contact.phone in page
    assert "tel:" not in page
    assert 'href="tel:+12075550199"' in opened(desk, place(line()))


def test_who_was_tried_today_is_left_out_until_tomorrow(desk: Client) -> None:
    found = line()
    found.call(CallOutcome.NO_ANSWER)
    due_again()
    page = opened(desk)
    assert "1 tried today or three times this week" in page
    call = opened(desk, place(found))
    assert "Tried in vain today. The next try is due on 3 Mar 2026." in call
    assert "tel:" not in call


def test_three_tries_in_a_week_are_enough(desk: Client) -> None:
    found = line()
    for days in (3, 4, 5):
        found.call(CallOutcome.NO_ANSWER, now=MORNING - timedelta(days=days))
    assert "Tried in vain three times this week." in opened(desk, place(found))
    assert "tel:" not in opened(desk, place(found))


def test_a_number_that_asked_not_to_be_called_is_not_shown(desk: Client) -> None:
    found = line()
    found.customer.contacts.update(do_not_call=True)
    page = opened(desk, place(found))
    assert "Asked not to be called" in page
    assert found.contact.phone not in page.replace(f"{found.contact.phone} is", "")
    assert "1 without a number that may be dialled" in opened(desk)


def test_where_everything_is_stopped_nobody_is_rung(desk: Client) -> None:
    found = line()
    found.customer.legal_stop = "insolvent"
    found.customer.save()
    page = opened(desk, place(found))
    assert "they are not called about payment" in page
    assert "tel:" not in page


# --- what is at hand --------------------------------------------------------------------------


def test_the_best_hour_is_that_of_answered_calls_on_their_clock(desk: Client) -> None:
    found = line(time_zone="America/New_York")
    for day, hour in ((20, 19), (21, 19), (22, 15)):
        found.call(CallOutcome.REFUSES, now=datetime(2026, 1, day, hour, 5, tzinfo=UTC))
    found.call(CallOutcome.NO_ANSWER, now=datetime(2026, 1, 23, 19, 5, tzinfo=UTC))
    page = opened(desk, place(found))
    assert "Best hour: 14:00 to 15:00 (2 calls were answered then of 3 at that hour)" in page


def test_a_promise_starts_with_their_next_pay_run(desk: Client) -> None:
    found = line(payment_rules="Portal only. Pays on Fridays.")
    page = opened(desk, place(found))
    assert 'name="promise-on" value="2026-03-06"' in page
    assert "Their next pay run: “Pays on Fridays”." in page
    assert "Friday 6 Mar 2026" in page


def test_without_a_pay_run_a_promise_starts_five_working_days_ahead(desk: Client) -> None:
    assert 'name="promise-on" value="2026-03-09"' in opened(desk, place(line()))


def test_what_we_sent_and_whether_it_arrived_is_at_hand(desk: Client) -> None:
    """R32: the sending evidence."""
    found = line()
    sent = ContactAttempt.objects.create(
        customer=found.customer, channel=Channel.EMAIL, tone=Tone.FRIENDLY,
        state=AttemptState.SENT, planned_on=MONDAY, local_date=MONDAY,
        done_on=MONDAY - timedelta(days=9), message_id="<a@b>", dedupe_key="a",
        provider_status="delivered",
    )  # fmt: skip
    sent.recipients.create(name="Pat", address="ap@there.example")
    page = opened(desk, place(found))
    assert "We wrote on 21 Feb 2026 to ap@there.example" in page
    assert "E-mail, 21 Feb 2026" in page
    assert "Delivered" in page


def test_their_own_words_are_not_what_we_sent(desk: Client) -> None:
    found = line()
    reply = found.customer.inbound.create(received_at=MORNING, subject="Hello", text="x")
    found.call(
        CallOutcome.SAYS_PAID, call_reply_id=reply.pk, call_channel="email",
        call_direction="in",
    )  # fmt: skip
    assert "Nothing has been sent yet." in opened(desk, place(found))


def test_a_refused_form_keeps_what_was_typed(desk: Client) -> None:
    found = line()
    form = {"token": TOKEN.format(1), "outcome": "cannot_pay", "direction": "out"}
    answer = desk.post(place(found), form | {"note": "spoke to Ann"})
    assert answer.status_code == 422
    assert "spoke to Ann" in answer.content.decode()
    assert not CallRecord.objects.exists()


def test_the_same_copies_are_sent_once_however_often_the_button_is_pressed(desk: Client) -> None:
    found = line()
    form = {
        "token": TOKEN.format(1), "send": "copies", "send_to": str(found.contact.pk),
        "items": [f"{found.older.pk}-0"], "note": "typed",
    }  # fmt: skip
    for _ in range(2):
        answer = desk.post(place(found), form)
        assert answer.status_code == 200
        assert "typed" in answer.content.decode()
    copy = ContactAttempt.objects.get(kind="resend")
    assert copy.exempt
    assert copy.items.get().invoice == found.older
    assert copy.due_at == MORNING


def test_copies_go_to_no_address_that_somebody_changed_unconfirmed(desk: Client) -> None:
    """R58."""
    found = line()
    found.contact.warnings.create(customer=found.customer, text="New address")
    form = {"token": TOKEN.format(1), "send": "statement", "send_to": str(found.contact.pk)}
    assert "nobody has confirmed it yet" in desk.post(place(found), form).content.decode()
    assert not ContactAttempt.objects.filter(kind="resend").exists()


# --- who is calling ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked", ["Elbkante", "K-77", "+49 40 66969 123", "66969123", "INV-X1", "Jörn"]
)
def test_a_caller_is_found_by_what_they_say_or_the_display_shows(desk: Client, asked: str) -> None:
    line()
    caller = make.customer("K-77", "Elbkante Bootsbau GmbH", phone="+49 40 66969 123")
    caller.contacts.update(name="Jörn Petersen")
    make.invoice(caller, "10.00", number="INV-X1")
    answer = desk.get("/desk/calling/", {"q": asked})
    assert answer["Location"] == f"/desk/{caller.pk}/?inbound=1"


def test_several_who_fit_are_offered_and_nobody_is_invented(desk: Client) -> None:
    for name in ("North Quay Ltd", "North Pier Ltd"):
        make.customer(name=name)
    page = desk.get("/desk/calling/", {"q": "north"}).content.decode()
    assert "North Quay Ltd" in page
    assert "North Pier Ltd" in page
    assert "Nobody fits" in desk.get("/desk/calling/", {"q": "9999999"}).content.decode()


def test_a_call_of_theirs_covers_the_call_we_had_planned(desk: Client) -> None:
    found = line()
    path = f"{place(found)}?inbound=1"
    assert "Thank you for calling" in opened(desk, path)
    save(desk, path, "says_paid", direction="in")
    assert ContactAttempt.objects.get(step_key="call").state == AttemptState.SKIPPED
    assert CallRecord.objects.get().direction == "in"


# --- size -------------------------------------------------------------------------------------


def queries(desk: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert desk.get(path).status_code == 200
    return len(captured)


def test_the_page_takes_the_same_queries_however_much_there_is(desk: Client) -> None:
    found = line()
    opened(desk, place(found))
    few = queries(desk, place(found))
    for number in range(60):
        make.invoice(found.customer, "10.00", MONDAY - timedelta(days=number))
        if number < 12:
            line()
    for days in range(20, 40):
        found.call(CallOutcome.REFUSES, now=MORNING - timedelta(days=days))
    assert queries(desk, place(found)) <= few + 1
    assert few <= 60


def test_the_page_stays_light_with_many_invoices(desk: Client) -> None:
    found = line()
    for number in range(150):
        make.invoice(found.customer, "10.00", MONDAY - timedelta(days=number))
    page = desk.get(place(found)).content
    assert len(page) < 100_000
    assert b"newer invoices are not listed here" in page


def test_in_a_demo_that_works_every_day_weekends_are_working_days(desk: Client) -> None:
    line()
    Company.objects.update(send_every_day=True)
    with later(desk, datetime(2026, 3, 7, 12, 0, tzinfo=UTC)):
        assert "Nobody can be rung now" not in opened(desk)
