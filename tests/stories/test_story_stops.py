"""Lives that stop: paid, promised, disputed, credited, held; day by day on the default ladder."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dunning.policy import (
    PRESETS,
    Channel,
    CreditFacts,
    HoldFacts,
    ItemKey,
    Kind,
    Part,
    PromiseFacts,
    Reason,
    Settings,
    TaskKind,
    Tone,
)
from tests.stories.world import World, day

P2 = PRESETS["P2"]


def open_account(**settings: object) -> tuple[World, ItemKey]:
    """One invoice of 2025-03-03, due on Wednesday 2 April 2025."""
    world = World(P2, **settings)  # type: ignore[arg-type]
    return world, world.invoice("2025-03-03", "2025-04-02")


def test_who_pays_before_the_soft_reminder_hears_only_the_courtesy() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-04-03")
    world.pay(key, "2025-04-04")
    world.live("2025-04-04", "2025-06-30")
    assert [(m.on, m.tone) for m in world.made] == [(day("2025-03-31"), Tone.COURTESY)]
    assert world.said("2025-04-04", key).reason is Reason.PAID


def test_the_courtesy_lapses_once_the_invoice_is_overdue() -> None:
    world, key = open_account()
    world.live("2025-04-10", "2025-04-10")
    assert world.skipped(key) == {"courtesy/email": Reason.LAPSED}
    assert [m.plan.step_key for m in world.made] == ["d3"]


def test_two_business_days_of_rest_follow_any_payment() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-04-03")
    world.pay(key, "2025-04-04", "100.00")
    world.live("2025-04-04", "2025-04-30")
    assert world.said("2025-04-07", key).reason is Reason.JUST_PAID
    assert world.dates(Channel.EMAIL)[1] == day("2025-04-09")


def test_a_part_payment_keeps_the_history_and_asks_for_the_rest() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-04-10")
    world.pay(key, "2025-04-11", "400.00")
    world.live("2025-04-11", "2025-04-30")
    firm = world.sent(Channel.EMAIL)[-1].plan
    assert (firm.step_key, firm.totals()) == ("d17", {"USD": Decimal("600.00")})


def test_what_is_left_within_the_tolerance_is_left_alone() -> None:
    world, key = open_account()
    world.pay(key, "2025-03-20", "999.20")
    world.live("2025-03-24", "2025-05-30")
    assert world.made == []
    assert world.said("2025-05-30", key).reason is Reason.TOLERANCE


def test_a_promise_stops_every_step_until_its_date_plus_grace() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-04-10")
    world.promise("2025-04-11", "2025-04-25", key)
    world.live("2025-04-11", "2025-04-29")
    assert world.dates()[-1] < day("2025-04-11")
    said = world.said("2025-04-29", key)
    assert (said.reason, said.next_on) == (Reason.PROMISED, day("2025-04-30"))


def test_a_broken_promise_brings_a_call_before_the_ladder_goes_on() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-04-10")
    world.promise("2025-04-11", "2025-04-25", key)
    world.live("2025-04-11", "2025-05-15")
    assert world.dates(kind=Kind.PROMISE_FOLLOW_UP) == [day("2025-04-30")]
    assert world.said("2025-04-30", key).reason is Reason.PROMISE_BROKEN
    assert world.dates(Channel.CALL)[0] > day("2025-04-30")


def test_a_promise_call_that_nobody_makes_lapses_and_the_ladder_goes_on() -> None:
    world, key = open_account(staff="never")
    world.live("2025-03-03", "2025-04-10")
    world.promise("2025-04-11", "2025-04-25", key)
    world.live("2025-04-11", "2025-06-15")
    call = next(m for m in world.made if m.plan.kind is Kind.PROMISE_FOLLOW_UP)
    assert call.skip is Reason.NOT_MADE
    later = [m for m in world.sent(Channel.EMAIL) if m.on > call.on]
    assert later
    assert later[0].on <= world.calendar.add(call.on, 5)


def test_a_third_promise_in_a_row_stops_nothing_and_asks_for_a_plan() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-04-04")
    world.promise("2025-04-07", "2025-04-30", key, in_row=3)
    world.live("2025-04-07", "2025-04-15")
    assert world.dates(Channel.EMAIL)[-1] == day("2025-04-07")
    assert TaskKind.AGREE_PLAN in {task.kind for _, task in world.tasks}


def test_a_promise_far_away_stops_for_thirty_days_only() -> None:
    world, key = open_account()
    world.promises.append(
        PromiseFacts(1, day("2025-04-04"), day("2025-07-01"), items=frozenset({key}))
    )
    world.live("2025-04-04", "2025-05-08")
    assert world.said("2025-05-06", key).reason is Reason.PROMISED
    assert world.said("2025-05-07", key).reason is not Reason.PROMISED


def test_a_wholly_disputed_invoice_leaves_the_ladder_and_its_days_never_escalate() -> None:
    quiet, key = open_account()
    quiet.live("2025-03-03", "2025-04-10")
    quiet.dispute(key, "2025-04-11")
    quiet.live("2025-04-11", "2025-05-11")
    assert quiet.said("2025-05-11", key).reason is Reason.DISPUTED
    quiet.settle(key, "2025-05-12")
    quiet.live("2025-05-12", "2025-07-31")
    undisturbed, _ = open_account()
    undisturbed.live("2025-03-03", "2025-07-31")
    stopped = [m.on for m in quiet.made if m.plan.step_key == "d17"][0]
    plain = [m.on for m in undisturbed.made if m.plan.step_key == "d17"][0]
    assert (stopped - plain).days >= 31


def test_a_disputed_part_is_in_query_and_the_rest_stays_on_its_ladder() -> None:
    world, key = open_account()
    world.dispute(key, "2025-03-20", "300.00")
    world.live("2025-04-04", "2025-04-30")
    reminder = world.sent(Channel.EMAIL)[0].plan
    parts = {(line.part, line.amount) for line in reminder.lines}
    assert parts == {
        (Part.PLEASE_PAY, Decimal("700.00")),
        (Part.IN_QUERY, Decimal("300.00")),
    }
    assert reminder.totals() == {"USD": Decimal("700.00")}


def test_a_disputed_part_keeps_the_invoice_out_of_the_final_demand() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-06-20")
    world.dispute(key, "2025-06-21", "300.00")
    world.live("2025-06-21", "2025-08-31")
    assert Tone.FINAL not in {m.tone for m in world.made}
    assert world.said("2025-08-29", key).reason is Reason.DISPUTED


def test_a_settled_dispute_softens_the_tone() -> None:
    world, key = open_account()
    world.live("2025-03-03", "2025-05-02")
    assert world.sent(Channel.EMAIL)[-1].tone is Tone.FIRM
    world.dispute(key, "2025-05-03")
    world.settle(key, "2025-05-04")
    world.invoice("2025-03-10", "2025-05-05")
    world.bills[key] = replace(world.bills[key], open=Decimal("500.00"))
    world.live("2025-05-05", "2025-05-16")
    assert [m.tone for m in world.sent(Channel.EMAIL) if m.on > day("2025-05-04")][:1] == [
        Tone.FRIENDLY
    ]


def test_a_credit_note_larger_than_the_overdue_invoice_stops_it_and_opens_a_task() -> None:
    world, key = open_account()
    world.credits.append(CreditFacts(Decimal("1200.00"), "USD", "CN-1"))
    world.live("2025-04-04", "2025-05-30")
    assert world.made == []
    assert world.said("2025-05-30", key).reason is Reason.COVERED
    assert (TaskKind.ALLOCATE_OR_REFUND, Reason.COVERED) in {
        (task.kind, task.reason) for _, task in world.tasks
    }


def test_a_smaller_credit_is_a_negative_line_of_the_notice() -> None:
    world, _ = open_account()
    world.credits.append(CreditFacts(Decimal("250.00"), "USD", "CN-1"))
    world.live("2025-04-07", "2025-04-07")
    notice = world.made[0].plan
    assert notice.totals() == {"USD": Decimal("750.00")}
    assert [line.amount for line in notice.lines] == [Decimal("1000.00"), Decimal("-250.00")]


def test_a_credit_in_another_currency_covers_nothing() -> None:
    world, key = open_account()
    world.credits.append(CreditFacts(Decimal("5000.00"), "EUR", "CN-1"))
    world.live("2025-04-07", "2025-04-07")
    assert world.said("2025-04-07", key).reason in (Reason.DUE, Reason.CAUGHT_UP)
    assert world.made[0].plan.totals() == {"USD": Decimal("1000.00")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"legal_stop": "insolvent"}, Reason.LEGAL_STOP),
        ({"legal_stop": "agency"}, Reason.PLACED),
        ({"placed": True}, Reason.PLACED),
        ({"paused": True}, Reason.PAUSED),
        ({"unread_replies": 1}, Reason.UNREAD_REPLY),
        ({"direct_debit_until": day("2025-05-01")}, Reason.DIRECT_DEBIT),
        ({"holds": (HoldFacts("says_paid", day("2025-04-01")),)}, Reason.CUSTOMER_HOLD),
        ({"contacts": (), "postal_ok": False}, Reason.UNREACHABLE),
        ({"settings": Settings(payment_data_as_of=day("2025-03-31"))}, Reason.STALE_DATA),
    ],
)
def test_each_stop_wins_over_a_step_that_is_due(change: dict[str, object], reason: Reason) -> None:
    world, key = open_account()
    world.extra = change
    world.live("2025-04-07", "2025-04-07")
    assert world.made == []
    assert world.said("2025-04-07", key).reason is reason


def test_a_hold_of_one_item_leaves_the_others_on_their_ladder() -> None:
    world, held = open_account()
    free = world.invoice("2025-03-03", "2025-04-02")
    world.holds.append(
        HoldFacts("document", day("2025-04-01"), day("2025-04-30"), items=frozenset({held}))
    )
    world.live("2025-04-07", "2025-04-07")
    assert world.said("2025-04-07", held).reason is Reason.HOLD
    assert [line.key for line in world.made[0].plan.completing] == [free]


def test_a_hold_ends_on_its_date() -> None:
    world, key = open_account()
    world.holds.append(HoldFacts("says_paid", day("2025-04-01"), day("2025-04-09")))
    world.live("2025-04-07", "2025-04-10")
    assert world.said("2025-04-09", key).next_on == day("2025-04-10")
    assert world.dates(Channel.EMAIL) == [day("2025-04-10")]


def test_fresh_payment_data_lets_the_run_go_on() -> None:
    world, _ = open_account(settings=Settings(payment_data_as_of=day("2025-04-04")))
    world.live("2025-04-07", "2025-04-07")
    assert len(world.made) == 1


def test_a_skipped_older_invoice_is_asked_about_and_rests_ten_business_days() -> None:
    world, key = open_account()
    world.bills[key].skipped_since = day("2025-04-03")
    world.live("2025-04-07", "2025-05-02")
    asked = [m for m in world.made if m.plan.kind is Kind.ASK_RECEIVED]
    assert [m.on for m in asked] == [day("2025-04-07")]
    assert asked[0].plan.totals() == {}, "nothing is demanded while we ask"
    assert world.said("2025-04-21", key).reason is Reason.ASKED_RECEIVED
    assert world.dates(Channel.EMAIL)[0] == day("2025-04-22")


def test_who_opted_out_of_soft_reminders_is_written_to_from_firm_on() -> None:
    world, key = open_account()
    world.extra = {"opted_out_soft": True}
    world.live("2025-03-03", "2025-04-30")
    assert world.skipped(key)["d3/email"] is Reason.OPTED_OUT
    assert {m.tone for m in world.sent(Channel.EMAIL)} == {Tone.FIRM}


def test_the_day_after_the_question_the_item_is_looked_at_again() -> None:
    world, key = open_account()
    world.bills[key].skipped_since = day("2025-04-03")
    world.live("2025-04-07", "2025-04-07")
    assert world.said("2025-04-07", key).next_on == day("2025-04-08")
