"""What a policy would ask for over some weeks, on the ledger as it is; writes nothing."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from arfollow.shared.errors import ServiceError
from customers.models import Customer
from dunning.facts import Case, Ground, lay_ground, load_cases
from dunning.policy import Policy, Settings
from dunning.policy.rehearse import rehearse
from dunning.runs.enrolment import find_policy
from dunning.runs.report import CHANNELS
from dunning.runs.select import pages
from invoices.models import Invoice


@dataclass
class Simulation:
    """Counts per day and channel; ``customers`` are those who would hear from us at all."""

    policy: str
    first: date
    last: date
    days: dict[date, Counter[str]] = field(default_factory=dict)
    customers: int = 0
    examined: int = 0

    def as_json(self) -> dict[str, Any]:
        """The contract of the command `simulate`; days without anything are left out."""
        return {
            "policy": self.policy,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "examined": self.examined,
            "customers": self.customers,
            "planned": self.totals(),
            "days": {
                day.isoformat(): dict(sorted(count.items()))
                for day, count in sorted(self.days.items())
            },
        }

    def totals(self) -> dict[str, int]:
        """Over all days, every channel."""
        whole: Counter[str] = sum(self.days.values(), Counter())
        return {channel.value: whole[channel.value] for channel in CHANNELS}


def simulate(policy: str, first: date, last: date) -> Simulation:
    """Let every customer with open items follow the policy, as if nobody paid.

    Freshness of payment data and the company's pause are left out of it: they are of today.
    """
    if last < first:
        raise ServiceError("The last day lies before the first.")
    ground = lay_ground()
    version = ground.current[find_policy(policy).pk]
    plain = ground.policies[version]
    result = Simulation(plain.name, first, last)
    unpaid = Invoice.objects.filter(open_amount__gt=0, issue_date__lte=last)
    ids = sorted(unpaid.order_by().values_list("customer_id", flat=True).distinct())
    for page in pages(ids):
        customers = Customer.objects.select_related("owner").filter(pk__in=page).order_by("pk")
        for case in load_cases(list(customers), last, ground):
            _one(case, plain, ground, result)
    return result


def _one(case: Case, policy: Policy, ground: Ground, result: Simulation) -> None:
    """One customer; each invoice joins on the day it is issued."""
    facts = replace(case.facts, settings=_calm(ground.settings))
    items = tuple(replace(item, policy=None) for item in facts.items)
    result.examined += len(items)
    heard = False
    for day, plan in rehearse(policy, replace(facts, items=items), result.first, result.last):
        channels = [attempt.channel.value for attempt in plan.attempts]
        if channels:
            result.days.setdefault(day, Counter()).update(channels)
            heard = True
    result.customers += heard


def _calm(settings: Settings) -> Settings:
    return replace(settings, payment_data_as_of=None, paused=False)
