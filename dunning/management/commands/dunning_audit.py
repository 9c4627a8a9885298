"""Every attempt accounted for, none doubled, none in an illegal state: exit 1 on a breach."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arfollow.shared import clock
from dunning.dispatch.audit import CHECKS, audit


class Command(BaseCommand):
    help = "Prove what the outbox promises."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = audit(clock.now())
        if options["as_json"]:
            found = [asdict(breach) for breach in breaches]
            self.stdout.write(json.dumps({"checks": len(CHECKS), "breaches": found}))
        else:
            for breach in breaches:
                some = ", ".join(map(str, breach.attempts))
                self.stdout.write(f"{breach.code}: {breach.text} {breach.count} ({some})")
            self.stdout.write(f"{len(CHECKS)} checks, {len(breaches)} breaches")
        if breaches:
            raise CommandError(f"{len(breaches)} promises do not hold.")
