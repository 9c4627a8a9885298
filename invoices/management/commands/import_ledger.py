"""Import a list of invoices: ``manage.py import_ledger FILE``."""

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arfollow.shared import clock
from arfollow.shared.money import CurrencyError, check_currency
from invoices.imports.apply import Request, Result, RowsRejected, import_ledger, preview
from invoices.imports.apply.known import company
from invoices.imports.plan import EarlierDay
from invoices.imports.readers import Limits, Options, Remark, UnreadableFile

BAD_INPUT = 2
SHOWN = 50
# What a browser may upload is limited, since somebody waits and memory is shared; here whoever runs
# the command decides. What a workbook may unpack to is limited all the same (F-51, F-52).
ANY_LENGTH = Limits(file_bytes=sys.maxsize, rows=sys.maxsize)


class Command(BaseCommand):
    """Exit status 0 also where rows were rejected, 2 where nothing was imported for a fault."""

    help = "Imports invoices, payments and disputes from a CSV, XLSX or ODS file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="", help="name of the source; else the format's")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            type=field_and_column,
            metavar="FIELD=COLUMN",
            help="which column holds a field; may be given several times",
        )
        parser.add_argument("--date-format", choices=["dmy", "mdy", "ymd"], default="")
        parser.add_argument("--decimal-mark", choices=[".", ","], default="")
        parser.add_argument("--currency", type=currency, metavar="ISO")
        parser.add_argument("--as-of", type=day, metavar="DATE", help="the world to that day")
        parser.add_argument("--reminded-column", metavar="COLUMN", help="how far it was chased")
        parser.add_argument("--start-step", default="", help="where overdue new items start")
        parser.add_argument("--strict", action="store_true", help="all rows or none")
        parser.add_argument("--dry-run", action="store_true", help="say it, write nothing")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        carry_out = preview if options["dry_run"] else import_ledger
        try:
            result = carry_out(_request(options))
        except RowsRejected as error:
            self._report(error.result, as_json=options["as_json"])
            raise CommandError(str(error), returncode=BAD_INPUT) from error
        except (UnreadableFile, EarlierDay, OSError) as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from error
        self._report(result, as_json=options["as_json"])

    def _report(self, result: Result, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(result.as_json()))
            return
        for name, value in result.as_json().items():
            if not isinstance(value, list):
                self.stdout.write(f"{name.replace('_', ' ')}: {value}")
        for kind, remarks in (("rejected", result.errors), ("warning", result.warnings)):
            for one in remarks[:SHOWN]:
                self.stderr.write(f"{kind}: {_place(one)}: {one.message}")
            if len(remarks) > SHOWN:
                self.stderr.write(f"{kind}: {len(remarks) - SHOWN} more; --json lists all")


def _place(one: Remark) -> str:
    """Where a person finds it: "line 12, DueDate"."""
    line = f"line {one.line}" if one.line else ""
    return ", ".join(part for part in (line, one.column) if part) or "file"


def _request(options: dict[str, Any]) -> Request:
    columns = dict(options["map"])
    if options["reminded_column"]:
        columns["reminded"] = options["reminded_column"]
    return Request(
        file_name=options["file"].name,
        data=options["file"].read_bytes(),
        as_of=options["as_of"] or clock.today(company().time_zone),
        source=options["source"],
        options=Options(
            columns=columns,
            date_order=options["date_format"],
            decimal_mark=options["decimal_mark"],
            currency=options["currency"] or "",
            limits=ANY_LENGTH,
        ),
        start_step=options["start_step"].strip().lower()[:40],
        strict=options["strict"],
    )


def field_and_column(text: str) -> tuple[str, str]:
    """ "amount=Gross total" as a pair."""
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise argparse.ArgumentTypeError(f"“{text}” is not FIELD=COLUMN")
    return name.strip(), column.strip()


def day(text: str) -> date:
    """A date written as 2026-03-31."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is not a date like 2026-03-31") from error


def currency(text: str) -> str:
    """A currency code that the ledger can hold."""
    try:
        return check_currency(text)
    except CurrencyError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
