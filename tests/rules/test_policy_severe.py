"""Rule 6: final demand, certified letter and hand-over, gate by gate."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from arfollow.shared.workdays import Calendar
from dunning.policy import (
    PRESETS,
    Channel,
    Contact,
    ContactFacts,
    CustomerFacts,
    DoneStep,
    ItemFacts,
    ItemKey,
    Kind,
    Part,
    Plan,
    Reason,
    Result,
    Settings,
    State,
    TaskKind,
    Tone,
    decide,
)
from dunning.policy.made import contacts_made, is_made

US = Calendar("US")
TODAY = date(2025, 6, 2)
P2 = PRESETS["P2"]


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def row(step: str, days: int, channel: Channel = Channel.EMAIL, **more: object) -> DoneStep:
    """A step that was taken so many days ago and reached them."""
    values: dict[str, object] = {
        "done_on": ago(days),
        "result": Result.DELIVERED,
        "attempt_id": 1000 - days,
    }
    return DoneStep(  # type: ignore[arg-type]
        step, str(more.pop("action", channel.value)), channel, State.SENT, ago(days),
        **(values | more),
    )  # fmt: skip


LADDER = (
    row("d3", 90),
    row("d17", 76, tone=Tone.FIRM),
    row("d30", 62, tone=Tone.FIRM),
    row("d45", 46, tone=Tone.DIRECT),
    row("d60", 30, tone=Tone.URGENT),
)


def item(number: int = 1, late: int = 95, **more: object) -> ItemFacts:
    """An invoice at the foot of its final demand."""
    values: dict[str, object] = {"history": LADDER}
    return ItemFacts(  # type: ignore[arg-type]
        ItemKey(number), f"INV-{number}", ago(late), ago(late), "USD",
        Decimal(str(more.pop("amount", "900.00"))), **(values | more),
    )  # fmt: skip


def customer(*items: ItemFacts, **more: object) -> CustomerFacts:
    reach = (ContactFacts(1, frozenset({"payables"}), may_email=True, may_call=True),)
    values: dict[str, object] = {"contacts": reach, "postal_ok": True, "country": "US"}
    return CustomerFacts(1, "C-1", US, items, **(values | more))  # type: ignore[arg-type]


def plan(*items: ItemFacts, **more: object) -> Plan:
    return decide(P2, customer(*items, **more), TODAY)


def reason(*items: ItemFacts, **more: object) -> Reason:
    return plan(*items, **more).decisions[0].reason


def test_with_every_gate_passed_the_final_demand_comes_by_mail_and_certified_letter() -> None:
    found = plan(item())
    assert [(a.channel, a.tone, a.needs_approval) for a in found.attempts] == [
        (Channel.EMAIL, Tone.FINAL, True),
        (Channel.LETTER, Tone.FINAL, True),
    ]
    assert found.attempts[1].certified


def test_approval_is_asked_even_where_an_edited_policy_forgot_it() -> None:
    steps = tuple(
        replace(s, actions=tuple(replace(a, approval=False) for a in s.actions)) for s in P2.steps
    )
    found = decide(replace(P2, steps=steps), customer(item()), TODAY)
    assert all(attempt.needs_approval for attempt in found.attempts)


def test_two_contacts_are_not_enough() -> None:
    few = tuple(r if r.step_key in ("d3", "d60") else replace(r, result=Result.BOUNCED)
                for r in LADDER)  # fmt: skip
    found = plan(item(history=few))
    assert found.decisions[0].reason is Reason.GATE
    assert TaskKind.DECIDE in {task.kind for task in found.tasks}
    assert found.attempts == ()


def test_contacts_it_only_rode_along_in_count_for_the_gate() -> None:
    rode = tuple(
        replace(r, completes=False, step_key="") if r.step_key in ("d17", "d45") else r
        for r in LADDER
    )
    facts = customer(item(history=rode))
    assert contacts_made(facts.items[0], TODAY, facts) == 5


@pytest.mark.parametrize(
    "change",
    [{"dispute_open": True}, {"disputed": Decimal("10.00"), "dispute_open": True}],
)
def test_an_open_dispute_keeps_it_out(change: dict[str, object]) -> None:
    assert reason(item(**change)) is Reason.DISPUTED


def test_without_its_predecessor_the_step_before_it_comes_first() -> None:
    skipped = tuple(r for r in LADDER if r.step_key != "d60") + (
        row("gone", 30, offset=70, tone=Tone.URGENT),
    )
    found = plan(item(history=skipped))
    assert found.decisions[0].step_key == "d60"
    assert {a.tone for a in found.attempts if a.channel is Channel.EMAIL} == {Tone.URGENT}


@pytest.mark.parametrize(("days", "free"), [(59, False), (60, True)])
def test_one_final_demand_in_sixty_days(days: int, free: bool) -> None:
    earlier = Contact(ago(days), Channel.EMAIL, Tone.FINAL, lead=ItemKey(9))
    found = reason(item(), history=(earlier,))
    assert (found is not Reason.FINAL_RECENT) is free


def test_a_final_demand_that_waits_for_approval_counts_too() -> None:
    earlier = Contact(ago(9), Channel.EMAIL, Tone.FINAL, lead=ItemKey(9), state=State.HELD)
    assert reason(item(), history=(earlier,)) is Reason.FINAL_RECENT


def test_a_declined_final_demand_does_not_count() -> None:
    earlier = Contact(ago(9), Channel.EMAIL, Tone.FINAL, lead=ItemKey(9), state=State.CANCELLED)
    assert reason(item(), history=(earlier,)) is Reason.CAUGHT_UP


def test_a_letter_that_was_pulled_is_planned_again_and_waits_for_no_other_final() -> None:
    mail = row("d90", 7, tone=Tone.FINAL, pay_by=ago(-10))
    letter = row("d90", 7, Channel.LETTER, tone=Tone.FINAL)
    pulled = replace(letter, state=State.CANCELLED, result=Result.NONE)
    own = Contact(ago(7), Channel.EMAIL, Tone.FINAL, lead=ItemKey(1))
    found = plan(item(history=(*LADDER, mail, pulled)), history=(own,))
    assert [a.channel for a in found.attempts] == [Channel.LETTER]


# --- what counts as made ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "result", "made"),
    [
        (Channel.CALL, Result.RIGHT_PARTY, True),
        (Channel.CALL, Result.THIRD_PARTY, False),
        (Channel.CALL, Result.NO_CONTACT, False),
        (Channel.VISIT, Result.RIGHT_PARTY, True),
        (Channel.LETTER, Result.DELIVERED, True),
        (Channel.LETTER, Result.ACCEPTED, False),
        (Channel.LETTER, Result.RETURNED, False),
        (Channel.EMAIL, Result.DELIVERED, True),
        (Channel.EMAIL, Result.BOUNCED, False),
        (Channel.INTERNAL, Result.ACCEPTED, False),
    ],
)
def test_a_contact_is_made_when_it_reached_them(
    channel: Channel, result: Result, made: bool
) -> None:
    assert is_made(row("d3", 9, channel, result=result), TODAY, customer()) is made


@pytest.mark.parametrize(("days", "made"), [(2, False), (5, True)])
def test_accepted_mail_counts_after_three_business_days(days: int, made: bool) -> None:
    accepted = row("d3", days, result=Result.ACCEPTED)
    assert is_made(accepted, TODAY, customer()) is made


@pytest.mark.parametrize(
    "change",
    [
        {"kind": Kind.STATEMENT},
        {"kind": Kind.RESEND},
        {"kind": Kind.THANKS},
        {"tone": Tone.COURTESY},
        {"state": State.SKIPPED},
        {"state": State.UNKNOWN},
    ],
)
def test_these_never_count_as_made(change: dict[str, object]) -> None:
    assert not is_made(replace(row("d3", 9), **change), TODAY, customer())  # type: ignore[arg-type]


def test_two_actions_of_one_attempt_are_one_contact() -> None:
    twice = (row("d3", 9), row("d10", 9, action="other"))
    facts = customer(item(history=twice))
    assert contacts_made(facts.items[0], TODAY, facts) == 1


# --- hand-over ----------------------------------------------------------------------------

DEMANDED = (
    *LADDER,
    row("d90", 30, tone=Tone.FINAL, pay_by=ago(16)),
    row("d90", 30, Channel.LETTER, tone=Tone.FINAL, delivered_on=ago(27)),
    row("d105", 15, Channel.INTERNAL, tone=Tone.INTERNAL),
)


def handed(*items: ItemFacts, **more: object) -> Plan:
    return plan(*items, **more)


def test_the_hand_over_is_one_per_customer_and_approved() -> None:
    found = handed(item(1, 125, history=DEMANDED), item(2, 125, history=DEMANDED))
    assert [(a.channel, a.needs_approval) for a in found.attempts] == [(Channel.HANDOVER, True)]
    assert [line.key for line in found.attempts[0].completing] == [ItemKey(1), ItemKey(2)]


def test_items_that_the_final_demand_took_go_along() -> None:
    taken = tuple(
        replace(r, completes=False, taken=True, step_key="") if r.tone is Tone.FINAL else r
        for r in DEMANDED
    )
    along = item(2, 80, history=taken[:-1])
    found = handed(item(1, 125, history=DEMANDED), along)
    lines = {line.key: line.taken for line in found.attempts[0].lines}
    assert lines == {ItemKey(1): False, ItemKey(2): True}


def asked(days: int, **more: object) -> DoneStep:
    """A hand-over that took an item along, asked for so many days ago."""
    held = row("", days, Channel.HANDOVER, tone=Tone.INTERNAL, done_on=None, result=Result.NONE)
    return replace(held, state=State.HELD, completes=False, taken=True, **more)  # type: ignore[arg-type]


def handovers(found: Plan) -> list[Channel]:
    return [a.channel for a in found.attempts if a.channel is Channel.HANDOVER]


@pytest.mark.parametrize("mine", [True, False])
def test_no_second_hand_over_is_asked_while_one_waits(mine: bool) -> None:
    waiting = (*DEMANDED, asked(10))
    first, second = (waiting, DEMANDED) if mine else (DEMANDED, waiting)
    found = handed(item(1, 125, history=first), item(2, 125, history=second))
    assert handovers(found) == []
    assert {d.reason for d in found.decisions} == {Reason.AWAITING_APPROVAL}


@pytest.mark.parametrize(("again", "asks"), [(None, False), (ago(-5), False), (ago(0), True)])
def test_a_declined_hand_over_is_asked_again_on_its_day_only(
    again: date | None, asks: bool
) -> None:
    no = asked(10, skip=Reason.DECLINED, again_on=again)
    no = replace(no, state=State.CANCELLED)
    found = handed(item(1, 125, history=(*DEMANDED, no)))
    assert bool(handovers(found)) is asks
    if not asks:
        assert found.decisions[0].reason is Reason.DECLINED


def test_a_hand_over_of_an_earlier_cycle_holds_nothing_up() -> None:
    old = replace(asked(10), cycle=1)
    history = tuple(replace(step, cycle=2) for step in DEMANDED)
    found = handed(item(1, 125, history=(*history, old), cycle=2))
    assert handovers(found) == [Channel.HANDOVER]


def test_what_no_final_demand_listed_stays_with_us() -> None:
    found = handed(item(1, 125, history=DEMANDED), item(2, 125))
    handover = next(a for a in found.attempts if a.channel is Channel.HANDOVER)
    assert {line.key for line in handover.lines} == {ItemKey(1)}
    assert {line.part for line in handover.lines} == {Part.PLEASE_PAY}


@pytest.mark.parametrize(("amount", "goes"), [("249.99", False), ("250.00", True)])
def test_the_agency_takes_no_trifles(amount: str, goes: bool) -> None:
    found = handed(item(1, 125, history=DEMANDED, amount=amount))
    assert bool(found.attempts) is goes
    if not goes:
        assert found.decisions[0].reason is Reason.BELOW_AGENCY_MINIMUM


def test_small_items_together_may_be_enough_for_the_agency() -> None:
    items = [item(n, 125, history=DEMANDED, amount="130.00") for n in (1, 2)]
    assert handed(*items).attempts[0].totals() == {"USD": Decimal("260.00")}


def test_the_agencys_minimum_is_a_setting() -> None:
    small = item(1, 125, history=DEMANDED, amount="100.00")
    assert handed(small, settings=Settings(agency_minimum=Decimal(50))).attempts
