"""Figures that read a year of history are kept for some minutes: DSO's sales, habits of paying.

What is open, overdue, promised or collected is never kept. A new invoice, payment or promise
makes a kept figure worthless at once; other changes show after at most a quarter of an hour.
"""

from collections.abc import Callable
from datetime import date
from typing import cast

from django.core.cache import cache
from django.db.models import Max

from dunning.models import Promise
from invoices.models import Invoice, Payment

SECONDS = 15 * 60


def kept[T](name: str, today: date, read: Callable[[], T]) -> T:
    """What ``read`` gave for this state of the ledger, or gives now."""
    newest = [model.objects.aggregate(n=Max("pk"))["n"] for model in (Invoice, Payment, Promise)]
    key = ":".join(["briefing", name, today.isoformat(), *map(str, newest)])
    found = cache.get(key)
    if found is None:
        found = read()
        cache.set(key, found, SECONDS)
    return cast(T, found)
