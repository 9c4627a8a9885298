"""Plan everything that is due: `run_dunning [--date DATE] [--dry-run] [--customer N] [--json]`."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from arfollow.shared import clock
from arfollow.staff.models import Company
from customers.models import Customer
from dunning import dispatch, outcomes, runs


class Command(BaseCommand):
    help = "Plan every reminder, call, letter and notice that is due, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, help="another day than today")
        parser.add_argument("--dry-run", action="store_true", help="say it, write nothing")
        parser.add_argument("--customer", default="", metavar="NUMBER")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        today = clock.today(Company.load().time_zone)
        day, dry_run = options["date"] or today, options["dry_run"]
        number = options["customer"]
        if number and not Customer.objects.filter(number=number).exists():
            raise CommandError(f"There is no customer {number}.", returncode=2)
        if day != today and not dry_run:
            self.stderr.write(f"This run is for {day}, not for today ({today}); it goes on.")
        if not options["date"] and not dry_run:
            _check_clock()
        report = _rehearse(day, number) if dry_run else _run(day, number)
        if report is None:  # only a run that claims a slot can lose it
            raise CommandError("Another process is running this slot.")
        self.stdout.write(json.dumps(report.as_json()) if options["json"] else _words(report))


def _check_clock() -> None:
    """What today is, a machine whose clock is wrong does not know (F-49)."""
    try:
        dispatch.check_clock()
    except dispatch.WrongClock as error:
        raise CommandError(str(error)) from error


def _run(day: date, number: str) -> runs.Report | None:
    outcomes.settle_promises(day)
    outcomes.settle_plans(day)
    outcomes.draft_thanks(day)
    return runs.run(day, customer=number)


def _rehearse(day: date, number: str) -> runs.Report | None:
    """Promises and plans are settled as in a real run, and put back afterwards."""
    with transaction.atomic():
        outcomes.settle_promises(day)
        outcomes.settle_plans(day)
        report = runs.run(day, dry_run=True, customer=number)
        transaction.set_rollback(True)
    return report


def _words(report: runs.Report) -> str:
    planned = ", ".join(f"{n} {channel}" for channel, n in report.planned_by_channel().items())
    verb = "would be planned" if report.dry_run else "planned"
    lines = [
        f"{report.date}: {report.examined} open items examined",
        f"{planned} {verb} for {report.customers} customers",
        *(f"  {code}: {count}" for code, count in report.reasons.most_common()),
        *(f"Warning: {warning}" for warning in report.warnings),
    ]
    return "\n".join(lines)
