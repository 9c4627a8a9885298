"""Two tabs, a double click, a reload: each button does its work once and says so kindly (L18)."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from arfollow.shared.models import Event
from arfollow.staff.models import Company
from dunning.models import ContactAttempt, Letter, SendSwitch, Task
from tests import make, outbox
from tests.outbox import SLOT
from tests.pages.conftest import member

HELD = {"state": "held", "held_for": "approval", "due_at": None}
STORM = {"state": "held", "held_for": "storm"}
UNKNOWN = {"state": "unknown", "message_id": "<m@x>"}
FAILED = {"state": "failed", "live": False, "reason": "refused_content", "due_at": None}
DECLINED = {"reason": "They called", "next_move": "call"}

# what the row is, the button's address, what it posts
BUTTONS: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "approve": (HELD, "/outbox/{pk}/approve/", {}),
    "decline": (HELD, "/outbox/{pk}/decline/", DECLINED),
    "cancel": ({}, "/outbox/{pk}/cancel/", {"reason": "They called"}),
    "skip": ({}, "/outbox/{pk}/skip/", {"reason": "Agreed"}),
    "release": (STORM, "/outbox/{pk}/release/", {}),
    "release all": (STORM, "/outbox/release-storm/", {}),
    "arrived": (UNKNOWN, "/outbox/{pk}/resolve/", {"how": "arrived"}),
    "send again": (UNKNOWN, "/outbox/{pk}/resolve/", {"how": "send_again"}),
    "drop": (UNKNOWN, "/outbox/{pk}/resolve/", {"how": "drop"}),
    "try again": (FAILED, "/outbox/{pk}/again/", {}),
    "call instead": (FAILED, "/outbox/{pk}/call/", {}),
    "pause": ({}, "/settings/sending/pause/", {"reason": "Year end"}),
    "stop": ({}, "/settings/sending/stop/", {"what": "channel:email", "reason": "Moves"}),
}


@pytest.fixture(autouse=True)
def _at_the_slot() -> Iterator[None]:
    with time_machine.travel(SLOT):
        yield


def pressed(button: str) -> tuple[Callable[[Client], Any], ContactAttempt]:
    fields, path, data = BUTTONS[button]
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    ContactAttempt.objects.filter(pk=attempt.pk).update(**fields)
    if not fields.get("live", True):
        attempt.items.update(live=False)
    return lambda client: client.post(path.format(pk=attempt.pk), data), attempt


def everything() -> list[Any]:
    """What a second press could change."""
    columns = ("pk", "state", "live", "reason", "due_at", "local_date", "approved_by")
    return [
        list(ContactAttempt.objects.order_by("pk").values_list(*columns)),
        list(Task.objects.order_by("pk").values_list("pk", "kind", "status")),
        list(SendSwitch.objects.order_by("pk").values_list("pk", "on")),
        Company.load().paused,
        Letter.objects.count(),
    ]


def words(answer: Any) -> str:
    text = " ".join(str(each) for each in get_messages(answer.wsgi_request))
    return answer.content.decode() if answer.status_code == 422 else text


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("manager"))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_pressed_in_two_tabs_does_its_work_once(desk: Client, button: str) -> None:
    press, _ = pressed(button)
    before = everything()
    first = press(desk)
    done, events = everything(), Event.objects.count()
    second = press(desk)
    assert done != before
    assert everything() == done
    assert Event.objects.count() == events
    assert (first.status_code, second.status_code < 500) == (302, True)
    assert any(kind in words(second) for kind in ("already", "any more", "nothing", "Too late"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("button", ["approve", "release", "send again", "try again", "cancel"])
def test_two_presses_at_the_same_instant_do_the_work_once(button: str) -> None:
    press, attempt = pressed(button)
    clients = [Client(), Client()]
    for each in clients:
        each.force_login(member("manager"))
    start = threading.Barrier(2)
    answers: list[Any] = []

    def go(client: Client) -> None:
        try:
            start.wait()
            answers.append(press(client))
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[each]) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers)[0] == 302
    assert all(answer.status_code in (302, 422) for answer in answers)
    verbs = {"approve": "attempt.approved", "release": "attempt.released",
             "send again": "attempt.settled", "try again": "attempt.planned",
             "cancel": "attempt.cancelled"}  # fmt: skip
    told = Event.objects.filter(verb=verbs[button], data__summary__isnull=False)
    expected = 2 if button == "try again" else 1  # planned at first, then once more
    assert told.count() == expected
    assert ContactAttempt.objects.count() == (2 if "again" in button else 1)
    assert attempt.customer_id
