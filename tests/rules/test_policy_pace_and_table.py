"""Rule 2, the pace, and rule 3, the table and its tone, on small facts."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

import pytest

from arfollow.shared.workdays import Calendar
from dunning.policy import (
    PRESETS,
    Channel,
    Contact,
    ContactFacts,
    CreditFacts,
    CustomerFacts,
    DoneStep,
    HoldFacts,
    ItemFacts,
    ItemKey,
    Kind,
    Part,
    Plan,
    PromiseFacts,
    Reason,
    Result,
    State,
    Tone,
    call_is_done,
    decide,
    may_call_again,
)
from dunning.policy.netting import net_of_credits
from dunning.policy.pace import is_contact, next_contact
from dunning.policy.types import (
    PolicySettings,
)

US = Calendar("US")
TODAY = date(2025, 6, 2)
P2 = PRESETS["P2"]
RULES = PolicySettings()
OURS, THEIRS = ItemKey(1), ItemKey(2)
numbers = count(1)


def item(late: int, amount: str = "100.00", **more: object) -> ItemFacts:
    """An item so many days late."""
    key, due = ItemKey(next(numbers)), TODAY - timedelta(days=late)
    return ItemFacts(  # type: ignore[arg-type]
        key, f"INV-{key.invoice_id}", due, due, str(more.pop("currency", "USD")), Decimal(amount),
        **more,
    )  # fmt: skip


def customer(*items: ItemFacts, **more: object) -> CustomerFacts:
    reach = (ContactFacts(1, frozenset({"payables"}), may_email=True, may_call=True),)
    values: dict[str, object] = {"contacts": reach, "postal_ok": True, "country": "US"}
    return CustomerFacts(1, "C-1", US, items, **(values | more))  # type: ignore[arg-type]


def said(on: date, tone: Tone = Tone.FRIENDLY, **more: object) -> Contact:
    return Contact(on, Channel.EMAIL, tone, **({"lead": OURS} | more))  # type: ignore[arg-type]


def plan(facts: CustomerFacts) -> Plan:
    return decide(P2, facts, TODAY)


# --- the pace -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lead", "tone", "days"),
    [(OURS, Tone.FRIENDLY, 5), (THEIRS, Tone.FRIENDLY, 10), (THEIRS, Tone.FIRM, 5)],
)
def test_the_next_contact_waits_five_or_ten_business_days(
    lead: ItemKey, tone: Tone, days: int
) -> None:
    facts = customer(history=(said(TODAY),))
    wait = next_contact(facts, RULES, lead, tone, TODAY)
    assert wait is not None
    assert (wait.until, wait.because) == (US.add(TODAY, days), Reason.PACE)
    assert next_contact(facts, RULES, lead, tone, wait.until) is None


@pytest.mark.parametrize(
    "change",
    [
        {"kind": Kind.STATEMENT},
        {"kind": Kind.THANKS},
        {"kind": Kind.RESEND},
        {"kind": Kind.CALL_BACK},
        {"kind": Kind.PROMISE_FOLLOW_UP},
        {"tone": Tone.COURTESY},
        {"channel": Channel.INTERNAL},
        {"channel": Channel.CALL, "result": Result.NO_CONTACT},
        {"result": Result.BOUNCED},
        {"state": State.CANCELLED},
        {"state": State.FAILED},
        {"state": State.HELD},
    ],
)
def test_these_are_no_contacts(change: dict[str, object]) -> None:
    assert not is_contact(replace(said(TODAY), **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"kind": Kind.MANUAL},
        {"state": State.PLANNED},
        {"state": State.UNKNOWN},
        {"channel": Channel.CALL, "result": Result.RIGHT_PARTY},
        {"channel": Channel.LETTER},
    ],
)
def test_these_are_contacts(change: dict[str, object]) -> None:
    assert is_contact(replace(said(TODAY), **change))  # type: ignore[arg-type]


def test_a_courtesy_waits_for_no_contact() -> None:
    facts = customer(history=(said(TODAY - timedelta(days=1)),))
    assert next_contact(facts, RULES, THEIRS, Tone.COURTESY, TODAY) is None


def test_three_messages_in_seven_days_are_the_most() -> None:
    week = tuple(said(TODAY - timedelta(days=n), Tone.COURTESY) for n in (1, 3, 6))
    facts = customer(history=week)
    wait = next_contact(facts, RULES, THEIRS, Tone.COURTESY, TODAY)
    assert wait is not None
    assert wait.because is Reason.WEEKLY_CAP
    assert next_contact(facts, RULES, THEIRS, Tone.COURTESY, TODAY + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("tries", "reached", "done"),
    [
        ([], True, True),
        ([0, 0, 0], False, False),
        ([0, 1], False, False),
        ([0, 0, 1], False, True),
    ],
)
def test_a_call_is_done_by_reaching_somebody_or_by_three_tries_on_two_days(
    tries: list[int], reached: bool, done: bool
) -> None:
    days = [TODAY + timedelta(days=n) for n in tries]
    assert call_is_done(days, reached=reached) is done


@pytest.mark.parametrize(
    ("tries", "may"),
    [([], True), ([0], False), ([1, 2], True), ([1, 2, 3], False), ([8, 9, 7], True)],
)
def test_unanswered_calls_are_one_a_day_and_three_a_week(tries: list[int], may: bool) -> None:
    days = [TODAY - timedelta(days=n) for n in tries]
    assert may_call_again(days, TODAY) is may


# --- the table ----------------------------------------------------------------------------


def test_the_three_parts_hold_what_is_owed_contested_and_not_yet_due() -> None:
    overdue, contested, coming = item(5), item(9, "80.00", disputed=Decimal(80)), item(-9)
    notice = plan(customer(overdue, contested, coming)).attempts[0]
    parts = {line.key: line.part for line in notice.lines}
    assert parts == {
        overdue.key: Part.PLEASE_PAY,
        contested.key: Part.IN_QUERY,
        coming.key: Part.NOT_YET_DUE,
    }
    assert notice.totals() == {"USD": Decimal("100.00")}


def test_a_promised_item_is_not_asked_for_in_the_message_about_another() -> None:
    promised, free = item(12), item(5)
    promise = PromiseFacts(1, TODAY, TODAY + timedelta(days=5), items=frozenset({promised.key}))
    notice = plan(customer(promised, free, promises=(promise,))).attempts[0]
    assert notice.totals() == {"USD": Decimal("100.00")}
    assert {line.key for line in notice.lines if line.part is Part.PLEASE_PAY} == {free.key}


def test_an_item_on_hold_is_in_query_in_the_message_about_another() -> None:
    held, free = item(12), item(5)
    hold = HoldFacts("document", TODAY, TODAY + timedelta(days=5), items=frozenset({held.key}))
    notice = plan(customer(held, free, holds=(hold,))).attempts[0]
    assert {line.key: line.part for line in notice.lines}[held.key] is Part.IN_QUERY


def test_lines_are_oldest_first_and_credits_last() -> None:
    young, old = item(5), item(50)
    credit = CreditFacts(Decimal("30.00"), "USD", "CN-1")
    notice = plan(customer(young, old, credits=(credit,))).attempts[0]
    assert [line.key for line in notice.lines] == [old.key, young.key, None]
    assert notice.lines[-1].amount == Decimal("-30.00")


def test_credits_are_set_against_the_oldest_items_first() -> None:
    young, old = item(5), item(50)
    facts = customer(young, old, credits=(CreditFacts(Decimal("130.00"), "USD"),))
    amounts = net_of_credits(facts, TODAY).amounts
    assert amounts == {old.key: Decimal("0.00"), young.key: Decimal("70.00")}
    reasons = {d.key: d.reason for d in plan(facts).decisions}
    assert reasons[old.key] is Reason.COVERED


def test_a_currency_that_credits_cover_is_not_asked_for() -> None:
    dollars, euros = item(5), item(5, currency="EUR")
    facts = customer(dollars, euros, credits=(CreditFacts(Decimal("99.50"), "EUR"),))
    assert plan(facts).attempts[0].totals() == {"USD": Decimal("100.00")}


def test_what_is_left_of_a_credit_spares_an_item_its_courtesy() -> None:
    coming = item(-3)
    facts = customer(coming, credits=(CreditFacts(Decimal("100.00"), "USD"),))
    assert plan(facts).attempts == ()
    assert plan(facts).decisions[0].reason is Reason.COVERED


def test_a_credit_line_never_exceeds_what_it_is_set_against() -> None:
    young = item(5, "40.00")
    contested = item(50, disputed=Decimal("100.00"))
    facts = customer(young, contested, credits=(CreditFacts(Decimal("25.00"), "USD"),))
    notice = plan(facts).attempts[0]
    assert notice.totals() == {"USD": Decimal("15.00")}


def test_no_courtesy_goes_out_while_anything_is_overdue() -> None:
    coming, overdue = item(-3), item(1)
    found = plan(customer(coming, overdue))
    assert found.attempts == ()
    assert {d.key: d.reason for d in found.decisions}[coming.key] is Reason.OVERDUE_FIRST


# --- the tone -----------------------------------------------------------------------------


def history(step: str, days_ago: int, tone: Tone, **more: object) -> tuple[DoneStep, ...]:
    on = TODAY - timedelta(days=days_ago)
    values: dict[str, object] = {"done_on": on, "tone": tone, "result": Result.ACCEPTED}
    return (
        DoneStep(step, "email", Channel.EMAIL, State.SENT, on, **(values | more)),  # type: ignore[arg-type]
    )


def tone_of(*items: ItemFacts) -> Tone:
    return next(a.tone for a in plan(customer(*items)).attempts if a.channel is Channel.EMAIL)


def test_the_tone_is_that_of_the_highest_step_an_asked_item_has_reached() -> None:
    old = item(50, history=history("d45", 14, Tone.DIRECT))
    assert tone_of(item(5), old) is Tone.DIRECT


def test_a_trifle_does_not_raise_the_tone() -> None:
    trifle = item(50, "24.99", history=history("d45", 14, Tone.FRIENDLY))
    assert tone_of(item(5), trifle) is Tone.FRIENDLY


def test_a_contested_item_does_not_raise_the_tone() -> None:
    contested = item(50, disputed=Decimal(100), history=history("d45", 14, Tone.DIRECT))
    assert tone_of(item(5), contested) is Tone.FRIENDLY


def test_the_tone_never_falls_below_the_last_message_while_its_items_are_open() -> None:
    rode = item(9, history=history("", 14, Tone.URGENT, completes=False))
    assert tone_of(item(5), rode) is Tone.URGENT


def test_the_tone_falls_once_the_items_of_the_last_message_are_paid() -> None:
    assert tone_of(item(5)) is Tone.FRIENDLY


def test_riding_along_never_makes_a_message_final() -> None:
    demanded = item(95, history=history("d90", 70, Tone.FINAL))
    other = item(5)
    emails = [a for a in plan(customer(demanded, other)).attempts if a.channel is Channel.EMAIL]
    assert all(a.tone is Tone.URGENT for a in emails)
