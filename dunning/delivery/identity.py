"""Who we are and whom we write to, from the database to the notice's plain data."""

from arfollow.staff.models import Company as CompanyRow
from arfollow.staff.models import User
from customers.models import Address as AddressRow
from customers.models import Contact, Customer
from dunning.models import ContactAttempt, Tone
from dunning.wording.notice import Address, BankDetails, Company, Person, Recipient


def company_of(row: CompanyRow) -> Company:
    """Our identity, letterhead and ways to be paid."""
    return Company(
        legal_name=row.legal_name or row.name,
        name=row.name,
        tagline=row.letterhead_tagline,
        address=Address(
            street=tuple(line for line in (row.address_line1, row.address_line2) if line),
            city=row.city,
            region=row.region,
            postal_code=row.postal_code,
            country=row.country,
        ),
        registration=row.registration,
        vat_number=row.tax_number,
        phone=row.phone,
        email=row.email,
        website=row.website.removeprefix("https://").rstrip("/"),
        bank=_bank(row),
        ways_to_pay=tuple(way.strip() for way in row.ways_to_pay.splitlines() if way.strip()),
        payment_link=row.payment_link,
        window=row.window_format,
    )


def _bank(row: CompanyRow) -> BankDetails | None:
    rows = (
        ("account name", row.bank_account_name),
        ("bank", row.bank_name),
        ("account", row.bank_account),
        ("routing or sort code", row.bank_code),
        ("IBAN", row.iban),
        ("BIC", row.bic),
    )
    given = tuple((label, value) for label, value in rows if value)
    return BankDetails(rows=given, verify_phone=row.phone) if row.bank_account or row.iban else None


def person_of(attempt: ContactAttempt, company: CompanyRow) -> Person:
    """Whoever answers: the customer's owner, else the company's contact person.

    A final demand by post is signed by the company's signatory where one is named.
    """
    signs = company.letter_signatory if attempt.channel == "letter" else None
    final = attempt.tone == Tone.FINAL
    user = (signs if final else None) or attempt.customer.owner or company.contact_person or signs
    if user is None or not user.is_active:
        return Person(name=company.name, phone=company.phone, email=company.email)
    return _person(user, company)


def _person(user: User, company: CompanyRow) -> Person:
    return Person(
        name=str(user),
        job_title=user.job_title,
        phone=user.direct_phone or company.phone,
        email=user.email or company.reply_to or company.email,
    )


def recipient_of(attempt: ContactAttempt) -> Recipient:
    """The customer, the person there, and the active postal address."""
    customer = attempt.customer
    contact = _contact(attempt)
    postal = AddressRow.objects.filter(customer=customer, active=True).first()
    name = contact.name if contact else ""
    if attempt.channel == "letter" and postal and postal.attention:
        name = postal.attention
    return Recipient(
        number=customer.number,
        company=customer.legal_name or customer.name,
        name=name,
        address=_address(postal, customer),
        email=contact.email if contact else "",
        phone=contact.phone if contact else "",
        language=attempt.language or customer.language,
        legal_type=customer.legal_type,
    )


def _contact(attempt: ContactAttempt) -> Contact | None:
    """The addressee of this message, else the main payables contact."""
    named = attempt.recipients.filter(contact__isnull=False).order_by("-field", "pk")
    first = named.select_related("contact").first()
    if first is not None:
        return first.contact
    people = Contact.objects.filter(customer_id=attempt.customer_id, active=True)
    return people.filter(role="payables").order_by("-primary", "pk").first()


def _address(row: AddressRow | None, customer: Customer) -> Address:
    if row is None or row.undeliverable:
        return Address(country=customer.country)
    return Address(
        street=tuple(line for line in (row.line1, row.line2) if line),
        city=row.city,
        region=row.region,
        postal_code=row.postal_code,
        country=row.country,
    )
