"""The older part of the ledger in a few large writes.

Says what the services would have said, row for row and event for event (a test compares the
two); only bills, payments and credit notes are that simple.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import F, Model

from arfollow.shared import clock, events
from arfollow.shared.events import Entry
from customers.models import Customer
from dunning.demo.book import Book, bank_line, moment
from dunning.demo.company import SOURCE
from dunning.demo.papers import Bill, Credit, Happening, Receipt
from dunning.demo.script import Script
from invoices.models import Allocation, CreditNote, Instalment, Invoice, InvoiceLine, Payment
from invoices.services import refresh_credits, refresh_invoices
from invoices.services.base import money

SIMPLE = (Bill, Receipt, Credit)
type Written = list[tuple[Happening, Model]]


def older(script: Script, followed_from: Mapping[str, date]) -> list[Happening]:
    """What happened before each customer was followed up, where nothing but the usual did."""
    before = [each for each in script.happenings if each.on < followed_from[each.firm]]
    unusual = {each.firm for each in before if not isinstance(each, SIMPLE)}
    return [each for each in before if each.firm not in unusual]


def store(book: Book, happenings: Iterable[Happening]) -> None:
    """Write them all; amounts that follow from others are worked out once, at the end."""
    happenings = list(happenings)
    bills = [each for each in happenings if isinstance(each, Bill)]
    receipts = [each for each in happenings if isinstance(each, Receipt)]
    credits = [each for each in happenings if isinstance(each, Credit)]
    rows: Written = []
    rows += zip(bills, _bills(book, bills), strict=True)
    rows += zip(receipts, _receipts(book, receipts), strict=True)
    rows += zip(credits, _credits(book, credits), strict=True)
    refresh_invoices(book.invoices[bill.key] for bill in bills)
    _tell(book, rows)


def _bills(book: Book, bills: list[Bill]) -> list[Invoice]:
    made = Invoice.objects.bulk_create((_invoice(book, bill) for bill in bills), batch_size=500)
    for bill, invoice in zip(bills, made, strict=True):
        book.invoices[bill.key] = invoice.pk
    InvoiceLine.objects.bulk_create(
        (
            InvoiceLine(
                invoice=invoice, position=position, item=book.items[line.code],
                description=line.description, quantity=line.quantity,
                unit_price=line.unit_price, amount=line.amount,
            )
            for bill, invoice in zip(bills, made, strict=True)
            for position, line in enumerate(bill.lines, start=1)
        ),
        batch_size=500,
    )  # fmt: skip
    Instalment.objects.bulk_create(
        Instalment(invoice=invoice, number=number, due_date=due, amount=amount, open_amount=amount)
        for bill, invoice in zip(bills, made, strict=True)
        for number, (due, amount) in enumerate(bill.parts, start=1)
    )
    return made


def _invoice(book: Book, bill: Bill) -> Invoice:
    terms = book.terms[book.firms[bill.firm].terms]
    number = book.numbers[bill]
    return Invoice(
        customer=book.customers[bill.firm], number=number, source=SOURCE, external_id=number,
        issue_date=bill.on, due_date=bill.due, next_due_date=bill.due, currency=bill.currency,
        amount=bill.amount, open_amount=bill.amount, terms=terms, terms_text=terms.name,
        po_number=bill.po, created_at=_at(bill),
    )  # fmt: skip


def _receipts(book: Book, receipts: list[Receipt]) -> list[Payment]:
    made = Payment.objects.bulk_create(
        (
            Payment(
                customer=book.customers[each.firm], received_on=each.on, currency=each.currency,
                amount=each.amount, unapplied_amount=each.amount, method=each.method,
                source=SOURCE, external_id=bank_line(each), recorded_at=_at(each),
            )
            for each in receipts
        ),
        batch_size=500,
    )  # fmt: skip
    for each, payment in zip(receipts, made, strict=True):
        book.payments[each] = payment.pk
    Allocation.objects.bulk_create(
        (
            Allocation(
                payment=payment, invoice_id=book.invoices[key], amount=part,
                effective_on=each.on, created_at=_at(each),
            )
            for each, payment in zip(receipts, made, strict=True)
            for key, part in each.shares
        ),
        batch_size=500,
    )  # fmt: skip
    refresh_credits(payment_ids=[payment.pk for payment in made])
    return made


def _credits(book: Book, credits: list[Credit]) -> list[CreditNote]:
    made = CreditNote.objects.bulk_create(
        CreditNote(
            customer=book.customers[each.firm], number=book.numbers[each], source=SOURCE,
            external_id=book.numbers[each], issue_date=each.on, currency=each.currency,
            amount=each.amount, unapplied_amount=each.amount, reason=each.reason,
            created_at=_at(each),
        )
        for each in credits
    )  # fmt: skip
    Allocation.objects.bulk_create(
        Allocation(
            credit_note=note, invoice_id=book.invoices[each.bill], amount=each.amount,
            effective_on=each.on, created_at=_at(each),
        )
        for each, note in zip(credits, made, strict=True)
        if each.bill
    )  # fmt: skip
    refresh_credits(credit_note_ids=[note.pk for note in made])
    return made


def _at(each: Happening) -> Any:
    return moment(each.on, 9)


def _tell(book: Book, rows: Written) -> None:
    """An event for each row, dated with its day; every customer is to be looked at again."""
    rows.sort(key=lambda pair: pair[0].on)
    counts: defaultdict[int, int] = defaultdict(int)
    for day, group in groupby(rows, key=lambda pair: pair[0].on):
        entries = [_entry(book, each, row) for each, row in group]
        for entry in entries:
            counts[entry.customer_id or 0] += 1
        with clock.at(moment(day, 9)):
            events.record_many(entries, actor=book.bookkeeper)
    for customer_id, changes in counts.items():
        changed = Customer.objects.filter(pk=customer_id)
        changed.update(ledger_seq=F("ledger_seq") + changes)


def _entry(book: Book, each: Any, row: Model) -> Entry:
    verb, summary, values = WORDS[type(each)](book, each)
    kind = row._meta.model_name or ""
    return Entry(verb, kind, row.pk, summary, book.customers[each.firm].pk, values)


def _of_bill(book: Book, each: Bill) -> tuple[str, str, Mapping[str, Any]]:
    amount = money(each.currency, each.amount)
    return "invoice.added", f"Invoice {book.numbers[each]} over {amount}, due {each.due}", {}


def _of_receipt(book: Book, each: Receipt) -> tuple[str, str, Mapping[str, Any]]:
    amount = money(each.currency, each.amount)
    shares: list[list[int | Decimal | str]] = [
        [book.invoices[key], str(part)] for key, part in each.shares
    ]
    summary = f"Payment of {amount} received on {each.on}"
    return "payment.recorded", summary, {"allocated": shares}


def _of_credit(book: Book, each: Credit) -> tuple[str, str, Mapping[str, Any]]:
    amount = money(each.currency, each.amount)
    return "credit_note.added", f"Credit note {book.numbers[each]} over {amount}", {}


WORDS: Mapping[type, Any] = {Bill: _of_bill, Receipt: _of_receipt, Credit: _of_credit}
