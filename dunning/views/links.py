"""Addresses of pages that a page only mentions."""

from django.urls import NoReverseMatch, reverse


def address(name: str, *args: int) -> str:
    """The address of a page, or nothing where the installation does not have it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
