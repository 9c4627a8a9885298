"""What every outcome leaves behind: an event in the timeline, a task on a desk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Model

from arfollow.shared import clock, events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from customers.models import Customer
from customers.services import lock_customer
from dunning.models import ContactAttempt, Task, TaskStatus


def leave_event(
    verb: str,
    row: Model,
    customer_id: int,
    summary: str,
    actor: Actor,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Write one event of a customer in the caller's transaction."""
    entry = Entry(
        verb=verb,
        object_type=row._meta.model_name or "",
        object_id=row.pk,
        summary=summary,
        customer_id=customer_id,
        values=values or {},
    )
    events.record(entry, actor=actor)


@dataclass(frozen=True, slots=True)
class TaskNote:
    """A task to be: `about` keeps it open once per matter and customer."""

    kind: str
    title: str
    due_on: date
    about: str = ""
    due_at: datetime | None = None
    invoice_id: int | None = None


def open_task(customer: Customer, note: TaskNote, *, attempt: ContactAttempt | None = None) -> Task:
    """Put a task on the owner's desk; one that is open for the same matter takes the new day."""
    key = f"{note.kind}:{customer.pk}:{note.about}"
    values = {
        "title": note.title[:200],
        "due_on": note.due_on,
        "due_at": note.due_at,
        "attempt": attempt,
        "invoice_id": note.invoice_id,
    }
    found = Task.objects.filter(dedupe_key=key, status=TaskStatus.OPEN).first()
    if found is None:
        return Task.objects.create(
            customer=customer,
            kind=note.kind,
            dedupe_key=key,
            assigned_to=customer.owner,
            **values,
        )
    for name, value in values.items():
        setattr(found, name, value)
    found.save(update_fields=list(values))
    return found


def close_tasks(customer_id: int, kind: str, *, actor: Actor, result: str) -> int:
    """Tasks of a kind that were just done elsewhere; answers how many. Under the lock."""
    open_ones = Task.objects.filter(customer_id=customer_id, kind=kind, status=TaskStatus.OPEN)
    return open_ones.update(
        status=TaskStatus.DONE, result=result[:300], done_at=clock.now(), done_by_id=actor.id
    )


def finish_task(task_id: int, *, actor: Actor, result: str = "", needed: str = "done") -> Task:
    """Close a task as done, or as no longer needed (`cancelled`); twice is harmless."""
    status = TaskStatus(needed)
    if status == TaskStatus.OPEN:
        raise ServiceError("A task ends as done or as no longer needed.")
    with transaction.atomic():
        task = Task.objects.get(pk=task_id)
        if task.customer_id is not None:
            lock_customer(task.customer_id)
        task.refresh_from_db()
        if task.status != TaskStatus.OPEN:
            return task
        task.status, task.result = status, result[:300]
        task.done_at, task.done_by_id = clock.now(), actor.id
        task.save(update_fields=["status", "result", "done_at", "done_by"])
        if task.customer_id is not None:
            said = f"{task.get_status_display()}: {task.title}" + (f" ({result})" if result else "")
            leave_event("task.closed", task, task.customer_id, said, actor)
    return task
