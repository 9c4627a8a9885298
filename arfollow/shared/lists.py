"""Every list of the screens: filter from the address, sort, page, export.

The address is the view: filter, order and place stand in the query string, so that a
list can be bookmarked, shared and reloaded.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Protocol, cast
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views import View

from arfollow.shared.export import csv_response, xlsx_response
from arfollow.shared.keyset import Page, page_of, pick, read_cursor

_OWN_KEYS = ("after", "before", "export", "page")
_FORMATS = ("csv", "xlsx")
EXPORT_CHUNK = 2000


@dataclass(frozen=True)
class Column:
    """One column of a list.

    ``key`` is the row's value (``customer__name`` follows relations) and the name used in
    ``?sort=``. ``sort`` is the field to order by where it differs; ``sortable=False`` for
    values that no index can order. ``nullable`` sorts cannot be paged by the last row
    seen and fall back to page numbers. ``value`` overrides what the export writes.
    """

    key: str
    label: str
    sort: str = ""
    sortable: bool = True
    numeric: bool = False
    nullable: bool = False
    export_only: bool = False
    value: Callable[[Any], object] | None = None

    @property
    def order(self) -> str:
        return self.sort or self.key

    def exported(self, row: Any) -> object:
        return self.value(row) if self.value else pick(row, self.key)


@dataclass(frozen=True)
class Header:
    """A column as the table head shows it; ``query`` sorts by it, the other way if it does."""

    key: str
    label: str
    numeric: bool
    query: str
    direction: str


def export_of(
    request: HttpRequest,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Any],
    *,
    key: str = "export",
) -> HttpResponseBase | None:
    """The rows as a file where the address asks for one (``?export=csv``), else None.

    For lists that are no ``ListView``; ``key`` tells the lists of one page apart. ``rows``
    may be a generator: a CSV streams it, and it is not touched where the page is asked for.
    """
    asked = request.GET.get(key)
    if asked not in _FORMATS:
        return None
    write = csv_response if asked == "csv" else xlsx_response
    lines = ([column.exported(row) for column in columns] for row in rows)
    return write(file_name(title), [column.label for column in columns], lines)


def export_links(request: HttpRequest, *, key: str = "export") -> list[tuple[str, str]]:
    """What ``_parts/export.html`` shows: the formats, each with this view's address."""
    return [(kind.upper(), query_of(request, **{key: kind})) for kind in _FORMATS]


