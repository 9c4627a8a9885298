"""Lives that test the pace: many invoices, a backlog, a machine that was off."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from dunning.policy import (
    PRESETS,
    Channel,
    Contact,
    Kind,
    Part,
    Reason,
    Result,
    State,
    Tone,
)
from tests.stories.world import World, day, days_from

P2 = PRESETS["P2"]


def weekly_late_payer(policy: str = "P2", **how: object) -> World:
    """Invoices every Monday of 2025 on 30 days, each paid 40 days late."""
    world = World(PRESETS[policy], **how)  # type: ignore[arg-type]
    first = day("2025-01-06")
    keys = []
    for week in range(52):
        issued = first + timedelta(days=7 * week)
        due = issued + timedelta(days=30)
        keys.append(world.invoice(issued.isoformat(), due.isoformat()))
    for today in days_from("2025-01-06", "2025-12-31"):
        for key in keys:
            bill = world.bills[key]
            if bill.open and bill.due + timedelta(days=40) == today:
                world.pay(key, today.isoformat())
        world.run(today)
    return world


@pytest.fixture(scope="module")
def weekly() -> World:
    return weekly_late_payer()


def test_a_weekly_customer_who_pays_40_days_late_gets_about_one_e_mail_a_fortnight(
    weekly: World,
) -> None:
    months = Counter(on.month for on in weekly.dates(Channel.EMAIL) if 3 <= on.month <= 12)
    assert sum(months.values()) == pytest.approx(43.5 / 2, abs=3)
    assert max(months.values()) <= 3


def test_a_weekly_customer_who_pays_40_days_late_gets_about_one_call_a_month(
    weekly: World,
) -> None:
    calls = [on for on in weekly.dates(Channel.CALL) if 3 <= on.month <= 12]
    assert 6 <= len(calls) <= 11


def test_a_weekly_customer_never_has_two_contacts_within_five_business_days(
    weekly: World,
) -> None:
    days = sorted({m.on for m in weekly.made if m.channel is not Channel.INTERNAL})
    assert all(later >= weekly.calendar.add(earlier, 5) for earlier, later in pairwise(days))


def test_a_weekly_customer_is_always_asked_for_what_is_overdue_then(weekly: World) -> None:
    for made in weekly.sent(Channel.EMAIL, Kind.LADDER):
        late = [line for line in made.plan.lines if line.part is Part.PLEASE_PAY]
        assert all(line.due_date is not None and line.due_date < made.on for line in late)
        assert made.plan.totals() == {"USD": Decimal(1000 * len(late))} or not late


def test_a_weekly_customer_under_the_standard_protocol_keeps_the_same_pace() -> None:
    emails = weekly_late_payer("P1").dates(Channel.EMAIL)
    assert len(emails) <= 26


def test_a_backlog_imported_200_days_late_takes_one_step_and_then_pauses() -> None:
    world = World(P2)
    key = world.invoice("2024-08-01", "2024-08-31")
    world.live("2025-03-19", "2025-04-30")
    assert [(m.on, m.plan.step_key) for m in world.made if m.channel is not Channel.INTERNAL] == [
        (day("2025-03-19"), "d3"),
        (day("2025-03-26"), "d10"),
        (day("2025-04-02"), "d17"),
        (day("2025-04-15"), "d30"),
        (day("2025-04-15"), "d30"),
        (day("2025-04-29"), "d45"),
    ]
    assert world.skipped(key) == {"courtesy/email": Reason.LAPSED}


def test_a_backlog_never_starts_above_firm_however_it_was_chased_elsewhere() -> None:
    world = World(P2)
    world.invoice("2024-08-01", "2024-08-31", start_step="d90")
    world.live("2025-03-19", "2025-03-19")
    assert {m.plan.step_key for m in world.made} == {"d30"}


def test_a_chosen_start_skips_what_was_done_elsewhere() -> None:
    world = World(P2)
    world.invoice("2024-08-01", "2024-08-31", start_step="d17")
    world.live("2025-03-19", "2025-03-19")
    assert [m.plan.step_key for m in world.made] == ["d17"]


def test_calls_that_nobody_makes_for_two_weeks_lapse_and_the_mails_go_on() -> None:
    idle, busy = World(P2, staff="never"), World(P2)
    for world in (idle, busy):
        world.invoice("2025-03-03", "2025-04-02")
        world.live("2025-03-03", "2025-05-20")
    assert idle.dates(Channel.EMAIL) == busy.dates(Channel.EMAIL)
    key = next(iter(idle.bills))
    assert idle.skipped(key)["d10/call"] is Reason.NOT_MADE
    lapsed = next(m for m in idle.made if m.plan.step_key == "d10")
    assert lapsed.state is State.SKIPPED


def test_a_call_lapses_after_exactly_five_business_days() -> None:
    world = World(P2, staff="never")
    world.invoice("2025-03-03", "2025-04-02")
    world.live("2025-03-03", "2025-04-18")
    call = next(m for m in world.made if m.channel is Channel.CALL)
    assert (call.on, call.state) == (day("2025-04-14"), State.PLANNED)
    world.run(day("2025-04-21"))
    assert call.state is State.SKIPPED


def test_five_days_without_the_machine_bring_the_next_step_once() -> None:
    world = World(P2)
    key = world.invoice("2025-03-03", "2025-04-02")
    world.live("2025-03-03", "2025-04-04")
    world.live("2025-04-09", "2025-04-13")
    assert [m.on for m in world.made if m.plan.step_key == "d3"] == [day("2025-04-09")]
    assert world.said("2025-04-09", key).reason is Reason.CAUGHT_UP


def test_days_without_the_machine_do_not_compress_the_ladder() -> None:
    world = World(P2)
    world.invoice("2025-03-03", "2025-04-02")
    world.live("2025-03-03", "2025-04-04")
    world.live("2025-04-24", "2025-06-30")
    contacts = sorted({m.on for m in world.made if m.channel is not Channel.INTERNAL})
    gaps = [later >= world.calendar.add(earlier, 5) for earlier, later in pairwise(contacts[1:])]
    assert all(gaps)


def test_thirty_invoices_with_mixed_steps_make_one_notice_with_all_of_them() -> None:
    world = World(P2)
    for number in range(30):
        due = date(2025, 4, 1) + timedelta(days=number % 5)
        world.invoice("2025-03-01", due.isoformat(), amount=f"{100 + number}.10")
    world.live("2025-04-08", "2025-04-08")
    emails = [m.plan for m in world.made if m.channel is Channel.EMAIL]
    assert len(emails) == 1
    assert len(emails[0].lines) == 30
    assert emails[0].totals() == {"USD": sum(Decimal(f"{100 + n}.10") for n in range(30))}


def test_riding_along_moves_no_step_of_an_item() -> None:
    world = World(P2)
    early = world.invoice("2025-03-01", "2025-04-01")
    late = world.invoice("2025-03-01", "2025-04-07")
    world.live("2025-04-08", "2025-04-08")
    notice = world.made[0].plan
    assert {line.key for line in notice.lines} == {early, late}
    assert [line.key for line in notice.completing] == [early]
    assert world.said("2025-04-08", late).reason is Reason.NOT_DUE


def test_two_currencies_share_one_message_with_a_total_each() -> None:
    world = World(P2)
    world.invoice("2025-03-01", "2025-04-01", amount="100.00", currency="USD")
    world.invoice("2025-03-01", "2025-04-01", amount="70.00", currency="EUR")
    world.live("2025-04-08", "2025-04-08")
    assert len(world.made) == 1
    assert world.made[0].plan.totals() == {"USD": Decimal("100.00"), "EUR": Decimal("70.00")}


def test_one_message_per_invoice_where_a_policy_wants_it() -> None:
    alone = replace(P2, settings=replace(P2.settings, one_message_per_invoice=True))
    world = World(alone)
    keys = {world.invoice("2025-03-01", "2025-04-01") for _ in range(3)}
    world.live("2025-04-08", "2025-04-08")
    assert len(world.made) == 3
    assert {line.key for m in world.made for line in m.plan.lines} == keys
    assert all(len(m.plan.lines) == 1 for m in world.made)


def test_a_message_to_the_same_mailbox_for_another_account_delays_ours() -> None:
    world = World(P2)
    key = world.invoice("2025-03-01", "2025-04-01")
    other = Contact(day("2025-04-07"), Channel.EMAIL, Tone.FRIENDLY, other_account=True)
    world.extra = {"history": (other,)}
    world.live("2025-04-08", "2025-04-21")
    assert world.said("2025-04-08", key).reason is Reason.PACE_ADDRESS
    assert world.dates(Channel.EMAIL) == [day("2025-04-21")]


def test_an_inbound_contact_delays_once_between_two_of_ours() -> None:
    world = World(P2)
    key = world.invoice("2025-03-03", "2025-04-02")
    world.live("2025-03-03", "2025-04-08")
    world.inbound += [day("2025-04-10"), day("2025-04-15"), day("2025-04-16")]
    world.live("2025-04-14", "2025-04-30")
    assert world.said("2025-04-14", key).reason is Reason.REPLIED
    assert world.dates(Channel.CALL) == [day("2025-04-17")]


def test_below_direct_one_conversation_covers_the_calls_of_younger_items() -> None:
    world = World(P2)
    world.invoice("2025-03-03", "2025-04-02")
    younger = world.invoice("2025-03-03", "2025-04-09")
    world.live("2025-03-31", "2025-04-25")
    assert world.skipped(younger)["d10/call"] is Reason.CONVERSATION
    assert len(world.dates(Channel.CALL)) == 1


def test_an_unanswered_call_is_no_contact() -> None:
    world = World(P2, staff="unanswered")
    world.invoice("2025-03-03", "2025-04-02")
    other = world.invoice("2025-03-03", "2025-04-12")
    world.live("2025-03-31", "2025-04-16")
    call = next(m for m in world.made if m.channel is Channel.CALL)
    assert (call.on, call.result) == (day("2025-04-14"), Result.NO_CONTACT)
    said = world.said("2025-04-16", other)
    assert (said.reason, said.next_on) == (Reason.PACE, day("2025-04-21")), "since the e-mail"
