"""Whatever comes in between, a letter meets it at the printer and at the post box (F-40, F-41)."""

from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from pypdf import PdfWriter

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from customers.services import set_legal_stop
from dunning import outbox as product
from dunning import outcomes
from dunning.delivery import letters
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, Channel, HoldReason, Inbound, Letter, LetterStatus, Tone
from dunning.outbox import switches
from dunning.outcomes import HoldInput, PromiseInput
from dunning.outcomes.merging import merge
from invoices.models import LedgerSource
from tests import make, outbox
from tests.make import TODAY

pytestmark = pytest.mark.django_db
CANCELLED, PLANNED = AttemptState.CANCELLED, AttemptState.PLANNED


def blank():
    """One sheet."""
    writer, out = PdfWriter(), BytesIO()
    writer.add_blank_page(595, 842)
    writer.write(out)
    return out.getvalue()


SHEET = blank()


@pytest.fixture
def world(monkeypatch):
    """The press has tests of its own; here every letter is one blank sheet."""
    monkeypatch.setattr(letters, "render_letter", lambda notice, **options: SHEET)
    with time_machine.travel(outbox.SLOT, tick=False):
        outbox.company()
        customer = make.customer("C-1")
        invoice = make.invoice(customer, "400.00", outbox.late(50), number="INV-1")
        yield customer, invoice, actor_of(make.user("manager"))


def approved(customer, invoice, boss):
    letter = outbox.queued(
        customer,
        invoice,
        channel=Channel.LETTER,
        tone=Tone.DIRECT,
        needs_approval=True,
        pay_by=TODAY + timedelta(days=14),
    )
    return product.approve(letter.pk, actor=boss)


# --- what may come in between -----------------------------------------------------------------


def promise(customer, invoice, boss):
    given = PromiseInput(TODAY + timedelta(days=7))
    outcomes.add_promise(customer.pk, given, actor=boss, today=TODAY)


def hold(customer, invoice, boss):
    wanted = HoldInput(HoldReason.SAYS_PAID, TODAY + timedelta(days=5))
    outcomes.add_hold(customer.pk, wanted, actor=boss, today=TODAY)


def merged(customer, invoice, boss):
    merge(customer.pk, make.customer("C-2").pk, actor=boss, today=TODAY)


STOPS = {
    "full payment": lambda c, i, b: make.payment(c, "400.00", TODAY, i),
    "credit note": lambda c, i, b: make.credit_note(c, "400.00", TODAY),
    "dispute": lambda c, i, b: make.dispute(i, "400.00", on=TODAY),
    "promise": promise,
    "hold": hold,
    "unread reply": lambda c, i, b: Inbound.objects.create(customer=c, received_at=outbox.SLOT),
    "legal stop": lambda c, i, b: set_legal_stop(
        c.pk, "insolvent", on=TODAY, actor=b, why="letter of the court"
    ),
}
"""It must not go at all: pulled, cancelled with the reason."""

WAITS = {
    "pause": lambda c, i, b: switches.pause(actor=b, reason="stocktaking"),
    "kill switch": lambda c, i, b: switches.switch_off(
        "channel", "letter", actor=b, reason="stocktaking"
    ),
    "old payment data": lambda c, i, b: LedgerSource.objects.create(
        name="bank", as_of=TODAY - timedelta(days=10)
    ),
}
"""It stays as it is, for later."""

EVERYTHING = STOPS | WAITS
PRINTING = ("approved", "L2")
"""Before the printer looks; looked at and rendered, the second look to come."""
POSTING = ("printed", "L9")
"""Before whoever posts looks; looked at, the transaction that posts to come."""


def once(act):
    done = []

    def now():
        if not done:
            done.append(True)
            act()

    return now


def arranged(patch, moment, act):
    """Let it happen there; at once where the moment is no point in the program."""
    happens = once(act)
    if moment in ("approved", "printed"):
        happens()
    patch.setattr(letters.faults, "point", lambda name: happens() if name == moment else None)


