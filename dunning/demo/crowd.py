"""A large ledger beside the demo's own firms: thousands of open invoices to measure pages with.

Written in large pieces, for the services take a transaction a row. What it says holds water:
`check_ledger`, `audit_verify` and `dunning_audit` find nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, islice
from random import Random

from django.db.models import F

from arfollow.shared import clock, events
from arfollow.shared.events import SYSTEM, Entry, actor_of
from arfollow.shared.money import round_half_up
from arfollow.staff.models import User
from customers.models import Address, Contact, Customer, PaymentTerms
from dunning.demo.book import moment
from dunning.demo.company import SOURCE
from dunning.demo.firms import OWNERS, Firm, firms
from dunning.demo.habits import USUAL
from dunning.demo.post import send_mail
from dunning.models import Inbound
from dunning.outcomes import PromiseInput, add_promise, settle_promises
from dunning.runs import run
from invoices.models import Allocation, Invoice, Payment
from invoices.services import open_dispute

CUSTOMER_NUMBERS, INVOICE_NUMBERS = "K-", "KP-"
INVOICES_EACH = 12
BATCH = 2_000
PAID_SHARE = Decimal("0.6")
STARTED, PROMISED, SETTLED = timedelta(days=12), timedelta(days=11), timedelta(days=2)
CHASED = ((75, "d45"), (50, "d30"), (30, "d17"), (17, "d10"), (10, "d3"))
"""How far what is so many days late had been chased before it went live."""


@dataclass(slots=True)
class Crowd:
    """What was made, to go on with."""

    customers: list[Customer]
    invoices: list[Invoice]
    rng: Random
    today: date


def add(*, open_invoices: int, seed: int, today: date, mails: bool) -> int:
    """Write that many open invoices, half as many paid ones, and two weeks of follow-up.

    Every number and name is new beside the demo's. ``mails`` sends those of the first run,
    which takes longest. Answers how many customers there are for them.
    """
    rng = Random(seed)
    with clock.at(moment(today - timedelta(days=200), 9)):
        made = Crowd(_customers(open_invoices, rng), [], rng, today)
    with clock.at(moment(today - STARTED, 0, 30)):
        made.invoices = _invoices(made, open_invoices)
        _paid(made, int(open_invoices * PAID_SHARE))
        _tell(made)
    _two_weeks(made, mails=mails)
    return len(made.customers)


# --- who, and what they owe -----------------------------------------------------------------


def _customers(open_invoices: int, rng: Random) -> list[Customer]:
    owners = {user.username: user for user in User.objects.filter(username__in=OWNERS)}
    terms = PaymentTerms.objects.get(code="net-30")
    cast = firms(max(open_invoices // INVOICES_EACH, 1), rng)
    rows = Customer.objects.bulk_create(
        (_customer(nth, firm, owners, terms) for nth, firm in enumerate(cast)), batch_size=BATCH
    )
    pairs = list(zip(rows, cast, strict=True))
    Contact.objects.bulk_create(
        (
            Contact(
                customer=row, role=person.role, name=person.name, phone=person.phone,
                job_title=person.job_title, phone_state="verified",
                email=person.email.replace("@", f"@{row.number.lower()}.") if person.email else "",
                email_state="verified" if person.email else "unverified",
                primary=nth == 0,
            )
            for row, firm in pairs for nth, person in enumerate(firm.people)
        ),
        batch_size=BATCH,
    )  # fmt: skip
    Address.objects.bulk_create(
        (
            Address(
                customer=row, line1=firm.street, city=firm.town.name, region=firm.town.region,
                postal_code=firm.town.postal_code, country=firm.country.code,
            )
            for row, firm in pairs
        ),
        batch_size=BATCH,
    )  # fmt: skip
    return rows


def _customer(nth: int, firm: Firm, owners: dict[str, User], terms: PaymentTerms) -> Customer:
    """One in forty is nobody's."""
    owner = None if nth % 40 == 0 else owners[OWNERS[nth % len(OWNERS)]]
    return Customer(
        number=f"{CUSTOMER_NUMBERS}{10_001 + nth}", name=f"{firm.name} {nth + 1}",
        legal_name=firm.name, country=firm.country.code, region=firm.town.region,
        time_zone=firm.time_zone, currency=firm.currency, owner=owner, terms=terms,
        payment_rules=firm.payment_rules, source=SOURCE, external_id=f"crowd-{nth}",
    )  # fmt: skip


def _invoices(crowd: Crowd, number: int) -> list[Invoice]:
    """Most customers have a few open invoices, a few have hundreds."""
    rng, numbers = crowd.rng, count(100_001)
    weights = [1 / (nth + 3) ** 0.6 for nth in range(len(crowd.customers))]
    owing = crowd.customers + rng.choices(crowd.customers, weights, k=number)
    rows = (_invoice(crowd, owner, next(numbers)) for owner in islice(owing, number))
    return Invoice.objects.bulk_create(rows, batch_size=BATCH)


def _invoice(crowd: Crowd, owner: Customer, number: int) -> Invoice:
    """Three in ten are not due yet; of the others each further month has fewer."""
    rng = crowd.rng
    late = -rng.randint(0, 30) if rng.random() < 0.3 else min(int(rng.expovariate(1 / 28)) + 1, 150)
    due = crowd.today - timedelta(days=late)
    reached = next((step for days, step in CHASED if late > days + STARTED.days), "")
    amount = round_half_up(Decimal(rng.lognormvariate(6.6, 1.1)), 2)
    since = crowd.today - STARTED - timedelta(days=9) if reached else None
    return _new(owner, number, due, amount, chased_to=reached, chased_on=since)


