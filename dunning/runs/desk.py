"""Tasks of a plan: what a person owes so that a stop ends (rule 8: never silence)."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.db.models import Q

from dunning.facts import Case
from dunning.models import Task, TaskKind, TaskStatus
from dunning.policy import Plan, TaskDraft, sentence

ASK_AGAIN_AFTER = timedelta(days=30)
BATCH = 500


def write_tasks(pairs: Iterable[tuple[Case, Plan]], today: date) -> int:
    """Open the tasks that are not open, nor were answered in the last month."""
    wanted = {
        row.dedupe_key: row
        for case, plan in pairs
        for row in (task_of(case, draft, today) for draft in plan.tasks)
    }
    known = _known(list(wanted), today)
    fresh = [row for key, row in wanted.items() if key not in known]
    Task.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
    return len(fresh)


def _known(keys: list[str], today: date) -> set[str]:
    """Matters that are on a desk, or were settled lately: asked once, not every day."""
    settled = Q(done_at__date__gte=today - ASK_AGAIN_AFTER)
    found: set[str] = set()
    for start in range(0, len(keys), BATCH):
        rows = Task.objects.filter(
            Q(status=TaskStatus.OPEN) | settled, dedupe_key__in=keys[start : start + BATCH]
        )
        found.update(rows.values_list("dedupe_key", flat=True))
    return found


def task_of(case: Case, draft: TaskDraft, today: date) -> Task:
    """The task on the desk of whoever looks after the customer."""
    kind = TaskKind(draft.kind.value)
    customer = case.customer
    return Task(
        customer=customer,
        invoice_id=draft.key.invoice_id if draft.key else None,
        kind=kind,
        title=f"{kind.label}: {customer.name}. {sentence(draft.reason)}"[:200],
        due_on=today,
        assigned_to_id=customer.owner_id,
        dedupe_key=f"{draft.kind}:{customer.pk}:{draft.reason}",
    )
