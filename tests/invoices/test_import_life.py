"""Lives of small ledgers, imported now and then: the ledger always says what the source says."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoices.imports.apply import Request as ImportRequest
from invoices.imports.apply import preview
from invoices.models import CreditNote, Invoice
from invoices.queries import ageing
from invoices.services.check import breaches
from tests.invoices.importing import run, undone
from tests.rules.lists import own

pytestmark = pytest.mark.django_db

START = date(2026, 1, 1)


@dataclass(frozen=True)
class Sold:
    """One invoice of the source: its days count from START."""

    customer: int
    issued: int
    amount: int
    payments: tuple[tuple[int, int], ...]
    disputed: bool

    def row(self, number: int, day: int) -> dict[str, str]:
        """What the source exports about it on a day."""
        paid = [(on, amount) for on, amount in self.payments if self.issued + on <= day]
        last = max((self.issued + on for on, _ in paid), default=None)
        return {
            "customer_number": f"{self.customer:03d}",
            "customer_name": f"Customer {self.customer}",
            "invoice_number": f"{number:04d}",
            "issue_date": f"{START + timedelta(days=self.issued)}",
            "due_date": f"{START + timedelta(days=self.issued + 30)}",
            "amount": f"{self.amount}.00",
            "paid_amount": f"{sum(amount for _, amount in paid)}.00" if paid else "",
            "paid_date": "" if last is None else f"{START + timedelta(days=last)}",
            "disputed": "yes" if self.disputed else "no",
        }

    def open_on(self, day: int) -> Decimal:
        """What the source says is open on a day."""
        paid = sum(amount for on, amount in self.payments if self.issued + on <= day)
        return Decimal(max(self.amount - paid, 0))


INVOICES = st.builds(
    Sold,
    customer=st.integers(1, 3),
    issued=st.integers(0, 60),
    amount=st.integers(1, 500),
    payments=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 300)), max_size=3).map(tuple),
    disputed=st.booleans(),
)
QUIET = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def export(sold: list[Sold], day: int) -> bytes:
    """The source's file on a day: all that was issued by then."""
    return own(*[one.row(n, day) for n, one in enumerate(sold) if one.issued <= day])


@QUIET
@given(
    st.lists(INVOICES, min_size=1, max_size=5),
    st.lists(st.integers(0, 160), min_size=1, max_size=4, unique=True).map(sorted),
)
def test_after_each_import_the_ledger_is_the_sources_and_its_past_stays(
    sold: list[Sold], days: list[int]
) -> None:
    first = min(one.issued for one in sold)
    with undone():
        live_through(sold, [day for day in days if day >= first])


def live_through(sold: list[Sold], days: list[int]) -> None:
    """Import what the source says on each of those days, and hold the ledger to it."""
    seen = {}
    for day in days:
        as_of = START + timedelta(days=day)
        data = export(sold, day)
        run(data, as_of)
        expected = {f"{n:04d}": one.open_on(day) for n, one in enumerate(sold) if one.issued <= day}
        assert dict(Invoice.objects.values_list("external_id", "open_amount")) == expected
        assert not list(breaches())
        seen[as_of] = ageing(as_of)
        again = preview(ImportRequest("x", data + b"\r\n", as_of))
        assert (again.unchanged, again.updated, again.payments_created) == (len(expected), 0, 0)
    assert {as_of: ageing(as_of) for as_of in seen} == seen


@QUIET
@given(st.lists(INVOICES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(sold: list[Sold], dice: object) -> None:
    rows = [one.row(n, 160) for n, one in enumerate(sold)]
    mixed = list(rows)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    last = START + timedelta(days=160)

    def state(rows: list[dict[str, str]]) -> list[tuple[object, ...]]:
        with undone():
            run(own(*rows), last)
            found = Invoice.objects.order_by("external_id")
            columns = ("external_id", "customer__external_id", "open_amount", "disputed_amount")
            return list(found.values_list(*columns, "closed_on", "next_due_date"))

    assert state(rows) == state(mixed)


def test_a_life_told_step_by_step() -> None:
    """Sold in January, part paid in February, in query in March, credited and paid in April."""
    sold = {"invoice_number": "1", "issue_date": "2026-01-05", "due_date": "2026-02-04"}
    run(own(sold), date(2026, 1, 31))
    assert Invoice.objects.get().open_amount == 100

    part = sold | {"paid_amount": "40.00", "paid_date": "2026-02-10"}
    run(own(part), date(2026, 2, 28))
    assert Invoice.objects.get().open_amount == 60

    run(own(part | {"disputed": "25.00"}), date(2026, 3, 31))
    assert Invoice.objects.get().disputed_amount == 25

    credit = {"invoice_number": "CN-1", "issue_date": "2026-04-02", "due_date": "", "amount": "-25"}
    run(own(part | {"disputed": "25.00"}, credit), date(2026, 4, 5))
    assert CreditNote.objects.get().unapplied_amount == 25

    settled = sold | {"paid_amount": "100.00", "paid_date": "2026-04-20", "disputed": "yes"}
    run(own(settled, credit | {"paid_date": "2026-04-20"}), date(2026, 4, 30))
    invoice = Invoice.objects.get()
    assert (invoice.open_amount, invoice.closed_on) == (0, date(2026, 4, 20))
    assert invoice.disputes.get().resolved_on == date(2026, 4, 20)
    assert [ageing(day)["USD"].open for day in (date(2026, 1, 31), date(2026, 2, 28))] == [100, 60]
    assert not list(breaches())
