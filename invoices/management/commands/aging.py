"""Ageing of the ledger as of any day: ``manage.py aging --as-of DATE``."""

import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arfollow.shared import clock
from arfollow.shared.money import format_amount
from arfollow.staff.models import Company
from invoices.aging import Ageing
from invoices.queries import ageing


class Command(BaseCommand):
    """What was open at the end of that day, whatever was paid later (L26)."""

    help = "Open amounts by currency and days past due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", default="", metavar="DATE", help="today without it")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            given = options["as_of"]
            as_of = date.fromisoformat(given) if given else clock.today(Company.load().time_zone)
        except ValueError as error:
            raise CommandError(f"{given} is not a date like 2026-03-31", returncode=2) from error
        found = ageing(as_of)
        if options["as_json"]:
            currencies = {code: as_json(one) for code, one in found.items()}
            self.stdout.write(json.dumps({"as_of": as_of.isoformat(), "currencies": currencies}))
            return
        self.stdout.write(f"Ageing as of {as_of}")
        for code, one in found.items():
            self._write(code, one)

    def _write(self, code: str, one: Ageing) -> None:
        self.stdout.write(f"{code}: {one.open_invoices} open, {one.overdue_invoices} overdue")
        for name, bucket in one.buckets.items():
            self._line(name, str(bucket.count), format_amount(bucket.amount, code))
        totals = (("open", one.open), ("credits", one.credits), ("unapplied", one.unapplied))
        for label, amount in totals:
            self._line(label, "", format_amount(amount, code))

    def _line(self, label: str, count: str, amount: str) -> None:
        self.stdout.write(f"  {label:>9} {count:>8} {amount:>20}")


def as_json(one: Ageing) -> dict[str, Any]:
    """The contract of ``--json``; amounts as strings."""
    return {
        "open_invoices": one.open_invoices,
        "open": f"{one.open:.2f}",
        "overdue_invoices": one.overdue_invoices,
        "overdue": f"{one.overdue:.2f}",
        "overdue_customers": one.overdue_customers,
        "buckets": {
            name: {"count": bucket.count, "amount": f"{bucket.amount:.2f}"}
            for name, bucket in one.buckets.items()
        },
        "credits": f"{one.credits:.2f}",
        "unapplied": f"{one.unapplied:.2f}",
    }