def _new(owner: Customer, number: int, due: date, amount: Decimal, **fields: object) -> Invoice:
    name = f"{INVOICE_NUMBERS}{number}"
    values = {"open_amount": amount, **fields}
    return Invoice(
        customer=owner, number=name, source=SOURCE, external_id=name,
        issue_date=due - timedelta(days=30), due_date=due, next_due_date=due,
        terms_text="Net 30", currency=owner.currency, amount=amount, **values,
    )  # fmt: skip


def _paid(crowd: Crowd, number: int) -> None:
    """Invoices of the last year that were paid, each by a payment of its own."""
    rng, numbers = crowd.rng, count(500_001)
    rows: list[Invoice] = []
    for _ in range(number):
        owner = rng.choice(crowd.customers)
        habit = USUAL[owner.pk % len(USUAL)]
        due = crowd.today - timedelta(days=rng.randint(60, 330))
        paid = min(due + timedelta(days=rng.randint(*habit.late)), crowd.today - STARTED)
        amount = round_half_up(Decimal(rng.lognormvariate(6.6, 1.1)), 2)
        rows.append(
            _new(owner, next(numbers), due, amount, open_amount=Decimal(0),
                 closed_on=max(paid, due - timedelta(days=29)))
        )  # fmt: skip
    made = Invoice.objects.bulk_create(rows, batch_size=BATCH)
    payments = Payment.objects.bulk_create(
        (
            Payment(
                customer_id=row.customer_id, received_on=row.closed_on or row.due_date,
                currency=row.currency, amount=row.amount, unapplied_amount=0,
                method="Bank transfer", source=SOURCE, external_id=f"crowd:{row.number}",
            )
            for row in made
        ),
        batch_size=BATCH,
    )  # fmt: skip
    Allocation.objects.bulk_create(
        (
            Allocation(payment=paid, invoice=row, amount=row.amount, effective_on=paid.received_on)
            for paid, row in zip(payments, made, strict=True)
        ),
        batch_size=BATCH,
    )


def _tell(crowd: Crowd) -> None:
    """The account and each open invoice leave an event; paid ones came with the account."""
    entries = [
        Entry("customer.added", "customer", row.pk, f"Account {row.number} taken over", row.pk)
        for row in crowd.customers
    ]
    entries += [
        Entry("invoice.added", "invoice", row.pk, f"Invoice {row.number}, due {row.due_date}",
              row.customer_id)
        for row in crowd.invoices
    ]  # fmt: skip
    for part in _parts(entries):
        events.record_many(part, actor=SYSTEM)
    ids = [row.pk for row in crowd.customers]
    for start in range(0, len(ids), BATCH):
        some = Customer.objects.filter(pk__in=ids[start : start + BATCH])
        some.update(ledger_seq=F("ledger_seq") + 1)


def _parts(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    left = iter(entries)
    while part := list(islice(left, BATCH)):
        yield part


# --- what happened since --------------------------------------------------------------------


def _two_weeks(crowd: Crowd, *, mails: bool) -> None:
    """A first run with its mails, promises, replies and disputes, then the run of today."""
    first = crowd.today - STARTED
    with clock.at(moment(first, 1)):
        run(first)
    if mails:
        for hour in (6, 13):
            send_mail(moment(first, hour, 30), with_statements=False)
    with clock.at(moment(crowd.today - PROMISED, 15)):
        _promises(crowd, crowd.today - PROMISED)
        _disputes(crowd)
    with clock.at(moment(crowd.today - SETTLED, 9)):
        settle_promises(crowd.today - SETTLED)
    with clock.at(moment(crowd.today - SETTLED, 15)):
        _replies(crowd)
    with clock.at(moment(crowd.today, 1)):
        run(crowd.today)


def _late(crowd: Crowd) -> list[Invoice]:
    """One late invoice of each customer that has any, in the order of the customers."""
    since = crowd.today - PROMISED
    found = {row.customer_id: row for row in crowd.invoices if row.due_date < since}
    return [found[pk] for pk in sorted(found)]


def _promises(crowd: Crowd, today: date) -> None:
    """One in thirty promised; half of those days have passed without money."""
    for nth, row in enumerate(_late(crowd)[::30]):
        days = 3 if nth % 2 else 20
        given = PromiseInput(today + timedelta(days=days), currency=row.currency)
        add_promise(row.customer_id, given, actor=_by(nth), today=today)


def _disputes(crowd: Crowd) -> None:
    for nth, row in enumerate(_late(crowd)[7::80]):
        part = max(round_half_up(row.amount / 4, 2), Decimal("0.01"))
        open_dispute(
            row.pk, part, reason="price", raised_on=crowd.today - PROMISED, actor=_by(nth),
            target_date=crowd.today - timedelta(days=nth % 5), raised_by="Accounts payable",
        )  # fmt: skip


def _replies(crowd: Crowd) -> None:
    now = clock.now()
    owners = [row.customer_id for row in _late(crowd)[11::60]]
    Inbound.objects.bulk_create(
        Inbound(customer_id=pk, received_at=now, from_address="ap@answers.example",
                subject="Your message", text="Please send us a copy of the invoice.")
        for pk in owners
    )  # fmt: skip


def _by(nth: int) -> events.Actor:
    return actor_of(User.objects.get(username=OWNERS[nth % len(OWNERS)]))
