"""The full 150 days of P1, as the check of PROTOCOL section 2 states them."""

from datetime import date

import pytest

from dunning.policy import PRESETS, Channel, Kind, Part, Reason, State, TaskKind, Tone
from tests.stories.world import World, day

P1 = PRESETS["P1"]
NINE_DAYS = [
    "2025-01-28",
    "2025-02-04",
    "2025-02-20",
    "2025-03-07",
    "2025-03-24",
    "2025-04-07",
    "2025-05-06",
    "2025-05-21",
    "2025-06-05",
]


@pytest.fixture(scope="module")
def life() -> World:
    """An invoice of 6 January 2025, due on receipt, never paid."""
    world = World(P1)
    world.invoice("2025-01-06")
    world.live("2025-01-06", "2025-07-31")
    return world


def test_the_standard_protocol_takes_its_nine_steps_on_exactly_these_days(life: World) -> None:
    assert [d.isoformat() for d in life.dates()] == NINE_DAYS


def test_its_channels_are_those_of_the_protocol(life: World) -> None:
    by_day: dict[date, set[Channel]] = {}
    for made in life.made:
        by_day.setdefault(made.on, set()).add(made.channel)
    email, call = Channel.EMAIL, Channel.CALL
    internal, letter, handover = Channel.INTERNAL, Channel.LETTER, Channel.HANDOVER
    assert [by_day[day(text)] for text in NINE_DAYS] == [
        {email},
        {call},
        {email},
        {email, call, internal},
        {email, internal},
        {email, internal},
        {email, letter},
        {internal},
        {handover},
    ]


def test_its_tones_only_rise(life: World) -> None:
    tones = [made.tone for made in life.made if made.channel is Channel.EMAIL]
    assert tones == [Tone.FRIENDLY, Tone.FIRM, Tone.FIRM, Tone.DIRECT, Tone.URGENT, Tone.FINAL]


def test_every_deadline_is_a_business_day_before_the_next_step(life: World) -> None:
    stated = [m.plan.deadline for m in life.made if m.channel is Channel.EMAIL]
    assert stated[0] is None, "a friendly message carries the due date, no new deadline"
    assert stated[1:] == [
        day("2025-03-06"),
        day("2025-03-21"),
        day("2025-04-04"),
        day("2025-05-05"),
        day("2025-05-20"),
    ]
    assert all(life.calendar.is_business_day(d) for d in stated[1:] if d is not None)


def test_only_the_severe_steps_asked_for_approval(life: World) -> None:
    asked = {(m.on.isoformat(), m.channel) for m in life.made if m.plan.needs_approval}
    assert asked == {
        ("2025-05-06", Channel.EMAIL),
        ("2025-05-06", Channel.LETTER),
        ("2025-06-05", Channel.HANDOVER),
    }


def test_the_final_demand_also_goes_to_the_escalation_contact_by_certified_mail(
    life: World,
) -> None:
    final = [m.plan for m in life.made if m.tone is Tone.FINAL]
    assert all(plan.also_escalation for plan in final)
    assert [plan.certified for plan in final if plan.channel is Channel.LETTER] == [True]


def test_the_ladder_ends_with_a_task_and_not_in_silence(life: World) -> None:
    ends = [on for on, task in life.tasks if task.kind is TaskKind.LADDER_END]
    assert ends
    assert min(ends) > day("2025-06-05")
    assert life.said("2025-07-31", next(iter(life.bills))).reason is Reason.FINISHED


def test_nothing_else_was_sent_beside_the_ladder_in_these_months(life: World) -> None:
    assert {m.plan.kind for m in life.made} == {Kind.LADDER}


def test_nothing_was_skipped_because_everything_was_done(life: World) -> None:
    assert life.skips == []
    assert all(m.state is State.SENT for m in life.made)


def test_a_30_day_invoice_is_first_chased_the_day_after_it_is_due() -> None:
    world = World(P1)
    world.invoice("2025-01-06", "2025-02-05")
    world.live("2025-01-06", "2025-02-28")
    assert world.dates()[0] == day("2025-02-06")


def test_two_overdue_invoices_bring_the_first_step_forward() -> None:
    world = World(P1)
    first = world.invoice("2025-01-06")
    world.invoice("2025-01-09")
    world.live("2025-01-06", "2025-01-31")
    assert world.dates()[0] == day("2025-01-10")
    assert world.said("2025-01-10", first).reason is Reason.EARLY


def test_p1_never_speaks_before_an_item_is_overdue() -> None:
    world = World(P1)
    world.invoice("2025-01-06", "2025-01-31")
    world.invoice("2025-01-07", "2025-01-31")
    world.live("2025-01-06", "2025-01-31")
    assert world.made == []


def test_without_calls_the_gate_keeps_the_owner_out_until_three_contacts_were_made() -> None:
    world = World(P1, staff="never")
    key = world.invoice("2025-01-06")
    world.live("2025-01-06", "2025-05-06")
    assert world.skipped(key)["d60/internal"] is Reason.NOT_NEEDED
    assert world.dates(Channel.INTERNAL)[0] == day("2025-03-24")


def test_a_reply_makes_the_call_of_day_29_not_needed() -> None:
    world = World(P1)
    key = world.invoice("2025-01-06")
    world.live("2025-01-06", "2025-01-29")
    world.inbound.append(day("2025-01-30"))
    world.live("2025-01-30", "2025-02-28")
    assert world.skipped(key)["d29/call"] is Reason.NOT_NEEDED
    assert world.dates(Channel.CALL) == []
    assert world.dates(Channel.EMAIL)[1] == day("2025-02-20")


def test_a_word_after_the_final_demand_makes_the_internal_summary_not_needed() -> None:
    world = World(P1)
    key = world.invoice("2025-01-06")
    world.live("2025-01-06", "2025-05-07")
    world.inbound.append(day("2025-05-08"))
    world.live("2025-05-08", "2025-06-30")
    assert world.skipped(key)["d135/internal"] is Reason.NOT_NEEDED
    assert world.dates(Channel.HANDOVER) != []


def test_the_hand_over_lists_what_the_final_demand_listed(life: World) -> None:
    handover = next(m.plan for m in life.made if m.channel is Channel.HANDOVER)
    assert {line.part for line in handover.lines} == {Part.PLEASE_PAY}
    assert [line.key for line in handover.lines] == list(life.bills)
