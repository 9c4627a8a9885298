"""Two years of a ledger as a list of days, the same for the same seed. Pure: nothing is written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from arfollow.shared.money import round_half_up
from customers import terms as rules
from customers.terms import Terms
from dunning.demo import firms as cast
from dunning.demo.firms import Firm
from dunning.demo.goods import order, total
from dunning.demo.habits import order_days, paid_on, weekday
from dunning.demo.papers import ORDER, Bill, Credit, Happening, Papers, Receipt
from dunning.demo.stories import STORIES

HISTORY_DAYS = 730
DISCOUNT = "2 percent for payment within ten days"
METHODS = ("Bank transfer", "Bank transfer", "Bank transfer", "Check", "Card")
THIRDS = ((34, 10), (33, 40), (33, 70))

TERMS: Mapping[str, Terms] = {
    "on-receipt": Terms(rules.Kind.ON_RECEIPT),
    "net-14": Terms(rules.Kind.NET, days=14),
    "net-30": Terms(rules.Kind.NET, days=30),
    "net-60": Terms(rules.Kind.NET, days=60),
    "2-10-net-30": Terms(rules.Kind.NET, days=30, discount_percent=Decimal(2), discount_days=10),
    "eom": Terms(rules.Kind.END_OF_MONTH),
    "net-30-eom": Terms(rules.Kind.NET_THEN_END_OF_MONTH, days=30),
    "prox-10": Terms(rules.Kind.PROX, day_of_month=10),
    "cia": Terms(rules.Kind.CASH_IN_ADVANCE),
    "thirds": rules.from_values("instalments", instalments=THIRDS),
}


@dataclass(frozen=True, slots=True)
class Script:
    """Who there is, and what happened on which day, in order."""

    firms: tuple[Firm, ...]
    happenings: tuple[Happening, ...]
    today: date

    @property
    def first_day(self) -> date:
        return self.today - timedelta(days=HISTORY_DAYS)

    def by_day(self) -> Mapping[date, list[Happening]]:
        """The happenings of each day."""
        days: defaultdict[date, list[Happening]] = defaultdict(list)
        for each in self.happenings:
            days[each.on].append(each)
        return days


def write(customers: int, invoices: int, seed: int, today: date) -> Script:
    """A ledger of so many customers and invoices that ends today."""
    made = cast.firms(customers, Random(f"{seed}:firms"))
    counts = _counts(made, invoices)
    happenings = [
        each
        for firm in made
        for each in _life(firm, counts[firm.number], Random(f"{seed}:{firm.number}"), today)
    ]
    happenings.sort(key=lambda each: (each.on, ORDER.index(type(each)), each.firm))
    return Script(tuple(made), tuple(happenings), today)


def _counts(made: list[Firm], invoices: int) -> dict[str, int]:
    """Bills per customer: the cast has its own number, the extras share the rest."""
    fixed = sum(firm.bills for firm in made)
    extras = [firm for firm in made if not firm.bills]
    left = max(invoices - fixed, 2 * len(extras))
    counts = {firm.number: firm.bills for firm in made}
    for place, firm in enumerate(extras):
        counts[firm.number] = left // len(extras) + (place < left % len(extras))
    return counts


def _life(firm: Firm, count: int, rng: Random, today: date) -> Iterator[Happening]:
    papers = Papers(firm, today, rng)
    for nth, on in enumerate(_days(firm, count, rng, today)):
        papers.bills.append(_bill(papers, nth, on))
    for bill in papers.bills:
        _receipts(papers, bill)
    papers.receipts = _together(papers.receipts)
    if story := STORIES.get(firm.story):
        story(papers)
    return iter(list(papers.happenings()))


def _days(firm: Firm, count: int, rng: Random, today: date) -> list[date]:
    first, last = today - timedelta(days=HISTORY_DAYS), today - timedelta(days=2)
    if firm.habit.stopped is None or firm.story == "many":
        days = order_days(firm.habit, count, first, last, rng)
        return sorted([*days[:-1], _ordered_for(firm, today) or days[-1]])
    # The first unpaid bill falls due on a day that its story is counted from; we go on
    # delivering twice, then no more.
    due_after = rules.longest_days(TERMS[firm.terms])
    anchor = today - timedelta(days=firm.habit.stopped - 1 + due_after)
    every = firm.habit.every
    after = min(2, (last - anchor).days // every)
    made = (anchor - timedelta(days=every * n) for n in range(-after, count - after))
    return sorted(max(first, day) for day in made)


def _ordered_for(firm: Firm, today: date) -> date | None:
    """The day of an order that a step of today speaks of, where the terms count days."""
    terms = TERMS[firm.terms]
    if firm.step_today is None or terms.kind is not rules.Kind.NET:
        return None
    return today + timedelta(days=firm.step_today - terms.days)


def _bill(papers: Papers, nth: int, on: date) -> Bill:
    firm, rng = papers.firm, papers.rng
    terms = TERMS[firm.terms]
    currency = "USD" if firm.story == "two_currencies" and nth % 2 else firm.currency
    lines = order(rng, currency, firm.habit.size)
    amount = total(lines)
    po = f"PO-{rng.randint(20000, 89999)}" if firm.story == "public" or nth % 3 == 0 else ""
    parts = tuple((part.due_date, part.amount) for part in rules.instalments(terms, on, amount))
    due = rules.due_date(terms, on)
    return Bill(f"{firm.number}:{nth}", firm.number, on, due, currency, lines, amount, po, parts)


def _receipts(papers: Papers, bill: Bill) -> None:
    habit, rng = papers.firm.habit, papers.rng
    if bill.on == _ordered_for(papers.firm, papers.today):
        return
    if habit.takes_discount:
        _with_discount(papers, bill)
        return
    for due, amount in bill.parts or ((bill.due, bill.amount),):
        on = paid_on(habit, due, papers.today, rng)
        if on is not None:
            halved = rng.random() < habit.parts
            _receive(papers, bill, max(on, bill.on), amount, halved=halved)


def _receive(papers: Papers, bill: Bill, on: date, amount: Decimal, *, halved: bool) -> None:
    method = METHODS[papers.rng.randrange(len(METHODS))]
    first = round_half_up(amount / 2) if halved else amount
    for part, day in ((first, weekday(on)), (amount - first, weekday(on + timedelta(days=16)))):
        if part > 0 and day <= papers.today:
            shares = ((bill.key, part),)
            papers.receipts.append(Receipt(bill.firm, day, bill.currency, shares, method))


def _with_discount(papers: Papers, bill: Bill) -> None:
    on = min(bill.on + timedelta(days=papers.rng.randint(5, 10)), papers.today)
    credit = rules.discount_amount(TERMS[papers.firm.terms], bill.amount)
    papers.others.append(Credit(bill.firm, on, bill.currency, credit, DISCOUNT, bill.key))
    _receive(papers, bill, on, bill.amount - credit, halved=False)


def _together(receipts: list[Receipt]) -> list[Receipt]:
    """One transfer for all bills paid on the same day."""
    found: defaultdict[tuple[date, str], list[Receipt]] = defaultdict(list)
    for each in receipts:
        found[each.on, each.currency].append(each)
    return [
        Receipt(
            group[0].firm, on, currency,
            tuple(share for each in group for share in each.shares), group[0].method,
        )
        for (on, currency), group in sorted(found.items(), key=lambda pair: pair[0])
    ]  # fmt: skip
