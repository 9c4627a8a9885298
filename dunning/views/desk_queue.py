"""Whom to call next: my part of the worklist, without those who must not be rung now."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.urls import reverse

from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company, User
from customers.models import Contact, Customer, PhoneState
from dunning import worklist
from dunning.models import DeskSkip
from dunning.outbox.calendars import our_quiet_periods
from dunning.outcomes import hours_at, tried_lately, zone_of
from dunning.policy.made import may_call_again
from dunning.worklist import SOURCES, Key, Scope, Work, read_place
from dunning.worklist.sources import narrowed

CALLS = "calls"
PAGES = 8
"""So many pages of the worklist are searched for somebody who may be rung."""


@dataclass(frozen=True, slots=True)
class Line:
    """One call of the queue: the customer, what it is about, and the page that opens it."""

    customer: Customer
    why: str
    url: str


@dataclass(slots=True)
class Queue:
    """The next call, and how many wait for what."""

    next: Line | None = None
    total: int = 0
    closed: int = 0
    put_off: int = 0
    in_vain: int = 0
    no_number: int = 0
    skipped: list[Line] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Why others are left out for now, as one sentence."""
        parts = [
            (self.closed, "outside their calling hours"),
            (self.in_vain, "tried today or three times this week"),
            (self.no_number, "without a number that may be dialled"),
            (self.put_off, "put off by you"),
        ]
        return ", ".join(f"{number} {words}" for number, words in parts if number)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose calls (`all`, or mine), and whether calling hours are kept to."""

    everyone: bool = False
    any_hour: bool = False

    @property
    def query(self) -> str:
        """As it stands in the address."""
        given = {"who": "all" * self.everyone, "hours": "any" * self.any_hour}
        return urlencode({key: value for key, value in given.items() if value})


def queue_of(me: User, asked: Asked, now: datetime, *, but: int = 0) -> Queue:
    """The next call of this person, in the worklist's order; `but` leaves one customer out.

    A call is left out while it is outside calling hours there, its customer was tried in
    vain today or three times this week (rule 2), nobody there may be rung, or this person
    put it off today; what was put off comes back at the end.
    """
    company = Company.load()
    scope = scope_of(me, asked, company, now)
    queue = Queue()
    sieve = _Sieve(company, now, asked, _put_off(me, scope.today), but)
    for rows in _pages(scope):
        _sift(queue, sieve, [row for row in rows if row.customer is not None])
        if queue.next is not None:
            break
    if queue.next is None and queue.skipped:
        queue.next = queue.skipped[0]
    _count(queue, scope, sieve)
    return queue


def scope_of(me: User, asked: Asked, company: Company, now: datetime) -> Scope:
    """My calls that are due today, as the worklist has them."""
    zone = ZoneInfo(company.time_zone)
    today = now.astimezone(zone).date()
    return Scope(
        today=today,
        until=datetime.combine(today + timedelta(days=1), time.min, tzinfo=zone),
        owner=None if asked.everyone else me,
        kind=CALLS,
    )


def _pages(scope: Scope) -> Iterator[Sequence[Work]]:
    after: Key | None = None
    for _ in range(PAGES):
        page = worklist.page(scope, after=after)
        yield page.rows
        after = read_place(page.after)
        if after is None:
            return


def _put_off(me: User, today: date) -> frozenset[int]:
    rows = DeskSkip.objects.filter(by=me, on=today)
    return frozenset(rows.values_list("customer_id", flat=True))


class _Sieve:
    """What keeps a call out of the queue, each answered for a page of rows at once."""

    def __init__(
        self, company: Company, now: datetime, asked: Asked, put_off: frozenset[int], but: int
    ) -> None:
        self.company, self.now, self.asked = company, now, asked
        self.put_off, self.but = put_off, but
        self.quiet = our_quiet_periods()
        self._open: dict[tuple[str, str, str], bool] = {}

    def is_open(self, customer: Customer) -> bool:
        """Whether it is calling hours there; the same for all customers of a place."""
        place = (customer.time_zone, customer.country, customer.region)
        if place not in self._open:
            calendar = Calendar(customer.country, customer.region or None, quiet=self.quiet)
            zone = zone_of(customer, self.company)
            found = hours_at(self.now, zone, calendar, self.company)
            self._open[place] = self.asked.any_hour or found.may_ring
        return self._open[place]


def _sift(queue: Queue, sieve: _Sieve, rows: Sequence[Work]) -> None:
    ids = {row.customer.pk for row in rows if row.customer is not None}
    tried, can_ring = tried_lately(ids, sieve.now), _with_number(ids)
    for row in rows:
        customer = row.customer
        if customer is None or customer.pk == sieve.but or not sieve.is_open(customer):
            continue
        today = sieve.now.astimezone(zone_of(customer, sieve.company)).date()
        if not may_call_again(tried.get(customer.pk, []), today):
            queue.in_vain += 1
        elif customer.pk not in can_ring and not row.label.startswith("Visit"):
            queue.no_number += 1
        elif customer.pk in sieve.put_off:
            queue.put_off += 1
            queue.skipped.append(_line(row, customer, sieve.asked))
        elif queue.next is None:
            queue.next = _line(row, customer, sieve.asked)


def _with_number(ids: set[int]) -> set[int]:
    """Customers of whom somebody may be rung; the same rule as `Contact.can_call`."""
    rows = Contact.objects.filter(customer__in=ids, active=True, do_not_call=False)
    usable = rows.exclude(phone="").exclude(phone_state=PhoneState.INVALID)
    return set(usable.values_list("customer_id", flat=True))


def _line(row: Work, customer: Customer, asked: Asked) -> Line:
    place = reverse("desk-call", args=[customer.pk])
    query = "&".join(part for part in (row.query.removeprefix("?"), asked.query) if part)
    return Line(customer, row.why, f"{place}?{query}" if query else place)


def _count(queue: Queue, scope: Scope, sieve: _Sieve) -> None:
    """All calls, and those whose customers have no calling hours now: by place, exactly."""
    places: Counter[tuple[str, str, str]] = Counter()
    for source in SOURCES:
        if source.tab != CALLS:
            continue
        rows = narrowed(source, scope).order_by()
        grouped = rows.values_list(
            "customer__time_zone", "customer__country", "customer__region"
        ).annotate(n=Count("pk"))
        for zone, country, region, number in grouped:
            places[zone, country, region] += number
    queue.total = places.total()
    queue.closed = sum(number for place, number in places.items() if not _open(place, sieve))


def _open(place: tuple[str, str, str], sieve: _Sieve) -> bool:
    zone, country, region = place
    return sieve.is_open(Customer(time_zone=zone, country=country, region=region))
