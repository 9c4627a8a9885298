"""What becomes of one invoice of the file: booked, updated, paid, disputed, or left as it is."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from arfollow.shared.money import ZERO
from customers.terms import Kind, Terms, TermsError, describe, due_date, parse_terms
from invoices.imports.plan.groups import Group, as_group
from invoices.imports.plan.start import start_step
from invoices.imports.plan.tally import Tally
from invoices.imports.plan.types import (
    Choices,
    EndedDispute,
    InvoiceUpdate,
    Known,
    KnownInvoice,
    NewCredit,
    NewDispute,
    NewInvoice,
    NewPayment,
    Plan,
    Unusable,
)
from invoices.imports.readers import CustomerFields, Reading, Remark, SourceRow

USUAL_TERMS = Terms(Kind.NET, days=30)
VOID = frozenset({"void", "voided", "deleted", "cancelled", "canceled"})
DRAFT = frozenset({"draft", "submitted"})
PART_PAID = frozenset({"partially paid", "part paid", "partial", "partially_paid"})


class InvoicePlanner:
    """Fills a plan, one invoice after another, and notes which customers they name."""

    def __init__(self, reading: Reading, known: Known, choices: Choices, plan: Plan) -> None:
        self.reading, self.known, self.choices, self.plan = reading, known, choices, plan
        self.spoken: dict[str, list[CustomerFields]] = {}
        self.currency_of: dict[str, str] = {}
        self.tally = Tally()

    def add(self, rows: Sequence[SourceRow]) -> None:
        """Plan what the rows of one invoice number ask for, or reject them all."""
        try:
            if not self._left_out(rows):
                self._one(as_group(rows, self.reading, self.known.currency))
        except Unusable as error:
            column = self.reading.heading(error.column)
            self.plan.rejected += [Remark(row.line, column, str(error)) for row in rows]

    def _left_out(self, rows: Sequence[SourceRow]) -> bool:
        """Issued after the as-of day, or void in the source and never known here."""
        first = rows[0]
        if first.issue_date is not None and first.issue_date > self.choices.as_of:
            self.tally.count("not_yet", first.line, rows=len(rows))
            self.plan.not_yet += len(rows)
            return True
        if first.status in VOID and first.invoice_number not in self.known.invoices:
            self.tally.count("void", first.line, rows=len(rows))
            return True
        return False

    def _one(self, group: Group) -> None:
        if group.amount < 0 or "credit" in group.first.kind:
            self._credit(group)
        elif (invoice := self.known.invoices.get(group.number)) is not None:
            self._known_invoice(group, invoice)
        elif group.number in self.known.credits:
            raise Unusable("amount", f"{group.number} is a credit note in the ledger")
        else:
            self._new_invoice(group)

    def _name_customer(self, group: Group) -> None:
        self.spoken.setdefault(group.key, []).extend(row.customer for row in group.rows)
        self.currency_of.setdefault(group.key, group.currency)

    # --- New invoices -----------------------------------------------------------------------

    def _new_invoice(self, group: Group) -> None:
        first = group.first
        due, terms_text = self._due(group)
        chased_to = start_step(first, due, self.choices, self.tally)
        self._name_customer(group)
        self.plan.invoices.append(
            NewInvoice(
                line=first.line,
                number=group.number,
                customer_key=group.key,
                issue_date=group.issue_date,
                due_date=due,
                terms_text=terms_text,
                currency=group.currency,
                amount=group.amount,
                po_number=first.po_number,
                chased_to=chased_to,
                chased_on=first.reminded_on if chased_to else None,
                items=tuple(row.item for row in group.rows if row.item),
            )
        )
        if first.status in DRAFT:
            self.tally.count("draft", first.line)
        paid = self._payment(group, ZERO, ZERO)
        self._dispute(group, group.amount - min(paid, group.amount), group.issue_date)

    def _due(self, group: Group) -> tuple[date, str]:
        """The stated due date, else what the terms make of the issue date."""
        first = group.first
        if group.due_date is not None:
            if group.due_date < group.issue_date:
                self.tally.count("due_first", first.line)
            return group.due_date, first.terms
        terms = _parsed(first.terms)
        if terms is None and (self.reading.has_due_dates or first.terms):
            given = f", and the terms “{first.terms}” do not give one" if first.terms else ""
            raise Unusable("due_date", f"no due date{given}")
        terms = terms or self._assumed_terms(group)
        return due_date(terms, group.issue_date), first.terms or describe(terms)

    def _assumed_terms(self, group: Group) -> Terms:
        customer = self.known.customers.get(group.key)
        if customer is not None and customer.terms is not None:
            return customer.terms
        terms = self.known.default_terms or USUAL_TERMS
        self.tally.count("no_due", group.first.line, why=describe(terms))
        return terms

    # --- Payments and disputes --------------------------------------------------------------

    def _payment(self, group: Group, known_paid: Decimal, credited: Decimal) -> Decimal:
        """Plan what the stated payments exceed the known ones by; answers what is paid then.

        A stated total below the known one is told and never taken back.
        """
        stated = group.stated_paid(self.choices.as_of, credited)
        if stated is None and group.first.status in PART_PAID:
            self.tally.count("part_paid", group.first.line)
        if stated is None or stated <= known_paid:
            if stated is not None and stated < known_paid and group.first.balance is None:
                self._tell_decrease(group, stated, known_paid)
            return known_paid
        self.plan.payments.append(
            NewPayment(
                number=group.number,
                customer_key=group.key,
                currency=group.currency,
                received_on=group.paid_date or self.choices.as_of,
                amount=stated - known_paid,
                stated=stated,
            )
        )
        return stated

    def _tell_decrease(self, group: Group, stated: Decimal, known_paid: Decimal) -> None:
        message = (
            f"invoice {group.number}: the file says {stated:,.2f} paid, the ledger has"
            f" {known_paid:,.2f}; nothing was taken back"
        )
        column = self.reading.heading("paid_amount")
        self.plan.warnings.append(Remark(group.first.line, column, message))

    def _dispute(self, group: Group, left: Decimal, raised_on: date) -> None:
        """Plan a flagged dispute; of a settled invoice it is over already."""
        first = group.first
        if not first.disputed or not group.amount:
            return
        amount = min(first.disputed_amount or group.amount, left or group.amount)
        ended = None if left else self._settled_on(group)
        raised_on = raised_on if ended is None else min(raised_on, ended)
        self.plan.disputes.append(NewDispute(group.number, amount, raised_on, ended))

    def _settled_on(self, group: Group) -> date:
        """The day a settled invoice was paid, never before it was issued."""
        return max(group.paid_date or self.choices.as_of, group.issue_date)

    # --- Known invoices ---------------------------------------------------------------------

    def _known_invoice(self, group: Group, invoice: KnownInvoice) -> None:
        _check_same(group, invoice)
        self._name_customer(group)
        size = self.plan.size
        changes = _changes(group, invoice)
        paid = self._payment(group, invoice.paid, invoice.credited)
        left = max(group.amount - invoice.credited - paid, ZERO)
        self._known_dispute(group, invoice, left)
        if changes or self.plan.size != size:
            line = group.first.line
            self.plan.updates.append(InvoiceUpdate(line, invoice.id, invoice.number, changes))
        else:
            self.plan.unchanged += 1

    def _known_dispute(self, group: Group, invoice: KnownInvoice, left: Decimal) -> None:
        if group.first.disputed and not invoice.has_dispute:
            self._dispute(group, left, self.choices.as_of)
        elif not left or not group.first.disputed:
            on = self.choices.as_of if left else self._settled_on(group)
            self.plan.ended += [
                EndedDispute(dispute, invoice.number, on, paid=not left)
                for dispute in invoice.open_disputes
            ]

    # --- Credit notes -----------------------------------------------------------------------

    def _credit(self, group: Group) -> None:
        """A negative amount is a credit note; one that is used up already is left out."""
        number, amount, line = group.number, abs(group.amount), group.first.line
        if number in self.known.invoices:
            raise Unusable("amount", f"{number} is an invoice in the ledger, here it is negative")
        if (credit := self.known.credits.get(number)) is not None:
            if credit.amount != amount:
                message = f"credit note {number} is {credit.amount:,.2f} in the ledger; kept"
                column = self.reading.heading("amount")
                self.plan.warnings.append(Remark(line, column, message))
            self.plan.unchanged += 1
        elif not amount or group.is_settled(self.choices.as_of):
            self.tally.count("used_credit", line)
        else:
            self._name_customer(group)
            self.plan.credits.append(
                NewCredit(line, number, group.key, group.issue_date, group.currency, amount)
            )


def _parsed(text: str) -> Terms | None:
    try:
        return parse_terms(text) if text else None
    except TermsError:
        return None


def _check_same(group: Group, invoice: KnownInvoice) -> None:
    """Unusable where the source says something about a known invoice that cannot be."""
    settled = invoice.amount - invoice.open_amount
    if group.key != invoice.customer_key and group.key not in invoice.also_keys:
        message = f"invoice {invoice.number} belongs to customer {invoice.customer_key}"
        raise Unusable("customer_number", message)
    if group.first.currency and group.first.currency != invoice.currency:
        raise Unusable("currency", f"invoice {invoice.number} is in {invoice.currency}")
    if group.first.status in VOID and invoice.open_amount:
        raise Unusable("status", f"invoice {invoice.number} is void in the source; credit it")
    if group.amount != invoice.amount and invoice.has_instalments:
        raise Unusable("amount", f"invoice {invoice.number} has instalments; change it by hand")
    if group.amount < settled:
        message = (
            f"invoice {invoice.number} would be {group.amount:,.2f}, but {settled:,.2f} of it is"
            " settled; correct it by hand"
        )
        raise Unusable("amount", message)


def _changes(group: Group, invoice: KnownInvoice) -> tuple[tuple[str, object, object], ...]:
    """What the source states otherwise: field, before, after. Blank cells say nothing."""
    stated: tuple[tuple[str, object, object], ...] = (
        ("issue_date", invoice.issue_date, group.issue_date),
        ("due_date", invoice.due_date, group.due_date),
        ("amount", invoice.amount, group.amount),
        ("terms_text", invoice.terms_text, group.first.terms),
        ("po_number", invoice.po_number, group.first.po_number),
    )
    return tuple(
        (name, before, after)
        for name, before, after in stated
        if after is not None and after not in ("", before)
    )
