"""What the customers of the demo say when they are called. Pure: the days are passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from dunning.demo.habits import weekday

MADE = 0.7
"""How often a planned call is made on a given day; the others wait, a few lapse."""
FAR = 28
"""Days ahead that somebody promises a day for; whoever pays later speaks of a payment run."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of a call."""

    outcome: str
    note: str
    until: date | None = None


NOBODY = (
    Spoken("no_answer", ""),
    Spoken("no_answer", ""),
    Spoken("busy", ""),
    Spoken("voicemail", "Left my direct number."),
    Spoken("message", "Spoke to the yard; they pass it on."),
)
SILENT: tuple[Spoken, ...] = (
    Spoken("voicemail", "Left my direct number and the amount of the account."),
    Spoken("message", "The receptionist takes a message for the owner."),
    Spoken("promise", "Will send half at least."),
    Spoken("no_answer", ""),
    Spoken("hung_up", "Hung up when I said where I call from."),
    Spoken("voicemail", "Mailbox again."),
    Spoken("refuses", "Says we shall see what we get."),
)
"""Those who have stopped paying, one call after the other."""
WILLING = ("It is signed and goes out then.", "Checked it while I waited; nothing in query.",
           "Our bookkeeper was away.", "Asked for the bank details once more.")  # fmt: skip
OWN_WAYS: Mapping[str, tuple[Spoken, ...]] = {
    "no_email": (Spoken("message", "Rings back after lunch."), Spoken("voicemail", "")),
    "hold": (Spoken("voicemail", "The office is open on Tuesdays."),),
    "breaks_promise": (Spoken("voicemail", "Left a message about the promise."),),
}


def answer(
    story: str, *, nth: int, pays_on: date | None, today: date, overdue_for: int, rng: Random
) -> Spoken:
    """What is said on the `nth` call to a customer, who will really pay on `pays_on`."""
    if story in OWN_WAYS:
        ways = OWN_WAYS[story]
        return ways[nth % len(ways)]
    if pays_on is None:
        return _silent(nth, today, overdue_for)
    if rng.random() < 0.4:
        return rng.choice(NOBODY)
    return _willing(max(pays_on, today + timedelta(days=1)), today, rng)


def _silent(nth: int, today: date, overdue_for: int) -> Spoken:
    said = SILENT[nth % len(SILENT)]
    if said.outcome != "promise":
        return said
    if overdue_for > 75:
        return SILENT[-1]
    return Spoken(said.outcome, said.note, weekday(today + timedelta(days=7)))


def _willing(pays_on: date, today: date, rng: Random) -> Spoken:
    note = rng.choice(WILLING)
    if (pays_on - today).days > FAR:
        until = weekday(today + timedelta(days=12))
        return Spoken("waiting_approval", "The yard has to confirm the delivery first.", until)
    return Spoken(rng.choice(("promise", "promise", "payment_run")), note, pays_on)
