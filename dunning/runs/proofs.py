"""Texts that cannot be made, said by the run: there is time to mend them until the slot (F-45).

Each text that the run's messages use is tried once, with neutral marks in place of facts. What
only the facts of one customer break shows when their message is rendered; that is said in the
run's warnings then (``dunning.outbox.desk.warn``).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from dunning.delivery.notice import text_of
from dunning.facts import Case
from dunning.models import AttemptKind, ContactAttempt
from dunning.models.runs import ABOUT_CUSTOMERS
from dunning.policy import Channel, Plan, PlannedAttempt
from dunning.runs.drafts import WORDS
from dunning.wording import NoSuchText, WordingError, unreadable

SENT = frozenset({Channel.EMAIL, Channel.LETTER, Channel.INTERNAL})
NAMED = 20

type Key = tuple[Channel, str, str, str, int | None]
"""What chooses a text: channel, kind, tone, language, and the promise it speaks of."""


@dataclass
class Proofs:
    """Which texts a run's messages use, and for whom."""

    used: dict[Key, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, case: Case, plan: Plan) -> None:
        """Remember the texts of one customer's messages; nothing is tried yet."""
        for planned in plan.attempts:
            if planned.channel in SENT:
                self.used[_key(case, planned)].append(case.customer.number)

    def warnings(self) -> list[str]:
        """A sentence for each text that cannot be made, naming the customers."""
        return [
            f"{_names(numbers)}: the {_text(key)} cannot be made. {why}"
            for key, numbers in self.used.items()
            if (why := _try(key))
        ]


def _key(case: Case, planned: PlannedAttempt) -> Key:
    language = case.facts.language
    return planned.channel, planned.kind.value, planned.tone.value, language, planned.promise_id


def _try(key: Key) -> str:
    """Why no message can be made with this text; empty where one can."""
    channel, kind, tone, language, promise_id = key
    message = ContactAttempt(
        channel=channel.value, kind=AttemptKind(kind), tone=tone, language=language,
        promise_id=promise_id,
    )  # fmt: skip
    try:
        return unreadable(text_of(message))
    except (NoSuchText, WordingError) as error:
        return str(error)


def _names(numbers: Sequence[str]) -> str:
    each = list(dict.fromkeys(numbers))
    more = f" and {len(each) - NAMED} more" if len(each) > NAMED else ""
    return f"{ABOUT_CUSTOMERS}{'s' * (len(each) > 1)} {', '.join(each[:NAMED])}{more}"


def _text(key: Key) -> str:
    """For example "firm e-mail (de)"."""
    channel, _, tone, language, _ = key
    return f"{tone} {WORDS[channel]} ({language})"
