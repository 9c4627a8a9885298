"""Why an item was, or was not, followed up: every code with the sentence a person reads."""

from enum import StrEnum


class Reason(StrEnum):
    """One code per cause; stored with every decision and shown on the invoice page."""

    # A step is taken
    DUE = "due"
    EARLY = "early"
    CAUGHT_UP = "caught_up"
    PROMISE_BROKEN = "promise_broken"
    ASK_RECEIVED = "ask_received"
    STATEMENT = "statement"
    # Not yet
    NOT_DUE = "not_due"
    NOT_BUSINESS_DAY = "not_business_day"
    NOT_OUR_WORKING_DAY = "not_our_working_day"
    PAUSE = "pause"
    PAY_BY = "pay_by"
    PACE = "pace"
    PACE_ADDRESS = "pace_address"
    WEEKLY_CAP = "weekly_cap"
    REPLIED = "replied"
    OVERDUE_FIRST = "overdue_first"
    FINAL_RUNNING = "final_running"
    # Something of ours is on its way
    QUEUED = "queued"
    CALL_OPEN = "call_open"
    LETTER_OPEN = "letter_open"
    AWAITING_APPROVAL = "awaiting_approval"
    HELD = "held"
    UNKNOWN_DELIVERY = "unknown_delivery"
    DELIVERY_FAILED = "delivery_failed"
    DECLINED = "declined"
    # Stops (rule 8)
    PAID = "paid"
    TOLERANCE = "tolerance"
    COVERED = "covered"
    DISPUTED = "disputed"
    PROMISED = "promised"
    PLAN = "plan"
    JUST_PAID = "just_paid"
    ASKED_RECEIVED = "asked_received"
    UNREAD_REPLY = "unread_reply"
    HOLD = "hold"
    CUSTOMER_HOLD = "customer_hold"
    LEGAL_STOP = "legal_stop"
    PLACED = "placed"
    DIRECT_DEBIT = "direct_debit"
    UNREACHABLE = "unreachable"
    STALE_DATA = "stale_data"
    PAUSED = "paused"
    AGREEMENT_ENDED = "agreement_ended"
    # Severe steps (rule 6)
    GATE = "gate"
    BELOW_MINIMUM = "below_minimum"
    BELOW_AGENCY_MINIMUM = "below_agency_minimum"
    FINAL_RECENT = "final_recent"
    # Recorded instead of done: nothing is skipped without one of these
    LAPSED = "lapsed"
    NOT_NEEDED = "not_needed"
    NOT_MADE = "not_made"
    OPTED_OUT = "opted_out"
    CONVERSATION = "conversation"
    IN_FINAL = "in_final"
    NO_NUMBER = "no_number"
    NO_ADDRESS = "no_address"
    SMALL_AMOUNT = "small_amount"
    SUBSTITUTED = "substituted"
    BY_STAFF = "by_staff"
    # The end of a ladder
    FINISHED = "finished"
    NO_POLICY = "no_policy"


