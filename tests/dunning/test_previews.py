"""A preview is what would leave now: fresh amounts and dates, and nothing written by looking."""

from datetime import timedelta
from decimal import Decimal

import pytest

from arfollow.shared.errors import ServiceError
from dunning.delivery.foresee import foresee
from dunning.models import AttemptItem, ContactAttempt
from tests import make, outbox
from tests.make import TODAY

pytestmark = pytest.mark.django_db

LATER = TODAY + timedelta(days=11)


def final_demand() -> ContactAttempt:
    customer = make.customer()
    one = make.invoice(customer, "900", due=outbox.late(95))
    make.invoice(customer, "100", due=outbox.late(40))
    outbox.company()
    pay_by = TODAY + timedelta(days=14)
    return outbox.queued(
        customer, one, tone="final", step="d90", needs_approval=True, pay_by=pay_by
    )


def rows() -> list[tuple[object, ...]]:
    attempts = ContactAttempt.objects.order_by("pk").values_list()
    return [*attempts, *AttemptItem.objects.order_by("pk").values_list()]


def test_an_approver_sees_the_deadline_that_would_leave_today() -> None:
    waiting = final_demand()
    notice, _ = foresee(waiting, today=LATER)
    assert notice.deadline is not None
    assert notice.deadline >= LATER + timedelta(days=14)


def test_an_approver_sees_how_late_things_are_today() -> None:
    notice, _ = foresee(final_demand(), today=LATER)
    assert notice.please_pay[0].days_late == 95 + 11


def test_what_was_paid_since_is_not_shown_any_more() -> None:
    waiting = final_demand()
    make.payment(waiting.customer, "400", TODAY, waiting.items.get(completes=True).invoice)
    notice, _ = foresee(waiting, today=TODAY + timedelta(days=7))
    assert notice.tables[0].amount_due == Decimal("500.00")


def test_a_message_that_would_not_go_says_why_instead() -> None:
    waiting = final_demand()
    make.payment(waiting.customer, "1000")
    with pytest.raises(ServiceError, match="would not go out any more: It is paid"):
        foresee(waiting, today=LATER)


def test_looking_writes_nothing() -> None:
    waiting = final_demand()
    make.payment(waiting.customer, "400", TODAY, waiting.items.get(completes=True).invoice)
    before = rows()
    foresee(waiting, today=TODAY + timedelta(days=7))
    assert rows() == before
