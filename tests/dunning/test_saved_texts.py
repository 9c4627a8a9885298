"""Saving texts and editing one message: linted, versioned, recorded (R25, L21)."""

from datetime import timedelta
from typing import Any

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, actor_of
from arfollow.shared.models import Event
from arfollow.staff.models import Role
from dunning import outbox as product
from dunning.delivery.notice import text_of
from dunning.delivery.texts import RefusedText, edit_message, restore_preset, save_text
from dunning.models import AttemptState, Channel, ContactAttempt, MessageTemplate, Tone
from dunning.wording import preset
from dunning.wording.notice import Purpose
from tests import make, outbox
from tests.make import TODAY

pytestmark = pytest.mark.django_db
FIRM = preset(Purpose.REMINDER, "email", "firm")
OURS = f"Good day.\n\n{FIRM.body}"


@pytest.fixture
def mia() -> Actor:
    return actor_of(make.user())


@pytest.fixture
def waiting() -> ContactAttempt:
    """A firm e-mail that waits for its slot."""
    outbox.company()
    customer = make.customer()
    invoice = make.invoice(customer, "400.00", outbox.late(30))
    return outbox.queued(customer, invoice, tone=Tone.FIRM, pay_by=TODAY + timedelta(days=9))


def save(body: str, actor: Actor, **fields: Any) -> MessageTemplate:
    return save_text("email", "firm", FIRM.subject, body, actor=actor, **fields)


def test_a_saved_text_is_used_from_now_on(mia: Actor, waiting: ContactAttempt) -> None:
    save(OURS, mia)
    assert text_of(waiting).body == OURS


def test_each_saving_is_a_new_version_and_the_old_one_is_kept(mia: Actor) -> None:
    assert save(OURS, mia).version == 1
    assert save(f"Hello again.\n\n{OURS}", mia).version == 2
    rows = MessageTemplate.objects.order_by("version").values_list("version", "current")
    assert list(rows) == [(1, False), (2, True)]


def test_who_saved_it_is_recorded(mia: Actor) -> None:
    row = save(OURS, mia)
    event = Event.objects.get(verb="text.saved")
    assert (event.actor_id, event.object_id) == (mia.id, row.pk)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (OURS.replace("{{ invoice_table }}", ""), "missing_field"),
        (f"{OURS}\n\nYour debt grows.", "banned_word"),
        ("{% for a in b %}{% endfor %}", "unreadable"),
        (f"{OURS}\n\n{{{{ customer.password }}}}", "unreadable"),
    ],
)
def test_l21_an_unfit_text_is_refused_and_nothing_is_saved(
    mia: Actor, body: str, code: str
) -> None:
    with pytest.raises(RefusedText) as caught:
        save(body, mia)
    assert code in {problem.code for problem in caught.value.problems}
    assert str(caught.value)
    assert not MessageTemplate.objects.exists()
    assert not Event.objects.filter(verb="text.saved").exists()


def test_a_refused_text_leaves_the_one_before_in_use(mia: Actor, waiting: ContactAttempt) -> None:
    save(OURS, mia)
    with pytest.raises(RefusedText):
        save("Pay.", mia)
    assert text_of(waiting).body == OURS


def test_the_text_of_a_final_demand_is_judged_as_one(mia: Actor) -> None:
    final = preset(Purpose.FINAL_DEMAND, "email", "final")
    with pytest.raises(RefusedText) as caught:
        save_text(
            "email",
            "final",
            final.subject,
            final.body.replace("{{ prior_contacts }}", ""),
            actor=mia,
        )
    assert {problem.code for problem in caught.value.problems} == {"missing_field"}


def test_other_languages_stand_beside_english(mia: Actor) -> None:
    save(OURS, mia)
    save(OURS, mia, language="de")
    assert MessageTemplate.objects.filter(current=True).count() == 2


def test_going_back_to_the_preset(mia: Actor, waiting: ContactAttempt) -> None:
    save(OURS, mia)
    assert restore_preset("email", "firm", actor=mia) == 1
    assert text_of(waiting) == FIRM
    assert restore_preset("email", "firm", actor=mia) == 0


def test_one_message_can_be_edited_before_it_goes(mia: Actor, waiting: ContactAttempt) -> None:
    edited = edit_message(waiting.pk, FIRM.subject, OURS, actor=mia, today=TODAY)
    assert text_of(edited).body == OURS
    assert edited.edited_by_id == mia.id
    assert Event.objects.filter(verb="attempt.edited", customer_id=waiting.customer_id).exists()
    assert not MessageTemplate.objects.exists()


def test_an_edited_message_is_linted_as_any_other(mia: Actor, waiting: ContactAttempt) -> None:
    with pytest.raises(RefusedText):
        edit_message(waiting.pk, FIRM.subject, "Pay your debt.", actor=mia, today=TODAY)
    waiting.refresh_from_db()
    assert waiting.content == {}


def test_an_edit_that_cannot_be_filled_is_refused(mia: Actor, waiting: ContactAttempt) -> None:
    ContactAttempt.objects.filter(pk=waiting.pk).update(pay_by=None)
    with pytest.raises(ServiceError, match="pay-by date"):
        edit_message(waiting.pk, FIRM.subject, OURS, actor=mia, today=TODAY)


def test_a_message_that_is_on_its_way_or_gone_is_not_edited(
    mia: Actor, waiting: ContactAttempt
) -> None:
    product.cancel(waiting.pk, actor=mia, reason="not now")
    with pytest.raises(ServiceError, match="cancelled"):
        edit_message(waiting.pk, FIRM.subject, OURS, actor=mia, today=TODAY)
    with pytest.raises(ServiceError, match="no such"):
        edit_message(0, FIRM.subject, OURS, actor=mia, today=TODAY)


def test_who_edits_does_not_approve_while_there_is_another_approver(mia: Actor) -> None:
    outbox.company()
    customer = make.customer()
    invoice = make.invoice(customer, "400.00", outbox.late(30))
    held = outbox.queued(
        customer,
        invoice,
        channel=Channel.LETTER,
        tone=Tone.FIRM,
        needs_approval=True,
        pay_by=TODAY + timedelta(days=9),
    )
    editor, other = make.user(Role.MANAGER), make.user(Role.MANAGER)
    letter = preset(Purpose.REMINDER, "letter", "firm")
    edit_message(held.pk, letter.subject, letter.body, actor=actor_of(editor), today=TODAY)
    with pytest.raises(ServiceError, match="another approver"):
        product.approve(held.pk, actor=actor_of(editor))
    assert product.approve(held.pk, actor=actor_of(other)).state == AttemptState.PLANNED
