"""What a policy would ask for: `simulate --policy NAME --from DATE --to DATE [--json]`."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from arfollow.shared.errors import ServiceError
from dunning import runs


class Command(BaseCommand):
    help = "Try a policy on the ledger as it is, as if nobody paid. Writes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--policy", required=True, metavar="NAME")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
        parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = runs.simulate(options["policy"], options["first"], options["last"])
        except ServiceError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(json.dumps(found.as_json()) if options["json"] else _words(found))


def _words(found: runs.Simulation) -> str:
    head = f"{found.policy}, {found.first} to {found.last}: {found.customers} customers"
    days = [
        f"{day}: " + ", ".join(f"{count} {channel}" for channel, count in sorted(counts.items()))
        for day, counts in sorted(found.days.items())
    ]
    return "\n".join([head, *days])
