"""The timeline of a page: each event with its tag, its state today, and its page."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.http import HttpRequest

from arfollow.shared.formfields import DayField
from arfollow.shared.keyset import page_of
from arfollow.shared.lists import Column
from arfollow.staff.models import Company, User
from customers.history import Asked, Moment, events_of, moment_of
from dunning.models import AttemptState, Channel, ContactAttempt, Letter, ProviderStatus
from dunning.views.links import address

PAGES = {
    "attempt": "attempt-detail",
    "contactattempt": "attempt-detail",
    "invoice": "invoice-detail",
    "letter": "letter-detail",
    "paymentplan": "plan-detail",
}
TAGS = {
    "address.changed": ("Address", "current"),
    "attempt.bounced": ("Bounced", "severe"),
    "attempt.cancelled": ("Not sent", "current"),
    "attempt.failed": ("Failed", "severe"),
    "attempt.held": ("Held", "due"),
    "attempt.planned": ("Planned", "promise"),
    "attempt.sent": ("Sent", "good"),
    "attempt.skipped": ("Not needed", "current"),
    "attempt.unknown": ("Unknown", "severe"),
    "call.logged": ("Call", "promise"),
    "contact.added": ("Contact", "current"),
    "contact.changed": ("Contact", "current"),
    "contact.state": ("Contact", "current"),
    "credit_note.added": ("Credit", "good"),
    "customer.credit_release": ("Supply", "good"),
    "customer.credit_stop": ("Supply", "severe"),
    "customer.legal_stop": ("Stop", "severe"),
    "customer.merged": ("Merged", "due"),
    "customer.owner": ("Owner", "current"),
    "dispute.opened": ("Dispute", "dispute"),
    "dispute.resolved": ("Dispute", "dispute"),
    "hold.set": ("Hold", "due"),
    "invoice.added": ("Invoice", "current"),
    "letter.posted": ("Posted", "good"),
    "letter.printed": ("Printed", "promise"),
    "letter.reported": ("Letter", "good"),
    "note.added": ("Note", "due"),
    "payment.recorded": ("Payment", "good"),
    "payment.reversed": ("Reversed", "severe"),
    "plan.agreed": ("Plan", "promise"),
    "plan.drafted": ("Plan", "promise"),
    "promise.made": ("Promise", "promise"),
    "promise.settled": ("Promise", "promise"),
    "reply.received": ("Reply", "late"),
    "terms.agreed": ("Terms", "current"),
    "warning.raised": ("Warning", "severe"),
    "warning.cleared": ("Checked", "good"),
}
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("Everything", ()),
    "messages": ("Messages and steps", ("attempt.",)),
    "calls": ("Calls", ("call.",)),
    "letters": ("Letters", ("letter.",)),
    "replies": ("Replies", ("reply.",)),
    "invoices": ("Invoices", ("invoice.", "charge.")),
    "money": ("Payments and credits", ("payment.", "allocation.", "credit_note.")),
    "promises": ("Promises and plans", ("promise.", "plan.")),
    "disputes": ("Disputes", ("dispute.",)),
    "holds": ("Holds and stops", ("hold.", "customer.legal_stop", "customer.credit", "switch.")),
    "notes": ("Notes and tasks", ("note.", "task.")),
    "account": (
        "Contacts, terms, owner",
        ("contact.", "address.", "terms.", "customer.", "warning."),
    ),
}
MACHINE = "0"
DELIVERED = (ProviderStatus.DELIVERED, ProviderStatus.AUTORESPONDED)
EXPORT_PAGE = 500


class TimelineFilter(forms.Form):
    """What of a history is shown; it stands in the address."""

    kind = forms.ChoiceField(
        label="Kind", required=False, choices=[(key, words) for key, (words, _) in KINDS.items()]
    )
    since = DayField(label="From", required=False)
    until = DayField(label="To", required=False)
    person = forms.ChoiceField(label="Person", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.order_by("first_name", "last_name", "username")
        choices = [("", "Everybody"), (MACHINE, "arfollow itself")]
        choices += [(str(person.pk), str(person)) for person in people]
        self.fields["person"].choices = choices  # type: ignore[attr-defined]  # a choice field

    def asked(self, company: Company) -> Asked:
        """The part of the history it describes; what cannot be read narrows nothing."""
        self.is_valid()
        data = getattr(self, "cleaned_data", {})
        person = data.get("person")
        return Asked(
            verbs=KINDS[data.get("kind") or ""][1],
            since=data.get("since"),
            until=data.get("until"),
            person=int(person) if person else None,
            zone=company.time_zone,
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is chosen."""
        return self.is_valid() and any(self.cleaned_data.values())


EXPORTED = (
    Column("when", "When"),
    Column("kind", "Kind", value=lambda row: row["kind_label"] or row["verb"]),
    Column("title", "What"),
    Column("text", "State"),
    Column("who", "Who"),
)


def read_filter(request: HttpRequest) -> TimelineFilter:
    """The filter of a page's address."""
    return TimelineFilter(request.GET)


def exported(customer_id: int, asked: Asked) -> Iterator[dict[str, object]]:
    """Every entry of the filter, page by page; nothing is read before it is asked for."""
    rows, after = events_of(customer_id, asked).select_related("data"), None
    while True:
        page = page_of(rows, "-at", size=EXPORT_PAGE, after=after)
        yield from entries([moment_of(event) for event in page.rows])
        after = page.after
        if after is None:
            return


def entries(moments: Iterable[Moment]) -> list[dict[str, object]]:
    """The lines as the part ``timeline.html`` takes them."""
    moments = list(moments)
    states = _states(moments)
    return [_entry(moment, states) for moment in moments]


def _entry(moment: Moment, states: dict[int, str]) -> dict[str, object]:
    label, kind = TAGS.get(moment.verb, ("", ""))
    if moment.verb == "attempt.sent":
        label = dict(Channel.choices).get(moment.values.get("channel", ""), label)
    page = PAGES.get(moment.object_type)
    told = states.get(moment.object_id or 0, "") if moment.verb == "attempt.sent" else ""
    return {
        "when": moment.when,
        "title": moment.title,
        "text": told,
        "who": moment.who,
        "kind": kind,
        "kind_label": label,
        "verb": moment.verb,
        "url": address(page, moment.object_id) if page and moment.object_id else "",
    }


def _states(moments: Iterable[Moment]) -> dict[int, str]:
    """What became of the messages that left: two queries for a page."""
    ids = {m.object_id for m in moments if m.verb == "attempt.sent" and m.object_id}
    if not ids:
        return {}
    rows = ContactAttempt.objects.filter(pk__in=ids).only(
        "provider_status", "state", "live", "shadowed"
    )
    found = {row.pk: _said(row) for row in rows}
    for letter in Letter.objects.filter(attempt__in=ids):
        signed = f", signed by {letter.signer}" if letter.signer else ""
        found[letter.attempt_id] = f"{letter.get_status_display()}{signed}"
    return found


def _said(row: ContactAttempt) -> str:
    if row.shadowed:
        return "Only to ourselves (shadow mode)"
    if row.provider_status in DELIVERED:
        return "Delivered"
    if row.provider_status:
        return str(ProviderStatus(row.provider_status).label)
    if not row.live:
        return "Does not count any more"
    return "" if row.state == AttemptState.SENT else str(AttemptState(row.state).label)
