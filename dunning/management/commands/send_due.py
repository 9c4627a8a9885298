"""Drain the outbox once: `manage.py send_due [--now DATETIME] [--json]`."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arfollow.shared import clock
from arfollow.staff.models import Company
from dunning.dispatch import NotOurDatabase, WrongClock, check_clock, send_some, sweep


class Command(BaseCommand):
    """Exit status 1 where this installation may not send from this database, or where this
    machine's clock is wrong and no other moment was asked for."""

    help = "Send every message whose slot has come."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", default="", metavar="DATETIME", help="business time to use")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        now = _moment(options["now"])
        try:
            if not options["now"]:
                check_clock()
            sweep(now=now)
            tally = asdict(send_some(now=now, seconds=None))
        except (NotOurDatabase, WrongClock) as error:
            raise CommandError(str(error)) from error
        if options["as_json"]:
            self.stdout.write(json.dumps(tally))
            return
        self.stdout.write(", ".join(f"{count} {name}" for name, count in tally.items()))


def _moment(given: str) -> datetime:
    if not given:
        return clock.now()
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        text = f"{given} is not a moment like 2026-03-31T10:00"
        raise CommandError(text, returncode=2) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(Company.load().time_zone))
