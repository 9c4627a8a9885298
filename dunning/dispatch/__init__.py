"""Safe sending: claim, last look, point of no return, record; and the sweep after crashes."""

from dunning.dispatch.brakes import (
    PROCESSES,
    NotOurDatabase,
    WrongClock,
    beat,
    check_clock,
    usual_day,
)
from dunning.dispatch.circuit import open_since, provider, story, trouble_until
from dunning.dispatch.gate import Answer, Verdict, can_send
from dunning.dispatch.sender import Tally, send_some
from dunning.dispatch.sweeper import mark_reached, release_over, sweep

__all__ = [
    "PROCESSES",
    "Answer",
    "NotOurDatabase",
    "Tally",
    "Verdict",
    "WrongClock",
    "beat",
    "can_send",
    "check_clock",
    "mark_reached",
    "open_since",
    "provider",
    "release_over",
    "send_some",
    "story",
    "sweep",
    "trouble_until",
    "usual_day",
]
