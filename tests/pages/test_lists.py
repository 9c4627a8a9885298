"""Lists: the address is the view; pages follow the last row seen; exports carry every row."""

import csv
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import parse_qs

import pytest
from django import forms
from django.db import connection
from django.db.models import F, QuerySet
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from arfollow.shared import keyset
from arfollow.shared.lists import Column, ListState, ListView, export_links, export_of
from customers.models import Customer, PaymentTerms


class NameFilter(forms.Form):
    q = forms.CharField(required=False)
    limit = forms.IntegerField(required=False)

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        return rows.filter(name__icontains=self.cleaned_data["q"])


class TermsList(ListView):
    """Payment terms: a model of the lower apps with text, numbers, amounts and empty values."""

    template_name = "404.html"
    title = "Terms list"
    columns = (
        Column("name", "Name"),
        Column("days", "Days", numeric=True),
        Column("discount_percent", "Discount", numeric=True, nullable=True),
        Column("half", "Half", sortable=False, value=lambda row: row.days / 2),
        Column("code", "Code", export_only=True),
    )
    default_sort = "name"
    filter_form = NameFilter
    per_page = 10

    def rows(self) -> QuerySet[Any, Any]:
        return PaymentTerms.objects.all()


def view(query: str = "") -> TermsList:
    made = TermsList()
    made.setup(RequestFactory().get("/terms/" + query))
    return made


def shown(query: str = "") -> ListState:
    page = view(query)
    form = page._form()
    return page._state(form, page._narrowed(form))


def names(state: ListState) -> list[str]:
    return [row.name for row in state.rows]


def walk(query: str = "") -> list[str]:
    """The names of every page, following "next"."""
    seen: list[str] = []
    state = shown(query)
    while True:
        seen += names(state)
        if not state.next:
            return seen
        state = shown(state.next)


@pytest.fixture(autouse=True)
def terms(db: None) -> None:
    PaymentTerms.objects.all().delete()
    PaymentTerms.objects.bulk_create(
        PaymentTerms(
            code=f"T{n:02}",
            name=f"Terms {n:02}",
            days=n % 7,
            discount_percent=Decimal(n) if n % 3 else None,
        )
        for n in range(35)
    )


def test_following_next_shows_every_row_once_in_order() -> None:
    assert walk() == [f"Terms {n:02}" for n in range(35)]


@pytest.mark.parametrize("sort", ["days", "-days", "-name"])
def test_rows_with_equal_values_are_neither_lost_nor_shown_twice(sort: str) -> None:
    seen = walk(f"?sort={sort}")
    assert sorted(seen) == [f"Terms {n:02}" for n in range(35)]


@pytest.mark.parametrize("sort", ["name", "-name", "days", "-days"])
def test_going_back_shows_the_page_before_again(sort: str) -> None:
    first = shown(f"?sort={sort}")
    second = shown(first.next)
    third = shown(second.next)
    assert names(shown(third.previous)) == names(second)
    assert names(shown(second.previous)) == names(first)
    assert not first.previous


def test_the_first_page_reached_backwards_has_no_page_before() -> None:
    assert shown(shown(shown().next).previous).previous == ""


@pytest.mark.parametrize("sort", ["discount_percent", "-discount_percent"])
def test_a_column_with_empty_values_pages_by_number_and_loses_nobody(sort: str) -> None:
    assert len(set(walk(f"?sort={sort}"))) == 35


def test_no_page_counts_the_rows() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        shown(shown().next)
    assert len(queries) == 2
    assert not any("COUNT(" in query["sql"] for query in queries)


def test_a_page_asks_for_one_row_more_than_it_shows() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert len(shown().rows) == 10
    assert "LIMIT 11" in queries[0]["sql"]


def test_the_filter_stays_in_the_address_of_every_link() -> None:
    state = shown("?q=Terms&sort=-days")
    for query in (state.next, state.header("name").query, state.exports[0][1]):
        assert parse_qs(query[1:])["q"] == ["Terms"]


def test_a_new_filter_or_order_starts_at_the_first_page() -> None:
    state = shown(shown().next)
    assert "after" not in parse_qs(state.header("days").query[1:])


def test_the_filter_narrows_the_rows() -> None:
    state = shown("?q=Terms 3")
    assert names(state) == [f"Terms {n}" for n in range(30, 35)]
    assert state.filtered


def test_a_filter_that_cannot_be_read_narrows_nothing_and_says_so() -> None:
    state = shown("?limit=many")
    assert len(state.rows) == 10
    assert state.form is not None
    assert state.form.errors


