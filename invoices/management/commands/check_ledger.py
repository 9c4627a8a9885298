"""Prove the ledger: ``manage.py check_ledger``. Exit status 1 on a breach."""

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from invoices.models import CreditNote, Invoice, Payment
from invoices.services.check import breaches


class Command(BaseCommand):
    """Every derived amount must equal its rows."""

    help = "Checks that every derived amount of the ledger equals its rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(breaches())
        checked = {
            "invoices": Invoice.objects.count(),
            "payments": Payment.objects.count(),
            "credit_notes": CreditNote.objects.count(),
        }
        if options["as_json"]:
            rows = [dataclasses.asdict(one) for one in found]
            self.stdout.write(json.dumps({"checked": checked, "breaches": rows}))
        else:
            counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in checked.items())
            self.stdout.write(f"Checked {counts}")
            for one in found:
                place = f"{one.kind} {one.id} ({one.label}), {one.column}"
                self.stderr.write(f"{place}: {one.stored}, but its rows give {one.derived}")
        if found:
            raise CommandError(f"{len(found)} amounts do not equal their rows", returncode=1)