SENTENCES: dict[Reason, str] = {
    Reason.DUE: "Its next step is due.",
    Reason.EARLY: "Two or more invoices are overdue, so the first step comes early.",
    Reason.CAUGHT_UP: "Its next step was due on an earlier day and is caught up.",
    Reason.PROMISE_BROKEN: "A promise was not kept, so we call before going on.",
    Reason.ASK_RECEIVED: "A newer invoice was paid; we ask whether this one was received.",
    Reason.STATEMENT: "The monthly statement of an overdue account is due.",
    Reason.NOT_DUE: "Its next step is not due yet.",
    Reason.NOT_BUSINESS_DAY: "Today is no business day for the customer.",
    Reason.NOT_OUR_WORKING_DAY: "Today is not a working day of ours.",
    Reason.PAUSE: "The pause after the last step is still running.",
    Reason.PAY_BY: "The pay-by date of our last message has not passed.",
    Reason.PACE: "We contacted the customer recently; the next contact waits.",
    Reason.PACE_ADDRESS: "We wrote to the same address for another account recently.",
    Reason.WEEKLY_CAP: "The customer has had the most messages allowed in a week.",
    Reason.REPLIED: "The customer was in touch since our last contact; we give them time.",
    Reason.OVERDUE_FIRST: "Something is overdue, so no courtesy reminder goes out.",
    Reason.FINAL_RUNNING: "A final demand is running; nothing else is sent meanwhile.",
    Reason.QUEUED: "A message is planned and waits to be sent.",
    Reason.CALL_OPEN: "A call or visit is planned and not yet made.",
    Reason.LETTER_OPEN: "A letter is planned and not yet posted or delivered.",
    Reason.AWAITING_APPROVAL: "A step waits for approval.",
    Reason.HELD: "A message is held.",
    Reason.UNKNOWN_DELIVERY: "Whether our last message left is unknown; a person decides.",
    Reason.DELIVERY_FAILED: "Our message failed several times; a person looks into it.",
    Reason.DECLINED: "Approval was declined; the next move is still open.",
    Reason.PAID: "It is paid.",
    Reason.TOLERANCE: "What is left is within the tolerance.",
    Reason.COVERED: "Credits or unapplied cash cover it; allocate or refund them.",
    Reason.DISPUTED: "It is in dispute.",
    Reason.PROMISED: "Payment is promised.",
    Reason.PLAN: "A payment plan covers it and is kept.",
    Reason.JUST_PAID: "A payment came in within the last two business days.",
    Reason.ASKED_RECEIVED: "We asked whether it was received and wait for the answer.",
    Reason.UNREAD_REPLY: "A reply of the customer has not been read yet.",
    Reason.HOLD: "It is on hold until a date.",
    Reason.CUSTOMER_HOLD: "The customer is on hold.",
    Reason.LEGAL_STOP: "The customer is represented, insolvent or deceased; the owner decides.",
    Reason.PLACED: "It is with an agency or solicitor.",
    Reason.DIRECT_DEBIT: "A direct debit is pending.",
    Reason.UNREACHABLE: "Nobody can be reached by any channel; find a contact.",
    Reason.STALE_DATA: "Payment data is too old to chase on.",
    Reason.PAUSED: "Follow-up is paused.",
    Reason.AGREEMENT_ENDED: "The promise or plan it speaks of has come to its end.",
    Reason.GATE: "Fewer than three contacts that listed it were made.",
    Reason.BELOW_MINIMUM: "The amount is below the minimum for a severe step.",
    Reason.BELOW_AGENCY_MINIMUM: "The amount is below the agency's minimum.",
    Reason.FINAL_RECENT: "The customer had a final demand within the last 60 days.",
    Reason.LAPSED: "Lapsed: a courtesy makes no sense once the item is overdue.",
    Reason.NOT_NEEDED: "Not needed: its condition was not met.",
    Reason.NOT_MADE: "Not made within five business days.",
    Reason.OPTED_OUT: "The customer opted out of soft reminders.",
    Reason.CONVERSATION: "A recent conversation with the customer covers it.",
    Reason.IN_FINAL: "It was part of the customer's final demand.",
    Reason.NO_NUMBER: "There is no usable phone number; find one.",
    Reason.NO_ADDRESS: "There is no usable postal address; find one.",
    Reason.SMALL_AMOUNT: "The amount is too small for a letter.",
    Reason.SUBSTITUTED: "Without a usable e-mail address another action of the step does it.",
    Reason.BY_STAFF: "A person skipped it, with a reason.",
    Reason.FINISHED: "The ladder is finished; the owner decides.",
    Reason.NO_POLICY: "The customer follows no policy.",
}

SKIP_REASONS = frozenset(
    {
        Reason.LAPSED,
        Reason.NOT_NEEDED,
        Reason.NOT_MADE,
        Reason.OPTED_OUT,
        Reason.CONVERSATION,
        Reason.IN_FINAL,
        Reason.NO_NUMBER,
        Reason.NO_ADDRESS,
        Reason.SMALL_AMOUNT,
        Reason.SUBSTITUTED,
        Reason.BY_STAFF,
    }
)


def sentence(reason: Reason) -> str:
    """The one sentence staff read for *reason*."""
    return SENTENCES[reason]
