"""Lives that test the ways: channels, calendars, approvals, severe steps, edited policies."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from dunning.policy import (
    PRESETS,
    Channel,
    Interval,
    ItemKey,
    Reason,
    Result,
    Settings,
    State,
    Step,
    TaskKind,
    Tone,
)
from dunning.policy.presets import EMAIL
from tests.stories.world import World, contact, day

P2, P3, P4 = PRESETS["P2"], PRESETS["P3"], PRESETS["P4"]


def account(policy: object = P2, **how: object) -> tuple[World, ItemKey]:
    """One invoice of 2025-03-03, due on Wednesday 2 April 2025."""
    world = World(policy, **how)  # type: ignore[arg-type]
    return world, world.invoice("2025-03-03", "2025-04-02")


def test_a_customer_without_e_mail_is_called_and_a_task_asks_for_the_address() -> None:
    world, key = account(contacts=(contact(email=False),))
    world.live("2025-04-07", "2025-04-07")
    made = world.made[0].plan
    assert (made.channel, made.substitutes) == (Channel.CALL, Channel.EMAIL)
    assert [line.key for line in made.completing] == [key]
    assert TaskKind.ASK_ADDRESS in {task.kind for _, task in world.tasks}


def test_a_customer_without_e_mail_and_telephone_gets_letters() -> None:
    world, _ = account(contacts=())
    world.live("2025-04-07", "2025-04-30")
    assert {m.channel for m in world.made} == {Channel.LETTER}
    assert world.skipped(next(iter(world.bills)))["d10/call"] is Reason.NO_NUMBER


def test_the_next_contact_stands_in_for_one_whose_address_does_not_work() -> None:
    world, _ = account(contacts=(replace(contact(role="approver"), contact_id=7),))
    world.live("2025-04-07", "2025-04-07")
    made = world.made[0].plan
    assert (made.channel, made.contact_id) == (Channel.EMAIL, 7)
    assert TaskKind.ASK_ADDRESS in {task.kind for _, task in world.tasks}


def test_no_letter_is_written_for_a_trifle() -> None:
    world = World(P2, contacts=())
    key = world.invoice("2025-03-03", "2025-04-02", amount="20.00")
    world.live("2025-04-07", "2025-04-07")
    assert world.made == []
    assert world.skipped(key)["d3/email"] is Reason.SMALL_AMOUNT


def test_an_e_mail_and_a_call_of_one_step_are_not_two_calls_without_an_address() -> None:
    world = World(P2, contacts=(contact(email=False),))
    key = world.invoice("2025-03-03", "2025-04-02", start_step="d30")
    world.live("2025-05-05", "2025-05-05")
    assert [m.channel for m in world.made if m.channel is Channel.CALL] == [Channel.CALL]
    assert world.skipped(key)["d30/email"] is Reason.SUBSTITUTED


def test_a_bounced_message_does_not_complete_its_step() -> None:
    world, _ = account()
    world.live("2025-03-31", "2025-04-07")
    world.made[-1].result = Result.BOUNCED
    world.contacts = (contact(email=False),)
    world.live("2025-04-08", "2025-04-09")
    again = world.made[-1].plan
    assert (again.step_key, again.channel, again.substitutes) == (
        "d3",
        Channel.CALL,
        Channel.EMAIL,
    )


def test_an_unknown_delivery_blocks_until_a_person_decides() -> None:
    world, key = account()
    world.live("2025-03-31", "2025-04-07")
    world.made[-1].state = State.UNKNOWN
    world.live("2025-04-08", "2025-05-20")
    assert world.said("2025-05-20", key).reason is Reason.UNKNOWN_DELIVERY
    assert world.made[-1].plan.step_key == "d3"
    assert TaskKind.CHECK_DELIVERY in {task.kind for _, task in world.tasks}


def test_a_message_that_failed_is_planned_again_and_stops_after_three_failures() -> None:
    world, key = account(mails_leave=False)
    for text in ("2025-04-07", "2025-04-08", "2025-04-09"):
        world.run(day(text))
        world.made[-1].state = State.FAILED
    world.run(day("2025-04-10"))
    assert len(world.made) == 3
    assert world.said("2025-04-10", key).reason is Reason.DELIVERY_FAILED


def test_a_message_that_could_not_leave_blocks_the_next_one() -> None:
    world, key = account(mails_leave=False)
    world.live("2025-04-07", "2025-05-30")
    assert len(world.made) == 1
    assert world.said("2025-05-30", key).reason is Reason.QUEUED


# --- the calendar -----------------------------------------------------------------------


def test_over_christmas_nothing_goes_out_and_the_closed_days_do_not_escalate() -> None:
    closed = Interval(date(2025, 12, 22), date(2026, 1, 4))
    world = World(P2, quiet=(closed,))
    world.invoice("2025-11-10", "2025-12-10")
    world.live("2025-12-01", "2026-02-28")
    assert not [m for m in world.made if closed.start <= m.on <= date(2026, 1, 4)]
    firm = next(m.on for m in world.made if m.plan.step_key == "d17")
    assert firm == day("2026-01-12"), "27 December plus sixteen closed days before it"


def test_every_step_falls_on_a_business_day_of_the_customer() -> None:
    for country in ("US", "DE", "GB"):
        world = World(P2, country=country)
        world.invoice("2025-10-01", "2025-11-01")
        world.live("2025-10-01", "2026-03-31")
        assert world.made
        assert all(world.calendar.is_business_day(m.on) for m in world.made)


def test_calls_also_wait_for_a_working_day_of_ours() -> None:
    ours = World(P2, country="DE").calendar
    world, _ = account(settings=Settings(our_calendar=ours))
    bill = next(iter(world.bills.values()))
    bill.due = day("2025-04-08")
    world.live("2025-04-08", "2025-04-30")
    assert world.dates(Channel.CALL)[0] == day("2025-04-22"), "Good Friday, Easter Monday"


@pytest.mark.parametrize(("offset", "late"), [(-1, False), (0, False), (1, True)])
def test_a_step_of_day_one_comes_the_day_after_the_due_date(offset: int, late: bool) -> None:
    soon = replace(P2, steps=(Step("d1", 1, Tone.FRIENDLY, (EMAIL,)),))
    world = World(soon)
    world.invoice("2025-03-03", "2025-04-02")
    world.run(day("2025-04-02") + timedelta(days=offset))
    assert bool(world.made) is late


def test_the_29th_of_february_is_a_due_date_like_any_other() -> None:
    world = World(P2)
    world.invoice("2024-01-30", "2024-02-29")
    world.live("2024-02-01", "2024-03-31")
    assert [m.on for m in world.made][:2] == [day("2024-02-26"), day("2024-03-04")]


# --- severe steps -----------------------------------------------------------------------


def test_a_final_demand_that_nobody_approves_blocks_for_good_and_ages() -> None:
    world, key = account(approves=False)
    world.live("2025-03-03", "2025-10-31")
    held = [m for m in world.made if m.state is State.HELD]
    assert {m.channel for m in held} == {Channel.EMAIL, Channel.LETTER}
    assert world.said("2025-10-31", key).reason is Reason.AWAITING_APPROVAL
    assert world.made[-1].tone is Tone.FINAL


def test_a_final_demand_needs_an_address_for_its_letter() -> None:
    world, key = account(postal=False)
    world.live("2025-03-03", "2025-07-31")
    assert world.said("2025-07-31", key).reason is Reason.NO_ADDRESS
    assert Tone.FINAL not in {m.tone for m in world.made}


def test_a_trifle_is_never_escalated_to_a_final_demand() -> None:
    world = World(P2)
    key = world.invoice("2025-03-03", "2025-04-02", amount="24.99")
    world.live("2025-03-03", "2025-07-31")
    assert world.said("2025-07-31", key).reason is Reason.BELOW_MINIMUM
    assert {m.tone for m in world.sent(Channel.EMAIL)} <= {Tone.COURTESY, Tone.FRIENDLY}


def test_a_final_demand_takes_every_undisputed_item_thirty_days_late() -> None:
    world, key = account()
    old = world.invoice("2025-04-01", "2025-05-20")
    disputed = world.invoice("2025-04-01", "2025-05-20")
    young = world.invoice("2025-05-01", "2025-06-20")
    world.dispute(disputed, "2025-06-01", "100.00")
    world.live("2025-03-03", "2025-07-02")
    final = [m.plan for m in world.made if m.tone is Tone.FINAL][0]
    assert [line.key for line in final.completing] == [key]
    assert [line.key for line in final.lines if line.taken] == [old]
    assert young in {line.key for line in final.lines}


def test_one_final_demand_in_sixty_days_and_the_item_it_took_goes_on_without_a_second() -> None:
    world, _ = account()
    old = world.invoice("2025-03-25", "2025-04-24")
    world.live("2025-03-03", "2025-08-31")
    finals = {m.on for m in world.made if m.tone is Tone.FINAL}
    assert len(finals) == 1
    assert world.skipped(old)["d90/email"] is Reason.IN_FINAL


def test_no_softer_reminder_follows_for_an_item_that_the_final_demand_took() -> None:
    world, _ = account()
    young = world.invoice("2025-04-20", "2025-05-20")
    world.live("2025-03-03", "2025-09-30")
    final = next(m for m in world.made if m.tone is Tone.FINAL)
    assert young in {line.key for line in final.plan.lines if line.taken}
    later = [
        m for m in world.made if m.on > final.on and m.channel in (Channel.EMAIL, Channel.CALL)
    ]
    assert not [m for m in later if young in {line.key for line in m.plan.completing}]
    taken = {step for step, why in world.skipped(young).items() if why is Reason.IN_FINAL}
    assert {"d45/email", "d60/email", "d90/email"} <= taken


def test_while_a_final_demand_runs_nothing_else_is_chased() -> None:
    world, _ = account()
    world.invoice("2025-05-20", "2025-06-28")
    world.live("2025-03-03", "2025-08-15")
    final = next(m for m in world.made if m.tone is Tone.FINAL)
    deadline = final.plan.deadline
    assert deadline is not None
    between = [
        m
        for m in world.made
        if final.on < m.on <= deadline and m.channel in (Channel.EMAIL, Channel.CALL)
    ]
    assert between == []
    assert [m for m in world.made if m.on > deadline and m.channel is Channel.EMAIL]


def test_a_declined_final_demand_comes_back_on_the_agreed_day() -> None:
    world, key = account(approves=False)
    world.live("2025-03-03", "2025-07-11")
    for made in world.made:
        if made.state is State.HELD:
            made.state, made.skip = State.CANCELLED, Reason.DECLINED
    world.run(day("2025-07-14"))
    assert world.said("2025-07-14", key).reason is Reason.DECLINED
    assert world.made[-1].on < day("2025-07-14")


def test_a_hand_over_below_the_agencys_minimum_asks_a_person() -> None:
    world = World(P2)
    key = world.invoice("2025-03-03", "2025-04-02", amount="249.99")
    world.live("2025-03-03", "2025-09-30")
    assert world.said("2025-09-30", key).reason is Reason.BELOW_AGENCY_MINIMUM
    assert Channel.HANDOVER not in {m.channel for m in world.made}


def test_a_consumer_in_britain_has_thirty_days_to_answer_a_final_demand() -> None:
    world, _ = account(country="GB")
    world.extra = {"legal_type": "consumer"}
    world.live("2025-03-03", "2025-08-31")
    final = next(m for m in world.made if m.tone is Tone.FINAL)
    assert final.plan.deadline is not None
    assert final.plan.deadline >= final.on + timedelta(days=30)
    after = [m.on for m in world.made if m.on > final.on]
    assert min(after) > final.plan.deadline


# --- other policies ---------------------------------------------------------------------


def test_the_gentle_policy_writes_at_most_eight_times_and_then_asks_the_owner() -> None:
    world, key = account(P3)
    world.live("2025-03-03", "2025-12-31")
    assert {m.channel for m in world.made} == {Channel.EMAIL}
    assert [m.plan.step_key for m in world.made] == ["courtesy", "d3"] + ["again"] * 6
    assert world.said("2025-12-31", key).reason is Reason.FINISHED
    assert TaskKind.LADDER_END in {task.kind for _, task in world.tasks}


def test_the_gentle_policy_repeats_every_fourteen_days() -> None:
    world, _ = account(P3)
    world.live("2025-03-03", "2025-12-31")
    days = [m.on for m in world.made if m.plan.step_key == "again"]
    assert all(13 <= (b - a).days <= 17 for a, b in pairwise(days))


def test_the_fixed_process_calls_writes_visits_and_meets() -> None:
    world, _ = account(P4)
    world.live("2025-03-03", "2025-06-30")
    assert [(m.plan.step_key, m.channel) for m in world.made] == [
        ("d3", Channel.CALL),
        ("d10", Channel.EMAIL),
        ("d24", Channel.VISIT),
        ("d45", Channel.VISIT),
    ]


def test_a_policy_edited_mid_ladder_goes_on_where_the_item_stands() -> None:
    world, _ = account()
    world.live("2025-03-03", "2025-04-22")
    steps = tuple(s for s in P2.steps if s.step_key not in ("d3", "d10", "d17"))
    new = Step("d20", 20, Tone.FIRM, (EMAIL,))
    world.policy = replace(P2, version=2, steps=(*steps, new))
    world.live("2025-04-23", "2025-06-01")
    later = [m.plan.step_key for m in world.made if m.on > day("2025-04-22")]
    assert later[0] == "d20"
    assert "d30" in later


def test_an_invoice_may_follow_a_policy_of_its_own() -> None:
    world, own = account()
    world.bills[own].policy = P4
    other = world.invoice("2025-03-03", "2025-04-02")
    world.live("2025-04-07", "2025-04-07")
    steps = {line.key: line.step_key for m in world.made for line in m.plan.completing}
    assert steps == {own: "d3", other: "d3"}
    assert {m.channel for m in world.made} == {Channel.CALL, Channel.EMAIL}


def test_a_plan_is_offered_only_with_a_reason_on_file() -> None:
    plain, _ = account()
    troubled, _ = account()
    troubled.extra = {"cannot_pay_reason": "their main customer went under"}
    for world in (plain, troubled):
        world.live("2025-03-03", "2025-06-15")
    offered = [m.plan.offers_plan for m in troubled.made if m.tone is Tone.URGENT]
    assert offered == [True]
    assert not [m for m in plain.made if m.plan.offers_plan]


def test_a_statement_goes_monthly_to_an_overdue_account_that_had_no_mail() -> None:
    world, _ = account(staff="calls")
    world.live("2025-03-03", "2025-04-07")
    world.bills[next(iter(world.bills))].policy = replace(P4, steps=())
    world.live("2025-04-08", "2025-07-31")
    statements = [m for m in world.made if m.plan.kind.value == "statement"]
    assert [m.on for m in statements] == [day("2025-05-05"), day("2025-06-02"), day("2025-07-01")]
    assert all(m.plan.totals() == {"USD": Decimal("1000.00")} for m in statements)


def test_who_promised_to_pay_gets_no_statement_meanwhile() -> None:
    world, key = account()
    world.live("2025-03-03", "2025-04-07")
    world.bills[key].policy = replace(P4, steps=())
    world.promise("2025-04-28", "2025-05-09", key)
    world.live("2025-04-28", "2025-05-09")
    assert [m for m in world.made if m.plan.kind.value == "statement"] == []
