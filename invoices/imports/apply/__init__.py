"""Carrying out an import: one transaction for every readable row, each other row reported.

Nothing is half done: a crash, an unreadable file or a strict refusal leaves the ledger as
it was. Two people importing the same file at once make one import (DELIVERY F-54, F-55).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F

from arfollow.shared import clock, events
from arfollow.shared.events import SYSTEM, Actor, Entry
from customers.models import Customer
from invoices.imports.apply.accounts import fill_gaps, open_accounts
from invoices.imports.apply.known import (
    Loaded,
    company,
    load,
    lock_customers,
    pages,
)
from invoices.imports.apply.ledger import Ledger, write_ledger
from invoices.imports.plan import Choices, Plan, make_plan
from invoices.imports.readers import Options, Reading, Remark, UnreadableFile, read
from invoices.models import ImportBatch, ImportRow, ImportRowState, LedgerSource

LONGEST_SOURCE = 40
EVENTS_AT_ONCE = 5_000
Told = tuple[int, ImportRowState, str, str]
"""What becomes of a row: its line, state, column and message."""


class RowsRejected(Exception):
    """A strict import met rows it cannot read; nothing was written."""

    def __init__(self, result: "Result") -> None:
        super().__init__(f"{result.rejected} rows were rejected; nothing was imported.")
        self.result = result


@dataclass(frozen=True, slots=True)
class Request:
    """One file to import, and how. An empty source is named after the file's format."""

    file_name: str
    data: bytes
    as_of: date
    source: str = ""
    options: Options = field(default_factory=Options)
    start_step: str = ""
    strict: bool = False
    actor: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Result:
    """What an import did, or would do. ``created`` and so on count invoices."""

    source: str
    rows: int
    customers_created: int
    customers_updated: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    payments_created: int
    disputes_created: int
    credit_notes_created: int
    not_yet: int
    errors: tuple[Remark, ...]
    warnings: tuple[Remark, ...]
    repeated: bool = False

    def as_json(self) -> dict[str, Any]:
        """The contract of the command's ``--json``."""
        counts = (
            *("source", "rows", "customers_created", "created", "updated", "unchanged"),
            *("rejected", "payments_created", "disputes_created", "credit_notes_created"),
            *("customers_updated", "not_yet"),
        )
        return {name: getattr(self, name) for name in counts} | {
            "errors": [_remark(one) for one in self.errors],
            "warnings": [_remark(one) for one in self.warnings],
        }


def _remark(one: Remark) -> dict[str, int | str]:
    return {"line": one.line, "column": one.column, "message": one.message}


def preview(request: Request) -> Result:
    """What importing the file would do; nothing is written.

    UnreadableFile, EarlierDay and RowsRejected as for the import itself.
    """
    reading = read(request.data, request.options)
    source = _source_name(request, reading)
    _, plan = _plan(reading, request, source)
    return _result(plan, reading, source, request, repeated=_is_repeated(source, request))


def import_ledger(request: Request) -> Result:
    """Import the file.

    UnreadableFile if nothing can be read, EarlierDay if the source is known to a later day,
    RowsRejected if it is strict and a row was rejected.
    """
    reading = read(request.data, request.options)
    name = _source_name(request, reading)
    with transaction.atomic():
        source = _locked_source(name)
        lock_customers(reading, name)
        loaded, plan = _plan(reading, request, name)
        result = _result(plan, reading, name, request, repeated=_is_repeated(name, request))
        if not (result.repeated and plan.changes_nothing):
            _write(plan, loaded, request, name)
            _keep_batch(plan, reading, request, source, result)
    return result


def _source_name(request: Request, reading: Reading) -> str:
    name = request.source.strip() or reading.format_name
    if len(name) > LONGEST_SOURCE:
        raise UnreadableFile(f"The name of a source has at most {LONGEST_SOURCE} characters.")
    return name


def _plan(reading: Reading, request: Request, source: str) -> tuple[Loaded, Plan]:
    loaded = load(reading, source, currency=company().currency)
    return loaded, make_plan(reading, loaded.known, Choices(request.as_of, request.start_step))


def _locked_source(name: str) -> LedgerSource:
    """The source's row, locked: a second import of it waits, and then sees the first."""
    LedgerSource.objects.get_or_create(name=name)
    return LedgerSource.objects.select_for_update().get(name=name)


