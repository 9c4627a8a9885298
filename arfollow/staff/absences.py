"""Who stands in for whom, and who looks after a new customer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import QuerySet

from arfollow.shared import events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from arfollow.shared.words import say_day
from arfollow.staff.models import Absence, Company, OwnerRule, User


def covered_by(user: User, today: date) -> set[int]:
    """The ids of the colleagues whose customers this person has today, for as long as they
    are away. A cover who is away too passes on what they cover, once round."""
    away = _away(today)
    found: set[int] = set()
    waiting = {user.pk}
    while waiting:
        cover = waiting.pop()
        for absent, by in away.items():
            if by == cover and absent not in found and absent != user.pk:
                found.add(absent)
                waiting.add(absent)
    return found


def covered_today(user: User, today: date) -> QuerySet[Absence]:
    """The absences that this person covers today, for lists: no query of its own."""
    return Absence.objects.filter(covered_by=user, starts_on__lte=today, ends_on__gte=today)


def _away(today: date) -> dict[int, int]:
    """Absent people and their covers; of two that overlap the newest counts."""
    rows = Absence.objects.filter(starts_on__lte=today, ends_on__gte=today).order_by("pk")
    return dict(rows.values_list("user_id", "covered_by_id"))


def owners_of(user: User, today: date) -> set[int]:
    """Whose customers are "mine" today: one's own, and those one covers."""
    return {user.pk} | covered_by(user, today)


def cover_of(owner: User | None, today: date) -> User | None:
    """Who covers for this owner today; None while they are here."""
    if owner is None:
        return None
    rows = Absence.objects.filter(user=owner, starts_on__lte=today, ends_on__gte=today)
    found = rows.select_related("covered_by").order_by("-pk").first()
    return found.covered_by if found else None


def add_absence(
    user: User, cover: User, starts_on: date, ends_on: date, *, actor: Actor, note: str = ""
) -> Absence:
    """Note that somebody is away from one day to another, both counted."""
    if user == cover:
        raise ServiceError("Somebody else has to cover.")
    if ends_on < starts_on:
        raise ServiceError("The last day lies before the first.")
    if not cover.may_write:
        raise ServiceError(f"{cover} cannot work on customers.")
    with transaction.atomic():
        days = {"starts_on__lte": ends_on, "ends_on__gte": starts_on}
        if Absence.objects.filter(user=user, **days).exists():
            raise ServiceError(f"{user} is noted as away in these days already.")
        if Absence.objects.filter(user=cover, **days).exists():
            raise ServiceError(f"{cover} is away in these days too.")
        row = Absence.objects.create(
            user=user, covered_by=cover, starts_on=starts_on, ends_on=ends_on, note=note[:120]
        )
        words = f"{user} away {say_day(starts_on)} to {say_day(ends_on)}, covered by {cover}"
        events.record(Entry("absence.added", "absence", row.pk, words), actor=actor)
    return row


def end_absence(absence_id: int, *, actor: Actor) -> None:
    """They are back, or are not going: the absence is taken out."""
    with transaction.atomic():
        row = Absence.objects.select_related("user").filter(pk=absence_id).first()
        if row is None:
            return
        words = f"{row.user} is not away any more"
        events.record(Entry("absence.ended", "absence", row.pk, words), actor=actor)
        row.delete()


@dataclass(frozen=True, slots=True)
class OwnerChoice:
    """The rules for new customers, read once for a whole file."""

    rules: tuple[OwnerRule, ...]
    default: User | None

    @classmethod
    def load(cls) -> "OwnerChoice":
        """As they stand now; people who cannot work on customers are passed over."""
        rules = tuple(rule for rule in _rules() if rule.owner.may_write)
        default = Company.load().default_owner
        return cls(rules, default if default is not None and default.may_write else None)

    def owner_of(self, name: str, country: str) -> User | None:
        """The first rule that fits, else the default; None where there is neither."""
        fitting = (rule.owner for rule in self.rules if _fits(rule, name, country))
        return next(fitting, self.default)


def _rules() -> Iterable[OwnerRule]:
    return OwnerRule.objects.select_related("owner").order_by("position", "pk")


def _fits(rule: OwnerRule, name: str, country: str) -> bool:
    letter = name.strip()[:1].upper()
    first, last = rule.first_letter.upper(), rule.last_letter.upper()
    if rule.country and rule.country.upper() != country.upper():
        return False
    return (not first or letter >= first) and (not last or letter <= last)


def add_owner_rule(
    *,
    owner: User,
    actor: Actor,
    country: str = "",
    first_letter: str = "",
    last_letter: str = "",
    position: int = 1,
) -> OwnerRule:
    """New customers that fit are looked after by this person; known ones keep their owner."""
    with transaction.atomic():
        row = OwnerRule.objects.create(
            owner=owner,
            country=country,
            first_letter=first_letter,
            last_letter=last_letter,
            position=position,
        )
        events.record(Entry("owner_rule.added", "ownerrule", row.pk, f"Rule: {row}"), actor=actor)
    return row


def drop_owner_rule(rule_id: int, *, actor: Actor) -> None:
    """The rule holds for no further customers; twice is harmless."""
    with transaction.atomic():
        row = OwnerRule.objects.select_related("owner").filter(pk=rule_id).first()
        if row is None:
            return
        words = f"Rule taken away: {row}"
        events.record(Entry("owner_rule.dropped", "ownerrule", row.pk, words), actor=actor)
        row.delete()
