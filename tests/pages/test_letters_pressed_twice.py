"""Printing and posting letters in two tabs: one number, one step, and the second is told (L18)."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from arfollow.shared.models import Event
from dunning.models import ContactAttempt, Letter
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT
from tests.pages.conftest import member

POSTED = {"on": TODAY.isoformat()}


@pytest.fixture(autouse=True)
def _at_the_slot() -> Iterator[None]:
    with time_machine.travel(SLOT):
        yield


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("manager"))
    return client


def due() -> ContactAttempt:
    """A letter that is approved and waits for the printer."""
    outbox.company()
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(50))
    by = TODAY + timedelta(days=14)
    return outbox.queued(customer, invoice, channel="letter", tone="direct", pay_by=by)


def printed(desk: Client) -> Letter:
    attempt = due()
    desk.post("/letters/print/", {"pk": [attempt.pk]})
    return Letter.objects.get()


def everything() -> list[Any]:
    """What a second press could change."""
    return [
        list(ContactAttempt.objects.order_by("pk").values_list("pk", "state", "done_on")),
        list(Letter.objects.order_by("pk").values()),
        Event.objects.count(),
    ]


def words(answer: Any) -> str:
    text = " ".join(str(each) for each in get_messages(answer.wsgi_request))
    return answer.content.decode() if answer.status_code == 422 else text


@pytest.mark.django_db
def test_printing_pressed_in_two_tabs_prints_one_letter_with_one_number(desk: Client) -> None:
    attempt = due()
    assert desk.post("/letters/print/", {"pk": [attempt.pk]}).status_code == 302
    before = everything()
    second = desk.post("/letters/print/", {"pk": [attempt.pk]})
    assert everything() == before
    assert second.status_code == 422
    assert "printed already" in words(second)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/letters/post/", "/letters/{pk}/posted/"])
def test_posted_pressed_in_two_tabs_posts_one_letter(desk: Client, path: str) -> None:
    letter = printed(desk)
    form = POSTED | {f"post-{letter.pk}": "on"}
    assert desk.post(path.format(pk=letter.pk), form).status_code == 302
    letter.refresh_from_db()
    assert letter.status == "posted"
    before = everything()
    second = desk.post(path.format(pk=letter.pk), form)
    assert everything() == before
    assert second.status_code < 500
    assert Event.objects.filter(verb="letter.posted").count() == 1
    assert "in the post already" in words(second)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["print", "post"])
def test_two_presses_at_the_same_instant_make_one_letter(desk: Client, what: str) -> None:
    if what == "print":
        path, form = "/letters/print/", {"pk": [due().pk]}
    else:
        letter = printed(desk)
        path, form = "/letters/post/", POSTED | {f"post-{letter.pk}": "on"}
    start, codes = threading.Barrier(2), []
    clients = [Client(), Client()]
    for each in clients:
        each.force_login(member("manager"))

    def go(client: Client) -> None:
        try:
            start.wait()
            codes.append(client.post(path, form).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[each]) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(codes) == 302
    assert max(codes) < 500
    assert Event.objects.filter(verb=f"letter.{what}ed").count() == 1
    assert Letter.objects.get().attempt.state == ("sent" if what == "post" else "planned")
