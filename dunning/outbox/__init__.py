"""The outbox: every intended contact is a row here, and every move of a row is made here."""

from dunning.outbox.decisions import (
    NEXT_MOVES,
    NextMove,
    Settlement,
    approve,
    cancel,
    decline,
    free_slot,
    let_go,
    release_held,
    release_storm,
    settle_unknown,
    skip,
)
from dunning.outbox.instance import adopt, adopt_if_new, may_send
from dunning.outbox.planning import Draft, dedupe_key, plan, taken_days
from dunning.outbox.repairs import call_instead, may_try_again, try_again
from dunning.outbox.slots import SendTimes, Slot, in_window, next_slot, zone_of

__all__ = [
    "NEXT_MOVES",
    "Draft",
    "NextMove",
    "SendTimes",
    "Settlement",
    "Slot",
    "adopt",
    "adopt_if_new",
    "approve",
    "call_instead",
    "cancel",
    "decline",
    "dedupe_key",
    "free_slot",
    "in_window",
    "let_go",
    "may_send",
    "may_try_again",
    "next_slot",
    "plan",
    "release_held",
    "release_storm",
    "settle_unknown",
    "skip",
    "taken_days",
    "try_again",
    "zone_of",
]
