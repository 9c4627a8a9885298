"""What mail providers call: the one signal receiver of the project (DELIVERY §2.4).

Anymail checks who calls. The event is stored first, each once, then applied; what cannot
be matched yet is matched by the sweeper.
"""

from typing import Any

from anymail.signals import AnymailTrackingEvent, tracking
from django.dispatch import receiver

from arfollow.shared import clock
from dunning.delivery import events
from dunning.delivery.bounces import Cause, cause_of
from dunning.delivery.events import Report


@receiver(tracking, dispatch_uid="arfollow.delivery")
def on_tracking(sender: Any, event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    """Store, then apply. A repeated call changes nothing."""
    now = clock.now()
    stored = events.store(report_of(event, esp_name), now=now)
    if stored is not None:
        events.apply(stored, now=now)


def report_of(event: AnymailTrackingEvent, provider: str) -> Report:
    """Anymail's event in our words; the raw payload is kept as the provider sent it."""
    metadata = event.metadata or {}
    said = [text for text in (event.description, event.mta_response) if text]
    return Report(
        provider=provider.lower(),
        event_type=event.event_type,
        event_id=event.event_id or "",
        at=event.timestamp,
        message_id=event.message_id or "",
        recipient=event.recipient or "",
        attempt=str(metadata.get("attempt", "")),
        reject_reason=event.reject_reason or "",
        description="; ".join(said)[:1000],
        cause=_cause(event.mta_response or "", event.description or ""),
        payload=_plain(event.esp_event),
    )


def _cause(server: str, provider: str) -> str:
    """What the other mail server said counts; a provider's text may be the same for all."""
    cause = cause_of(server)
    return cause if cause is not Cause.OTHER else cause_of(provider)


def _plain(raw: Any) -> dict[str, Any]:
    """A mapping that can be stored as JSON, whatever the provider posts."""
    if hasattr(raw, "dict"):
        raw = raw.dict()
    if not isinstance(raw, dict):
        return {"raw": str(raw)[:10_000]} if raw is not None else {}
    return {str(key): _value(value) for key, value in raw.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
