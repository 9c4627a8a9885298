"""Pages stay light and ask the same few questions, however many invoices are open (L24)."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from arfollow.staff.models import User
from dunning.demo import company, crowd
from dunning.demo.book import moment
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, Channel, ContactAttempt
from dunning.worklist import renew
from invoices.models import Invoice
from invoices.services.check import breaches

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.slow, pytest.mark.timeout(420)]

MONDAY = date(2026, 11, 23)
OPEN = 2_400
KILOBYTES = 200
PAGES = {
    # address: queries at most
    "/worklist/": 35,
    "/worklist/?who=all&when=due": 30,
    "/worklist/?who=all&when=due&sort=amount&least=500&days=10&currency=USD": 30,
    "/worklist/?when=later": 35,
    "/": 75,
    "/customers/": 25,
    "/invoices/": 25,
    "/invoices/?state=neglected": 25,
    "/outbox/": 25,
    "/outbox/?show=done": 25,
    "/letters/": 25,
    "/agreements/": 25,
    "/agreements/disputes/": 25,
    "/imports/": 15,
}


@pytest.fixture(scope="module")
def ledger(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """A crowd's ledger in a transaction that is never committed; answers its customers."""
    place: Path = tmp_path_factory.mktemp("crowd")
    with (
        django_db_blocker.unblock(),
        override_settings(INSTANCE_FILE=place / "instance"),
        transaction.atomic(),
    ):
        company.set_up("pass word")
        company.payments_known_to(MONDAY)
        yield crowd.add(open_invoices=OPEN, seed=3, today=MONDAY, mails=False)
        transaction.set_rollback(True)


@pytest.fixture
def mia(ledger: int, client: Client) -> Iterator[Client]:
    """A collector of that firm at ten in the morning."""
    with time_machine.travel(moment(MONDAY, 10), tick=False):
        renew(MONDAY)
        client.force_login(User.objects.get(username="mia"))
        yield client


def test_the_crowd_owes_what_was_asked_for_and_holds_water(ledger: int) -> None:
    assert Invoice.objects.filter(open_amount__gt=0).count() == OPEN
    assert ledger == OPEN // crowd.INVOICES_EACH
    assert list(breaches()) == []
    assert audit(moment(MONDAY, 10)) == []


def test_the_crowd_leaves_a_day_of_work(ledger: int) -> None:
    calls = ContactAttempt.objects.filter(channel=Channel.CALL, state=AttemptState.PLANNED)
    assert calls.count() > 100


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_asks_little(mia: Client, path: str) -> None:
    mia.get(path)
    with CaptureQueriesContext(connection) as asked:
        answer = mia.get(path)
    assert answer.status_code == 200
    assert len(answer.content) <= KILOBYTES * 1024
    assert len(asked) <= PAGES[path], [each["sql"][:90] for each in asked]


def test_the_share_of_the_day_is_on_the_page(mia: Client) -> None:
    assert "Calls today: 40 of 40" in mia.get("/worklist/").content.decode()


def test_the_lightest_page_is_no_empty_one(mia: Client) -> None:
    for path in ("/worklist/?who=all&when=due", "/customers/", "/invoices/"):
        assert mia.get(path).content.decode().count('<th scope="row"') == 50
