"""Accounts whose parent pays and gets one notice for all: read as if they were the parent's."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q

from customers.models import Customer, ParentNotice
from dunning.facts.rows import Row, Rows
from dunning.models import PLACED, HoldReason

FOLDED = (
    "invoices",
    "promises",
    "plans",
    "credit_notes",
    "unapplied",
    "lately_paid",
    "contact_history",
    "inbound",
    "follow_ups",
)


def payers(ids: Iterable[int]) -> dict[int, int]:
    """Child → parent, for children among these customers and for children of them.

    An account under a legal stop or with an agency is no part of the notice: it is followed
    (stopped) alone.
    """
    wanted = list(ids)
    rows = Customer.objects.filter(
        Q(parent__in=wanted) | Q(pk__in=wanted),
        parent__isnull=False,
        parent_notice=ParentNotice.PARENT,
        merged_into=None,
        legal_stop="",
    ).exclude(placements__status__in=PLACED)
    return dict(rows.values_list("pk", "parent_id"))


def fold(read: dict[str, Any], family: Mapping[int, int]) -> dict[str, Any]:
    """What was read of the children stands with their parent; nothing is left at the child."""
    _holds(read["holds"], read["invoices"], family)
    for name in FOLDED:
        _rows(read[name], family)
    _newest(read["newest_payment"], family)
    return read


def _rows(found: Rows, family: Mapping[int, int]) -> None:
    for child, parent in family.items():
        theirs = found.pop(child, [])
        if theirs:
            found[parent] = [*found.get(parent, []), *theirs]


def _holds(found: Rows, invoices: Rows, family: Mapping[int, int]) -> None:
    """A hold of the child as a whole keeps back its own invoices, not those of the family."""
    for child, parent in family.items():
        theirs: list[Row] = []
        for row in found.pop(child, []):
            if row["invoice_id"] is not None:
                theirs.append(row)
            elif row["reason"] != HoldReason.QUIET:
                theirs += [{**row, "invoice_id": one["id"]} for one in invoices.get(child, [])]
        if theirs:
            found[parent] = [*found.get(parent, []), *theirs]


def _newest(found: dict[int, Any], family: Mapping[int, int]) -> None:
    for child, parent in family.items():
        day = found.pop(child, None)
        if day is not None:
            found[parent] = max(day, found.get(parent, day))
