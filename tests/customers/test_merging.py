"""Merging an account into another: nothing is lost, nothing is said twice, nothing rewritten."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum

from arfollow.shared.chains import verify
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, actor_of
from arfollow.shared.models import Event
from arfollow.staff.models import Role
from customers.history import history_of
from customers.models import Contact, Customer, EmailState, LegalStop
from customers.services import lock_customer, set_email_state, set_legal_stop, update_customer
from dunning.dispatch.audit import audit
from dunning.models import (
    AttemptKind,
    AttemptState,
    ContactAttempt,
    Hold,
    Promise,
    SendSwitch,
    Task,
)
from dunning.outbox import switches
from dunning.outcomes.merging import merge, preview_merge
from dunning.runs import run
from invoices.models import Invoice, Payment
from invoices.services.check import breaches
from tests import make, outbox

pytestmark = pytest.mark.django_db
TODAY = make.TODAY


@pytest.fixture
def pair() -> tuple[Customer, Customer]:
    """An old account and the one that goes on, each with something overdue."""
    outbox.company()
    old = make.customer("OLD-1", "Ashdown Joinery", email="old@ashdown.example")
    new = make.customer("NEW-1", "Ashdown Joinery Ltd", email="ap@ashdown.example")
    make.invoice(old, "100.00", due=outbox.late(20), number="OLD-INV")
    make.invoice(new, "300.00", due=outbox.late(40), number="NEW-INV")
    return old, new


def merged(old: Customer, new: Customer) -> Customer:
    return merge(old.pk, new.pk, actor=SYSTEM, today=TODAY)


def test_invoices_payments_people_and_agreements_move(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    make.payment(old, "30.00", TODAY)
    Promise.objects.create(
        customer=old, made_on=TODAY, due_on=TODAY, currency="USD", amount="50.00"
    )
    Hold.objects.create(customer=old, reason="says_paid", starts_on=TODAY, ends_on=TODAY)
    Task.objects.create(customer=old, kind="other", title="Look", due_on=TODAY, dedupe_key="x")
    merged(old, new)
    assert set(Invoice.objects.values_list("customer", flat=True)) == {new.pk}
    assert Payment.objects.get().customer_id == new.pk
    assert Contact.objects.filter(customer=new, active=True).count() == 2
    assert Promise.objects.get().customer_id == Hold.objects.get().customer_id == new.pk
    assert Task.objects.get().customer_id == new.pk


def test_nothing_names_the_old_account_any_more(pair: tuple[Customer, Customer]) -> None:
    """Whatever table is added later has to say what a merge does with it."""
    old, new = pair
    run(TODAY)
    merged(old, new)
    left = {}
    for rel in Customer._meta.related_objects:
        model: Any = rel.related_model
        if model is Customer:
            continue
        count = model._default_manager.filter(**{rel.field.name: old.pk}).count()
        if count:
            left[f"{model.__name__}.{rel.field.name}"] = count
    assert set(left) <= {"ContactAttempt.moved_from"}


def test_the_ledger_still_ties_to_the_cent(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    make.payment(old, "130.00", TODAY)
    before = Invoice.objects.aggregate(sum=Sum("open_amount"))
    merged(old, new)
    assert Invoice.objects.aggregate(sum=Sum("open_amount")) == before
    assert not list(breaches())


def test_the_history_of_both_is_one_and_no_event_is_rewritten(
    pair: tuple[Customer, Customer],
) -> None:
    old, new = pair
    before = {event.pk: event.hash for event in Event.objects.all()}
    merged(old, new)
    after = {event.pk: event.hash for event in Event.objects.filter(pk__in=before)}
    assert after == before
    assert verify().faults == []
    titles = [moment.title for moment in history_of(new.pk).moments]
    assert "Opened account OLD-1" in titles
    assert any(title.startswith("Account Ashdown Joinery (OLD-1) was merged") for title in titles)


def test_the_old_account_takes_nothing_any_more(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    merged(old, new)
    with pytest.raises(ServiceError, match="was merged into Ashdown Joinery Ltd"):
        lock_customer(old.pk)
    with pytest.raises(ServiceError, match="please do it there"):
        make.payment(old, "10.00", TODAY)


def test_what_was_planned_for_either_is_planned_once_for_both(
    pair: tuple[Customer, Customer],
) -> None:
    old, new = pair
    first, second = outbox.queued(old, *old.invoices.all()), outbox.queued(new, *new.invoices.all())
    merged(old, new)
    assert outbox.state(first) == outbox.state(second) == AttemptState.CANCELLED
    run(TODAY)
    planned = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel="email")
    assert planned.count() == 1
    assert planned.get().items.filter(part="please_pay").count() == 2
    assert outbox.send_some().sent == 1
    run(TODAY)
    assert outbox.send_some(now=outbox.SLOT + timedelta(hours=3)).sent == 0


def test_a_message_that_went_to_the_old_account_today_counts_for_the_new_one(
    pair: tuple[Customer, Customer],
) -> None:
    """Caps and pace of rule 2 hold over a merge."""
    old, new = pair
    outbox.queued(old, *old.invoices.all())
    assert outbox.send_some().sent == 1
    merged(old, new)
    run(TODAY)
    assert outbox.send_some(now=outbox.SLOT + timedelta(hours=2)).sent == 0


def test_two_messages_of_one_day_to_two_accounts_do_not_stop_a_merge(
    pair: tuple[Customer, Customer],
) -> None:
    old, new = pair
    outbox.queued(old, *old.invoices.all())
    outbox.queued(new, *new.invoices.all())
    assert outbox.send_some().sent == 2
    merged(old, new)
    sent = ContactAttempt.objects.filter(customer=new, state=AttemptState.SENT)
    assert sorted(sent.values_list("moved_from", flat=True), key=str) == [old.pk, None]


def test_a_copy_that_they_asked_for_still_goes(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    Contact.objects.filter(customer=old).update(email="ap@ashdown.example")
    asked = outbox.queued(
        old, *old.invoices.all(), kind=AttemptKind.RESEND, automatic=False, exempt=True
    )
    merged(old, new)
    assert outbox.state(asked) == AttemptState.PLANNED
    assert outbox.send_some().sent == 1


def test_an_address_that_bounced_there_bounced_here_too(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    mine, theirs = new.contacts.get(), old.contacts.get()
    Contact.objects.filter(pk=theirs.pk).update(email=mine.email, do_not_email=True)
    set_email_state(theirs.pk, EmailState.BOUNCED, actor=SYSTEM, why="bounced")
    merged(old, new)
    mine.refresh_from_db()
    assert (mine.email_state, mine.do_not_email) == (EmailState.BOUNCED, True)
    assert Contact.objects.filter(customer=new, active=True).count() == 1


def test_stops_of_either_hold_for_both(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    set_legal_stop(old.pk, LegalStop.INSOLVENT, on=TODAY, actor=SYSTEM)
    switches.switch_off("customer", str(old.pk), actor=SYSTEM, reason="Ask Ruth")
    assert merged(old, new).legal_stop == LegalStop.INSOLVENT
    assert SendSwitch.objects.filter(scope="customer", target=str(new.pk), on=True).exists()


def test_a_merge_waits_for_a_message_on_its_way(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    attempt = outbox.queued(old, *old.invoices.all())
    ContactAttempt.objects.filter(pk=attempt.pk).update(
        state=AttemptState.CLAIMED, lease_until=outbox.SLOT
    )
    with pytest.raises(ServiceError, match="on its way"):
        merged(old, new)
    assert Invoice.objects.filter(customer=old).count() == 1


def test_an_account_is_merged_once_and_never_into_itself(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    with pytest.raises(ServiceError, match="the same one"):
        merge(new.pk, new.pk, actor=SYSTEM, today=TODAY)
    merged(old, new)
    with pytest.raises(ServiceError, match="merged already"):
        merged(old, new)


def test_numbers_merged_twice_lead_to_the_last_account(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    last = make.customer("LAST-1")
    merged(old, new)
    merge(new.pk, last.pk, actor=SYSTEM, today=TODAY)
    old.refresh_from_db()
    assert old.merged_into_id == last.pk
    assert "Opened account OLD-1" in [m.title for m in history_of(last.pk).moments]


def test_the_preview_counts_what_moves_and_says_what_changes(
    pair: tuple[Customer, Customer],
) -> None:
    old, new = pair
    mia, tom = make.user(Role.COLLECTOR), make.user(Role.COLLECTOR)
    update_customer(old.pk, {"owner": mia, "currency": "EUR"}, actor=actor_of(mia))
    update_customer(new.pk, {"owner": tom}, actor=actor_of(mia))
    outbox.queued(old, *old.invoices.all())
    old.refresh_from_db()
    new.refresh_from_db()
    plan = preview_merge(old, new)
    assert ("invoices", 1) in plan.moves
    assert ("contacts", 1) in plan.moves
    assert plan.cancels == 1
    assert any("EUR" in remark for remark in plan.remarks)
    assert any("looks after both" in remark for remark in plan.remarks)
    assert Invoice.objects.filter(customer=old).count() == 1


def test_a_mail_to_each_on_the_day_before_they_were_one_breaks_no_promise(
    pair: tuple[Customer, Customer],
) -> None:
    """Found by the model: the audit counted both for the account that goes on (D10)."""
    for account in pair:
        outbox.queued(account, *account.invoices.all())
    assert outbox.send_some().sent == 2
    merged(*pair)
    assert audit(outbox.SLOT) == []
