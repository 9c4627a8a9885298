"""What a text must state, by purpose, channel and tone (PROTOCOL section 3, rules 3 and 7)."""

from dunning.wording.notice import Purpose
from dunning.wording.texts import Text

_ASKING = frozenset({"invoice_table", "terms", "payments_note", "ways_to_pay", "signature"})
_AMOUNT = frozenset({"amount_due"})
_BY_TONE = {
    "courtesy": frozenset({"amount_not_yet_due", "due_date"}),
    "friendly": _AMOUNT | {"due_date"},
    "firm": _AMOUNT | {"deadline"},
    "direct": _AMOUNT | {"deadline"},
    "urgent": _AMOUNT | {"deadline"},
    "final": _AMOUNT | {"deadline", "prior_contacts"},
}
_BY_PURPOSE = {
    Purpose.STATEMENT: _ASKING,
    Purpose.RESEND: _ASKING,
    Purpose.CROSSED: frozenset({"invoice_table", "payments_note", "payment_amount", "signature"}),
    Purpose.PROMISE: frozenset(
        {"invoice_table", "payments_note", "promise_amount", "promise_date", "signature"}
    ),
    Purpose.PROMISE_PART_KEPT: frozenset(
        {"invoice_table", "promise_received", "promise_remaining", "promise_date", "signature"}
    ),
    Purpose.PROMISE_NUDGE: frozenset(
        {"invoice_table", "payments_note", "promise_amount", "promise_date", "signature"}
    ),
    Purpose.PLAN: frozenset(
        {"invoice_table", "payments_note", "instalments", "plan_total", "signature"}
    ),
    Purpose.SKIPPED_ITEM: _ASKING | {"invoice_numbers"},
    Purpose.LETTER_COPY: frozenset(
        {"invoice_table", "payments_note", "ways_to_pay", "signature", "amount_due"}
    ),
    Purpose.MANUAL: frozenset({"signature"}),
    Purpose.TEST: frozenset({"signature"}),
    Purpose.INTERNAL: frozenset({"invoice_table", "amount_due", "customer_name", "history"}),
}
_CALL = frozenset({"invoice_numbers", "invoice_table", "terms", "contact_phone", "prior_contacts"})
_VISIT = frozenset({"invoice_table", "terms", "amount_due", "prior_contacts"})


def required_fields(text: Text) -> frozenset[str]:
    """The merge fields that must come out, whatever the flags are."""
    if text.channel == "call":
        return _CALL
    if text.channel == "visit":
        return _VISIT
    if text.purpose in _BY_PURPOSE:
        return _BY_PURPOSE[text.purpose]
    return _ASKING | _BY_TONE.get(text.tone, _AMOUNT)
