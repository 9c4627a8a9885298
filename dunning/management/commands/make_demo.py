"""An invented firm with two years of ledger and months of follow-up, to try the product with."""

import os
import secrets
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from arfollow.shared import clock
from customers.models import Customer
from dunning import demo
from dunning.demo import crowd
from dunning.demo.company import STAFF, ZONE


class Command(BaseCommand):
    help = "Fill an empty database with an invented firm; run again, only freshens payment data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customers", type=int, default=60, help="how many (default 60)")
        parser.add_argument("--invoices", type=int, default=600, help="how many (default 600)")
        parser.add_argument("--seed", type=int, default=7, help="another number, another firm")
        parser.add_argument(
            "--open-invoices",
            type=int,
            default=0,
            metavar="N",
            help="beside the firm a crowd of customers with N open invoices, to measure with",
        )
        parser.add_argument("--no-mail", action="store_true", help="leave the crowd's mail unsent")
        parser.add_argument("--today", type=date.fromisoformat, help="the day the history ends")
        parser.add_argument(
            "--refresh", action="store_true", help="only freshen the demo that is there"
        )

    def handle(self, *args: object, **options: Any) -> None:
        today = options["today"] or clock.today(ZONE)
        password = os.environ.get("DEMO_PASSWORD", "")
        if demo.is_here():
            demo.refresh(today, password)
            self.stdout.write("The demo is here already; its data stay.")
        elif options["refresh"]:
            raise CommandError("there is no demo here yet; run make_demo without --refresh")
        else:
            self._make(today, password or secrets.token_urlsafe(9), options)

    def _make(self, today: date, password: str, options: dict[str, Any]) -> None:
        if Customer.objects.exists():
            raise CommandError(
                "this database holds customers of its own; a demo needs an empty one"
            )
        if options["customers"] < 1 or options["invoices"] < 1:
            raise CommandError("a demo has at least one customer and one invoice")
        self.stdout.write("Inventing a firm and two years of its ledger; this takes a moment.")
        made = demo.make(
            customers=options["customers"],
            invoices=options["invoices"],
            seed=options["seed"],
            today=today,
            password=password,
        )
        if options["open_invoices"]:
            self._crowd(today, options)
        self.stdout.write(
            f"{made.customers} customers, {made.invoices} invoices, {made.payments} payments, "
            f"{made.contacts} contacts made or planned."
        )
        if "DEMO_PASSWORD" not in os.environ:
            people = ", ".join(row[0] for row in STAFF)
            self.stdout.write(f"Log in as one of {people} with {password}")

    def _crowd(self, today: date, options: dict[str, Any]) -> None:
        number = options["open_invoices"]
        self.stdout.write(f"Adding a crowd with {number} open invoices; this takes minutes.")
        customers = crowd.add(
            open_invoices=number, seed=options["seed"], today=today, mails=not options["no_mail"]
        )
        self.stdout.write(f"A crowd of {customers} customers, beside:")
