"""One customer under two numbers: found, merged, chased as one, and the old number still works."""

from datetime import timedelta

import pytest

from arfollow.shared.events import SYSTEM
from customers.duplicates import duplicates_of
from customers.history import history_of
from dunning.models import AttemptState, ContactAttempt, FrozenMessage
from dunning.outcomes.merging import merge
from dunning.runs import run
from tests import make, outbox

pytestmark = pytest.mark.django_db
TODAY = make.TODAY


def test_two_accounts_of_one_customer_become_one_and_are_asked_once() -> None:
    outbox.company()
    old = make.customer("000451", "Ashdown Joinery", email="ap@ashdown.example", tax_number="US-77")
    new = make.customer("C-451", "Ashdown Joinery Ltd", email="accounts@ashdown.example",
                        tax_number="US-77")  # fmt: skip
    make.invoice(old, "100.00", due=outbox.late(12), number="OLD-INV")
    make.invoice(new, "300.00", due=outbox.late(14), number="NEW-INV")
    (found,) = duplicates_of(new)
    assert (found.customer, found.why) == (old, "Same tax number")
    run(TODAY)
    assert ContactAttempt.objects.filter(state=AttemptState.PLANNED).count() == 2
    merge(old.pk, new.pk, actor=SYSTEM, today=TODAY)
    run(TODAY, customer="000451")
    assert outbox.send_some().sent == 1
    text = FrozenMessage.objects.get().text
    assert "OLD-INV" in text
    assert "NEW-INV" in text
    assert "400.00" in text
    make.payment(new, "400.00", TODAY)
    later = TODAY + timedelta(days=30)
    run(later)
    assert not ContactAttempt.objects.filter(state=AttemptState.PLANNED).exists()
    told = [moment.title for moment in history_of(new.pk).moments]
    assert sum(title.startswith("Sent:") for title in told) == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ASHDOWN JOINERY", "Nearly the same name"),
        ("Ashdown Joinry Inc", "Nearly the same name"),
        ("Ashdown Plumbing Ltd", None),
        ("Baltic Freight", None),
    ],
)
def test_near_names_are_suggested_and_others_are_not(name: str, why: str | None) -> None:
    one = make.customer(name="Ashdown Joinery Ltd")
    make.customer(name=name)
    assert [found.why for found in duplicates_of(one)] == ([why] if why else [])


def test_the_same_address_is_a_reason_to_look_and_a_merged_account_is_none() -> None:
    one = make.customer(name="Ashdown", email="ap@shared.example")
    two = make.customer(name="Baltic", email="ap@shared.example")
    assert [found.why for found in duplicates_of(one)] == ["Same e-mail address"]
    merge(two.pk, one.pk, actor=SYSTEM, today=TODAY)
    assert duplicates_of(one) == []
