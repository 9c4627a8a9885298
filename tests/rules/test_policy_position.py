"""An item's place on its ladder is read from its history rows alone."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from arfollow.shared.workdays import Calendar
from dunning.policy import (
    PRESETS,
    Channel,
    DoneStep,
    ItemFacts,
    ItemKey,
    Kind,
    Reason,
    Result,
    Settings,
    State,
)
from dunning.policy.ladder import Position, find_position, ladder_of

US = Calendar("US")
TODAY = date(2025, 6, 2)
P2 = ladder_of(PRESETS["P2"])
PLACE = {step: P2.places[step, 0] for step, _ in P2.places}


def row(step: str, action: str = "email", state: State = State.SENT, **more: object) -> DoneStep:
    """A history row of a week ago."""
    channel = Channel.CALL if action == "call" else Channel(action)
    on = TODAY - timedelta(days=7)
    values: dict[str, object] = {"on": on, "done_on": on if state is State.SENT else None}
    return DoneStep(step, action, channel, state, **(values | more))  # type: ignore[arg-type]


def place(*history: DoneStep, today: date = TODAY, **more: object) -> Position:
    one = ItemFacts(  # type: ignore[arg-type]
        ItemKey(1), "INV-1", TODAY, TODAY, "USD", Decimal(100), history=history, **more
    )
    return find_position(P2, one, today, US, Settings())


def test_without_history_the_first_step_is_next() -> None:
    assert place().next == 0


def test_after_a_step_was_sent_the_one_behind_it_is_next() -> None:
    assert place(row("d3")).next == PLACE["d10"]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_what_never_left_comes_again(state: State) -> None:
    assert place(row("courtesy"), row("d3", state=state)).next == PLACE["d3"]


def test_what_bounced_comes_again() -> None:
    assert place(row("d3", result=Result.BOUNCED)).next == PLACE["d3"]


def test_a_higher_step_is_never_undone_by_a_late_confirmation() -> None:
    assert place(row("d17"), row("d3")).next == PLACE["d30"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.PLANNED, Reason.QUEUED),
        (State.CLAIMED, Reason.QUEUED),
        (State.SENDING, Reason.QUEUED),
        (State.UNKNOWN, Reason.UNKNOWN_DELIVERY),
        (State.HELD, Reason.AWAITING_APPROVAL),
    ],
)
def test_an_open_e_mail_blocks_what_follows(state: State, reason: Reason) -> None:
    assert place(row("d3", state=state)).block is reason


def test_a_message_held_by_a_brake_says_held() -> None:
    assert place(row("d3", state=State.HELD, skip=Reason.HELD)).block is Reason.HELD


def test_an_open_call_blocks_nothing() -> None:
    found = place(row("d3"), row("d10", "call", State.PLANNED))
    assert (found.block, found.next) == (None, PLACE["d17"])


def test_an_open_internal_notice_blocks_nothing() -> None:
    assert place(row("d30"), row("d30", "internal", State.PLANNED)).block is None


def test_a_call_of_five_business_days_ago_has_lapsed() -> None:
    call = row("d10", "call", State.PLANNED, on=US.add(TODAY, 0))
    assert place(call, today=US.add(TODAY, 4)).lapsed == ()
    assert place(call, today=US.add(TODAY, 5)).lapsed == (call,)


def test_an_ordinary_step_is_done_when_one_of_its_actions_was() -> None:
    found = place(row("d30"), row("d30", "call", State.CANCELLED))
    assert (found.missing, found.next) == (None, PLACE["d45"])


def test_a_severe_step_is_done_when_all_of_its_actions_were() -> None:
    found = place(row("d90"), row("d90", "letter", State.CANCELLED))
    assert found.next == PLACE["d90"]
    assert [action.action_key for action in found.missing or ()] == ["letter"]


def test_a_certified_letter_in_transit_blocks_until_it_arrives() -> None:
    letter = row("d90", "letter", on=TODAY, done_on=TODAY)
    assert place(row("d90"), letter, today=TODAY + timedelta(days=3)).block is Reason.LETTER_OPEN


def test_a_delivered_letter_blocks_nothing() -> None:
    letter = row("d90", "letter", on=TODAY, done_on=TODAY, delivered_on=TODAY + timedelta(days=2))
    found = place(row("d90"), letter, today=TODAY + timedelta(days=3))
    assert (found.block, found.delivered_on) == (None, TODAY + timedelta(days=2))


def test_the_wait_for_a_letter_ends_after_ten_business_days() -> None:
    letter = row("d90", "letter", on=TODAY, done_on=TODAY)
    assert place(row("d90"), letter, today=US.add(TODAY, 9)).block is Reason.LETTER_OPEN
    assert place(row("d90"), letter, today=US.add(TODAY, 10)).block is None


def test_three_failures_stop_a_step() -> None:
    failed = [row("d3", state=State.FAILED)] * 3
    assert place(*failed[:2]).block is None
    assert place(*failed).block is Reason.DELIVERY_FAILED


def test_a_declined_step_waits_for_its_day() -> None:
    declined = row("d90", state=State.CANCELLED, skip=Reason.DECLINED, again_on=TODAY)
    assert place(declined, today=TODAY - timedelta(days=1)).block is Reason.DECLINED
    assert place(declined).block is None


def test_a_declined_step_without_a_day_waits_for_a_person() -> None:
    declined = row("d90", state=State.CANCELLED, skip=Reason.DECLINED)
    assert place(declined, today=TODAY + timedelta(days=400)).block is Reason.DECLINED


def test_only_the_ladder_moves_the_ladder() -> None:
    assert place(row("d17", kind=Kind.MANUAL), row("d17", completes=False)).next == 0


def test_a_restart_begins_a_new_cycle_and_forgets_the_old_one() -> None:
    assert place(row("d45"), cycle=2).next == 0


def test_a_step_that_a_newer_version_lacks_keeps_its_place_by_its_day() -> None:
    assert place(row("old", offset=20)).next == PLACE["d30"]


def test_a_lapsed_courtesy_starts_no_pause() -> None:
    lapsed = row("courtesy", state=State.SKIPPED, skip=Reason.LAPSED)
    assert (place(lapsed).last_on, place(lapsed).next) == (None, PLACE["d3"])


def test_a_step_recorded_as_not_needed_starts_the_pause() -> None:
    skipped = row("d10", "call", State.SKIPPED, skip=Reason.NOT_NEEDED)
    assert place(skipped).last_on == TODAY - timedelta(days=7)


@pytest.mark.parametrize(
    ("start", "expected"),
    [("", "courtesy"), ("d17", "d17"), ("d30", "d30"), ("d90", "d30"), ("d120", "d30")],
)
def test_an_import_starts_where_staff_choose_but_never_above_firm(
    start: str, expected: str
) -> None:
    assert place(start_step=start).next == PLACE[expected]


def test_a_repeating_step_has_a_place_for_each_turn() -> None:
    gentle = ladder_of(PRESETS["P3"])
    assert [rung.day for rung in gentle.rungs] == [-3, 3, 17, 31, 45, 59, 73, 87]
    assert [rung.repeat for rung in gentle.rungs] == [0, 0, 0, 1, 2, 3, 4, 5]
