"""The shell of a page: navigation, banners, and what the person may do."""

from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser
from django.template.context import Context

from arfollow.staff.models import Role, User
from arfollow.staff.navigation import banners, entries
from arfollow.staff.permissions import allows

register = template.Library()


@register.filter
def may(user: User | AnonymousUser, role: str) -> bool:
    """Whether the person's role includes ``role``: ``{% if user|may:"collector" %}``."""
    return isinstance(user, User) and allows(user, Role(role))


@register.inclusion_tag("_parts/nav.html", takes_context=True)
def nav(context: Context) -> dict[str, Any]:
    works = may(context["request"].user, Role.COLLECTOR)
    return {"entries": entries(context["request"].path, works=works)}


@register.simple_tag(takes_context=True)
def shell_banners(context: Context) -> list[Any]:
    """What holds all sending: the page's own stop-lights, then pause and shadow mode."""
    if not getattr(context.get("user"), "is_authenticated", False):
        return []
    lights: list[Any] = list(context.get("stop_lights") or ())
    return [*lights, *banners()]
