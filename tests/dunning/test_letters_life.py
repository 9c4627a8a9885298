"""A letter from its draft to the receipt: printed once, pulled when paid, counted when posted."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Role
from dunning import outbox as product
from dunning.delivery import letters
from dunning.delivery.printing import name_batch
from dunning.models import AttemptState, Channel, ContactAttempt, Letter, LetterStatus, Task, Tone
from tests import make, outbox
from tests.make import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return actor_of(make.user(Role.MANAGER))


@pytest.fixture
def letter(manager):
    """An approved reminder letter over two invoices."""
    outbox.company()
    customer = make.customer("C-7", "Ashdown Joinery")
    first = make.invoice(customer, "400.00", outbox.late(50), number="INV-1")
    second = make.invoice(customer, "250.00", outbox.late(45), number="INV-2")
    attempt = outbox.queued(
        customer,
        first,
        second,
        channel=Channel.LETTER,
        tone=Tone.DIRECT,
        needs_approval=True,
        certified=True,
        pay_by=TODAY + timedelta(days=14),
    )
    return product.approve(attempt.pk, actor=manager)


@pytest.fixture(autouse=True)
def _at_work():
    with time_machine.travel(outbox.SLOT, tick=False):
        yield


def printed(letter, manager):
    batch = letters.print_letters([letter.pk], actor=manager)
    assert batch.letters, batch.left_out
    return batch.letters[0]


def test_a_letter_that_waits_for_approval_is_not_printed(manager):
    outbox.company()
    customer = make.customer()
    invoice = make.invoice(customer, "400.00", outbox.late(50))
    held = outbox.queued(customer, invoice, channel=Channel.LETTER, needs_approval=True)
    batch = letters.print_letters([held.pk], actor=manager)
    assert batch.letters == []
    assert batch.left_out == [(held.pk, "It waits for approval.")]


def test_a_printed_letter_has_a_number_and_keeps_its_bytes(letter, manager):
    row = printed(letter, manager)
    assert row.status == LetterStatus.PRINTED
    assert row.number == f"L-2026-{letter.pk:06d}"
    assert row.pages >= 1
    assert bytes(row.document.data).startswith(b"%PDF-")


def test_printing_again_gives_the_same_bytes(letter, manager):
    first = printed(letter, manager)
    make.company(name="Another name")
    again = printed(letter, manager)
    assert again.document_id == first.document_id
    assert Letter.objects.count() == 1


def test_printing_sends_nothing_and_completes_nothing(letter, manager):
    printed(letter, manager)
    assert outbox.state(letter) == AttemptState.PLANNED


def test_a_paid_letter_is_left_out_of_the_print(letter, manager):
    make.payment(letter.customer, "650.00", TODAY)
    batch = letters.print_letters([letter.pk], actor=manager)
    assert batch.left_out == [(letter.pk, "Pulled: It is paid.")]
    row = outbox.again(letter)
    assert (row.state, row.reason, row.live) == (AttemptState.CANCELLED, "paid", False)


def test_a_part_payment_before_printing_shrinks_the_letter(letter, manager):
    make.payment(letter.customer, "400.00", TODAY)
    printed(letter, manager)
    items = list(letter.items.filter(completes=True))
    assert [(str(item.invoice), item.amount) for item in items] == [("INV-2", Decimal("250.00"))]


def test_a_payment_after_printing_names_the_letter_to_pull(letter, manager):
    row = printed(letter, manager)
    make.payment(letter.customer, "400.00", TODAY)
    assert letters.must_be_pulled([row.pk], today=TODAY) == [
        (row, "Pulled: INV-1 was paid or disputed in part.")
    ]
    assert Letter.objects.get().status == LetterStatus.PULLED
    assert outbox.state(letter) == AttemptState.CANCELLED


def test_a_letter_that_is_still_true_may_be_posted_days_later(letter, manager):
    row = printed(letter, manager)
    assert letters.must_be_pulled([row.pk], today=TODAY + timedelta(days=2)) == []


def test_posting_completes_the_step_on_that_day(letter, manager):
    row = printed(letter, manager)
    letters.mark_posted(row.pk, TODAY, "9407 1000 0000 0000 0000 07", actor=manager)
    done = outbox.again(letter)
    assert (done.state, done.done_on) == (AttemptState.SENT, TODAY)
    assert Letter.objects.get().article_number == "9407100000000000000007"
    assert done.reached_on is None


def test_a_certified_letter_needs_its_article_number(letter, manager):
    row = printed(letter, manager)
    with pytest.raises(ServiceError, match="article number"):
        letters.mark_posted(row.pk, TODAY, actor=manager)


def test_a_paid_letter_cannot_be_posted(letter, manager):
    row = printed(letter, manager)
    make.payment(letter.customer, "650.00", TODAY)
    with pytest.raises(ServiceError, match="Pulled: It is paid"):
        letters.mark_posted(row.pk, TODAY, "RR123456785GB", actor=manager)


def test_delivery_is_a_contact_made_on_that_day(letter, manager):
    row = printed(letter, manager)
    letters.mark_posted(row.pk, TODAY, "RR123456785GB", actor=manager)
    day = TODAY + timedelta(days=3)
    letters.mark_delivery(row.pk, LetterStatus.DELIVERED, day, "J. Ferris", actor=manager)
    assert outbox.again(letter).reached_on == day
    assert (Letter.objects.get().delivered_on, Letter.objects.get().signer) == (day, "J. Ferris")


@pytest.mark.parametrize("end", ["refused", "unclaimed", "undeliverable"])
def test_a_letter_that_came_back_is_no_contact_and_asks_for_the_address(letter, manager, end):
    row = printed(letter, manager)
    letters.mark_posted(row.pk, TODAY, "RR123456785GB", actor=manager)
    letters.mark_delivery(row.pk, end, TODAY + timedelta(days=5), actor=manager)
    assert outbox.again(letter).reached_on is None
    assert Task.objects.filter(kind="ask_address", attempt=letter).count() == 1
    address = letter.customer.addresses.get(active=True)
    assert address.undeliverable is (end == "undeliverable")


def test_nothing_is_reported_of_a_letter_that_was_not_posted(letter, manager):
    row = printed(letter, manager)
    with pytest.raises(ServiceError, match="has not been posted"):
        letters.mark_delivery(row.pk, "delivered", TODAY, actor=manager)


def test_several_letters_come_out_as_one_file(letter, manager):
    other = make.customer("C-8", "Birch Supplies")
    invoice = make.invoice(other, "90.00", outbox.late(50))
    second = outbox.queued(other, invoice, channel=Channel.LETTER, tone=Tone.FIRM,
                           pay_by=TODAY + timedelta(days=14))  # fmt: skip
    batch = letters.print_letters([letter.pk, second.pk], actor=manager)
    assert [row.attempt_id for row in batch.letters] == [letter.pk, second.pk]
    assert name_batch(batch, now=outbox.SLOT).pdf().startswith(b"%PDF-")
    assert ContactAttempt.objects.filter(state=AttemptState.PLANNED).count() == 2
