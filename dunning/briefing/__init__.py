"""The day at a glance, read once for the dashboard and for the morning e-mail.

Every figure is an aggregate of the database, in a number of queries that does not depend on
how much there is; ``docs/dashboard.md`` has the formula of each.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from arfollow.staff.models import Company
from dunning.briefing.changes import Change, changes_since
from dunning.briefing.forecast import expected_weeks
from dunning.briefing.money import Standing, standings
from dunning.briefing.neglected import neglected_invoices
from dunning.briefing.sending import NextSlot, RunWarning, next_slot, stops, warnings
from dunning.briefing.team import Member, team, waiting
from dunning.briefing.top import Largest, largest
from dunning.briefing.totals import Totals, ledger_totals, promised_this_week
from dunning.models import Run
from dunning.outbox.calendars import our_calendar
from invoices.metrics import Week

__all__ = [
    "Briefing",
    "Change",
    "Largest",
    "Member",
    "NextSlot",
    "RunWarning",
    "Standing",
    "Totals",
    "Week",
    "ledger_totals",
    "neglected_invoices",
    "promised_this_week",
    "read",
]


@dataclass(frozen=True, slots=True)
class Briefing:
    """All of it; ``main`` is the currency in front, None while nothing was ever open."""

    today: date
    standings: list[Standing]
    main: Standing | None
    weeks: list[Week]
    since: date
    changes: list[Change]
    largest: Largest
    team: list[Member]
    run: Run | None
    work: dict[str, int]
    slot: NextSlot | None
    stops: list[str]
    warnings: list[RunWarning]


def read(company: Company, *, today: date, now: datetime, currency: str = "") -> Briefing:
    """The briefing of this moment; ``currency`` asks for another one in front.

    Without it the currency with the most overdue stands in front. "Since" is our last
    business day before today, so that a Monday tells of the weekend too.
    """
    found = standings(today)
    main = next((each for each in found if each.currency == currency), None)
    main = main or (found[0] if found else None)
    calendar = our_calendar(company)
    since = calendar.previous(today)
    code = main.currency if main else ""
    return Briefing(
        today=today,
        standings=found,
        main=main,
        weeks=expected_weeks(today, code) if main else [],
        since=since,
        changes=changes_since(since, today, zone=company.time_zone),
        largest=largest(code, today, main.totals.overdue if main else None),
        team=team(today, zone=company.time_zone, calendar=calendar),
        run=Run.objects.order_by("-started_at").first(),
        work=waiting(today, company.time_zone),
        slot=next_slot(),
        stops=stops(company, now),
        warnings=warnings(datetime.combine(since, time(), ZoneInfo(company.time_zone))),
    )
