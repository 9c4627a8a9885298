"""An internal notice about an outage of the mail provider.

The dashboard, `/readyz` and `/metrics` tell it at once, not through the provider that is away;
the notice waits in the outbox and is among the first to leave when mail goes again.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from arfollow.staff.models import Company, Role, User
from customers.services import own_account
from dunning.briefing.morning import ACCOUNT
from dunning.dispatch import open_since, provider, story
from dunning.models import AttemptKind, AttemptRecipient, Channel, ContactAttempt, Tone
from dunning.outbox import may_send
from dunning.wording.notice import Purpose

AFTER = timedelta(minutes=10)
BODY = """Hello,

The mail provider ({provider}) has taken no message since {since}.

- What is known: {story}
- Nothing is lost: what was due waits in the outbox and leaves by itself, slowly at first.
- Messages of which nobody can tell whether they left are listed: {problems}

No answer is needed.
"""


def plan_alert(now: datetime) -> ContactAttempt | None:
    """Tell managers of an outage that lasts, once; None where there is nothing to tell."""
    since = open_since()
    if since is None or now - since < AFTER or not may_send():
        return None
    key = f"outage:{since.isoformat()}"
    people = _managers()
    if not people or ContactAttempt.objects.filter(dedupe_key=key).exists():
        return None
    try:
        with transaction.atomic():
            return _put(key, people, since, now)
    except IntegrityError:  # another tick was first
        return None


def _managers() -> list[User]:
    roles = (Role.MANAGER, Role.ADMIN)
    people = User.objects.filter(is_active=True, role__in=roles).exclude(email="")
    return list({person.email.lower(): person for person in people.order_by("pk")}.values())


def _put(key: str, people: list[User], since: datetime, now: datetime) -> ContactAttempt:
    today = now.date()
    attempt = ContactAttempt.objects.create(
        customer=own_account(ACCOUNT, "Our own office"),
        channel=Channel.INTERNAL,
        kind=AttemptKind.MANUAL,
        tone=Tone.INTERNAL,
        customer_facing=False,
        exempt=True,
        reason="outage",
        reason_text="The mail provider takes nothing.",
        planned_on=today,
        local_date=today,
        due_at=now,
        dedupe_key=key,
        content={
            "purpose": Purpose.MANUAL,
            "subject": "Mail provider: an outage",
            "body": _body(since),
        },
    )
    AttemptRecipient.objects.bulk_create(
        AttemptRecipient(attempt=attempt, name=str(person), address=person.email)
        for person in people
    )
    return attempt


def _body(since: datetime) -> str:
    known = " ".join(story().split())
    told = _told(since)
    return BODY.format(provider=provider(), since=told, story=known, problems=_problems())


def _told(since: datetime) -> str:
    zone = ZoneInfo(Company.load().time_zone)
    return f"{since.astimezone(zone):%A %H:%M}"


def _problems() -> str:
    return f"{settings.BASE_URL}{reverse('outbox')}?show=problems"
