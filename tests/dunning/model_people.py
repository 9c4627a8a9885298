"""What customers and the bank do in the model: they are billed, pay, dispute, promise, reply.

Each act is one call of the product's own services; ``how`` is any number and chooses whom it
concerns and in which of its forms it happens.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from arfollow.shared.events import SYSTEM
from customers.models import Contact, Customer, EmailState, LegalStop
from customers.services import (
    save_contact,
    save_contact_state,
    set_legal_stop,
    touch,
    update_customer,
)
from dunning import outcomes, runs
from dunning.models import Hold, HoldReason, Inbound, PaymentPlan, PlanStatus
from dunning.outcomes import HoldInput, PlanTerms, PromiseInput
from dunning.policy import ItemKey
from invoices.models import Dispute, DisputeStatus, Invoice, Payment
from invoices.services import resolve_dispute, reverse_payment
from tests import make
from tests.dunning.model_world import World

DAY = timedelta(days=1)
CENT = Decimal("0.01")
ZONES = ["America/New_York", "Europe/Berlin", "Pacific/Auckland"]
COUNTRIES = {"America/New_York": "US", "Europe/Berlin": "DE", "Pacific/Auckland": "NZ"}
AMOUNTS = [Decimal("0.60"), Decimal("20.00"), Decimal("400.00"), Decimal("12500.00")]


class People:
    """Three customers on three policies and in three zones; two share a mailbox."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.customers: list[Customer] = []
        for number, zone in enumerate(ZONES):
            mail = "shared@example.test" if number else "ap@example.test"
            customer = make.customer(
                f"C-{number}", email=mail, time_zone=zone, country=COUNTRIES[zone]
            )
            runs.enrol(["p1", "p2", "p3"][number], customer=customer.number)
            self.customers.append(customer)
        self.acts = [
            self.pay, self.pay, self.overpay, self.reverse, self.credit, self.dispute,
            self.settle_dispute, self.promise, self.hold, self.release, self.plan, self.opt_out,
            self.do_not_mail, self.move_mailbox, self.reply, self.law, self.bill, self.quiet,
            self.debit,
        ]  # fmt: skip

    def customer(self, how: int) -> Customer:
        """One of those that are left (a merged account is not)."""
        return self.customers[how % len(self.customers)]

    def invoice(self, how: int) -> Invoice | None:
        """Something that is open."""
        rows = Invoice.objects.filter(open_amount__gt=0).order_by("pk")
        return rows[how % len(rows)] if rows else None

    def is_billed(self, customer: Customer, late: int, amount: Decimal, **fields: Any) -> None:
        """An invoice so many days past due (or not due yet)."""
        due = self.world.today - late * DAY
        issued = min(due - 30 * DAY, self.world.today)
        make.invoice(customer, amount, due, issued=issued, **fields)

    # --- money ----------------------------------------------------------------------------

    def bill(self, how: int) -> None:
        late = [-10, -3, 0, 1, 30, 95][how % 6]
        with self.world.at():
            self.is_billed(self.customer(how), late, AMOUNTS[how % len(AMOUNTS)])

    def pay(self, how: int) -> None:
        invoice = self.invoice(how)
        if invoice is not None:
            part = invoice.open_amount if how % 3 else max(invoice.open_amount / 2, CENT)
            amount, today = part.quantize(CENT), self.world.today
            self.world.decide(lambda: make.payment(invoice.customer, amount, today, invoice))

    def overpay(self, how: int) -> None:
        amount = [Decimal("5.00"), Decimal("450.00"), Decimal("30000.00")][how % 3]
        self.world.decide(lambda: make.payment(self.customer(how), amount, self.world.today))

    def reverse(self, how: int) -> None:
        rows = Payment.objects.filter(reversed_on=None).order_by("pk")
        if rows:
            row = rows[how % len(rows)]
            on = max(self.world.today, row.received_on)
            self.world.decide(
                lambda: reverse_payment(row.pk, on=on, reason="bounced", actor=SYSTEM)
            )

    def credit(self, how: int) -> None:
        invoice = self.invoice(how)
        if invoice is not None:
            amount = [Decimal("10.00"), invoice.open_amount][how % 2]
            to = invoice if how % 4 else None
            self.world.decide(
                lambda: make.credit_note(invoice.customer, amount, self.world.today, invoice=to)
            )

    # --- disputes and agreements ------------------------------------------------------------

    def dispute(self, how: int) -> None:
        invoice = self.invoice(how)
        if invoice is not None:
            part = None if how % 2 else (invoice.open_amount / 2).quantize(CENT)
            self.world.decide(lambda: make.dispute(invoice, part, on=self.world.today))

    def settle_dispute(self, how: int) -> None:
        rows = Dispute.objects.filter(status=DisputeStatus.OPEN).order_by("pk")
        if rows:
            row = rows[how % len(rows)]
            on = max(self.world.today, row.raised_on)
            self.world.decide(
                lambda: resolve_dispute(
                    row.pk, DisputeStatus.REJECTED, on=on, resolution="no", actor=SYSTEM
                )
            )

    def promise(self, how: int) -> None:
        invoice = self.invoice(how)
        if invoice is not None:
            due = self.world.today + [0, 3, 9, 30][how % 4] * DAY
            given = PromiseInput(due, items=() if how % 3 else (ItemKey(invoice.pk),))
            now = self.world.now if how % 2 else None
            self.world.decide(
                lambda: outcomes.add_promise(
                    invoice.customer_id,
                    given,
                    actor=self.world.boss,
                    today=self.world.today,
                    now=now,
                )  # fmt: skip
            )

    def hold(self, how: int) -> None:
        invoice = self.invoice(how)
        if invoice is not None:
            until = self.world.today + [0, 2, 10][how % 3] * DAY
            items = () if how % 2 else (ItemKey(invoice.pk),)
            wanted = HoldInput(HoldReason.SAYS_PAID, until, items=items, ours=bool(how % 5))
            self._hold(invoice.customer_id, wanted)

    def quiet(self, how: int) -> None:
        until = self.world.today + [1, 4][how % 2] * DAY
        self._hold(self.customer(how).pk, HoldInput(HoldReason.QUIET, until))

    def _hold(self, customer_id: int, wanted: HoldInput) -> None:
        self.world.decide(
            lambda: outcomes.add_hold(
                customer_id, wanted, actor=self.world.boss, today=self.world.today
            )
        )

    def release(self, how: int) -> None:
        rows = Hold.objects.filter(released_on=None).order_by("pk")
        if rows:
            row = rows[how % len(rows)]
            self.world.decide(
                lambda: outcomes.release_hold(row.pk, on=self.world.today, actor=self.world.boss)
            )

    def plan(self, how: int) -> None:
        """A plan is offered; next time it is agreed, or withdrawn."""
        boss, today = self.world.boss, self.world.today
        draft = PaymentPlan.objects.filter(status=PlanStatus.DRAFT).order_by("pk").first()
        if draft is None:
            terms = PlanTerms(today + 3 * DAY, count=1 + how % 3, every=[0, 7][how % 2])
            customer = self.customer(how)
            self.world.decide(
                lambda: outcomes.offer_plan(customer.pk, terms, actor=boss, today=today)
            )
        elif how % 4:
            now = self.world.now if how % 2 else None
            self.world.decide(lambda: outcomes.agree_plan(draft.pk, on=today, actor=boss, now=now))
        else:
            self.world.decide(
                lambda: outcomes.withdraw_plan(draft.pk, on=today, reason="no", actor=boss)
            )

    # --- wishes, words and the law ------------------------------------------------------------

    def opt_out(self, how: int) -> None:
        customer = self.customer(how)
        customer.refresh_from_db()
        self._change(customer, opted_out_soft=not customer.opted_out_soft)

    def debit(self, how: int) -> None:
        until = self.world.today + 3 * DAY if how % 3 == 0 else None
        self._change(self.customer(how), direct_debit_until=until)

    def _change(self, customer: Customer, **change: Any) -> None:
        self.world.decide(lambda: update_customer(customer.pk, change, actor=self.world.boss))

    def do_not_mail(self, how: int) -> None:
        contact = self._contact(how)
        if contact is not None:
            change: dict[str, Any] = (
                {"do_not_email": not contact.do_not_email}
                if how % 2
                else {"email_state": EmailState.UNVERIFIED}
            )
            self.world.decide(
                lambda: save_contact_state(contact, change, actor=self.world.boss, why="said so")
            )

    def move_mailbox(self, how: int) -> None:
        """They have another address, or whoever we wrote to has left."""
        contact = self._contact(how)
        if contact is not None:
            change: dict[str, Any] = (
                {"email": f"new{how % 50}@example.test"} if how % 4 else {"active": False}
            )
            self.world.decide(
                lambda: save_contact(
                    contact.customer_id, actor=self.world.boss, contact_id=contact.pk, **change
                )
            )

    def _contact(self, how: int) -> Contact | None:
        return Contact.objects.filter(customer=self.customer(how)).order_by("pk").first()

    def reply(self, how: int) -> None:
        customer = self.customer(how)
        with self.world.at():
            Inbound.objects.create(
                customer=customer, received_at=self.world.now, auto_reply=not how % 4
            )
            touch(customer.pk)

    def law(self, how: int) -> None:
        kind = LegalStop.INSOLVENT if how % 4 == 0 else ""
        self.world.decide(
            lambda: set_legal_stop(
                self.customer(how).pk, kind, on=self.world.today, actor=SYSTEM, why="letter"
            )
        )
