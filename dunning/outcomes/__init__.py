"""Outcomes: what a customer said or did, carried out and not only stored (PROTOCOL §4)."""

from dunning.outcomes.agreements import (
    HoldInput,
    PromiseInput,
    add_hold,
    add_promise,
    agree_plan,
    cancel_promise,
    draft_plan,
    release_hold,
)
from dunning.outcomes.calls import add_answer, record_call
from dunning.outcomes.days import Days, days_around, zone_of
from dunning.outcomes.inputs import Answer, CallInput
from dunning.outcomes.items import OpenItem, collectible_by_currency, open_items
from dunning.outcomes.notes import TaskNote, finish_task, open_task
from dunning.outcomes.replies import read_reply
from dunning.outcomes.settling import Settled, draft_thanks, settle_promises
from dunning.outcomes.tries import tried_days
from dunning.outcomes.words import ROWS, TABLE, Group, Row, consequence, outcomes_of, say_day

__all__ = [
    "ROWS",
    "TABLE",
    "Answer",
    "CallInput",
    "Days",
    "Group",
    "HoldInput",
    "OpenItem",
    "PromiseInput",
    "Row",
    "Settled",
    "TaskNote",
    "add_answer",
    "add_hold",
    "add_promise",
    "agree_plan",
    "cancel_promise",
    "collectible_by_currency",
    "consequence",
    "days_around",
    "draft_plan",
    "draft_thanks",
    "finish_task",
    "open_items",
    "open_task",
    "outcomes_of",
    "read_reply",
    "record_call",
    "release_hold",
    "say_day",
    "settle_promises",
    "tried_days",
    "zone_of",
]
