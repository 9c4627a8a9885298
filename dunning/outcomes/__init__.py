"""Outcomes: what a customer said or did, carried out and not only stored (PROTOCOL §4)."""

from dunning.outcomes.agreements import (
    HoldInput,
    PromiseInput,
    add_hold,
    add_promise,
    cancel_promise,
    extend_hold,
    release_hold,
)
from dunning.outcomes.calls import add_answer, record_call
from dunning.outcomes.copies import Wanted, send_copies
from dunning.outcomes.crossed import draft_thanks
from dunning.outcomes.days import Days, days_around, zone_of
from dunning.outcomes.hours import BestHour, Hours, best_hour, hours_at
from dunning.outcomes.inputs import Answer, CallInput
from dunning.outcomes.items import OpenItem, collectible_by_currency, open_items
from dunning.outcomes.messages import remind_of_promises
from dunning.outcomes.notes import TaskNote, finish_task, leave_event, open_task
from dunning.outcomes.plan_money import PlansSettled, settle_plans
from dunning.outcomes.plans import (
    Part,
    PlanOffer,
    PlanTerms,
    agree_plan,
    change_draft,
    draft_plan,
    ended_plan,
    lay_out,
    offer_plan,
    preview_plan,
    withdraw_plan,
)
from dunning.outcomes.record import PromiseRecord, promise_record, promise_records
from dunning.outcomes.replies import (
    KnownAlready,
    assign_reply,
    may_be_from,
    read_reply,
    take_in,
)
from dunning.outcomes.settling import Settled, settle_promises
from dunning.outcomes.tries import next_try, tried_days, tried_lately
from dunning.outcomes.undoing import last_logged, take_back, undo_until
from dunning.outcomes.words import (
    ROWS,
    TABLE,
    Group,
    Row,
    consequence,
    outcomes_of,
    promise_words,
    say_day,
)

__all__ = [
    "ROWS",
    "TABLE",
    "Answer",
    "BestHour",
    "CallInput",
    "Days",
    "Group",
    "HoldInput",
    "Hours",
    "KnownAlready",
    "OpenItem",
    "Part",
    "PlanOffer",
    "PlanTerms",
    "PlansSettled",
    "PromiseInput",
    "PromiseRecord",
    "Row",
    "Settled",
    "TaskNote",
    "Wanted",
    "add_answer",
    "add_hold",
    "add_promise",
    "agree_plan",
    "assign_reply",
    "best_hour",
    "cancel_promise",
    "change_draft",
    "collectible_by_currency",
    "consequence",
    "days_around",
    "draft_plan",
    "draft_thanks",
    "ended_plan",
    "extend_hold",
    "finish_task",
    "hours_at",
    "last_logged",
    "lay_out",
    "leave_event",
    "may_be_from",
    "next_try",
    "offer_plan",
    "open_items",
    "open_task",
    "outcomes_of",
    "preview_plan",
    "promise_record",
    "promise_records",
    "promise_words",
    "read_reply",
    "record_call",
    "release_hold",
    "remind_of_promises",
    "say_day",
    "send_copies",
    "settle_plans",
    "settle_promises",
    "take_back",
    "take_in",
    "tried_days",
    "tried_lately",
    "undo_until",
    "withdraw_plan",
    "zone_of",
]
