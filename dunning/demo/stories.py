"""What makes each member of the cast worth calling: promises, disputes, credits, silence."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from arfollow.shared.money import ZERO, round_half_up
from dunning.demo.habits import weekday
from dunning.demo.papers import (
    Bill,
    Bounced,
    Contest,
    Credit,
    Papers,
    Receipt,
    Said,
    Settlement,
    WrittenOff,
    Wrote,
)

type Story = Callable[[Papers], None]


def _said(papers: Papers, days_ago: int, outcome: str, note: str, **more: object) -> None:
    said = Said(papers.firm.number, papers.day(days_ago), outcome, note)
    papers.others.append(replace(said, **more))  # type: ignore[arg-type]  # fields by name


def _newest(papers: Papers, *, due_before: int) -> Bill:
    """The newest bill that fell due at least so many days ago."""
    limit = papers.today - timedelta(days=due_before)
    return max((bill for bill in papers.bills if bill.due <= limit), key=lambda bill: bill.due)


def _skips(papers: Papers) -> None:
    """One older bill is left out while newer ones are paid."""
    missed = _newest(papers, due_before=62)
    papers.take_back_payment(missed)
    for bill in papers.bills:
        if missed.due < bill.due < papers.today - timedelta(days=25) and bill in papers.unpaid():
            _pay(papers, bill, 24 - min(20, (papers.today - bill.due).days - 25))


def _pay(papers: Papers, bill: Bill, days_ago: int, share: Decimal | None = None) -> None:
    amount = papers.open_amount(bill) if share is None else share
    receipt = Receipt(
        papers.firm.number, papers.day(days_ago), bill.currency, ((bill.key, amount),)
    )
    papers.receipts.append(receipt)


def _late(papers: Papers, *, due_before: int) -> None:
    """One bill at least is overdue, whatever chance made of the others."""
    papers.take_back_payment(_newest(papers, due_before=due_before))


def _part(bill: Bill, percent: int) -> Decimal:
    return round_half_up(bill.amount * percent / 100)


def _disputes(papers: Papers) -> None:
    """An old dispute that ended in a credit, and a new one that waits to be settled."""
    number, who = papers.firm.number, papers.firm.people[-1].name
    old = _newest(papers, due_before=150)
    papers.take_back_payment(old)
    contest = Contest(number, weekday(old.due + timedelta(days=6)), old.key, _part(old, 25),
                      "quality", who, "Two sheets of plywood had delaminated.")  # fmt: skip
    settled = weekday(contest.on + timedelta(days=9))
    ending = Settlement(number, settled, contest, "credited", "Credited the damaged sheets.")
    credit = Credit(number, settled, old.currency, contest.amount, "Damaged goods", old.key)
    papers.others += [contest, ending, credit]
    rest = old.amount - contest.amount
    on = settled + timedelta(days=8)
    papers.receipts.append(Receipt(number, weekday(on), old.currency, ((old.key, rest),)))
    new = _newest(papers, due_before=16)
    papers.take_back_payment(new)
    note = "Forty fenders on the note, thirty-two on the pallet; photographs attached."
    papers.others.append(
        Contest(number, papers.day(11), new.key, _part(new, 40), "short_delivery", who, note)
    )


def _breaks_promise(papers: Papers) -> None:
    until = papers.day(9)
    _said(papers, 18, "promise", "“You will have it by then, my word.”", until=until)


def _promise_today(papers: Papers) -> None:
    """An earlier promise that was kept, and one that falls due today."""
    kept = max(
        (each for each in papers.receipts if each.on <= papers.day(60)), key=lambda each: each.on
    )
    until, made = kept.on, kept.on - timedelta(days=6)
    bills = tuple(key for key, _ in kept.shares)
    note = "The owner signs on that day."
    papers.others.append(
        Said(papers.firm.number, weekday(made), "promise", note, until, bills=bills)
    )
    _said(papers, 8, "promise", "Insurance money comes in this week.", until=papers.today)


def _credit(papers: Papers) -> None:
    """A credit note larger than the one invoice that is overdue."""
    for bill in papers.overdue():
        _pay(papers, bill, min(30, (papers.today - bill.due).days))
    late = _newest(papers, due_before=12)
    papers.take_back_payment(late)
    amount = round_half_up(late.amount * Decimal("1.6"), -1) + ZERO
    papers.others.append(
        Credit(papers.firm.number, papers.day(9), late.currency, amount, "Returned winches")
    )


def _plan(papers: Papers) -> None:
    """Cannot pay at once: a plan is agreed, and its first part came in."""
    reason = "Lost the herring quota; the boats lie in harbour until spring"
    _said(papers, 41, "cannot_pay", "Sounds honest. Wants to pay in parts.", reason=reason)
    _said(papers, 39, "asks_plan", "Three parts, a month apart.", inbound=True)
    oldest = papers.overdue()[0]
    _pay(papers, oldest, 31)


def _insolvent(papers: Papers) -> None:
    note = "Administrator appointed; letter to follow."
    _said(papers, 20, "insolvent", note, inbound=True)


def _hold(papers: Papers) -> None:
    until = weekday(papers.today + timedelta(days=9))
    _said(papers, 5, "waiting_approval", "The trustees meet next week.", until=until)


def _replied(papers: Papers) -> None:
    text = (
        "Hello,\n\nthanks for your message. We moved our bookkeeping to a new system in October "
        "and two of your invoices are missing there. Could you send us copies?\n\nKind regards"
    )
    papers.others.append(
        Wrote(papers.firm.number, papers.day(1), "Re: Your account with Harbour & Pine", text)
    )


def _bounces(papers: Papers) -> None:
    papers.others.append(Bounced(papers.firm.number, papers.day(3)))


def _in_parts(papers: Papers) -> None:
    """The oldest open bill was paid by half."""
    open_bills = papers.overdue()
    if open_bills:
        _pay(papers, open_bills[0], 9, _part(open_bills[0], 50))


def _cheque(papers: Papers) -> None:
    """A cheque that the bank took back."""
    bill = _newest(papers, due_before=24)
    papers.take_back_payment(bill)
    receipt = Receipt(
        papers.firm.number, papers.day(15), bill.currency, ((bill.key, bill.amount),),
        method="Cheque", back_on=papers.day(7),
    )  # fmt: skip
    papers.receipts.append(receipt)


def _says_paid(papers: Papers) -> None:
    _said(papers, 2, "says_paid", "Transferred on Monday, they say.")


def _wrong_number(papers: Papers) -> None:
    _said(papers, 3, "wrong_number", "A bakery answered.")


def _two_currencies(papers: Papers) -> None:
    """One bill overdue in each currency."""
    for currency, days in (("EUR", 12), ("USD", 18)):
        limit = papers.today - timedelta(days=days)
        late = [bill for bill in papers.bills if bill.currency == currency and bill.due <= limit]
        papers.take_back_payment(max(late, key=lambda bill: bill.due))


def _instalments(papers: Papers) -> None:
    """The first third of a kitchen was paid, the second is late, the last not yet due."""
    limit = papers.today - timedelta(days=9)
    late = [bill for bill in papers.bills if bill.parts[1][0] <= limit]
    bill = max(late, key=lambda bill: bill.parts[1][0])
    papers.take_back_payment(bill)
    _pay(papers, bill, (papers.today - bill.parts[0][0]).days - 3, bill.parts[0][1])


def _child(papers: Papers) -> None:
    _late(papers, due_before=8)


def _consumer(papers: Papers) -> None:
    until = weekday(papers.today + timedelta(days=6))
    _said(papers, 4, "promise", "Pension arrives at the end of the month.", until=until)


def _public(papers: Papers) -> None:
    """A small rest that nobody will argue about any more."""
    _late(papers, due_before=10)
    bill = _newest(papers, due_before=120)
    papers.take_back_payment(bill)
    paid = bill.amount - Decimal("4.80")
    papers.receipts.append(
        Receipt(papers.firm.number, papers.day(88), bill.currency, ((bill.key, paid),))
    )
    papers.others.append(
        WrittenOff(papers.firm.number, papers.day(60), bill.key, Decimal("4.80"), "Bank charges")
    )


STORIES: Mapping[str, Story] = {
    "skips": _skips,
    "disputes": _disputes,
    "breaks_promise": _breaks_promise,
    "promise_today": _promise_today,
    "two_currencies": _two_currencies,
    "instalments": _instalments,
    "child": _child,
    "mailbox_two": _child,
    "credit": _credit,
    "plan": _plan,
    "insolvent": _insolvent,
    "hold": _hold,
    "replied": _replied,
    "bounces": _bounces,
    "in_parts": _in_parts,
    "cheque": _cheque,
    "says_paid": _says_paid,
    "wrong_number": _wrong_number,
    "consumer": _consumer,
    "public": _public,
}
