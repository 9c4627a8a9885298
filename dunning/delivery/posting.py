"""Into the post in one go: article numbers as scanned, and the letters to take out (rule 7)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.staff.models import Company
from customers.services import lock_customer
from dunning.delivery import truth
from dunning.delivery.articles import Article, read_article
from dunning.delivery.letters import mark_posted, must_be_pulled
from dunning.delivery.printing import in_order
from dunning.facts import lay_ground, load_cases
from dunning.models import AttemptState, ContactAttempt, Letter, LetterStatus
from dunning.outbox import desk
from dunning.policy import CustomerFacts
from invoices.models import Payment

ENDED = (AttemptState.CANCELLED, AttemptState.SKIPPED, AttemptState.HELD)
MOST = 500
"""Letters on the posting screen at once."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A printed letter; ``pull`` says why it must not go, as far as is known now."""

    letter: Letter
    pull: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A letter with the numbers on its labels; ``receipt`` is that of the green card."""

    letter: Letter
    article: Article = field(default_factory=lambda: Article(""))
    receipt: str = ""


@dataclass(slots=True)
class Posted:
    """What became of a pile."""

    done: list[Letter] = field(default_factory=list)
    refused: list[tuple[Letter, str]] = field(default_factory=list)


def waiting(today: date) -> list[Waiting]:
    """Printed letters in the order of their piles, each looked at again; nothing is written.

    A fixed number of queries, however many letters there are.
    """
    rows = Letter.objects.filter(status=LetterStatus.PRINTED, attempt__state=AttemptState.PLANNED)
    ids = list(rows.order_by("printed_at", "pk").values_list("pk", flat=True)[:MOST])
    letters = in_order(ids)
    letters.sort(key=lambda letter: letter.print_batch)
    reasons = _reasons(letters, today)
    return [Waiting(letter, reasons.get(letter.pk, "")) for letter in letters]


def _reasons(letters: Sequence[Letter], today: date) -> dict[int, str]:
    attempts = ContactAttempt.objects.filter(pk__in=[letter.attempt_id for letter in letters])
    known = _known(attempts, today)
    found = attempts.select_related("customer").prefetch_related("items__invoice")
    paid = paid_since(letters)
    letter_of = {letter.attempt_id: letter for letter in letters}
    reasons = {}
    for attempt in found:
        items = sorted(attempt.items.all(), key=lambda item: item.pk)
        told = known[attempt.customer_id]
        text, _ = truth.printed_is_true(attempt, today=today, items=items, known=told)
        if text:
            letter = letter_of[attempt.pk]
            reasons[letter.pk] = _said(text, paid.get(letter.pk), today)
    return reasons


def _known(attempts: QuerySet[ContactAttempt], today: date) -> dict[int, CustomerFacts]:
    customers = {each.customer_id: each.customer for each in attempts.select_related("customer")}
    if not customers:
        return {}
    cases = load_cases(list(customers.values()), today, lay_ground())
    return {pk: case.facts for pk, case in zip(customers, cases, strict=True)}


def paid_since(letters: Iterable[Letter]) -> dict[int, datetime]:
    """When the newest payment after each letter's printing was booked."""
    printed = {letter.attempt.customer_id: letter for letter in letters if letter.printed_at}
    rows = Payment.objects.filter(customer__in=printed, reversed_on=None).order_by("recorded_at")
    found = {}
    for customer_id, at in rows.values_list("customer_id", "recorded_at"):
        letter = printed[customer_id]
        if letter.printed_at is not None and at > letter.printed_at:
            found[letter.pk] = at
    return found


def _said(text: str, at: datetime | None, today: date) -> str:
    """``paid 10:40 (It is paid.)``"""
    if at is None:
        return text
    local = at.astimezone(ZoneInfo(Company.load().time_zone))
    when = f"{local:%H:%M}" if local.date() == today else f"{local:%-d %b, %H:%M}"
    return f"paid {when} ({text})"


def to_take_out() -> list[Letter]:
    """Letters on paper that must not be posted and lie in the pile still.

    Pulled at posting, or by whatever took their step back after they were printed.
    """
    pulled = Q(status=LetterStatus.PULLED)
    ended = Q(status=LetterStatus.PRINTED, attempt__state__in=ENDED)
    rows = Letter.objects.filter(pulled | ended, document__isnull=False, taken_out_at=None)
    return list(rows.select_related("attempt__customer").order_by("pk")[:MOST])


