"""While an agency has an account, the agency speaks to the customer and we do not (rule 7)."""

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role
from customers.models import Customer, ParentNotice
from customers.services import set_parent
from dunning import outbox as product
from dunning.facts import lay_ground, load_cases
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    FollowUp,
    Placement,
    PlacementStatus,
    Tone,
)
from dunning.runs import enrol, run
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """An account that follows the due-date ladder."""
    outbox.company(agency_name="Coastal Collections")
    row = make.customer("C-1", "Ashdown Joinery")
    enrol("p2", customer="C-1")
    return row


def hand_over(customer: Customer) -> Placement:
    """An approved hand-over of one old invoice."""
    old = make.invoice(customer, "900.00", outbox.late(150))
    held = outbox.queued(
        customer, old, channel=Channel.HANDOVER, tone=Tone.INTERNAL, step="d120",
        needs_approval=True,
    )  # fmt: skip
    product.approve(held.pk, actor=actor_of(make.user(Role.MANAGER)), now=SLOT)
    return Placement.objects.get()


def test_nothing_is_planned_while_the_agency_has_the_account(customer: Customer) -> None:
    hand_over(customer)
    newer = make.invoice(customer, "400.00", outbox.late(4))
    run(TODAY)
    assert not ContactAttempt.objects.exclude(channel=Channel.HANDOVER).exists()
    assert FollowUp.objects.get(invoice=newer).reason == "placed"


def test_what_was_planned_before_is_cancelled_at_the_last_look(customer: Customer) -> None:
    newer = make.invoice(customer, "400.00", outbox.late(4))
    planned = outbox.queued(customer, newer)
    hand_over(customer)
    outbox.send_some(now=SLOT)
    planned.refresh_from_db()
    assert (planned.state, planned.reason) == (AttemptState.CANCELLED, "placed")


@pytest.mark.parametrize("status", ["collected", "recalled", "closed"])
def test_once_it_is_given_back_our_own_follow_up_goes_on(customer: Customer, status: str) -> None:
    hand_over(customer)
    make.invoice(customer, "400.00", outbox.late(4))
    Placement.objects.update(status=PlacementStatus(status))
    run(TODAY)
    assert ContactAttempt.objects.filter(channel=Channel.EMAIL).exists()


def test_a_second_hand_over_is_refused_with_a_sentence(customer: Customer) -> None:
    """Found by the model: approving it was an error page."""
    hand_over(customer)
    more = make.invoice(customer, "700.00", outbox.late(140))
    held = outbox.queued(
        customer, more, channel=Channel.HANDOVER, tone=Tone.INTERNAL, step="d120",
        needs_approval=True,
    )  # fmt: skip
    with pytest.raises(ServiceError, match="has this account already"):
        product.approve(held.pk, actor=actor_of(make.user(Role.MANAGER)), now=SLOT)
    assert outbox.state(held) == AttemptState.HELD


def test_a_child_with_the_agency_is_no_part_of_its_parents_notice(customer: Customer) -> None:
    parent = make.customer("C-2", "Ashdown Group")
    set_parent(customer.pk, parent, ParentNotice.PARENT, actor=actor_of(make.user()))
    hand_over(customer)
    theirs = make.invoice(parent, "50.00", outbox.late(4))
    case = load_cases([parent], TODAY, lay_ground())[0]
    assert [item.key.invoice_id for item in case.facts.items] == [theirs.pk]
    assert Company.load().agency_name == Placement.objects.get().agency
