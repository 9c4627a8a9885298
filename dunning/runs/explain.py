"""Why an invoice is, or is not, followed up on a day, and what comes next."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from arfollow.shared.errors import ServiceError
from dunning.facts import Case, Ground, lay_ground, load_cases
from dunning.policy import Decision, ItemKey, Plan, Reason, decide, sentence
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class Explanation:
    """One invoice on one day; ``decision`` is "none" or the step with its channels."""

    invoice: str
    customer: str
    open: Decimal
    days_overdue: int
    policy: str
    last_step: str
    decision: str
    reason: Reason
    next_step: str
    next_on: date | None

    @property
    def says(self) -> str:
        """The reason in words."""
        return sentence(self.reason)

    def as_json(self) -> dict[str, Any]:
        """The contract of the command `explain`."""
        return {
            "invoice": self.invoice,
            "customer": self.customer,
            "open": str(self.open),
            "days_overdue": self.days_overdue,
            "policy": self.policy,
            "last_step": self.last_step or None,
            "decision": self.decision,
            "reason": self.reason.value,
            "next_step": self.next_step or None,
            "next_on": self.next_on.isoformat() if self.next_on else None,
        }


def find_invoice(number: str, customer: str = "") -> Invoice:
    """The invoice of that number. ServiceError where there is none, or several."""
    rows = Invoice.objects.select_related("customer__owner").filter(number=number)
    if customer:
        rows = rows.filter(customer__number=customer)
    found = list(rows.order_by("pk")[:10])
    unpaid = [row for row in found if row.open_amount > 0]
    if not found:
        raise ServiceError(f"There is no invoice {number}.")
    if len(found) > 1 and len(unpaid) != 1:
        whose = ", ".join(row.customer.number for row in found)
        raise ServiceError(f"Several customers have an invoice {number}: {whose}. Name one.")
    return unpaid[0] if unpaid else found[0]


def explain(invoice: Invoice, today: date) -> Explanation:
    """Decide anew for the invoice's customer; writes nothing."""
    ground = lay_ground()
    case = load_cases([invoice.customer], today, ground)[0]
    plan = decide(case.policy, case.facts, today)
    decision = _decision(invoice, plan)
    late = (today - invoice.next_due_date).days if invoice.open_amount else 0
    return Explanation(
        invoice=invoice.number,
        customer=invoice.customer.number,
        open=invoice.open_amount,
        days_overdue=max(late, 0),
        policy=_policy_name(case, ground, decision.key),
        last_step=decision.last_step,
        decision=_in_words(decision, plan),
        reason=decision.reason,
        next_step=decision.next_step,
        next_on=decision.next_on,
    )


def _decision(invoice: Invoice, plan: Plan) -> Decision:
    """The decision of the invoice, of the instalment that acts or is oldest where it has some."""
    own = [d for d in plan.decisions if d.key.invoice_id == invoice.pk]
    acting = [d for d in own if d.step_key]
    return next(iter(acting or own), Decision(ItemKey(invoice.pk), Reason.PAID))


def _policy_name(case: Case, ground: Ground, key: ItemKey) -> str:
    version = case.version_of(key)
    return ground.policies[version].name if version else ""


def _in_words(decision: Decision, plan: Plan) -> str:
    if not decision.step_key:
        return "none"
    channels = [
        attempt.channel.value
        for attempt in plan.attempts
        if any(line.key == decision.key for line in attempt.completing)
    ]
    return f"{decision.step_key}: {', '.join(channels)}"