def test_a_head_sorts_up_first_and_the_other_way_when_clicked_again() -> None:
    head = shown("?sort=name").header("name")
    assert (head.direction, parse_qs(head.query[1:])["sort"]) == ("ascending", ["-name"])
    head = shown("?sort=-name").header("name")
    assert (head.direction, parse_qs(head.query[1:])["sort"]) == ("descending", ["name"])


def test_a_column_that_cannot_be_sorted_has_no_link_and_ignores_the_wish() -> None:
    assert shown().header("half").query == ""
    assert names(shown("?sort=half")) == names(shown())


@pytest.mark.parametrize("wish", ["password", "name;drop", "-", "customer__owner__password"])
def test_an_unknown_order_falls_back_to_the_usual_one(wish: str) -> None:
    assert names(shown(f"?sort={wish}")) == names(shown())


@pytest.mark.parametrize("cursor", ["x", "e30", "WzFd", "WyJpIiwieCIsMV0", "💣", "AAAA"])
def test_a_made_up_place_shows_the_first_page(cursor: str) -> None:
    assert names(shown(f"?after={cursor}")) == names(shown())


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "²"])
def test_a_made_up_page_number_does_not_break_the_list(page: str) -> None:
    shown(f"?sort=discount_percent&page={page}")


def test_the_export_holds_every_row_of_the_filter_not_only_the_page() -> None:
    response = view().get(RequestFactory().get("/"))
    assert response.status_code == 200
    page = view("?q=Terms 1&export=csv&sort=-name")
    answer = page.get(page.request)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    lines = list(csv.reader(StringIO(text)))
    assert lines[0] == ["Name", "Days", "Discount", "Half", "Code"]
    assert [line[0] for line in lines[1:]] == [f"Terms {n}" for n in range(19, 9, -1)]
    assert answer["Content-Disposition"] == 'attachment; filename="terms-list.csv"'


def test_a_column_for_the_export_only_is_not_on_the_page() -> None:
    assert [head.label for head in shown().headers] == ["Name", "Days", "Discount", "Half"]


def test_cursors_keep_the_kind_of_their_value() -> None:
    for value in (Decimal("12.50"), 7, "Ünal & Söhne", True):
        assert keyset.read_cursor(str(keyset.Cursor(value, 3))) is not None
    assert keyset.read_cursor(str(keyset.Cursor(Decimal("12.50"), 3))) == keyset.Cursor(
        Decimal("12.50"), 3
    )


def test_rows_sorted_by_an_annotation_page_too() -> None:
    rows = PaymentTerms.objects.annotate(twice=F("days") * 2)
    first = keyset.page_of(rows, "-twice", size=20)
    second = keyset.page_of(rows, "-twice", size=20, after=first.after)
    assert len({row.pk for row in [*first.rows, *second.rows]}) == 35


def test_values_follow_relations_and_stop_at_nothing() -> None:
    customer = Customer(name="Ashdown", terms=PaymentTerms(name="Net 30"))
    assert keyset.pick(customer, "terms__name") == "Net 30"
    assert keyset.pick(Customer(name="Ashdown"), "terms__name") is None
    assert keyset.pick({"id": 4, "name": "x"}, "pk") == 4


COLUMNS = (Column("name", "Name"), Column("twice", "Twice", value=lambda row: row.days * 2))


def exported(address: str, **options: str) -> list[list[str]] | None:
    rows = iter(PaymentTerms.objects.order_by("pk")[:2])
    answer = export_of(RequestFactory().get(address), "Kept & broken", COLUMNS, rows, **options)
    if answer is None:
        return None
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == 'attachment; filename="kept-broken.csv"'
    return list(csv.reader(StringIO(text)))


def test_a_list_on_any_page_exports_by_its_columns() -> None:
    lines = exported("/?q=x&export=csv")
    assert lines is not None
    assert lines[0] == ["Name", "Twice"]
    assert len(lines) == 3


@pytest.mark.parametrize("address", ["/", "/?export=", "/?export=pdf", "/?disputes=csv"])
def test_a_page_that_asks_for_no_file_gets_none(address: str) -> None:
    assert exported(address) is None


def test_two_lists_of_one_page_export_under_names_of_their_own() -> None:
    assert exported("/?disputes=csv", key="disputes") is not None
    assert exported("/?export=csv", key="disputes") is None


def test_the_links_to_a_file_keep_the_filter_and_forget_the_place() -> None:
    links = export_links(RequestFactory().get("/?q=Ash&q=down&after=abc&sort=-name"))
    assert links == [
        ("CSV", "?q=Ash&q=down&sort=-name&export=csv"),
        ("XLSX", "?q=Ash&q=down&sort=-name&export=xlsx"),
    ]
