"""Writing the customers of a plan: accounts, contacts, addresses, tags."""

from collections.abc import Iterable, Sequence

from arfollow.shared.events import Actor, Entry
from arfollow.staff.absences import OwnerChoice
from arfollow.staff.models import Company
from customers.models import Address, Contact, Customer, Tag
from customers.services import primary_contact, save_address, save_contact
from invoices.imports.apply.known import PAGE, pages
from invoices.imports.plan import CustomerGap, NewCustomer
from invoices.imports.readers import CustomerFields

LONGEST_NUMBER = 60


def open_accounts(
    new: Sequence[NewCustomer], source: str, own: Company
) -> tuple[dict[str, Customer], list[Entry]]:
    """Open all new accounts with their details; answers them by key, and their events."""
    numbers, owners = _free_numbers(new, source), OwnerChoice.load()
    rows = Customer.objects.bulk_create(
        [
            _account(one, number, source, own, owners)
            for one, number in zip(new, numbers, strict=True)
        ],
        batch_size=PAGE,
    )
    by_key = {one.key: row for one, row in zip(new, rows, strict=True)}
    Contact.objects.bulk_create(
        [contact for one in new for contact in _contacts(by_key[one.key].pk, one.fields)],
        batch_size=PAGE,
    )
    Address.objects.bulk_create(
        [
            Address(
                customer_id=by_key[one.key].pk,
                **address_fields(one.fields, by_key[one.key].country),
            )
            for one in new
            if one.fields.address_line1
        ],
        batch_size=PAGE,
    )
    _tag(new, by_key)
    events = [
        Entry("customer.created", "customer", row.pk, f"Opened account {row.number}", row.pk)
        for row in rows
    ]
    return by_key, events


def _free_numbers(new: Sequence[NewCustomer], source: str) -> list[str]:
    """The source's number where it is free; numbers of two sources may collide."""
    wanted = [(one.fields.number or one.fields.name)[:LONGEST_NUMBER] for one in new]
    taken = {
        number
        for page in pages(wanted)
        for number in Customer.objects.filter(number__in=page).values_list("number", flat=True)
    }
    free = []
    for number in wanted:
        free.append(_free(number, source, taken))
        taken.add(free[-1])
    return free


def _free(number: str, source: str, taken: set[str]) -> str:
    candidate, count = number, 1
    while candidate in taken or (count > 1 and Customer.objects.filter(number=candidate).exists()):
        ending = f"@{source}"[:30] + (f"-{count}" if count > 1 else "")
        candidate, count = number[: LONGEST_NUMBER - len(ending)] + ending, count + 1
    return candidate


def _account(
    one: NewCustomer, number: str, source: str, own: Company, owners: OwnerChoice
) -> Customer:
    name, country = one.fields.name or number, one.fields.country or own.country
    return Customer(
        number=number,
        name=name,
        owner=owners.owner_of(name, country),
        country=country,
        language=one.fields.language or own.language,
        currency=one.currency,
        source=source,
        external_id=one.key,
        ledger_seq=1,
    )


def _contacts(customer_id: int, fields: CustomerFields) -> list[Contact]:
    """The first address is the primary contact, with the telephone number."""
    emails = fields.emails or (("",) if fields.phone else ())
    return [
        Contact(
            customer_id=customer_id,
            email=email,
            phone="" if position else fields.phone,
            primary=position == 0,
        )
        for position, email in enumerate(emails)
    ]


def address_fields(fields: CustomerFields, country: str) -> dict[str, str]:
    """A postal address as our model has it."""
    return {
        "line1": fields.address_line1,
        "line2": fields.address_line2,
        "city": fields.city,
        "region": fields.region,
        "postal_code": fields.postal_code,
        "country": fields.country or country,
    }


def _tag(new: Sequence[NewCustomer], by_key: dict[str, Customer]) -> None:
    names = sorted({one.fields.tag for one in new if one.fields.tag})
    Tag.objects.bulk_create([Tag(name=name) for name in names], ignore_conflicts=True)
    tags = dict(Tag.objects.filter(name__in=names).values_list("name", "id"))
    through = Customer.tags.through
    through._default_manager.bulk_create(
        [
            through(customer_id=by_key[one.key].pk, tag_id=tags[one.fields.tag])
            for one in new
            if one.fields.tag
        ],
        batch_size=PAGE,
    )


def fill_gaps(gaps: Iterable[CustomerGap], actor: Actor) -> None:
    """Add what known customers lack; each leaves its own event."""
    for gap in gaps:
        if gap.fields.emails or gap.fields.phone:
            _fill_contact(gap, actor)
        if gap.fields.address_line1:
            country = Customer.objects.values_list("country", flat=True).get(pk=gap.customer_id)
            save_address(gap.customer_id, actor=actor, **address_fields(gap.fields, country))


def _fill_contact(gap: CustomerGap, actor: Actor) -> None:
    """The primary contact gets what it lacks; further addresses become contacts."""
    first, *others = gap.fields.emails or ("",)
    details = {"email": first, "phone": gap.fields.phone}
    contact = primary_contact(gap.customer_id)
    save_contact(
        gap.customer_id,
        actor=actor,
        contact_id=contact.pk if contact else None,
        **{name: value for name, value in details.items() if value},
    )
    for email in others:
        save_contact(gap.customer_id, actor=actor, email=email)
