"""The four policies we ship, as data (PROTOCOL section 2); staff clone and edit them."""

from dunning.policy.types import (
    Action,
    Policy,
    PolicySettings,
    Step,
)
from dunning.policy.words import (
    Channel,
    Condition,
    Reference,
    Tone,
)

GATE = (Condition.THREE_CONTACTS_MADE,)

EMAIL = Action("email", Channel.EMAIL)
PLAN_EMAIL = Action("email", Channel.EMAIL, offers_plan=True)
CALL = Action("call", Channel.CALL)
INTERNAL = Action(
    "internal", Channel.INTERNAL, role="owner", conditions=GATE, note="I'll take it / stop supply"
)
SUMMARY = Action("internal", Channel.INTERNAL, role="owner", note="file summary: go or no-go")
FINAL_EMAIL = Action("email", Channel.EMAIL, approval=True, also_escalation=True)
FINAL_LETTER = Action("letter", Channel.LETTER, approval=True, certified=True, also_escalation=True)
HAND_OVER = Action("handover", Channel.HANDOVER, role="owner", approval=True)

FRIENDLY_TEXT = ("thanks", "terms", "ways_to_pay", "tell_us_if_records_differ")
FACTS_TEXT = ("number", "dates", "amount", "paid", "open", "days_late")
URGENT_TEXT = ("prompt_attention", "seriously_past_due")
FINAL_TEXT = ("matter_is_serious", "immediate_attention", "attempts", "absolute_deadline")

P1 = Policy(
    name="Standard protocol",
    description="Day-numbered protocol for terms due on receipt; three contacts before "
    "anyone above is involved, a certified final demand on day 120, an agency on day 150.",
    reference=Reference.LATER_OF_ISSUE_AND_DUE_LESS_21,
    settings=PolicySettings(early_first_step=True, statements_monthly=True),
    steps=(
        Step("d22", 22, Tone.FRIENDLY, (EMAIL,), must_contain=FRIENDLY_TEXT),
        Step("d29", 29, Tone.FRIENDLY, (CALL,), conditions=(Condition.NO_RESPONSE,)),
        Step("d45", 45, Tone.FIRM, (EMAIL,), must_contain=("our_records_show",)),
        Step("d60", 60, Tone.FIRM, (EMAIL, CALL, INTERNAL), must_contain=("terms", "all_open")),
        Step("d75", 75, Tone.DIRECT, (EMAIL, INTERNAL), must_contain=FACTS_TEXT),
        Step("d90", 90, Tone.URGENT, (PLAN_EMAIL, INTERNAL), must_contain=URGENT_TEXT),
        Step("d120", 120, Tone.FINAL, (FINAL_EMAIL, FINAL_LETTER), must_contain=FINAL_TEXT),
        Step(
            "d135",
            135,
            Tone.INTERNAL,
            (SUMMARY,),
            conditions=(Condition.NO_INBOUND_SINCE_FINAL,),
        ),
        Step("d150", 150, Tone.INTERNAL, (HAND_OVER,)),
    ),
)

P2 = Policy(
    name="Due-date ladder",
    description="From a courtesy three days before the due date to a hand-over on day 120.",
    settings=PolicySettings(statements_monthly=True),
    steps=(
        Step("courtesy", -3, Tone.COURTESY, (EMAIL,)),
        Step("d3", 3, Tone.FRIENDLY, (EMAIL,), must_contain=FRIENDLY_TEXT),
        Step("d10", 10, Tone.FRIENDLY, (CALL,)),
        Step("d17", 17, Tone.FIRM, (EMAIL,), must_contain=("our_records_show",)),
        Step("d30", 30, Tone.FIRM, (EMAIL, CALL, INTERNAL), must_contain=("terms", "all_open")),
        Step("d45", 45, Tone.DIRECT, (EMAIL, INTERNAL), must_contain=FACTS_TEXT),
        Step("d60", 60, Tone.URGENT, (PLAN_EMAIL, INTERNAL), must_contain=URGENT_TEXT),
        Step("d90", 90, Tone.FINAL, (FINAL_EMAIL, FINAL_LETTER), must_contain=FINAL_TEXT),
        Step("d105", 105, Tone.INTERNAL, (SUMMARY,)),
        Step("d120", 120, Tone.INTERNAL, (HAND_OVER,)),
    ),
)

P3 = Policy(
    name="Gentle",
    description="E-mail only: before the due date, after it, then every two weeks, at most six.",
    steps=(
        Step("courtesy", -3, Tone.COURTESY, (EMAIL,)),
        Step("d3", 3, Tone.FRIENDLY, (EMAIL,), must_contain=FRIENDLY_TEXT),
        Step("again", 17, Tone.FRIENDLY, (EMAIL,), repeat_every=14, repeat_limit=6),
    ),
)

P4 = Policy(
    name="Fixed process",
    description="Call first, a polite firm mail with the invoice, a visit, then the owners meet.",
    settings=PolicySettings(interest_per_contract=True),
    steps=(
        Step("d3", 3, Tone.FRIENDLY, (CALL,)),
        Step("d10", 10, Tone.FIRM, (Action("email", Channel.EMAIL, note="online invoice"),)),
        Step("d24", 24, Tone.FIRM, (Action("visit", Channel.VISIT, note="collect the cheque"),)),
        Step(
            "d45",
            45,
            Tone.DIRECT,
            (Action("meeting", Channel.VISIT, role="owner", note="owners meet", conditions=GATE),),
        ),
    ),
)

PRESETS: dict[str, Policy] = {"P1": P1, "P2": P2, "P3": P3, "P4": P4}
DEFAULT_PRESET = "P2"
