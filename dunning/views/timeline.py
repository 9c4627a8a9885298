"""The timeline of a page: each event with its tag and the page of what it is about."""

from collections.abc import Iterable

from customers.history import Moment
from dunning.models import Channel
from dunning.views.links import address

PAGES = {
    "attempt": "attempt-detail",
    "contactattempt": "attempt-detail",
    "invoice": "invoice-detail",
}
TAGS = {
    "attempt.bounced": ("Bounced", "severe"),
    "attempt.cancelled": ("Not sent", "current"),
    "attempt.failed": ("Failed", "severe"),
    "attempt.held": ("Held", "due"),
    "attempt.planned": ("Planned", "promise"),
    "attempt.sent": ("Sent", "good"),
    "attempt.skipped": ("Not needed", "current"),
    "attempt.unknown": ("Unknown", "severe"),
    "call.logged": ("Call", "promise"),
    "customer.legal_stop": ("Stop", "severe"),
    "dispute.opened": ("Dispute", "dispute"),
    "hold.set": ("Hold", "due"),
    "payment.recorded": ("Payment", "good"),
    "payment.reversed": ("Reversed", "severe"),
    "promise.made": ("Promise", "promise"),
    "reply.received": ("Reply", "late"),
}


def entries(moments: Iterable[Moment]) -> list[dict[str, object]]:
    """The lines as the part ``timeline.html`` takes them."""
    return [_entry(moment) for moment in moments]


def _entry(moment: Moment) -> dict[str, object]:
    label, kind = TAGS.get(moment.verb, ("", ""))
    if moment.verb == "attempt.sent":
        label = dict(Channel.choices).get(moment.values.get("channel", ""), label)
    page = PAGES.get(moment.object_type)
    return {
        "when": moment.when,
        "title": moment.title,
        "who": moment.who,
        "kind": kind,
        "kind_label": label,
        "url": address(page, moment.object_id) if page and moment.object_id else "",
    }
