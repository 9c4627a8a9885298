"""A parent that pays: one notice for all its accounts, or one for each (item per account)."""

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM
from customers.models import Customer, LegalStop, ParentNotice
from customers.services import set_legal_stop, set_parent
from dunning.models import AttemptState, ContactAttempt, FollowUp, FrozenMessage
from dunning.outcomes import HoldInput, add_hold
from dunning.runs import run
from tests import make, outbox

pytestmark = pytest.mark.django_db
TODAY = make.TODAY


@pytest.fixture
def family() -> tuple[Customer, Customer, Customer]:
    """A group and two branches, each branch with an invoice ten days late."""
    outbox.company()
    group = make.customer("G-1", "Brightwater Group", email="ap@group.example")
    north = make.customer("N-1", "Brightwater North", email="ap@north.example")
    south = make.customer("S-1", "Brightwater South", email="ap@south.example")
    make.invoice(north, "100.00", due=outbox.late(10), number="N-INV")
    make.invoice(south, "200.00", due=outbox.late(12), number="S-INV")
    return group, north, south


def paid_by(child: Customer, parent: Customer, notices: str = ParentNotice.PARENT) -> None:
    set_parent(child.pk, parent, notices, actor=SYSTEM)


def planned() -> list[ContactAttempt]:
    rows = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel="email")
    return list(rows.order_by("customer__number"))


def test_one_notice_to_the_parent_lists_every_account(
    family: tuple[Customer, Customer, Customer],
) -> None:
    group, north, south = family
    paid_by(north, group)
    paid_by(south, group)
    run(TODAY)
    (attempt,) = planned()
    assert attempt.customer == group
    assert outbox.send_some().sent == 1
    frozen = FrozenMessage.objects.get(attempt=attempt)
    assert frozen.envelope["to"] == ["Pat Keel <ap@group.example>"]
    for words in (
        "N-INV", "account Brightwater North (N-1)", "S-INV", "account Brightwater South (S-1)",
        "300.00",
    ):  # fmt: skip
        assert words in frozen.text, words


def test_one_notice_for_each_goes_to_the_accounts_themselves(
    family: tuple[Customer, Customer, Customer],
) -> None:
    group, north, south = family
    paid_by(north, group, ParentNotice.OWN)
    paid_by(south, group, ParentNotice.OWN)
    run(TODAY)
    assert [attempt.customer for attempt in planned()] == [north, south]


def test_running_again_plans_nothing_twice_and_follows_the_parent(
    family: tuple[Customer, Customer, Customer],
) -> None:
    group, north, south = family
    paid_by(north, group)
    paid_by(south, group)
    for _ in range(3):
        run(TODAY)
    assert len(planned()) == 1
    assert set(FollowUp.objects.values_list("customer", flat=True)) == {group.pk}


def test_what_a_child_pays_before_it_leaves_is_not_asked_for(
    family: tuple[Customer, Customer, Customer],
) -> None:
    group, north, south = family
    paid_by(north, group)
    paid_by(south, group)
    run(TODAY)
    make.payment(north, "100.00", TODAY)
    assert outbox.send_some().sent == 1
    text = FrozenMessage.objects.get().text
    assert "N-INV" not in text
    assert "S-INV" in text


def test_a_hold_of_one_child_keeps_back_only_its_own_items(
    family: tuple[Customer, Customer, Customer],
) -> None:
    group, north, south = family
    paid_by(north, group)
    paid_by(south, group)
    add_hold(north.pk, HoldInput("other", TODAY), actor=SYSTEM, today=TODAY)
    run(TODAY)
    (attempt,) = planned()
    asked = attempt.items.filter(part="please_pay").values_list("invoice__number", flat=True)
    assert list(asked) == ["S-INV"]


def test_an_insolvent_child_is_left_out_of_the_notice(
    family: tuple[Customer, Customer, Customer],
) -> None:
    group, north, south = family
    paid_by(north, group)
    paid_by(south, group)
    set_legal_stop(north.pk, LegalStop.INSOLVENT, on=TODAY, actor=SYSTEM)
    run(TODAY)
    (attempt,) = planned()
    assert list(attempt.items.values_list("invoice__number", flat=True)) == ["S-INV"]


def test_an_account_that_pays_itself_again_goes_on_where_it_stood(
    family: tuple[Customer, Customer, Customer],
) -> None:
    """No ladder starts anew because the payer changed."""
    group, north, south = family
    paid_by(north, group)
    paid_by(south, group)
    run(TODAY)
    assert outbox.send_some().sent == 1
    set_parent(north.pk, None, ParentNotice.OWN, actor=SYSTEM)
    run(TODAY)
    follow_up = FollowUp.objects.get(invoice__number="N-INV")
    assert follow_up.customer == north
    assert follow_up.state != "closed"
    assert follow_up.last_step
    assert FollowUp.objects.get(invoice__number="S-INV").customer == group


def test_a_parent_has_no_parent_and_pays_not_for_itself(
    family: tuple[Customer, Customer, Customer],
) -> None:
    group, north, south = family
    paid_by(north, group)
    with pytest.raises(ServiceError, match="has a paying parent itself"):
        paid_by(south, north)
    with pytest.raises(ServiceError, match="pays for others"):
        paid_by(group, south)
    with pytest.raises(ServiceError, match="itself through itself"):
        paid_by(south, south)
