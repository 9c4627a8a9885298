"""Who follows which policy: `enrol --policy NAME [--customer N | --tag TAG | --default]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dunning import runs


class Command(BaseCommand):
    help = "Let a customer, all customers of a tag, or everyone else follow a policy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--policy", required=True, metavar="NAME")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--customer", default="", metavar="NUMBER")
        whom.add_argument("--tag", default="")
        whom.add_argument("--default", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row = runs.enrol(options["policy"], customer=options["customer"], tag=options["tag"])
        except runs.EnrolmentError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(str(row))
