"""Why an invoice is or is not followed up: `explain INVOICE [--date DATE] [--json]`."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.staff.models import Company
from dunning import runs
from dunning.runs.explain import find_invoice


class Command(BaseCommand):
    help = "Say what happens to an invoice on a day, why, and what comes next."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("invoice", metavar="INVOICE")
        parser.add_argument("--date", type=date.fromisoformat)
        parser.add_argument("--customer", default="", metavar="NUMBER")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        day = options["date"] or clock.today(Company.load().time_zone)
        try:
            invoice = find_invoice(options["invoice"], options["customer"])
        except ServiceError as error:
            raise CommandError(str(error), returncode=2) from error
        found = runs.explain(invoice, day)
        self.stdout.write(json.dumps(found.as_json()) if options["json"] else _words(found))


def _words(found: runs.Explanation) -> str:
    late = f"{found.days_overdue} days overdue" if found.days_overdue else "not overdue"
    following = f"Next: {found.next_step} on {found.next_on}" if found.next_on else "No next day"
    return "\n".join(
        [
            f"Invoice {found.invoice} of {found.customer}: {found.open} open, {late}",
            f"Policy: {found.policy or 'none'}; last step: {found.last_step or 'none'}",
            f"Today: {found.decision} ({found.says})",
            following,
        ]
    )
