"""Are the events the ones that were written? Every hash is computed again from its event."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from arfollow.shared.events import data_digest, event_hash
from arfollow.shared.models import Event, EventChain

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain does not hold, and how."""

    chain: str
    seq: int
    text: str


@dataclass(slots=True)
class Verification:
    """What was looked at, and what does not fit."""

    events: int = 0
    chains: int = 0
    faults: list[Fault] = field(default_factory=list)


def verify() -> Verification:
    """Walk every chain from its first event; memory stays flat. An erased event still fits."""
    found = Verification(chains=EventChain.objects.count())
    heads = dict(EventChain.objects.values_list("key", "head"))
    last: Event | None = None
    for event in Event.objects.select_related("data").order_by("chain", "seq").iterator(BATCH):
        found.events += 1
        if last is not None and last.chain != event.chain:
            found.faults += _end(last, heads)
            last = None
        found.faults += _look(event, last)
        last = event
    if last is not None:
        found.faults += _end(last, heads)
    missing = [key for key, head in heads.items() if head]
    found.faults += [Fault(key, 0, "the whole chain is missing") for key in missing]
    return found


def _look(event: Event, last: Event | None) -> Iterator[Fault]:
    expected, previous = (last.seq + 1, last.hash) if last is not None else (1, "")
    if event.seq != expected:
        yield Fault(event.chain, event.seq, f"event {expected} is missing")
    elif event.previous != previous:
        yield Fault(event.chain, event.seq, "it does not follow the event before it")
    if event.hash != event_hash(event):
        yield Fault(event.chain, event.seq, "it was changed")
    data = getattr(event, "data", None)
    if data is None:
        yield Fault(event.chain, event.seq, "its words are missing")
    elif data.values is not None and event.digest != data_digest(
        data.salt, data.summary, data.values
    ):
        yield Fault(event.chain, event.seq, "its words were changed")


def _end(last: Event, heads: dict[str, str]) -> Iterator[Fault]:
    """The chain's head names its last event: cutting off the end shows too."""
    if heads.pop(last.chain, "") != last.hash:
        yield Fault(last.chain, last.seq, "events after it are missing")


def faults_of(chain: str) -> list[str]:
    """What does not fit in one chain, in words; empty where every event is as it was written."""
    heads = dict(EventChain.objects.filter(key=chain).values_list("key", "head"))
    last: Event | None = None
    found: list[Fault] = []
    events = Event.objects.filter(chain=chain).select_related("data").order_by("seq")
    for event in events.iterator(BATCH):
        found += _look(event, last)
        last = event
    if last is not None:
        found += _end(last, heads)
    return [f"Event {fault.seq}: {fault.text}" for fault in found]
