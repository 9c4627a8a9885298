"""What stands in the navigation and above every page."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from arfollow.staff.models import Company

# URL names of the upper apps, as words only: nothing here imports them.
ENTRIES = (
    ("dashboard", "Dashboard"),
    ("worklist", "Worklist"),
    ("desk", "Call desk"),
    ("promise-list", "Agreements"),
    ("customer-list", "Customers"),
    ("invoice-list", "Invoices"),
    ("approval-list", "Approvals"),
    ("outbox", "Outbox"),
    ("letter-list", "Letters"),
    ("import-list", "Imports"),
    ("policy-list", "Policies"),
    ("company-settings", "Settings"),
)
SETTINGS = "/settings/"
WORKERS_ONLY = frozenset({"desk"})
"""Pages that somebody who only reads has no use for."""


@dataclass(frozen=True)
class Entry:
    url: str
    label: str
    current: bool


@dataclass(frozen=True)
class Banner:
    """A line above the page; ``tone`` is bad, warn or info."""

    tone: str
    title: str
    text: str
    url: str = ""
    link: str = ""


def entries(path: str, *, works: bool = True) -> list[Entry]:
    """The navigation, with the part that ``path`` belongs to marked.

    ``works``: whether the person does more than read.
    """
    names = [(name, label) for name, label in ENTRIES if works or name not in WORKERS_ONLY]
    found = [(url, label) for name, label in names if (url := _address(name))]
    return [Entry(url, label, _covers(url, path)) for url, label in found]


def banners() -> list[Banner]:
    """Whether the company has paused sending, or sends everything to itself."""
    company = Company.load()
    shown = []
    if company.paused:
        reason = company.pause_reason or "No reason was given."
        shown.append(Banner("bad", "Sending is paused.", reason, *_settings_link()))
    if company.shadow_mode:
        where = company.shadow_email or "the shadow address"
        text = f"Every message goes to {where}, none to a customer, until you say go."
        shown.append(Banner("warn", "Shadow mode is on.", text, *_settings_link()))
    return shown


def _settings_link() -> tuple[str, str]:
    return _address("sending-settings") or _address("company-settings"), "Open the settings"


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _covers(url: str, path: str) -> bool:
    if url == "/":
        return path == "/"
    return path.startswith(SETTINGS if url.startswith(SETTINGS) else url)
