"""The brakes on the screen: what is stopped, by whom and why; lifted once (D8, F-30)."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client

from arfollow.shared.events import SYSTEM, actor_of
from arfollow.shared.models import Event
from arfollow.staff.models import Company
from dunning.briefing.sending import stops
from dunning.dispatch import sweep
from dunning.models import AttemptState, ContactAttempt, PolicyVersion, SendSwitch
from dunning.outbox import switches
from tests import make, outbox
from tests.outbox import SLOT, send_some
from tests.pages.conftest import PageAs, member

pytestmark = pytest.mark.django_db
STOP = "/settings/sending/stop/"


@pytest.fixture(autouse=True)
def _at_the_slot() -> Iterator[None]:
    with time_machine.travel(SLOT):
        yield


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("manager"))
    return client


def reminder(number: str = "C-1", **fields: Any) -> ContactAttempt:
    outbox.company()
    customer = make.customer(number)
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)), **fields)


def said(answer: Any) -> str:
    return " ".join(str(each) for each in get_messages(answer.wsgi_request))


def lift(desk: Client) -> Any:
    return desk.post(f"/settings/sending/{SendSwitch.objects.get().pk}/lift/")


@pytest.mark.parametrize("what", ["all", "channel:email", "customer", "policy"])
def test_each_of_the_four_levels_is_set_and_lifted_on_the_screen(desk: Client, what: str) -> None:
    version = PolicyVersion.objects.select_related("policy").first()
    assert version is not None
    attempt = reminder(policy_version=version)
    chosen = f"policy:{version.policy.key}" if what == "policy" else what
    number = "C-1" if what == "customer" else ""
    answer = desk.post(STOP, {"what": chosen, "customer": number, "reason": "wrong bank details"})
    assert answer.status_code == 302
    assert (send_some().sent, outbox.state(attempt)) == (0, AttemptState.HELD)
    assert "Goes on" in said(lift(desk))
    sweep(now=SLOT)
    assert outbox.state(attempt) == AttemptState.PLANNED


def test_a_stop_says_who_when_and_why_above_every_page(desk: Client) -> None:
    reminder()
    desk.post(STOP, {"what": "channel:email", "reason": "provider moves"})
    for path in ("/", "/outbox/", "/worklist/"):
        text = desk.get(path).content.decode()
        assert "Sending is stopped: channel E-mail." in text
        assert "provider moves" in text
    brakes = desk.get("/settings/sending/").content.decode()
    assert "Ruth Adler" in brakes
    assert "1 waiting" in brakes


def test_the_morning_briefing_names_what_is_stopped(desk: Client) -> None:
    desk.post(STOP, {"what": "channel:letter", "reason": "printer broken"})
    assert "Stopped: channel Letter, printer broken." in stops(Company.load(), SLOT)


def test_every_flip_leaves_an_event_with_its_author(desk: Client) -> None:
    attempt = reminder()
    desk.post(STOP, {"what": "customer", "customer": "C-1", "reason": "call first"})
    lift(desk)
    rows = Event.objects.filter(object_type="switch").order_by("pk").select_related("data")
    assert [row.verb for row in rows] == ["switch.on", "switch.off"]
    assert {row.actor_label for row in rows} == {"Ruth Adler"}
    assert {row.customer_id for row in rows} == {attempt.customer_id}
    assert "call first" in rows[0].data.summary


def test_a_stop_pressed_twice_is_one_stop_and_says_so(desk: Client) -> None:
    for _ in range(2):
        answer = desk.post(STOP, {"what": "channel:email", "reason": "stop"})
    assert answer.status_code == 422
    assert "is stopped already" in answer.content.decode()
    assert SendSwitch.objects.filter(on=True).count() == 1
    assert Event.objects.filter(verb="switch.on").count() == 1


def test_a_lift_pressed_twice_is_one_lift_and_says_so(desk: Client) -> None:
    desk.post(STOP, {"what": "all", "reason": "stop"})
    lift(desk)
    assert "on already" in said(lift(desk))
    assert Event.objects.filter(verb="switch.off").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "channel:email", "reason": ""},
        {"what": "", "reason": "x"},
        {"what": "customer", "customer": "nobody", "reason": "x"},
        {"what": "channel:pigeon", "reason": "x"},
    ],
)
def test_a_stop_needs_a_scope_and_a_reason(desk: Client, wrong: dict[str, str]) -> None:
    assert desk.post(STOP, wrong).status_code == 422
    assert not SendSwitch.objects.exists()


def test_collectors_see_the_brakes_and_cannot_pull_them(client: Client) -> None:
    client.force_login(member("collector"))
    assert client.post(STOP, {"what": "all", "reason": "x"}).status_code == 403
    assert "Stop a part" not in client.get("/settings/sending/").content.decode()


def test_many_stopped_customers_are_one_line() -> None:
    for number in range(5):
        customer = make.customer(f"C-{number}")
        switches.switch_off("customer", str(customer.pk), actor=SYSTEM, reason="x")
    client = Client()
    client.force_login(member("manager"))
    assert "Sending is stopped in 5 places." in client.get("/outbox/").content.decode()


def test_a_lifted_stop_frees_its_messages_behind_many_that_stay_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those of another switch do not stand in the way of what may go."""
    monkeypatch.setattr("dunning.dispatch.sweeper.BATCH", 2)
    outbox.company()
    many = [reminder(f"C-{number}") for number in range(4)]
    last = reminder("C-9")
    boss = actor_of(member("manager"))
    for one in many:
        switches.switch_off("customer", str(one.customer_id), actor=boss, reason="x")
    own = switches.switch_off("customer", str(last.customer_id), actor=boss, reason="x")
    send_some()
    assert outbox.in_state(AttemptState.HELD) == 5
    switches.switch_on_again(own.pk, actor=boss)
    sweep(now=SLOT)
    assert outbox.state(last) == AttemptState.PLANNED


@pytest.mark.browser
def test_a_manager_stops_a_channel_and_lets_it_go_on(
    page_as: PageAs, axe_check: Any, transactional_db: None
) -> None:
    reminder()
    page = page_as("manager")
    page.goto("/settings/sending/")
    page.get_by_role("link", name="Stop a part").click()
    page.get_by_label("What is stopped").select_option("channel:email")
    page.get_by_label("Why").fill("The provider moves")
    axe_check(page)
    page.get_by_role("button", name="Stop it now").click()
    page.get_by_text("Stopped: channel E-mail.").first.wait_for()
    axe_check(page)
    assert send_some().sent == 0
    page.get_by_role("button", name="Let it go on").click()
    page.get_by_text("Goes on: channel E-mail.").wait_for()
