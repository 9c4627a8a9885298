"""Short words for importing in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.apps import apps
from django.core.serializers import serialize
from django.db import transaction

from invoices.imports.apply import Request, Result, import_ledger
from invoices.imports.readers import Options
from invoices.services.check import breaches

AS_OF = date(2026, 3, 31)
LEDGER = ("customers", "invoices", "shared")
FULL = {
    "email": "ap@bluedoor.example",
    "phone": "+1 207 555 0199",
    "address_line1": "500 Mill Road",
    "city": "Bangor",
    "country": "CA",
    "language": "fr",
    "terms": "Net 30",
    "po_number": "PO-7",
}


def sound() -> bool:
    """Whether every derived amount equals its rows."""
    return not list(breaches())


def run(data: bytes, as_of: date = AS_OF, **more: Any) -> Result:
    """Import a file."""
    names = {"source", "start_step", "strict", "actor", "file_name"}
    request = {name: more.pop(name) for name in names & more.keys()}
    request.setdefault("file_name", "ledger.csv")
    return import_ledger(Request(data=data, as_of=as_of, options=Options(**more), **request))


@contextmanager
def undone() -> Iterator[None]:
    """One example of a generated test: what it wrote is gone before the next."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def everything() -> dict[str, str]:
    """Every row of every table an import may write, to be compared."""
    models = [model for label in LEDGER for model in apps.get_app_config(label).get_models()]
    return {
        model.__name__: serialize("json", model._default_manager.order_by("pk")) for model in models
    }
