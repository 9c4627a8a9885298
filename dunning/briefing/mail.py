"""The briefing in words: plain lines that the message machine turns into text and HTML."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from arfollow.shared.money import ZERO, format_amount, with_currency
from dunning.briefing import Briefing, Change, Member, Standing
from dunning.briefing.top import Large
from dunning.wording.formats import clean

SHOWN_WEEKS = 4
SHOWN_CURRENCIES = 6
SHOWN_WARNINGS = 10


def subject_of(found: Briefing) -> str:
    """The day, and the figure that matters most."""
    day = f"Receivables on {found.today:%A} {long_day(found.today)}"
    return f"{day}: {_overdue(found.main)}" if found.main else day


def _overdue(main: Standing) -> str:
    return f"{with_currency(main.totals.overdue, main.currency)} overdue"


def body_of(found: Briefing, *, link: str) -> str:
    """Headings and lists; ``link`` is the address of the dashboard.

    Names are made harmless: in a text of messages, braces would be merge fields.
    """
    parts = [
        "Good morning,",
        f"The figures of this morning; the dashboard has them as they change: {link}",
        *_of_main(found),
        _section("Other currencies", map(_standing, _others(found))),
        _section(f"Since {found.since:%A}, {long_day(found.since)}", map(_change, found.changes)),
        _section("What waits for somebody", _work(found)),
        _section("Calls and team", map(_member, found.team)),
        _section("Sending", _sending(found)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _of_main(found: Briefing) -> Iterator[str]:
    """What is told of the currency in front only."""
    main = found.main
    if main is None:
        return
    code = main.currency
    yield _section(f"Where the money stands, {code}", _figures(main))
    yield _section(f"Ageing, {code}", (f"{name}: {format_amount(amount, code)}" for name, amount
                                       in main.totals.buckets))  # fmt: skip
    if found.largest.rows:
        head = f"The {len(found.largest.rows)} largest: {found.largest.share} % of what is overdue"
        yield _section(head, (_large(row, code) for row in found.largest.rows))
    yield _section(f"Expected cash, {code}", _weeks(found, code))


def _section(heading: str, lines: Iterable[str]) -> str:
    listed = "\n".join(f"- {harmless(line)}" for line in lines)
    return f"# {heading}\n\n{listed}" if listed else ""


def harmless(line: str) -> str:
    """One line without the marks that a text of messages is made of."""
    return clean(line).translate({ord("{"): "(", ord("}"): ")"})


def _figures(one: Standing) -> Iterator[str]:
    code, totals = one.currency, one.totals
    invoices, customers = totals.open_invoices, totals.overdue_customers
    yield f"Open: {format_amount(totals.open, code)}, {_counted(invoices, 'invoice')}"
    yield f"Overdue: {format_amount(totals.overdue, code)}, {_counted(customers, 'customer')}"
    forgotten = _counted(one.neglected_invoices, "invoice")
    neglected = format_amount(one.neglected, code)
    yield f"Neglected: {neglected}, {forgotten} without owner or next action"
    promised, received = _counted(one.promises, "promise"), _counted(one.payments, "payment")
    yield f"Promised this week: {format_amount(one.promised, code)}, {promised}"
    yield f"Collected this month: {format_amount(one.collected, code)}, {received}"
    yield f"DSO, counted back: {_days(one.dso)}; best possible {_days(one.best_dso)}"


def _others(found: Briefing) -> list[Standing]:
    return [one for one in found.standings if one is not found.main][:SHOWN_CURRENCIES]


def _standing(one: Standing) -> str:
    code = one.currency
    told: Mapping[str, Decimal] = {
        "open": one.totals.open,
        "overdue": one.totals.overdue,
        "neglected": one.neglected,
        "collected this month": one.collected,
    }
    return f"{code}: " + ", ".join(f"{name} {format_amount(a, code)}" for name, a in told.items())


def _days(days: Decimal | None) -> str:
    return "unknown" if days is None else f"{days:.0f} days"


def _change(change: Change) -> str:
    amounts = [with_currency(amount, code) for code, amount in change.amounts.items()]
    return f"{change.label}: {change.count}" + (f" ({', '.join(amounts)})" if amounts else "")


def _large(row: Large, code: str) -> str:
    owner = row.customer.owner or "nobody"
    amount = with_currency(row.overdue, code)
    return f"{row.customer.name}: {amount}, {row.share} %, oldest {row.days} days ({owner})"


def _member(one: Member) -> str:
    due = f"{one.name}: {_counted(one.due, 'call')} due"
    if one.due and one.capacity:
        due += f", {one.today} of {one.capacity} today"
    if one.due and one.load is not None:
        due += f", {one.load} days at {one.pace} a day"
    week = ", ".join(
        _counted(count, thing)
        for count, thing in ((one.calls, "call"), (one.promises, "promise"),
                             (one.payments, "payment"))
    )  # fmt: skip
    return f"{due}; in 7 days: {week}"


def _counted(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count} {thing}s"


def _weeks(found: Briefing, code: str) -> Iterator[str]:
    for week in found.weeks[:SHOWN_WEEKS]:
        total = format_amount(week.promised + week.predicted, code)
        promised = f", of it promised {format_amount(week.promised, code)}" if week.promised else ""
        yield f"Week of {long_day(week.start)}: {total}{promised}"
    whole = sum((week.promised + week.predicted for week in found.weeks), ZERO)
    yield f"All {len(found.weeks)} weeks: {format_amount(whole, code)}"


def _work(found: Briefing) -> list[str]:
    return [f"{label}: {count}" for label, count in found.work.items() if count]


def _sending(found: Briefing) -> Iterator[str]:
    if found.run is not None:
        status = found.run.get_status_display().lower()
        yield f"Last run for {long_day(found.run.date)}: {status}"
    yield from _warnings(found)
    if found.slot is not None:
        waiting = _counted(found.slot.waiting, "message")
        yield f"Next sending {found.slot.at:%d %B %Y, %H:%M} UTC, {waiting} waiting"
    yield from found.stops or ["No stop-light is on"]


def _warnings(found: Briefing) -> Iterator[str]:
    """Customers whom a run could not serve, and what to mend."""
    for warning in found.warnings[:SHOWN_WARNINGS]:
        yield f"Warning of the run of {long_day(warning.at.date())}: {warning.text}"
    more = len(found.warnings) - SHOWN_WARNINGS
    if more > 0:
        yield f"{_counted(more, 'more warning')}: the dashboard has them"


def long_day(day: date) -> str:
    """``21 November 2026``."""
    return f"{day.day} {day:%B %Y}"