def take_out(letter_ids: Sequence[int], *, actor: Actor, now: datetime) -> int:
    """Somebody took these papers out of the pile; answers how many."""
    out = [letter for letter in to_take_out() if letter.pk in set(letter_ids)]
    for letter in out:
        with transaction.atomic():
            lock_customer(letter.attempt.customer_id)
            Letter.objects.filter(pk=letter.pk, taken_out_at=None).update(
                taken_out_at=now, taken_out_by_id=actor.id, status=LetterStatus.PULLED
            )
            words = f"Letter {letter.number} taken out of the pile"
            desk.tell(letter.attempt, "letter.taken_out", words, actor=actor)
    return len(out)


def read_list(text: str, letters: Sequence[Letter]) -> list[Entry]:
    """Lines as a scanner or a spreadsheet gives them, each letter once.

    ``letter number TAB article number [TAB number of the return receipt]``, or article numbers
    only, one a line, for the certified letters in the order of the cover list.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    by_number = {letter.number.upper(): letter for letter in letters}
    if lines and not any(_first(line) in by_number for line in lines):
        return _in_order(lines, [letter for letter in letters if letter.certified])
    return [_named(line, by_number) for line in lines]


def _cells(line: str) -> list[str]:
    for separator in ("\t", ";", ","):
        if separator in line:
            return [cell.strip() for cell in line.split(separator)]
    first, _, rest = line.partition(" ")
    return [first, rest.strip()]


def _first(line: str) -> str:
    return _cells(line)[0].upper()


def _named(line: str, by_number: dict[str, Letter]) -> Entry:
    cells = [*_cells(line), "", ""]
    letter = by_number.get(cells[0].upper())
    if letter is None:
        raise ServiceError(f"“{cells[0][:40]}” is no letter that waits to be posted.")
    return Entry(letter, read_article(cells[1]), cells[2])


def _in_order(lines: Sequence[str], certified: Sequence[Letter]) -> list[Entry]:
    if len(lines) != len(certified):
        raise ServiceError(
            f"{len(lines)} article numbers for {len(certified)} certified letters: put the"
            " letter's number in front of each."
        )
    return [
        Entry(letter, read_article(line)) for letter, line in zip(certified, lines, strict=True)
    ]


def problems_of(entries: Sequence[Entry]) -> dict[int, str]:
    """What must be mended before any of them is posted, by letter."""
    found: dict[int, str] = {}
    holders: dict[str, Letter] = {}
    numbers = [entry.article.number for entry in entries if entry.article.number]
    taken = dict(
        Letter.objects.filter(article_number__in=numbers).values_list("article_number", "number")
    )
    for entry in entries:
        said = _problem(entry, holders.get(entry.article.number), taken)
        if said:
            found[entry.letter.pk] = said
        holders.setdefault(entry.article.number, entry.letter)
    return found


def _problem(entry: Entry, holder: Letter | None, taken: dict[str, str]) -> str:
    number = entry.article.number
    if entry.letter.certified and not number:
        return "A certified letter needs its article number."
    if number in taken:
        return f"{number} belongs to letter {taken[number]}."
    if number and holder is not None and holder != entry.letter:
        return f"{number} stands at letter {holder.number} too."
    if number and number == read_article(entry.letter.number).number:
        return "That is the letter's own number, not the one on its label."
    return ""


def post_all(entries: Sequence[Entry], on: date, *, actor: Actor) -> Posted:
    """Post what is still true; what is not is pulled and said so (rule 7)."""
    result = Posted()
    since = paid_since(entry.letter for entry in entries)
    pulled = must_be_pulled([entry.letter.pk for entry in entries], today=on)
    for letter, why in pulled:
        text = why.removeprefix("Pulled: ")
        result.refused.append((letter, _said(text, since.get(letter.pk), on)))
    out = {letter.pk for letter, _ in pulled}
    for entry in entries:
        if entry.letter.pk not in out:
            _post(entry, on, actor, result)
    return result


def _post(entry: Entry, on: date, actor: Actor, result: Posted) -> None:
    try:
        number, card = entry.article.number, entry.receipt
        letter = mark_posted(entry.letter.pk, on, number, actor=actor, receipt_number=card)
    except ServiceError as refusal:
        result.refused.append((entry.letter, str(refusal)))
    else:
        result.done.append(letter)
