"""Everybody has an owner, somebody covers while they are away, and nothing is left behind."""

from datetime import timedelta

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM
from arfollow.shared.models import Event
from arfollow.staff.absences import (
    OwnerChoice,
    add_absence,
    add_owner_rule,
    cover_of,
    covered_by,
    end_absence,
)
from arfollow.staff.models import OwnerRule, Role, User
from customers.models import Customer
from dunning.briefing import neglected_invoices
from dunning.models import Task
from dunning.outcomes.ownership import assign, hand_over, preview_hand_over
from dunning.runs import run
from invoices.imports.apply import Request, import_ledger
from tests import make, outbox

pytestmark = pytest.mark.django_db
TODAY = make.TODAY
WEEK = timedelta(days=7)


@pytest.fixture
def mia() -> User:
    return make.user(username="mia", first_name="Mia")


@pytest.fixture
def tom() -> User:
    return make.user(username="tom", first_name="Tom")


def test_a_cover_has_the_customers_of_who_is_away_and_only_then(mia: User, tom: User) -> None:
    add_absence(mia, tom, TODAY, TODAY + WEEK, actor=SYSTEM)
    assert covered_by(tom, TODAY) == {mia.pk}
    assert covered_by(tom, TODAY + WEEK) == {mia.pk}
    assert covered_by(tom, TODAY - timedelta(days=1)) == set()
    assert covered_by(tom, TODAY + WEEK + timedelta(days=1)) == set()
    assert covered_by(mia, TODAY) == set()
    assert cover_of(mia, TODAY) == tom
    assert cover_of(tom, TODAY) is None


def test_somebody_who_is_back_earlier_has_them_themselves_again(mia: User, tom: User) -> None:
    row = add_absence(mia, tom, TODAY, TODAY + WEEK, actor=SYSTEM)
    end_absence(row.pk, actor=SYSTEM)
    end_absence(row.pk, actor=SYSTEM)
    assert covered_by(tom, TODAY) == set()
    assert Event.objects.filter(verb="absence.ended").count() == 1


def test_nobody_covers_for_themselves_nor_while_away_nor_without_the_right(
    mia: User, tom: User
) -> None:
    reader = make.user(Role.READ_ONLY)
    with pytest.raises(ServiceError, match="Somebody else"):
        add_absence(mia, mia, TODAY, TODAY, actor=SYSTEM)
    with pytest.raises(ServiceError, match="cannot work"):
        add_absence(mia, reader, TODAY, TODAY, actor=SYSTEM)
    with pytest.raises(ServiceError, match="before the first"):
        add_absence(mia, tom, TODAY, TODAY - WEEK, actor=SYSTEM)
    add_absence(tom, mia, TODAY, TODAY + WEEK, actor=SYSTEM)
    with pytest.raises(ServiceError, match="away in these days too"):
        add_absence(mia, tom, TODAY, TODAY, actor=SYSTEM)
    with pytest.raises(ServiceError, match="already"):
        add_absence(tom, mia, TODAY, TODAY, actor=SYSTEM)


def test_the_first_rule_that_fits_gives_a_new_customer_its_owner(mia: User, tom: User) -> None:
    make.company(default_owner=tom)
    add_owner_rule(owner=mia, country="GB", actor=SYSTEM)
    add_owner_rule(owner=mia, first_letter="A", last_letter="C", position=2, actor=SYSTEM)
    choice = OwnerChoice.load()
    assert choice.owner_of("Zebra", "GB") == mia
    assert choice.owner_of("ashdown", "US") == choice.owner_of("Cole", "US") == mia
    assert choice.owner_of("Dale", "US") == tom


def test_a_customer_opened_by_hand_gets_an_owner_and_so_does_an_imported_one(
    mia: User, tom: User
) -> None:
    make.company(default_owner=tom)
    add_owner_rule(owner=mia, first_letter="A", last_letter="C", actor=SYSTEM)
    assert make.customer(name="Dale").owner == tom
    assert make.customer(name="Baker").owner == mia
    assert make.customer(name="Own", owner=None).owner is None
    rows = (
        b"customer number,customer name,invoice number,invoice date,due date,amount\n"
        b"77,Cedar Ltd,I-1,2026-01-05,2026-02-04,10.00\n"
    )
    import_ledger(Request("new.csv", rows, TODAY))
    assert Customer.objects.get(number="77").owner == mia


def test_an_owner_who_left_gets_no_new_customers(mia: User, tom: User) -> None:
    make.company(default_owner=tom)
    add_owner_rule(owner=mia, actor=SYSTEM)
    User.objects.filter(pk__in=[mia.pk, tom.pk]).update(is_active=False)
    assert make.customer(name="Dale").owner is None


def test_with_a_default_owner_nothing_new_is_neglected(tom: User) -> None:
    make.company()
    make.invoice(make.customer(), due=outbox.late(10))
    make.company(default_owner=tom)
    make.invoice(make.customer(), due=outbox.late(10))
    run(TODAY)
    neglected = neglected_invoices(TODAY)
    assert [row.customer.owner for row in neglected] == [None]


def test_assigning_a_customer_takes_its_open_tasks_along(mia: User, tom: User) -> None:
    customer = make.customer(owner=mia)
    task = Task.objects.create(
        customer=customer, kind="other", title="x", due_on=TODAY, assigned_to=mia, dedupe_key="x"
    )
    assign(customer.pk, tom, actor=SYSTEM)
    task.refresh_from_db()
    customer.refresh_from_db()
    assert (customer.owner, task.assigned_to) == (tom, tom)
    with pytest.raises(ServiceError, match="cannot work"):
        assign(customer.pk, make.user(Role.READ_ONLY), actor=SYSTEM)


def test_a_hand_over_takes_everything_and_each_customer_knows_why(mia: User, tom: User) -> None:
    theirs = [make.customer(owner=mia) for _ in range(3)]
    make.invoice(theirs[0], due=outbox.late(3))
    add_owner_rule(owner=mia, country="GB", actor=SYSTEM)
    found = preview_hand_over(mia, TODAY)
    assert (found.customers, found.overdue, found.rules) == (3, 1, 1)
    assert hand_over(mia, tom, actor=SYSTEM, why="Mia leaves") == 3
    assert Customer.objects.filter(owner=tom).count() == 3
    assert OwnerRule.objects.get().owner == tom
    assert Event.objects.filter(verb="customer.owner").count() == 3
    assert preview_hand_over(mia, TODAY).customers == 0
    with pytest.raises(ServiceError, match="somebody else"):
        hand_over(tom, tom, actor=SYSTEM, why="")
