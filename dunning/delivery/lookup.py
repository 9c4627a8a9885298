"""Asking a provider whether it has a message, where it can tell (DELIVERY §3.3).

Postmark finds messages by our tag for 45 days, Mailgun tells a recipient's events for a day at
least. An answer can only confirm: a message that is not found may come up later.
"""

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urljoin

import requests
from django.core.mail import mailers
from django.utils.dateparse import parse_datetime

from dunning.delivery.base import Frozen
from dunning.delivery.bounces import cause_of
from dunning.delivery.events import Report
from dunning.delivery.frozen import addresses

REMEMBERS = {"postmark": timedelta(days=44), "mailgun": timedelta(hours=23)}
"""How long each provider that can be asked surely remembers a message."""

TIMEOUT = (3, 5)
IN_ALL = 10.0
DAY = timedelta(days=1)
MARGIN = timedelta(minutes=10)
MAILGUN = {
    "accepted": "queued",
    "delivered": "delivered",
    "rejected": "rejected",
    "failed": "bounced",
    "complained": "complained",
}

type Found = Mapping[str, Any]


class NotAsked(Exception):
    """There was no answer that could be read. Names the trouble; no words of theirs, no key."""


def look_up(frozen: Frozen, *, sent: datetime, alias: str = "default") -> list[Report]:
    """What the provider reports of a message handed over about ``sent``; empty where it does
    not know it. NotAsked where it did not say."""
    backend: Any = mailers[alias]  # Anymail has no types
    name = str(getattr(backend, "esp_name", "")).lower()
    if name not in REMEMBERS:
        return []
    try:
        if name == "postmark":
            return list(_postmark(backend, frozen, sent))
        return list(_mailgun(backend, frozen, sent))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotAsked(f"an answer of another shape ({type(error).__name__})") from error


def _postmark(backend: Any, frozen: Frozen, sent: datetime) -> Iterator[Report]:
    days = {"fromdate": f"{sent - DAY:%Y-%m-%d}", "todate": f"{sent + DAY:%Y-%m-%d}"}
    tag = f"arf:{frozen.attempt}"
    answer = _ask(
        urljoin(backend.api_url, "messages/outbound"),
        params={"count": "50", "offset": "0", "tag": tag, **days},
        headers={"Accept": "application/json", "X-Postmark-Server-Token": backend.server_token},
    )
    for row in answer["Messages"]:
        if row.get("Tag") == tag or (row.get("Metadata") or {}).get("attempt") == frozen.attempt:
            at = parse_datetime(row["ReceivedAt"])
            status = "queued" if str(row.get("Status")).lower() == "queued" else "sent"
            yield _report("postmark", frozen, status, row["MessageID"], at)


def _mailgun(backend: Any, frozen: Frozen, sent: datetime) -> Iterator[Report]:
    domain = backend.sender_domain or addresses((frozen.sender,))[0].rpartition("@")[2]
    answer = _ask(
        urljoin(backend.api_url, f"{quote(domain, safe='')}/events"),
        params={
            "begin": str(int((sent - MARGIN).timestamp())),
            "ascending": "yes",
            "limit": "300",
            "recipient": addresses(frozen.to)[0],
        },
        auth=("api", backend.api_key),
    )
    for row in _of_this_message(answer["items"], frozen):
        kind = MAILGUN.get(row["event"], "sent")
        if kind == "bounced" and row.get("severity") == "temporary":
            kind = "deferred"
        at = datetime.fromtimestamp(float(row["timestamp"]), UTC)
        yield _report("mailgun", frozen, kind, _own_id(row), at, said=row)


def _of_this_message(rows: Iterable[Found], frozen: Frozen) -> Iterator[Found]:
    ours = frozen.headers.get("Message-ID", "")
    for row in rows:
        known = (row.get("user-variables") or {}).get("attempt")
        if known == frozen.attempt or (ours and _own_id(row) == ours):
            yield row


def _own_id(row: Found) -> str:
    headers = (row.get("message") or {}).get("headers") or {}
    plain = str(headers.get("message-id", "")).strip("<>")
    return f"<{plain}>" if plain else ""


def _report(
    provider: str,
    frozen: Frozen,
    kind: str,
    identifier: str,
    at: datetime | None,
    said: Found | None = None,
) -> Report:
    """One finding in our words; ``told`` is what settles an unknown delivery by it."""
    status = (said or {}).get("delivery-status") or {}
    words = str(status.get("message") or status.get("description") or "")[:500]
    when = f" of {at:%Y-%m-%d %H:%M} UTC" if at else ""
    return Report(
        provider=provider,
        event_type=kind,
        event_id=f"search:{frozen.attempt}:{kind}",
        at=at,
        message_id=identifier,
        recipient=str((said or {}).get("recipient") or addresses(frozen.to)[0]),
        attempt=frozen.attempt,
        description=words,
        cause=cause_of(words),
        told=f"Found by search: {provider} has it as message {identifier}{when}, {kind}.",
    )


def _ask(url: str, **options: Any) -> Any:
    """The JSON of one GET, within ten seconds in all: a socket's timeout starts again with each
    byte. Nothing is followed elsewhere."""
    answer: queue.Queue[Any] = queue.Queue(1)
    work = threading.Thread(target=_get, args=(url, options, answer), name="lookup", daemon=True)
    work.start()
    try:
        found = answer.get(timeout=IN_ALL)
    except queue.Empty:
        raise NotAsked("no answer in time") from None
    if isinstance(found, NotAsked):
        raise found
    return found


def _get(url: str, options: Mapping[str, Any], answer: queue.Queue[Any]) -> None:
    try:
        response = requests.get(url, timeout=TIMEOUT, allow_redirects=False, **options)
        good = response.status_code == requests.codes.ok
        answer.put(response.json() if good else NotAsked(f"status {response.status_code}"))
    except (requests.RequestException, ValueError) as error:  # its text would hold the address
        answer.put(NotAsked(type(error).__name__))
