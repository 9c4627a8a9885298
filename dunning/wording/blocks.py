"""The blocks beside the invoice table, as plain lines: contacts, ways to pay, interest.

E-mail, letter and text part dress the same lines differently; the words live here once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from arfollow.shared.money import with_currency
from dunning.wording.formats import clean, long_date
from dunning.wording.notice import Interest, Notice

_CHANNELS = {
    "email": "e-mail",
    "call": "telephone conversation",
    "letter": "letter",
    "visit": "visit",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a block; ``link`` only for addresses of ours."""

    label: str
    value: str = ""
    link: str = ""


def ways_to_pay(notice: Notice) -> tuple[Entry, ...]:
    """The payment link, the bank details of the invoices, the rest; and what to quote."""
    company = notice.company
    entries = []
    if company.payment_link:
        entries.append(Entry("Pay online", link=safe_link(company.payment_link)))
    if company.bank:
        rows = [f"{clean(label)} {clean(value)}" for label, value in company.bank.rows]
        entries.append(Entry("Bank transfer", ", ".join(rows)))
    entries.extend(Entry(clean(way)) for way in company.ways_to_pay)
    entries.append(Entry("Please quote", clean(notice.account)))
    if company.bank:
        entries.append(Entry(_bank_check(notice)))
    return tuple(entries)


def _bank_check(notice: Notice) -> str:
    bank = notice.company.bank
    phone = clean((bank.verify_phone if bank else "") or notice.company.phone)
    called = f" If in doubt, call {phone} before you pay." if phone else ""
    return f"These bank details are the ones printed on your invoices.{called}"


def safe_link(address: str) -> str:
    """The address if it is https and plain, else nothing: no other scheme gets a button."""
    flat = clean(address)
    is_plain = flat == address and not any(mark in flat for mark in " <>\"'")
    return flat if is_plain and flat.startswith("https://") else ""


def signature(notice: Notice) -> tuple[Entry, ...]:
    """Who answers, and how to reach them."""
    person, company = notice.contact, notice.company
    phone = clean(person.phone or company.phone)
    email = clean(person.email or company.email)
    entries = [Entry(clean(person.name)), Entry(clean(person.job_title))]
    entries.append(Entry(clean(company.short_name)))
    entries.append(Entry(f"Telephone {phone}" if phone else ""))
    entries.append(Entry(email))
    return tuple(entry for entry in entries if entry.label)


def prior_contacts(notice: Notice) -> tuple[Entry, ...]:
    """Contacts that reached them, oldest first."""
    return tuple(
        Entry(long_date(contact.on), _contact_words(contact.channel, contact.about))
        for contact in sorted(notice.prior_contacts, key=lambda contact: contact.on)
    )


def _contact_words(channel: str, about: str) -> str:
    named = _CHANNELS.get(channel, clean(channel))
    return f"{named}, {clean(about)}" if about else named


def interest(notice: Notice) -> tuple[Entry, ...]:
    """What has accrued, on which basis, and what each further day adds."""
    return tuple(Entry(_interest_words(each)) for each in notice.interest)


def _interest_words(each: Interest) -> str:
    pieces = []
    if each.accrued:
        pieces.append(f"interest of {with_currency(each.accrued, each.currency)} to date")
    if each.compensation:
        pieces.append(f"a compensation of {with_currency(each.compensation, each.currency)}")
    if each.per_day:
        pieces.append(f"{with_currency(each.per_day, each.currency)} for each further day")
    basis = clean(each.basis).rstrip(".")
    return f"In addition to the total above, under {basis}: {'; '.join(pieces)}."


def consequences(notice: Notice) -> tuple[Entry, ...]:
    """Only what will in fact follow."""
    return tuple(Entry(clean(each)) for each in notice.consequences)


def instalments(notice: Notice) -> tuple[Entry, ...]:
    """The parts of the agreed plan, each with its day."""
    plan = notice.plan
    parts = plan.parts if plan else ()
    currency = plan.currency if plan else ""
    return tuple(Entry(long_date(day), with_currency(amount, currency)) for day, amount in parts)


def enclosures(notice: Notice) -> tuple[Entry, ...]:
    """What lies with the letter."""
    return tuple(Entry(clean(each)) for each in notice.enclosures)


def history(notice: Notice) -> tuple[Entry, ...]:
    """What happened on the account, for colleagues."""
    told = notice.internal.history if notice.internal else ()
    return tuple(Entry(clean(each)) for each in told) or (Entry("Nothing recorded yet"),)


BLOCKS: Mapping[str, Callable[[Notice], tuple[Entry, ...]]] = {
    "ways_to_pay": ways_to_pay,
    "signature": signature,
    "prior_contacts": prior_contacts,
    "interest": interest,
    "consequences": consequences,
    "instalments": instalments,
    "enclosures": enclosures,
    "history": history,
}
"""Every block but the invoice table."""

HEADINGS = {"ways_to_pay": "How to pay", "enclosures": "Enclosures"}
"""Blocks that bring a heading of their own."""