def _is_repeated(source: str, request: Request) -> bool:
    same = ImportBatch.objects.filter(sha256=_sha256(request.data), as_of=request.as_of)
    return same.filter(source__name=source).exists()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _result(
    plan: Plan, reading: Reading, source: str, request: Request, *, repeated: bool = False
) -> Result:
    told = (Remark(0, "", "this file was imported before"),) if repeated else ()
    result = Result(
        source=source,
        rows=reading.row_count,
        customers_created=len(plan.customers),
        customers_updated=len(plan.gaps),
        created=len(plan.invoices),
        updated=len(plan.updates),
        unchanged=plan.unchanged,
        rejected=len(plan.rejected),
        payments_created=len(plan.payments),
        disputes_created=len(plan.disputes),
        credit_notes_created=len(plan.credits),
        not_yet=plan.not_yet,
        errors=tuple(plan.rejected),
        warnings=(*told, *plan.warnings),
        repeated=repeated,
    )
    if request.strict and plan.rejected:
        raise RowsRejected(result)
    return result


def _write(plan: Plan, loaded: Loaded, request: Request, source: str) -> None:
    opened, told = open_accounts(plan.customers, source, company())
    ids = {key: row.id for key, row in loaded.known.customers.items()}
    ids |= {key: row.pk for key, row in opened.items()}
    ledger = Ledger(source, loaded, ids, events=told)
    write_ledger(plan, ledger)
    for part in _by_customer(ledger.events):
        events.record_many(part, actor=request.actor)
    for page in pages(sorted(ledger.touched)):
        Customer.objects.filter(pk__in=page).update(ledger_seq=F("ledger_seq") + 1)
    fill_gaps(plan.gaps, request.actor)


def _by_customer(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Events in parts that memory does not feel; a customer's stay in one part, in order."""
    part: list[Entry] = []
    for _, own in groupby(sorted(entries, key=_owner), key=_owner):
        part += own
        if len(part) >= EVENTS_AT_ONCE:
            yield part
            part = []
    yield part


def _owner(entry: Entry) -> int:
    return entry.customer_id or 0


def _keep_batch(
    plan: Plan, reading: Reading, request: Request, source: LedgerSource, result: Result
) -> None:
    """What was imported, when and by whom, with every row that changed or failed."""
    now = clock.now()
    batch = ImportBatch.objects.create(
        source=source,
        file_name=request.file_name[-200:],
        file_format=reading.format_name,
        sha256=_sha256(request.data),
        as_of=request.as_of,
        summary={k: v for k, v in result.as_json().items() if k not in {"errors", "warnings"}},
        imported_at=now,
        imported_by_id=request.actor.id,
    )
    for page in pages(_told(plan)):
        ImportRow.objects.bulk_create(_import_rows(page, reading, batch))
    source.as_of, source.imported_at = request.as_of, now
    source.save(update_fields=["as_of", "imported_at"])
    summary = f"Imported {batch.file_name} as of {batch.as_of}: {result.created} new invoices"
    entry = Entry("import.applied", "importbatch", batch.pk, summary, values=batch.summary)
    events.record(entry, actor=request.actor)


def _told(plan: Plan) -> list[Told]:
    state = ImportRowState
    return [
        *((one.line, state.CREATED, "", one.number) for one in plan.invoices),
        *((one.line, state.CREATED, "", one.number) for one in plan.credits),
        *((one.line, state.UPDATED, "", _diff(one.changes)) for one in plan.updates),
        *((one.line, state.WARNING, one.column, one.message) for one in plan.warnings),
        *((one.line, state.REJECTED, one.column, one.message) for one in plan.rejected),
    ]


def _import_rows(told: Sequence[Told], reading: Reading, batch: ImportBatch) -> list[ImportRow]:
    return [
        ImportRow(
            batch=batch,
            line=line,
            state=state,
            column=column[:80],
            message=message,
            raw=dict(reading.raw(line)),
        )
        for line, state, column, message in told
    ]


def _diff(changes: tuple[tuple[str, object, object], ...]) -> str:
    """The changes as a person reads them; payments and disputes have rows of their own."""
    shown = [f"{name}: {before} → {after}" for name, before, after in changes]
    return "; ".join(shown) or "payment or dispute"
