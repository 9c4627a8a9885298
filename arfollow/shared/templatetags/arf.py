"""Filters and tags of every page: amounts, dates, ages, tags and list headers."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from arfollow.shared.lists import ListState
from arfollow.shared.money import format_amount, with_currency
from arfollow.shared.words import MONTHS, say_day

register = template.Library()

STATE_TAGS = {
    "planned": ("Planned", "promise"),
    "claimed": ("Being sent", "promise"),
    "sending": ("Being sent", "promise"),
    "sent": ("Sent", "good"),
    "failed": ("Failed", "severe"),
    "unknown": ("Unknown, needs a decision", "severe"),
    "held": ("Held", "due"),
    "cancelled": ("Cancelled", "current"),
    "skipped": ("Skipped", "current"),
}
PROVIDER_TAGS = {
    "queued": ("Queued", "current"),
    "deferred": ("Delayed", "due"),
    "delivered": ("Delivered", "good"),
    "bounced": ("Bounced", "severe"),
    "complained": ("Complained", "severe"),
    "rejected": ("Rejected", "severe"),
    "autoresponded": ("Automatic reply", "current"),
}
TONE_TAGS = {
    "courtesy": "current",
    "friendly": "due",
    "firm": "late",
    "direct": "late",
    "urgent": "severe",
    "final": "final",
    "internal": "current",
}


@register.filter
def money(amount: Decimal | None, currency: str = "") -> str:
    """``1,234.50``, or ``USD 1,234.50`` where a currency is given; empty for no amount."""
    if amount is None or amount == "":
        return ""
    value = Decimal(amount)
    return with_currency(value, currency) if currency else format_amount(value, "")


@register.filter
def day(value: dt.date | None) -> str:
    """``21 Nov 2026``; a moment is first taken to the current time zone."""
    if value is None or value == "":
        return ""
    return say_day(_local(value))


@register.filter
def day_short(value: dt.date | None) -> str:
    """``21 Nov``, for columns in which the year is plain."""
    if value is None or value == "":
        return ""
    local = _local(value)
    return f"{local.day} {MONTHS[local.month - 1]}"


@register.filter
def moment(value: dt.datetime | None) -> str:
    """``21 Nov 2026, 14:05`` in the current time zone."""
    if value is None or value == "":
        return ""
    local = _local(value)
    return f"{day(local)}, {local:%H:%M}"


@register.filter
def days(count: int | None) -> str:
    """An age in whole days: ``1 day``, ``12 days``; days to come read ``in 3 days``."""
    if count is None:
        return ""
    number = abs(int(count))
    text = "1 day" if number == 1 else f"{number} days"
    return f"in {text}" if count < 0 else text


@register.simple_tag
def tag(text: str, kind: str = "current") -> SafeString:
    return format_html('<span class="tag {}">{}</span>', kind, text)


@register.simple_tag
def state(value: str) -> SafeString:
    """The state of a contact attempt."""
    return tag(*STATE_TAGS.get(value, (_sentence(value), "current")))


@register.simple_tag
def provider(value: str) -> SafeString | str:
    """What the mail provider reported last; nothing where it said nothing."""
    if not value:
        return ""
    return tag(*PROVIDER_TAGS.get(value, (_sentence(value), "current")))


@register.simple_tag
def tone(value: str) -> SafeString:
    return tag(_sentence(value), TONE_TAGS.get(value, "current"))


@register.simple_tag
def url_if(name: str, *args: Any) -> str:
    """The address of a page, or nothing where the installation does not have it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@register.inclusion_tag("_parts/sort_header.html")
def sort_header(rows: ListState, key: str) -> dict[str, object]:
    return {"header": rows.header(key)}


def _local(value: Any) -> Any:
    if isinstance(value, dt.datetime) and timezone.is_aware(value):
        return timezone.localtime(value)
    return value


def _sentence(value: str) -> str:
    return value.replace("_", " ").capitalize()
