"""Recompute the event chains: exit 1 where an event was changed, removed or put in."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arfollow.shared.chains import verify


class Command(BaseCommand):
    help = "Prove that the events are the ones that were written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify()
        if options["as_json"]:
            faults = [{"chain": f.chain, "seq": f.seq, "text": f.text} for f in found.faults]
            answer = {"events": found.events, "chains": found.chains, "faults": faults}
            self.stdout.write(json.dumps(answer))
        else:
            for fault in found.faults:
                self.stdout.write(f"{fault.chain} #{fault.seq}: {fault.text}")
            self.stdout.write(f"{found.events} events on {found.chains} chains")
        if found.faults:
            raise CommandError(f"{len(found.faults)} events do not fit their chain.")
