"""From the database to plain facts: what decide() may know, in a fixed number of queries."""

from dunning.facts.build import Case
from dunning.facts.ground import Ground, lay_ground, renewed
from dunning.facts.load import load_cases
from dunning.facts.promised import paid_towards, received_by_plan, received_by_promise

__all__ = [
    "Case",
    "Ground",
    "lay_ground",
    "load_cases",
    "paid_towards",
    "received_by_plan",
    "received_by_promise",
    "renewed",
]
