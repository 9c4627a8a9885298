"""Rule 1: when a step is due; rule 5: which deadline may be stated."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from arfollow.shared.workdays import Calendar
from dunning.policy import (
    PRESETS,
    Channel,
    DoneStep,
    Interval,
    ItemFacts,
    ItemKey,
    Reason,
    Result,
    Settings,
    State,
    Tone,
)
from dunning.policy.clock import Clock, legal_deadline, reference_date, stopped_days
from dunning.policy.ladder import Position, find_position, ladder_of

US, DE = Calendar("US"), Calendar("DE")
P1, P2 = PRESETS["P1"], PRESETS["P2"]
TODAY = date(2025, 6, 2)


def item(due: date, issued: date | None = None, *history: DoneStep, **more: object) -> ItemFacts:
    """An open item over 100.00 USD."""
    return ItemFacts(  # type: ignore[arg-type]
        ItemKey(1), "INV-1", issued or due, due, "USD", Decimal(100), history=history, **more
    )


def done(step: str, on: date, channel: Channel = Channel.EMAIL, **more: object) -> DoneStep:
    """A step that left."""
    values: dict[str, object] = {"state": State.SENT, "done_on": on, "result": Result.ACCEPTED}
    return DoneStep(step, channel.value, channel, on=on, **(values | more))  # type: ignore[arg-type]


def clock(today: date = TODAY, quiet: tuple[Interval, ...] = (), policy: object = P2) -> Clock:
    return Clock(ladder_of(policy), US, None, quiet, today)  # type: ignore[arg-type]


def place(one: ItemFacts, today: date = TODAY, policy: object = P2) -> Position:
    return find_position(ladder_of(policy), one, today, US, Settings())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("issued", "due", "expected"),
    [
        (date(2025, 1, 6), date(2025, 1, 6), date(2025, 1, 6)),
        (date(2025, 1, 6), date(2025, 2, 5), date(2025, 1, 15)),
        (date(2025, 1, 6), date(2025, 1, 20), date(2025, 1, 6)),
    ],
)
def test_p1_counts_from_the_later_of_issue_and_due_less_21(
    issued: date, due: date, expected: date
) -> None:
    assert reference_date(P1, item(due, issued)) == expected


def test_p2_counts_from_the_due_date() -> None:
    assert reference_date(P2, item(date(2025, 2, 5), date(2025, 1, 6))) == date(2025, 2, 5)


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        ([], 0),
        ([(3, 5)], 3),
        ([(3, 5), (5, 6)], 4),
        ([(3, 5), (4, 4)], 3),
        ([(9, 12), (3, 5)], 7),
        ([(-9, 2)], 2),
        ([(15, None)], 6),
        ([(30, 40)], 0),
    ],
)
def test_stopped_days_are_counted_once_and_only_between_the_two_days(
    stops: list[tuple[int, int | None]], expected: int
) -> None:
    def on(number: int) -> date:
        return date(2025, 5, 1) + timedelta(days=number - 1)

    intervals = [Interval(on(a), None if b is None else on(b)) for a, b in stops]
    assert stopped_days(intervals, on(1), on(21)) == expected


def test_the_first_step_is_due_on_its_own_day() -> None:
    one = item(date(2025, 6, 10))
    due = clock().due(one, place(one))
    assert (due.on, due.because) == (date(2025, 6, 9), Reason.NOT_DUE), "7 June is a Saturday"


def test_the_pause_is_the_day_difference_of_the_two_steps() -> None:
    one = item(date(2025, 1, 1), None, done("d3", date(2025, 6, 2)))
    due = clock().due(one, place(one))
    assert (due.on, due.because) == (date(2025, 6, 9), Reason.PAUSE)


def test_the_pause_is_at_most_fourteen_days() -> None:
    one = item(date(2025, 1, 1), None, done("d45", date(2025, 6, 2), tone=Tone.DIRECT))
    assert clock().due(one, place(one)).on == date(2025, 6, 16)


def test_the_pause_is_at_least_five_business_days() -> None:
    short = clock().pause_end(1, date(2025, 6, 30))
    assert short == date(2025, 7, 8), "Independence Day lies between"


def test_a_step_waits_for_the_pay_by_date_of_its_items_own_last_message() -> None:
    said = done("d17", date(2025, 6, 2), pay_by=date(2025, 6, 27), tone=Tone.FIRM)
    one = item(date(2025, 5, 1), None, said)
    due = clock().due(one, place(one))
    assert (due.on, due.because) == (date(2025, 6, 30), Reason.PAY_BY)


def test_a_pay_by_date_of_a_message_it_only_rode_along_in_is_not_its_own() -> None:
    rode = done("", date(2025, 6, 2), pay_by=date(2025, 6, 27), completes=False)
    one = item(date(2025, 5, 1), None, done("d3", date(2025, 5, 20)), rode)
    assert clock().due(one, place(one)).on == date(2025, 5, 28), "Memorial Day lies between"


def test_stopped_days_push_the_day_back() -> None:
    stops = (Interval(date(2025, 5, 10), date(2025, 5, 19)),)
    one = item(date(2025, 5, 1), None, clock_stops=stops)
    after_courtesy = Position(next=3)
    assert clock().due(one, after_courtesy).on == date(2025, 5, 28), "18 May and ten days"


def test_quiet_periods_stop_the_clock_above_courtesy_only() -> None:
    quiet = (Interval(date(2025, 5, 5), date(2025, 5, 9)),)
    one = item(date(2025, 5, 1))
    assert clock(quiet=quiet).due(one, Position(next=0)).on == date(2025, 4, 28)
    assert clock(quiet=quiet).due(one, Position(next=3)).on == date(2025, 5, 23)


def test_a_call_falls_on_a_day_that_both_sides_work() -> None:
    one = item(date(2025, 4, 8))
    both = Clock(ladder_of(P2), US, DE, (), TODAY)
    assert both.due(one, Position(next=2)).on == date(2025, 4, 22)


def test_the_stated_deadline_is_the_last_business_day_before_the_next_step() -> None:
    one = item(date(2025, 5, 16))
    assert clock().deadline(one, 3) == date(2025, 6, 13), "the next step is due on 16 June"


@pytest.mark.parametrize(
    ("country", "legal_type", "days"),
    [
        ("US", "company", 14),
        ("GB", "company", 14),
        ("GB", "sole_trader", 30),
        ("DE", "consumer", 14),
    ],
)
def test_a_final_demand_gives_the_legal_time(country: str, legal_type: str, days: int) -> None:
    found = legal_deadline(US, Settings(), country, legal_type, TODAY)
    assert found == US.roll_forward(TODAY + timedelta(days=days))


def test_an_item_chased_elsewhere_rests_after_that_day() -> None:
    one = item(date(2025, 1, 1), start_step="d17", chased_on=date(2025, 5, 30))
    due = clock().due(one, place(one))
    assert (due.on, due.because) == (date(2025, 6, 6), Reason.PAUSE)