def file_name(title: str) -> str:
    """A title as the name of a file: ``Waits for approval`` → ``waits-for-approval``."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower())) or "list"


def query_of(request: HttpRequest, **changes: str) -> str:
    """The query string of a list with its place changed; filter and order stay."""
    kept: QueryDict = request.GET.copy()
    for key in (*_OWN_KEYS, *changes):
        kept.pop(key, None)
    pairs = [(key, value) for key, values in kept.lists() for value in values if value]
    return "?" + urlencode([*pairs, *((key, value) for key, value in changes.items() if value)])


class FilterForm(Protocol):
    """A form read from the address that narrows the rows."""

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]: ...


@dataclass(frozen=True)
class ListState:
    """What the template needs to know of a list."""

    rows: list[Any]
    headers: list[Header]
    form: Form | None
    next: str
    previous: str
    first: str
    exports: list[tuple[str, str]]
    filtered: bool
    sort: str

    def header(self, key: str) -> Header:
        """The head of one column; KeyError for a column the list does not have."""
        for header in self.headers:
            if header.key == key:
                return header
        raise KeyError(key)


class ListView(View):
    """A list page; subclasses name the template, the columns and the rows."""

    template_name: str
    title: str = "list"
    columns: Sequence[Column] = ()
    default_sort: str = "pk"
    filter_form: type[Form] | None = None
    per_page: int = 50

    def rows(self) -> QuerySet[Any, Any]:
        raise NotImplementedError

    def decorate(self, rows: list[Any]) -> None:
        """Fill in more on the rows of a page (or of a part of an export), in few queries."""

    def more(self, shown: ListState) -> dict[str, object]:
        """More for the template: totals, empty-state texts."""
        return {}

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        form = self._form()
        rows = self._narrowed(form)
        if request.GET.get("export") in _FORMATS:
            return self._export(rows)
        shown = self._state(form, rows)
        return render(request, self.template_name, {"list": shown, **self.more(shown)})

    def _form(self) -> Form | None:
        return self.filter_form(self.request.GET) if self.filter_form else None

    def _narrowed(self, form: Form | None) -> QuerySet[Any, Any]:
        if form is None or not form.is_valid():
            return self.rows()
        return cast(FilterForm, form).narrow(self.rows())

    def _column(self) -> tuple[Column | None, str]:
        """The column sorted by, and the order as the database takes it."""
        asked = self.request.GET.get("sort", "")
        by_key = {column.key: column for column in self.columns if column.sortable}
        column = by_key.get(asked.removeprefix("-"))
        if column is None:
            wanted = self.default_sort.removeprefix("-")
            default = next((c for c in self.columns if wanted in (c.order, c.key)), None)
            return default, self.default_sort
        return column, ("-" if asked.startswith("-") else "") + column.order

    def _state(self, form: Form | None, rows: QuerySet[Any, Any]) -> ListState:
        column, order = self._column()
        if column is not None and column.nullable:
            shown, next_, previous = self._numbered(rows, order)
        else:
            page = self._keyset(rows, order)
            shown = page.rows
            next_ = self._query(after=str(page.after)) if page.after else ""
            previous = self._query(before=str(page.before)) if page.before else ""
        self.decorate(shown)
        return ListState(
            rows=shown,
            headers=[
                self._header(each, column, order) for each in self.columns if not each.export_only
            ],
            form=form,
            next=next_,
            previous=previous,
            first=self._query() if previous else "",
            exports=export_links(self.request),
            filtered=bool(form and form.is_valid() and any(form.cleaned_data.values())),
            sort=self.request.GET.get("sort", ""),
        )

    def _keyset(self, rows: QuerySet[Any, Any], order: str) -> Page:
        return page_of(
            rows,
            order,
            size=self.per_page,
            after=read_cursor(self.request.GET.get("after", "")),
            before=read_cursor(self.request.GET.get("before", "")),
        )

    def _numbered(self, rows: QuerySet[Any, Any], order: str) -> tuple[list[Any], str, str]:
        asked = self.request.GET.get("page", "1")
        number = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
        number = max(number, 1)
        start = (number - 1) * self.per_page
        taken = list(rows.order_by(order, "pk")[start : start + self.per_page + 1])
        more = len(taken) > self.per_page
        return (
            taken[: self.per_page],
            self._query(page=str(number + 1)) if more else "",
            self._query(page=str(number - 1)) if number > 1 else "",
        )

    def _query(self, **changes: str) -> str:
        """The query string of this view with its place changed."""
        return query_of(self.request, **changes)

    def _header(self, column: Column, sorted_by: Column | None, order: str) -> Header:
        current = column is sorted_by
        falling = current and order.startswith("-")
        ascending_next = falling or not current
        sort = column.key if ascending_next else f"-{column.key}"
        direction = ("descending" if falling else "ascending") if current else ""
        query = self._query(sort=sort) if column.sortable else ""
        return Header(column.key, column.label, column.numeric, query, direction)

    def _export(self, rows: QuerySet[Any, Any]) -> HttpResponseBase:
        _, order = self._column()
        found = export_of(self.request, self.title, self.columns, self._all(rows, order))
        if found is None:
            raise LookupError("no format was asked for")
        return found

    def _all(self, rows: QuerySet[Any, Any], order: str) -> Iterator[Any]:
        ordered = rows.order_by(order, "pk").iterator(chunk_size=EXPORT_CHUNK)
        for part in batched(ordered, EXPORT_CHUNK):
            chunk = list(part)
            self.decorate(chunk)
            yield from chunk