def posted(letter, boss):
    try:
        letters.mark_posted(letter.pk, TODAY, actor=boss)
    except ServiceError as refusal:
        return str(refusal)
    return "posted"


@pytest.mark.parametrize("moment", PRINTING)
@pytest.mark.parametrize("what", EVERYTHING)
def test_f41_nothing_is_printed_that_is_not_true_any_more(what, moment, world, monkeypatch):
    attempt = approved(*world)
    arranged(monkeypatch, moment, lambda: EVERYTHING[what](*world))
    batch = letters.print_letters([attempt.pk], actor=world[2])
    assert batch.letters == []
    assert not Letter.objects.exclude(printed_at=None).exists()
    row = outbox.again(attempt)
    assert row.state == (CANCELLED if what in STOPS else PLANNED)
    assert row.reason_text
    assert audit(outbox.SLOT) == []


@pytest.mark.parametrize("moment", POSTING)
@pytest.mark.parametrize("what", EVERYTHING)
def test_f41_nothing_is_posted_that_is_not_true_any_more(what, moment, world, monkeypatch):
    attempt = approved(*world)
    boss = world[2]
    [letter] = letters.print_letters([attempt.pk], actor=boss).letters
    arranged(monkeypatch, moment, lambda: EVERYTHING[what](*world))
    assert posted(letter, boss) != "posted"
    assert posted(letter, boss) != "posted"  # what came at the last moment is met at the next try
    letter.refresh_from_db()
    row = outbox.again(attempt)
    if what in STOPS:
        assert (row.state, letter.status) == (CANCELLED, LetterStatus.PULLED)
    else:
        assert (row.state, letter.status) == (PLANNED, LetterStatus.PRINTED)
    assert letter.posted_on is None
    assert audit(outbox.SLOT) == []


@pytest.mark.parametrize("moment", PRINTING)
def test_l05_a_part_payment_before_the_printer_shrinks_the_letter(moment, world, monkeypatch):
    customer, invoice, boss = world
    attempt = approved(*world)
    arranged(monkeypatch, moment, lambda: make.payment(customer, "150.00", TODAY, invoice))
    letters.print_letters([attempt.pk], actor=boss)  # refused where it came while it was made
    [letter] = letters.print_letters([attempt.pk], actor=boss).letters
    assert attempt.items.get().amount == 250
    assert letter.document is not None


@pytest.mark.parametrize("moment", POSTING)
def test_l05_a_part_payment_after_the_printer_pulls_the_letter(moment, world, monkeypatch):
    customer, invoice, boss = world
    [letter] = letters.print_letters([approved(*world).pk], actor=boss).letters
    arranged(monkeypatch, moment, lambda: make.payment(customer, "150.00", TODAY, invoice))
    for _ in range(2):
        assert posted(letter, boss) != "posted"
    letter.refresh_from_db()
    assert letter.status == LetterStatus.PULLED
    assert "paid or disputed in part" in outbox.again(letter.attempt).reason_text


@pytest.mark.parametrize("moment", PRINTING)
def test_f41_an_account_that_was_merged_gets_no_letter_of_its_old_self(moment, world, monkeypatch):
    """The next run looks at both accounts together."""
    attempt = approved(*world)
    arranged(monkeypatch, moment, lambda: merged(*world))
    assert letters.print_letters([attempt.pk], actor=world[2]).letters == []
    assert outbox.again(attempt).reason == "merged"


def test_f41_an_account_whose_letter_is_printed_is_not_merged(world):
    letters.print_letters([approved(*world).pk], actor=world[2])
    with pytest.raises(ServiceError, match="waits to be posted"):
        merged(*world)


def test_a_letter_that_waited_for_fresh_payments_goes_then(world):
    attempt, boss = approved(*world), world[2]
    WAITS["old payment data"](*world)
    assert letters.print_letters([attempt.pk], actor=boss).letters == []
    LedgerSource.objects.update(as_of=TODAY)
    [letter] = letters.print_letters([attempt.pk], actor=boss).letters
    assert posted(letter, boss) == "posted"
