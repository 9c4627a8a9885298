"""What a move leaves for people: an event in the timeline, a task on a desk."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from arfollow.shared import events
from arfollow.shared.events import SYSTEM, Actor, Entry
from dunning.models import ContactAttempt, Run, Task, TaskKind, TaskStatus
from dunning.models.runs import ABOUT_CUSTOMERS


def tell(
    attempt: ContactAttempt,
    verb: str,
    summary: str,
    *,
    actor: Actor = SYSTEM,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Write the event of a move in the caller's transaction."""
    facts = {"channel": attempt.channel, "tone": attempt.tone, "step": attempt.step_key}
    entry = Entry(
        verb, "attempt", attempt.pk, summary, attempt.customer_id, facts | dict(values or {})
    )
    events.record(entry, actor=actor)


def tell_all(verb: str, summary: str, *, actor: Actor = SYSTEM) -> None:
    """An event of the company's own chain: it concerns no single customer."""
    events.record(Entry(verb, "outbox", None, summary), actor=actor)


def ask(
    attempt: ContactAttempt, kind: TaskKind, title: str, *, due_on: date, matter: str = ""
) -> None:
    """One open task for the customer's owner per attempt and kind.

    ``matter`` is what it is about where several attempts meet the same trouble: a mailbox
    that returns three messages is one task.
    """
    about = f"customer:{attempt.customer_id}:{matter}" if matter else f"attempt:{attempt.pk}"
    Task.objects.bulk_create(
        [
            Task(
                customer_id=attempt.customer_id,
                invoice_id=attempt.lead_invoice_id,
                attempt=attempt,
                kind=kind,
                title=title[:200],
                due_on=due_on,
                assigned_to_id=attempt.customer.owner_id,
                dedupe_key=f"{kind}:{about}"[:120],
            )
        ],
        ignore_conflicts=True,
    )


def warn(attempt: ContactAttempt, words: str) -> None:
    """The run that planned it says so too, by the customer's number (F-45).

    In the caller's transaction; a message that no run planned has its task and event only.
    """
    if attempt.run_id is None:
        return
    run = Run.objects.select_for_update().get(pk=attempt.run_id)
    run.warn([f"{ABOUT_CUSTOMERS} {attempt.customer.number}: {words}"[:300]])
    run.save(update_fields=["warnings", "status"])


def close_tasks(attempt: ContactAttempt, kind: TaskKind, *, actor: Actor, at: Any) -> None:
    """The matter is settled: its open task is done."""
    open_ones = Task.objects.filter(attempt=attempt, kind=kind, status=TaskStatus.OPEN)
    open_ones.update(status=TaskStatus.DONE, done_at=at, done_by_id=actor.id)
