"""Between whom a message goes: usable addresses only, and in shadow mode only ours (L19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings

from arfollow.staff.models import Company, Role, User
from customers.models import Contact
from dunning.delivery.mime import BadAddress, Envelope, Party
from dunning.models import (
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    Tone,
)
from dunning.wording.formats import clean


class NoRecipient(Exception):
    """Nobody is left whom the message may go to; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The envelope, and in shadow mode the people it would have gone to."""

    envelope: Envelope
    stands_for: tuple[str, ...] = ()


def parties_of(attempt: ContactAttempt, company: Company) -> Parties:
    """Whom the attempt goes to now. NoRecipient where it would reach nobody."""
    to, cc = _recipients(attempt, company)
    stands_for: tuple[str, ...] = ()
    if company.shadow_mode:
        if not company.shadow_email:
            raise NoRecipient("Shadow mode is on, but no shadow address is set.")
        stands_for = tuple(party.address for party in (*to, *cc))
        to, cc = (Party(company.shadow_email, "Shadow mode"),), ()
    thread = earlier_message_id(attempt)
    envelope = Envelope(
        attempt=attempt.uuid,
        sender=_sender(company),
        to=to,
        cc=cc,
        reply_to=_reply_to(attempt, company),
        in_reply_to=thread,
        automatic=attempt.automatic,
    )
    return Parties(envelope, stands_for)


def poisoned(attempt: ContactAttempt, company: Company) -> dict[str, str]:
    """Recipients whose address no header may carry, each with what is wrong; none where the
    message goes to ourselves."""
    if company.shadow_mode or not attempt.customer_facing:
        return {}
    found: dict[str, str] = {}
    for party in (each for field in _recipients(attempt, company) for each in field):
        try:
            party.header()
        except BadAddress as error:
            found[clean(party.address)[:254]] = str(error)
    return found


def _recipients(
    attempt: ContactAttempt, company: Company
) -> tuple[tuple[Party, ...], tuple[Party, ...]]:
    rows = list(attempt.recipients.select_related("contact").order_by("pk"))
    if attempt.channel == Channel.INTERNAL and not _is_addressed(attempt, rows):
        return _colleagues(attempt, company), ()
    usable = [row for row in rows if _usable(row)]
    to = tuple(_party(row) for row in usable if row.field == AttemptRecipient.Field.TO)
    if not to:
        raise NoRecipient("No address of this message can be written to any more.")
    cc = tuple(_party(row) for row in usable if row.field == AttemptRecipient.Field.CC)
    return to, cc


def _is_addressed(attempt: ContactAttempt, rows: Sequence[AttemptRecipient]) -> bool:
    """Whether an internal message names its own readers: the morning's, a word to sales."""
    return attempt.kind == AttemptKind.MORNING or (
        attempt.kind == AttemptKind.MANUAL and bool(rows)
    )


def _usable(row: AttemptRecipient) -> bool:
    """An address without a contact was typed by a person; a contact's is looked at again."""
    if row.contact is None:
        return bool(row.address)
    return row.contact.can_email


def _party(row: AttemptRecipient) -> Party:
    """A contact's address may have been corrected since it was planned."""
    contact: Contact | None = row.contact
    if contact is not None:
        return Party(contact.email, contact.name)
    return Party(row.address, row.name)


def _colleagues(attempt: ContactAttempt, company: Company) -> tuple[Party, ...]:
    """The customer's owner and our managers; else the company's contact person or office."""
    managers = User.objects.filter(is_active=True, role=Role.MANAGER).order_by("pk")
    people: list[User | None] = [attempt.customer.owner, *managers]
    found = _with_address(people) or _with_address([company.contact_person])
    if not found and company.email:
        found = (Party(company.email, company.name),)
    if not found:
        raise NoRecipient("No colleague has an e-mail address.")
    return found


def _with_address(people: Sequence[User | None]) -> tuple[Party, ...]:
    chosen = {p.email: p for p in people if p is not None and p.is_active and p.email}
    return tuple(Party(email, str(person)) for email, person in chosen.items())


def _sender(company: Company) -> Party:
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return Party(company.sender_email or address, company.sender_name or company.name or name)


def _reply_to(attempt: ContactAttempt, company: Company) -> Party | None:
    """A person who answers, or the mailbox that is read."""
    owner = attempt.customer.owner or company.contact_person
    if company.reply_to:
        return Party(company.reply_to, company.sender_name)
    return Party(owner.email, str(owner)) if owner is not None and owner.email else None


def earlier_message_id(attempt: ContactAttempt) -> str:
    """The message this one continues: later reminders thread, the final demand starts anew."""
    if attempt.in_reply_to:
        return attempt.in_reply_to
    if attempt.channel != Channel.EMAIL or attempt.tone == Tone.FINAL:
        return ""
    earlier = ContactAttempt.objects.filter(
        customer_id=attempt.customer_id,
        channel=Channel.EMAIL,
        kind=AttemptKind.LADDER,
        state=AttemptState.SENT,
        shadowed=False,
    ).exclude(tone=Tone.FINAL)
    found = earlier.exclude(pk=attempt.pk).order_by("-pk").values_list("message_id", flat=True)
    return found.first() or ""
