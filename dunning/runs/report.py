"""What a run says about itself: on the screen, in the Run row, as JSON."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dunning.policy import Channel, Plan

CHANNELS = (
    Channel.EMAIL,
    Channel.CALL,
    Channel.LETTER,
    Channel.INTERNAL,
    Channel.VISIT,
    Channel.HANDOVER,
)


@dataclass
class Report:
    """Counts of one run. ``examined`` counts open items, ``customers`` those with work."""

    date: date
    dry_run: bool
    examined: int = 0
    customers: int = 0
    planned: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def count(self, plan: Plan, channels: list[str]) -> None:
        """Add one customer: its decisions, and the channels of what was planned for it."""
        self.examined += len(plan.decisions)
        self.reasons.update(decision.reason.value for decision in plan.decisions)
        self.planned.update(channels)
        self.customers += 1 if channels else 0

    def as_json(self) -> dict[str, Any]:
        """The contract of DESIGN section 7."""
        return {
            "date": self.date.isoformat(),
            "dry_run": self.dry_run,
            "examined": self.examined,
            "planned": self.planned_by_channel(),
            "customers": self.customers,
            "reasons": dict(sorted(self.reasons.items())),
            "warnings": self.warnings,
        }

    def planned_by_channel(self) -> dict[str, int]:
        """Every channel, also those with nothing."""
        return {channel.value: self.planned[channel.value] for channel in CHANNELS}
