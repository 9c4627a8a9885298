"""An e-mail that somebody writes to a customer, through the same gate as every other.

It counts as a contact of ours (rule 2) unless it answers what they wrote. It leaves after a
minute, in which it can be stopped in the outbox; the last look holds for it as for any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.staff.models import Company
from customers.models import Contact, Customer, EmailState
from customers.services import lock_customer, touch
from dunning.delivery.enclosed import COPIES, STATEMENT, TooMuch
from dunning.delivery.mime import EmailContent
from dunning.delivery.notice import text_with
from dunning.delivery.render import render
from dunning.delivery.texts import RefusedText
from dunning.models import (
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    Inbound,
    Tone,
)
from dunning.outbox import Draft, may_send, plan, switches
from dunning.outbox.calendars import customer_calendar
from dunning.outcomes.days import zone_of
from dunning.outcomes.items import chosen, item_rows
from dunning.policy import ItemKey
from dunning.wording import WordingError, lint
from dunning.wording.notice import Purpose
from dunning.wording.texts import Text

UNDO = timedelta(minutes=1)
TABLE = "{{ invoice_table }}"
SIGNATURE = "{{ signature }}"
TONES = (Tone.FRIENDLY, Tone.FIRM)
ELSEWHERE = (
    "This database belongs to another installation or was restored, so nothing is sent from here."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What somebody wrote. ``token`` is the form's: pressing twice sends once (L18)."""

    contact_id: int
    subject: str
    text: str
    tone: str = Tone.FRIENDLY
    table: bool = False
    attach: tuple[str, ...] = ()
    items: Sequence[ItemKey] = ()
    answers: int | None = None
    token: UUID = field(default_factory=uuid4)


def write(
    customer_id: int, written: Written, *, actor: Actor, now: datetime | None = None
) -> ContactAttempt:
    """Put it into the outbox. ServiceError says why it may not go, RefusedText what to mend."""
    now = now or clock.now()
    with transaction.atomic():
        customer = lock_customer(customer_id)
        company = Company.load()
        before = ContactAttempt.objects.filter(dedupe_key=_key(written)).first()
        if before is not None:
            return before
        contact = _contact(customer, written.contact_id)
        attempt = _put(customer, contact, written, company, actor, now)
        refuse(attempt, contact, company)
        _refuse_words(attempt)
        _rendered(attempt, company, now)
        touch(customer_id)
    return attempt


def look(customer_id: int, written: Written, *, actor: Actor) -> EmailContent:
    """The message exactly as it would leave now; nothing is kept."""
    now = clock.now()
    with transaction.atomic():
        customer = lock_customer(customer_id)
        company = Company.load()
        contact = _contact(customer, written.contact_id)
        attempt = _put(customer, contact, written, company, actor, now)
        _refuse_words(attempt)
        content = _rendered(attempt, company, now)
        transaction.set_rollback(True)
    return content


def refuse(attempt: ContactAttempt, contact: Contact, company: Company) -> None:
    """ServiceError with the reason where this message may not go to this person now."""
    reason = (
        ("" if may_send() else ELSEWHERE)
        or switches.brake_on(attempt, company)
        or barred(contact)
        or _stopped(attempt)
    )
    if reason:
        raise ServiceError(f"It is not sent. {reason}")


def barred(contact: Contact) -> str:
    """Why nobody may write to this person, in a sentence; empty where one may."""
    state = contact.email_state
    if not contact.active:
        return f"{contact} is not there any more."
    if not contact.email:
        return f"{contact} has no e-mail address."
    if contact.do_not_email:
        return f"{contact} asked not to be written to."
    if state in (EmailState.BOUNCED, EmailState.COMPLAINED):
        return f"{contact.email}: {contact.get_email_state_display().lower()}."
    if state != EmailState.VERIFIED:
        return f"{contact.email} is not verified yet; make sure of it first."
    return ""


def _stopped(attempt: ContactAttempt) -> str:
    customer = attempt.customer
    if customer.legal_stop:
        return f"{customer.get_legal_stop_display()}: the owner decides what comes next."
    unknown = ContactAttempt.objects.filter(
        customer=customer, state=AttemptState.UNKNOWN, channel=Channel.EMAIL
    )
    if unknown.exists():
        return "Whether an earlier message left is not known; decide about that one first."
    return ""


def _contact(customer: Customer, contact_id: int) -> Contact:
    found = Contact.objects.filter(pk=contact_id, customer=customer).first()
    if found is None:
        raise ServiceError("Choose somebody at this customer.")
    return found


def _key(written: Written) -> str:
    return f"manual:{written.token}"


def _put(
    customer: Customer,
    contact: Contact,
    written: Written,
    company: Company,
    actor: Actor,
    now: datetime,
) -> ContactAttempt:
    today = now.astimezone(zone_of(customer, company)).date()
    answered = _answered(customer, written.answers)
    attempt = ContactAttempt(
        customer=customer,
        channel=Channel.EMAIL,
        kind=AttemptKind.ANSWER if answered else AttemptKind.MANUAL,
        tone=written.tone if written.tone in TONES else Tone.FRIENDLY,
        language=customer.language,
        automatic=False,
        exempt=answered is not None,
        reason="answered" if answered else "written",
        reason_text=f"Written by {actor.label}"
        + (", an answer to what they wrote." if answered else "."),
        planned_on=today,
        local_date=today,
        due_at=now + UNDO,
        dedupe_key=_key(written),
        created_by_id=actor.id,
        in_reply_to=answered.message_id[:200] if answered else "",
        content=_content(written),
    )
    wanted = written.table or STATEMENT in written.attach or COPIES in written.attach
    items = chosen(customer.pk, written.items, today=today) if wanted else []
    if items:
        attempt.lead_invoice_id = items[0].key.invoice_id
        attempt.lead_instalment_no = items[0].key.instalment_no
    elif wanted:
        raise ServiceError("Nothing is open, so there is nothing to list or to send along.")
    to = AttemptRecipient(
        attempt=attempt, contact=contact, name=contact.name, address=contact.email
    )
    rows = item_rows(attempt, items, today=today)
    draft = Draft(attempt, rows, [to], customer_calendar(customer))
    return plan([draft], now=now, company=company, actor=actor)[0]


def _answered(customer: Customer, inbound_id: int | None) -> Inbound | None:
    if inbound_id is None:
        return None
    found = Inbound.objects.filter(pk=inbound_id, customer=customer, auto_reply=False).first()
    if found is None:
        raise ServiceError("The message that this answers is not on file.")
    return found


def _content(written: Written) -> dict[str, object]:
    body = written.text.strip()
    if written.table and "invoice_table" not in body:
        body = f"{body}\n\n{TABLE}"
    if "signature" not in body:
        body = f"{body}\n\n{SIGNATURE}"
    attach = [name for name in (STATEMENT, COPIES) if name in written.attach]
    return {
        "purpose": Purpose.MANUAL.value,
        "subject": written.subject.strip(),
        "body": body,
        "attach": attach,
    }


def _refuse_words(attempt: ContactAttempt) -> None:
    content = attempt.content
    text: Text = text_with(attempt, content["subject"], content["body"])
    problems = lint(text)
    if problems:
        raise RefusedText(problems)


def _rendered(attempt: ContactAttempt, company: Company, now: datetime) -> EmailContent:
    """It must be possible to write it, or it is not planned at all."""
    row = ContactAttempt.objects.select_related("customer__owner").get(pk=attempt.pk)
    today = now.astimezone(zone_of(row.customer, company)).date()
    try:
        return render(row, today=today)
    except (WordingError, TooMuch) as error:
        raise ServiceError(f"It cannot be written: {error}") from error
