"""A letter that cannot be made waits, is named to its owner and in the run (F-45, F-47)."""

from datetime import timedelta

import pytest
import time_machine

from arfollow.shared.events import SYSTEM
from dunning.delivery import letters
from dunning.delivery.pdf import NoPress, PdfNotMade
from dunning.models import AttemptState, Channel, Run, Task, TaskStatus, Tone
from tests import make, outbox
from tests.make import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    """Two approved letters that one run planned."""
    with time_machine.travel(outbox.SLOT, tick=False):
        outbox.company()
        run = Run.objects.create(date=TODAY, status="ok")
        customers = [make.customer(), make.customer()]
        found = [
            outbox.queued(
                customer,
                make.invoice(customer, due=outbox.late(50)),
                channel=Channel.LETTER,
                tone=Tone.DIRECT,
                run=run,
                pay_by=TODAY + timedelta(days=14),
            )
            for customer in customers
        ]
        yield found


def broken(monkeypatch, attempt, error):
    """The renderer refuses the letter of that customer."""
    real = letters.render_letter

    def render(notice, **options):
        if notice.account == attempt.customer.number:
            raise error
        return real(notice, **options)

    monkeypatch.setattr(letters, "render_letter", render)


def print_all(pair):
    return letters.print_letters([attempt.pk for attempt in pair], actor=SYSTEM)


def test_the_others_are_printed_and_it_is_named(pair, monkeypatch):
    odd = pair[0]
    broken(monkeypatch, odd, PdfNotMade("it took too much memory"))
    batch = print_all(pair)
    assert [letter.attempt_id for letter in batch.letters] == [pair[1].pk]
    words = "The letter cannot be made: it took too much memory"
    assert batch.left_out == [(odd.pk, words)]
    task = Task.objects.get(attempt=odd)
    assert (task.kind, task.title, task.status) == ("check_delivery", words, TaskStatus.OPEN)
    assert Run.objects.get().warnings == [f"Customer {odd.customer.number}: {words}"]
    assert outbox.state(odd) == AttemptState.PLANNED


def test_pressed_again_it_is_the_same_one_task_and_warning(pair, monkeypatch):
    broken(monkeypatch, pair[0], PdfNotMade("it took too long"))
    print_all(pair)
    print_all(pair)
    assert Task.objects.count() == 1
    assert len(Run.objects.get().warnings) == 1


def test_once_it_is_mended_it_prints_and_the_task_is_done(pair, monkeypatch):
    with monkeypatch.context() as patch:
        broken(patch, pair[0], PdfNotMade("it took too long"))
        print_all(pair)
    assert len(print_all(pair).letters) == 2
    assert Task.objects.get().status == TaskStatus.DONE


def test_a_renderer_that_does_not_start_is_no_letters_fault(pair, monkeypatch):
    """Five hundred letters do not become five hundred tasks; the print job says why."""
    broken(monkeypatch, pair[0], NoPress("the renderer does not start"))
    batch = print_all(pair)
    assert "does not start" in batch.left_out[0][1]
    assert not Task.objects.exists()
    assert Run.objects.get().warnings == []
