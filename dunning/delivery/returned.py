"""What a message that did not reach anybody changes: its step, the address, a task (L15)."""

from collections.abc import Mapping
from datetime import date, timedelta

from arfollow.shared.events import SYSTEM
from customers.models import Contact, EmailState
from customers.services import set_email_state, touch
from dunning.delivery.bounces import Cause, cause_of
from dunning.models import ContactAttempt, DeliveryEvent, ProviderStatus, TaskKind
from dunning.outbox import desk, moves

SEVERAL = 3
SEVERAL_WITHIN = timedelta(days=60)
SEVERAL_WORDS = "Three messages within 60 days came back"
# What a provider did not even try: about our message or our account, not about the address.
NOT_THE_ADDRESS = frozenset({"blocked", "timed_out", "other"})


def not_reached(attempt: ContactAttempt, event: DeliveryEvent, *, today: date) -> None:
    """The step is not completed, the address is looked at, somebody asks for another.

    Call it under the customer's lock.
    """
    moves.uncount(attempt.pk)
    words = f"{event.event_type} {event.description}".strip()[:200]
    desk.tell(attempt, "attempt.bounced", f"Did not reach {event.recipient}: {words}")
    if not attempt.shadowed:
        _look_at_address(attempt, event, today)
    touch(attempt.customer_id)


def _look_at_address(attempt: ContactAttempt, event: DeliveryEvent, today: date) -> None:
    not_tried = event.event_type == "failed" or (
        event.event_type == "rejected" and event.reject_reason in NOT_THE_ADDRESS
    )
    if not_tried:
        title = f"The mail provider did not send it: {event.description or event.reject_reason}"
        desk.ask(attempt, TaskKind.CHECK_DELIVERY, title, due_on=today)
        return
    if event.event_type == "complained":
        _mark(attempt, event.recipient, EmailState.COMPLAINED, event.description or "complained")
    elif _is_dead(event) or _came_back_often(attempt, event.recipient):
        _mark(attempt, event.recipient, EmailState.BOUNCED, event.description or SEVERAL_WORDS)
    ask_for_address(attempt, event.recipient, event.event_type, today=today)


def _is_dead(event: DeliveryEvent) -> bool:
    """Only an unknown user or host; a status of 5.x.x or the word "bounced" alone is neither."""
    if event.reject_reason == "invalid":
        return True
    cause = event.payload.get("cause") or cause_of(event.description)
    return Cause(cause).is_dead


def _came_back_often(attempt: ContactAttempt, recipient: str) -> bool:
    """A mailbox that stays full takes nothing either; a person has to look."""
    if not recipient:
        return False
    returned = ContactAttempt.objects.filter(
        customer_id=attempt.customer_id,
        provider_status=ProviderStatus.BOUNCED,
        recipients__address__iexact=recipient,
        local_date__gt=attempt.local_date - SEVERAL_WITHIN,
    )
    return returned.count() >= SEVERAL


def _mark(attempt: ContactAttempt, recipient: str, state: EmailState, why: str) -> None:
    found = Contact.objects.filter(customer_id=attempt.customer_id)
    if recipient:
        found = found.filter(email__iexact=recipient)
    else:
        found = found.filter(pk__in=attempt.recipients.values("contact"))
    if state == EmailState.BOUNCED:  # who complained is never written to again, bounce or not
        found = found.exclude(email_state=EmailState.COMPLAINED)
    for contact in found:
        set_email_state(contact.pk, state, actor=SYSTEM, why=why[:200])


def ask_for_address(attempt: ContactAttempt, recipient: str, what: str, *, today: date) -> None:
    """One task for one mailbox, however many messages it returned."""
    address = (recipient or "theirs").lower()
    title = f"Ask for a usable e-mail address: {address} {what}"
    desk.ask(attempt, TaskKind.ASK_ADDRESS, title, due_on=today, matter=address)


def wants_no_mail(attempt: ContactAttempt, event: DeliveryEvent, *, today: date) -> None:
    """They unsubscribed at the provider, which will take nothing more for this address."""
    words = f"{event.recipient} unsubscribed at the mail provider"
    desk.tell(attempt, "attempt.unsubscribed", words)
    if not attempt.shadowed:
        ask_for_address(attempt, event.recipient, "unsubscribed", today=today)


def refused_on_sending(attempt: ContactAttempt, refused: Mapping[str, str], *, today: date) -> None:
    """Recipients (address → what was said) that the mail server refused for good."""
    if attempt.shadowed:
        return
    for address, said in refused.items():
        if cause_of(said).is_dead:
            _mark(attempt, address, EmailState.BOUNCED, said or "refused on sending")
        ask_for_address(attempt, address, "was refused", today=today)
