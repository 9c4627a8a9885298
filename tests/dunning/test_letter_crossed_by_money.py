"""Money that comes between the look and the posting of a letter still pulls it (L5, D4)."""

from datetime import timedelta

import pytest
import time_machine

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Role
from dunning.delivery import letters
from dunning.models import AttemptState, Channel, LetterStatus, Tone
from tests import make, outbox
from tests.make import TODAY

pytestmark = pytest.mark.django_db


def test_a_payment_between_the_look_and_the_posting_pulls_the_letter(monkeypatch):
    with time_machine.travel(outbox.SLOT, tick=False):
        outbox.company()
        manager = actor_of(make.user(Role.MANAGER))
        customer = make.customer("C-7")
        invoice = make.invoice(customer, "400.00", outbox.late(50))
        attempt = outbox.queued(
            customer,
            invoice,
            channel=Channel.LETTER,
            tone=Tone.DIRECT,
            pay_by=TODAY + timedelta(days=14),
        )
        [letter] = letters.print_letters([attempt.pk], actor=manager).letters

        def pay(point: str) -> None:
            if point == "L9":
                make.payment(customer, "400.00", TODAY)

        monkeypatch.setattr(letters.faults, "point", pay)
        with pytest.raises(ServiceError, match="changed this moment"):
            letters.mark_posted(letter.pk, TODAY, actor=manager)
        assert outbox.state(attempt) == AttemptState.PLANNED
        with pytest.raises(ServiceError, match="Pulled"):
            letters.mark_posted(letter.pk, TODAY, actor=manager)
        letter.refresh_from_db()
        assert letter.status == LetterStatus.PULLED
        assert outbox.state(attempt) == AttemptState.CANCELLED
