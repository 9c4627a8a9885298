"""The last look as a pure rule: what a planned message still says, or why it must not leave."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arfollow.shared.workdays import Calendar
from dunning.policy import (
    PRESETS,
    Channel,
    ContactFacts,
    CreditFacts,
    CustomerFacts,
    HoldFacts,
    ItemFacts,
    ItemKey,
    Kind,
    Line,
    Part,
    PlanFacts,
    PromiseFacts,
    Reason,
    Settings,
    Tone,
    decide,
)
from dunning.policy.recheck import Planned, recheck

TODAY = date(2026, 3, 2)
US = Calendar("US")
POLICIES = tuple(PRESETS.values()) if isinstance(PRESETS, dict) else tuple(PRESETS)


def item(number: int, late: int, amount: str = "100.00", **more: object) -> ItemFacts:
    due = TODAY - timedelta(days=late)
    values = {"open": Decimal(amount), "currency": "USD"} | more
    return ItemFacts(
        key=ItemKey(number),
        number=f"INV-{number}",
        issue_date=due - timedelta(days=30),
        due_date=due,
        **values,  # type: ignore[arg-type]
    )


def customer(*items: ItemFacts, **more: object) -> CustomerFacts:
    people = (ContactFacts(1, frozenset({"payables"}), may_email=True, may_call=True),)
    values = {"contacts": people, "postal_ok": True, "country": "US"} | more
    return CustomerFacts(1, "C-1", US, items, **values)  # type: ignore[arg-type]


def line(number: int, amount: str = "100.00", **more: object) -> Line:
    values = {"completes": True, "step_key": "reminder"} | more
    return Line(
        Part.PLEASE_PAY, Decimal(amount), "USD", ItemKey(number), f"INV-{number}",
        **values,  # type: ignore[arg-type]
    )  # fmt: skip


def message(*lines: Line, **more: object) -> Planned:
    values = {"channel": Channel.EMAIL, "kind": Kind.LADDER, "tone": Tone.FIRM} | more
    return Planned(lines=lines, **values)  # type: ignore[arg-type]


def asked(lines: tuple[Line, ...]) -> dict[int, Decimal]:
    return {row.key.invoice_id: row.amount for row in lines if row.key and row.completes}


TWO = (item(1, 20, "400.00"), item(2, 10, "250.00"))
SAID = message(line(1, "400.00"), line(2, "250.00"))


def test_nothing_changed_nothing_changes() -> None:
    found = recheck(customer(*TWO), SAID, TODAY)
    assert found.reason is None
    assert asked(found.lines) == {1: Decimal("400.00"), 2: Decimal("250.00")}


def test_what_is_paid_is_no_longer_named() -> None:
    found = recheck(customer(TWO[1]), SAID, TODAY)
    assert (found.reason, asked(found.lines)) == (None, {2: Decimal("250.00")})


def test_when_all_is_paid_nothing_is_left_to_send() -> None:
    assert recheck(customer(), SAID, TODAY).reason is Reason.PAID


def test_a_rest_within_the_tolerance_is_not_worth_a_message() -> None:
    left = [replace(one, open=Decimal("0.80")) for one in TWO]
    assert recheck(customer(*left), SAID, TODAY).reason is Reason.TOLERANCE


def test_credits_are_taken_off_as_lines_of_their_own() -> None:
    facts = customer(*TWO, credits=(CreditFacts(Decimal("100.00"), "USD", "CN-1"),))
    found = recheck(facts, SAID, TODAY)
    assert [(row.label, row.amount) for row in found.lines if row.key is None] == [
        ("CN-1", Decimal("-100.00"))
    ]


def test_credits_of_another_currency_change_nothing() -> None:
    facts = customer(*TWO, credits=(CreditFacts(Decimal("900.00"), "EUR", "CN-1"),))
    assert recheck(facts, SAID, TODAY).lines == recheck(customer(*TWO), SAID, TODAY).lines


def test_a_credit_that_covers_everything_stops_the_message() -> None:
    facts = customer(*TWO, credits=(CreditFacts(Decimal("900.00"), "USD"),))
    assert recheck(facts, SAID, TODAY).reason is Reason.COVERED


def test_a_colleague_is_told_about_items_not_about_credits() -> None:
    facts = customer(*TWO, credits=(CreditFacts(Decimal("100.00"), "USD"),))
    notice = replace(SAID, channel=Channel.INTERNAL, tone=Tone.INTERNAL)
    assert all(row.key is not None for row in recheck(facts, notice, TODAY).lines)


def test_a_disputed_part_moves_to_in_query() -> None:
    part = replace(TWO[0], disputed=Decimal("150.00"), dispute_open=True)
    found = recheck(customer(part, TWO[1]), SAID, TODAY)
    rows = {(row.key.invoice_id, row.part): row.amount for row in found.lines if row.key}
    assert rows == {
        (1, Part.PLEASE_PAY): Decimal("250.00"),
        (1, Part.IN_QUERY): Decimal("150.00"),
        (2, Part.PLEASE_PAY): Decimal("250.00"),
    }


def test_an_item_in_dispute_is_in_no_final_demand() -> None:
    part = replace(TWO[0], disputed=Decimal("10.00"), dispute_open=True)
    final = replace(SAID, tone=Tone.FINAL)
    assert asked(recheck(customer(part, TWO[1]), final, TODAY).lines) == {2: Decimal("250.00")}


PROMISE = PromiseFacts(1, made_on=TODAY, due_on=TODAY + timedelta(days=7))
STOPS = {
    Reason.LEGAL_STOP: {"legal_stop": "insolvent"},
    Reason.PLACED: {"placed": frozenset({ItemKey(1)})},
    Reason.UNREAD_REPLY: {"unread_replies": 1},
    Reason.CUSTOMER_HOLD: {"holds": (HoldFacts("ours", TODAY, TODAY + timedelta(days=3)),)},
    Reason.DIRECT_DEBIT: {"direct_debit_until": TODAY + timedelta(days=2)},
    Reason.PROMISED: {"promises": (PROMISE,)},
    Reason.PLAN: {"plans": (PlanFacts(),)},
    Reason.PAUSED: {"paused": True},
    Reason.STALE_DATA: {"settings": Settings(payment_data_as_of=date(2026, 1, 5))},
}


@pytest.mark.parametrize("reason", STOPS)
def test_every_stop_of_rule_8_keeps_a_planned_message_back(reason: Reason) -> None:
    facts = customer(*TWO, **STOPS[reason])
    assert recheck(facts, SAID, TODAY).reason is reason


def test_a_payment_shrinks_a_message_but_its_two_days_of_rest_do_not_remove_it() -> None:
    facts = customer(TWO[1], last_payment_on=TODAY)
    assert recheck(facts, SAID, TODAY).reason is None


def test_a_promise_for_one_item_leaves_the_other() -> None:
    one = replace(PROMISE, items=frozenset({ItemKey(1)}))
    found = recheck(customer(*TWO, promises=(one,)), SAID, TODAY)
    assert asked(found.lines) == {2: Decimal("250.00")}
    assert {row.key.invoice_id: row.part for row in found.lines if row.key} == {
        1: Part.NOT_YET_DUE,
        2: Part.PLEASE_PAY,
    }


def test_an_item_that_only_rides_along_keeps_no_message_alive() -> None:
    riding = message(line(1, "400.00"), line(2, "250.00", completes=False, step_key=""))
    assert recheck(customer(TWO[1]), riding, TODAY).reason is Reason.PAID


def test_a_courtesy_lapses_when_its_item_is_overdue() -> None:
    courtesy = message(line(1), tone=Tone.COURTESY)
    assert recheck(customer(item(1, 1)), courtesy, TODAY).reason is Reason.LAPSED


def test_a_courtesy_waits_while_something_else_is_overdue() -> None:
    courtesy = message(line(1), tone=Tone.COURTESY)
    facts = customer(item(1, -3), item(2, 5))
    assert recheck(facts, courtesy, TODAY).reason is Reason.OVERDUE_FIRST


def test_a_courtesy_about_an_item_not_yet_due_leaves() -> None:
    courtesy = message(line(1), tone=Tone.COURTESY)
    found = recheck(customer(item(1, -3)), courtesy, TODAY)
    assert (found.reason, [row.part for row in found.lines]) == (None, [Part.NOT_YET_DUE])


@pytest.mark.parametrize("kind", [Kind.RESEND, Kind.THANKS, Kind.MANUAL])
def test_what_a_person_asked_for_is_not_stopped_but_its_figures_are_renewed(kind: Kind) -> None:
    facts = customer(replace(TWO[0], open=Decimal("50.00")), promises=(PROMISE,))
    found = recheck(facts, replace(SAID, kind=kind), TODAY)
    assert found.reason is None
    assert [row.amount for row in found.lines] == [Decimal("50.00")]


@pytest.mark.parametrize("kind", [Kind.RESEND, Kind.THANKS, Kind.MANUAL, Kind.CALL_BACK])
@pytest.mark.parametrize("reason", [Reason.LEGAL_STOP, Reason.PLACED])
def test_a_legal_stop_holds_for_what_a_person_asked_for_too(kind: Kind, reason: Reason) -> None:
    found = recheck(customer(*TWO, **STOPS[reason]), replace(SAID, kind=kind), TODAY)
    assert (found.reason, found.lines) == (reason, ())


# --- it agrees with decide() ----------------------------------------------------------------

AMOUNTS = st.decimals("5.00", "900.00", places=2)


@st.composite
def ledgers(draw: st.DrawFn) -> CustomerFacts:
    rows = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        amount = draw(AMOUNTS)
        disputed = min(draw(st.sampled_from([Decimal(0), Decimal(0), amount / 2, amount])), amount)
        disputed = disputed.quantize(Decimal("0.01"))
        rows.append(
            item(
                number,
                draw(st.integers(-10, 120)),
                str(amount),
                currency=draw(st.sampled_from(["USD", "EUR"])),
                disputed=disputed,
                dispute_open=disputed > 0,
            )
        )
    credit = st.builds(CreditFacts, AMOUNTS, st.sampled_from(["USD", "EUR"]), st.just("CN-1"))
    return customer(*rows, credits=tuple(draw(st.lists(credit, max_size=2))))


@settings(max_examples=150, deadline=None)
@given(facts=ledgers(), policy=st.sampled_from(POLICIES))
def test_what_was_decided_today_is_still_true_today(facts: CustomerFacts, policy: object) -> None:
    """The last look finds nothing to change in a message that was just planned."""
    for attempt in decide(policy, facts, TODAY).attempts:  # type: ignore[arg-type]
        assume(attempt.channel in (Channel.EMAIL, Channel.LETTER))
        planned = Planned(attempt.channel, attempt.kind, attempt.tone, attempt.lines)
        found = recheck(facts, planned, TODAY)
        assert found.reason is None
        assert _rows(found.lines) == _rows(attempt.lines)


@settings(max_examples=100, deadline=None)
@given(facts=ledgers(), paid=st.sets(st.integers(1, 6)))
def test_a_message_never_grows_by_payments(facts: CustomerFacts, paid: set[int]) -> None:
    every = message(*(line(one.key.invoice_id, str(one.open)) for one in facts.items))
    before = recheck(facts, every, TODAY)
    left = tuple(one for one in facts.items if one.key.invoice_id not in paid)
    after = recheck(replace(facts, items=left), every, TODAY)
    assert set(asked(after.lines)) <= set(asked(before.lines))
    if before.reason is not None and not left:
        assert after.reason is not None


def _rows(lines: tuple[Line, ...]) -> list[tuple[object, ...]]:
    return sorted(
        (str(row.key), row.label, row.part, row.currency, row.amount, row.completes)
        for row in lines
    )
