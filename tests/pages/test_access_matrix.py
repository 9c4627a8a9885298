"""Who may look at and who may change what: every address, every role, GET and POST."""

import uuid
from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from arfollow.staff.models import Absence, OwnerRule, Role
from customers.models import FraudWarning
from dunning.models import (
    ContactAttempt,
    Document,
    Letter,
    LetterStatus,
    PaymentPlan,
    Policy,
    SavedView,
    SendSwitch,
    Task,
)
from dunning.outcomes import (
    HoldInput,
    PromiseInput,
    add_hold,
    add_promise,
    draft_plan,
    open_items,
)
from invoices.models import ImportBatch, LedgerSource
from tests import make
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call, ring
from tests.pages.conftest import member

READ, WORK, LEAD, RUN = Role.READ_ONLY, Role.COLLECTOR, Role.MANAGER, Role.ADMIN
LADDER = [READ, WORK, LEAD, RUN]
# Who may is decided without the database; whoever may everything asks both of them everything.
ONCE = pytest.mark.sqlite
ROLES = [*(pytest.param(role, marks=ONCE) for role in LADDER[:-1]), RUN]
NOBODY = None

TABLE: dict[str, tuple[Role | None, Role | None]] = {
    # name: (who may look, who may change)
    "dashboard": (READ, NOBODY),
    "worklist": (READ, NOBODY),
    "worklist-bulk": (NOBODY, WORK),
    "saved-views": (READ, NOBODY),
    "saved-view": (READ, NOBODY),
    "view-save": (NOBODY, WORK),
    "view-delete": (NOBODY, WORK),
    "customer-list": (READ, NOBODY),
    "customer-detail": (READ, NOBODY),
    "invoice-list": (READ, NOBODY),
    "invoice-detail": (READ, NOBODY),
    "invoice-add": (WORK, WORK),
    "invoice-original": (READ, NOBODY),
    "invoice-original-add": (NOBODY, WORK),
    "log-call": (WORK, WORK),
    "reply-add": (WORK, WORK),
    "reply-whose": (WORK, WORK),
    "reply-original": (READ, NOBODY),
    "desk": (WORK, NOBODY),
    "desk-calling": (WORK, NOBODY),
    "desk-call": (WORK, WORK),
    "desk-skip": (NOBODY, WORK),
    "desk-undo": (NOBODY, WORK),
    "promise-add": (WORK, WORK),
    "promise-cancel": (WORK, WORK),
    "hold-add": (WORK, WORK),
    "hold-end": (NOBODY, WORK),
    "hold-extend": (WORK, WORK),
    "promise-list": (READ, NOBODY),
    "dispute-list": (READ, NOBODY),
    "hold-list": (READ, NOBODY),
    "plan-list": (READ, NOBODY),
    "plan-offer": (WORK, WORK),
    "plan-detail": (READ, NOBODY),
    "plan-change": (WORK, WORK),
    "plan-withdraw": (WORK, WORK),
    "plan-agree": (WORK, WORK),
    "task-done": (WORK, WORK),
    "reply-read": (WORK, WORK),
    "payment-add": (WORK, WORK),
    "payment-reverse": (WORK, WORK),
    "credit-note-add": (WORK, WORK),
    "dispute-add": (WORK, WORK),
    "dispute-close": (WORK, WORK),
    "dispute-detail": (READ, WORK),
    "contact-add": (WORK, WORK),
    "contact-edit": (WORK, WORK),
    "address-edit": (WORK, WORK),
    "terms-agree": (WORK, WORK),
    "customer-owner": (WORK, WORK),
    "legal-stop": (LEAD, LEAD),
    "customer-assign": (WORK, WORK),
    "customer-supply": (LEAD, LEAD),
    "customer-merge": (LEAD, LEAD),
    "customer-write": (WORK, WORK),
    "customer-look": (NOBODY, WORK),
    "customer-parent": (WORK, WORK),
    "contact-verify": (WORK, WORK),
    "note-add": (WORK, WORK),
    "warning-add": (WORK, WORK),
    "warning-clear": (WORK, WORK),
    "staff-hand-over": (LEAD, LEAD),
    "owner-rules": (READ, LEAD),
    "owner-rule-delete": (NOBODY, LEAD),
    "absences": (READ, WORK),
    "absence-end": (NOBODY, WORK),
    "outbox": (READ, NOBODY),
    "storm-release": (NOBODY, LEAD),
    "attempt-detail": (READ, NOBODY),
    "attempt-preview": (READ, NOBODY),
    "attempt-letter": (READ, NOBODY),
    "attempt-cancel": (WORK, WORK),
    "attempt-skip": (LEAD, LEAD),
    "attempt-approve": (NOBODY, LEAD),
    "attempt-decline": (LEAD, LEAD),
    "attempt-resolve": (NOBODY, WORK),
    "attempt-release": (NOBODY, LEAD),
    "attempt-retry": (NOBODY, WORK),
    "attempt-call": (NOBODY, WORK),
    "letter-list": (READ, NOBODY),
    "letters-print": (WORK, WORK),
    "letters-post": (WORK, WORK),
    "letters-batch": (READ, NOBODY),
    "letters-file": (READ, NOBODY),
    "letter-detail": (READ, NOBODY),
    "letter-pdf": (READ, NOBODY),
    "letter-posted": (WORK, WORK),
    "letter-delivery": (WORK, WORK),
    "letters-taken-out": (NOBODY, WORK),
    "letter-again": (WORK, NOBODY),
    "letter-receipt": (READ, NOBODY),
    "letter-receipt-add": (WORK, WORK),
    "letter-evidence": (READ, NOBODY),
    "letter-copy": (NOBODY, WORK),
    "approval-list": (READ, NOBODY),
    "approvals-approve": (NOBODY, LEAD),
    "attempt-edit": (WORK, WORK),
    "attempt-look": (NOBODY, WORK),
    "attempt-unedit": (NOBODY, WORK),
    "text-list": (READ, NOBODY),
    "text-edit": (READ, LEAD),
    "text-look": (NOBODY, LEAD),
    "text-restore": (NOBODY, LEAD),
    "policy-list": (READ, NOBODY),
    "policy-preview": (READ, NOBODY),
    "policy-detail": (READ, NOBODY),
    "policy-enrol": (LEAD, LEAD),
    "import-list": (READ, NOBODY),
    "import-detail": (READ, NOBODY),
    "import-upload": (LEAD, LEAD),
    "import-apply": (NOBODY, LEAD),
    "sending-settings": (READ, NOBODY),
    "sending-stop": (LEAD, LEAD),
    "sending-lift": (NOBODY, LEAD),
    "sending-pause": (NOBODY, LEAD),
    "sending-shadow": (NOBODY, RUN),
    "test-mail": (NOBODY, RUN),
    "company-settings": (READ, RUN),
    "staff-list": (READ, NOBODY),
    "staff-add": (RUN, RUN),
    "staff-edit": (RUN, RUN),
    "profile": (READ, READ),
    "sessions": (READ, NOBODY),
    "session-end": (NOBODY, READ),
    "sessions-end": (NOBODY, READ),
}


def patterns() -> dict[str, URLPattern]:
    """Every address of ours, by name."""
    found = {}
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and not str(pattern.pattern):
            own = [each for each in pattern.url_patterns if isinstance(each, URLPattern)]
            found |= {str(each.name): each for each in own}
    return found


def test_every_address_stands_in_the_table() -> None:
    assert set(patterns()) == set(TABLE)


Paths = dict[str, str]


def letter(attempt: ContactAttempt, **fields: object) -> Letter:
    document = Document.objects.create(
        sha256=uuid.uuid4().hex, content_type="application/pdf", name="x.pdf", data=b"%PDF-1.7"
    )
    values = {
        "attempt": attempt,
        "number": f"L-{attempt.pk}",
        "kind": "reminder",
        "window_format": "us_10",
        "dated": MONDAY,
        "document": document,
    }
    return Letter.objects.create(**values | fields)


def paths() -> Paths:
    """An address of something that exists, for every name."""
    line = ring()
    ids = ids_of(line)
    found = {}
    for name, pattern in patterns().items():
        text = str(pattern.pattern)
        if name.startswith("text-") and "slug" in text:
            found[name] = reverse(name, args=["email", "firm", "ladder"])
        elif "slug" in text:
            found[name] = reverse(name, args=["abc123"])
        else:
            found[name] = reverse(name, args=[ids[name]] if "<int" in text else [])
    return found


def ids_of(line: Line) -> dict[str, int]:
    """What the number in an address stands for."""
    customer = line.customer
    held = planned_call(line, channel="letter", automatic=False)
    ContactAttempt.objects.filter(pk=held.pk).update(state="held", held_for="approval")
    held.items.update(step_key="letter")
    sent = letter(planned_call(line, channel="visit"), status=LetterStatus.PRINTED)
    source = LedgerSource.objects.create(name="erp")
    batch = ImportBatch.objects.create(source=source, file_name="a.csv", as_of=MONDAY)
    promise = PromiseInput(due_on=MONDAY)
    plan = draft_plan(customer, open_items(customer.pk), actor=line.actor, today=MONDAY)
    task = Task.objects.create(
        customer=customer, kind="decide", title="Decide", due_on=MONDAY, dedupe_key="d"
    )
    reply = customer.inbound.create(received_at=MORNING, subject="Hello")
    hold = add_hold(customer.pk, HoldInput("other", MONDAY), actor=line.actor, today=MONDAY)[0]
    given = add_promise(customer.pk, promise, actor=line.actor, today=MONDAY)
    paid = make.payment(customer, "1.00", MONDAY)
    kept = SavedView.objects.create(owner=line.caller, name="Old", query="days=90", shared=True)
    dispute = make.dispute(line.newer, "1.00", on=MONDAY)
    by_prefix: dict[str, int] = {
        "saved-view": kept.pk,
        "view-delete": kept.pk,
        "customer": customer.pk,
        "invoice": line.older.pk,
        "attempt": held.pk,
        "letter": sent.pk,
        "policy": Policy.objects.values_list("pk", flat=True)[0],
        "import": batch.pk,
        "promise-cancel": given.pk,
        "plan": PaymentPlan.objects.get(pk=plan.pk).pk,
        "task": task.pk,
        "reply": reply.pk,
        "hold-end": hold.pk,
        "hold-extend": hold.pk,
        "plan-offer": customer.pk,
        "payment-reverse": paid.pk,
        "dispute-add": line.newer.pk,
        "dispute-close": dispute.pk,
        "dispute-detail": dispute.pk,
        "contact-edit": line.contact.pk,
        "contact-verify": line.contact.pk,
        "warning-clear": FraudWarning.objects.create(customer=customer, text="New bank").pk,
        "owner": OwnerRule.objects.create(owner=member("collector")).pk,
        "absence": Absence.objects.create(
            user=member("collector"),
            covered_by=member("manager"),
            starts_on=MONDAY,
            ends_on=MONDAY,
        ).pk,
        "staff": member("collector").pk,
        "sending-lift": SendSwitch.objects.create(scope="channel", target="visit", reason="x").pk,
    }
    return {
        name: by_prefix.get(name) or by_prefix.get(name.split("-")[0]) or customer.pk
        for name in TABLE
    }


def answered(ask: Callable[[], int]) -> int:
    """The status of a request whose changes are taken back."""
    with transaction.atomic():
        status = ask()
        transaction.set_rollback(True)
    return status


def may(role: Role, least: Role | None) -> bool:
    return least is not None and LADDER.index(role) >= LADDER.index(least)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_each_role_looks_at_and_changes_what_the_table_says(client: Client, role: Role) -> None:
    found = paths()
    wrong = []
    for name, path in found.items():
        client.force_login(member(role))
        looked = answered(lambda path=path: client.get(path).status_code)  # type: ignore[misc]
        changed = answered(lambda path=path: client.post(path, {}).status_code)  # type: ignore[misc]
        for what, status, least in zip(
            ("GET", "POST"), (looked, changed), TABLE[name], strict=True
        ):
            refused = status in (403, 405)
            if status >= 500 or refused is may(role, least):
                wrong.append(f"{what} {path}: {status}, least role {least}")
    assert wrong == []


@ONCE
@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_without_a_log_in_every_address_leads_to_it(client: Client, method: str) -> None:
    for path in paths().values():
        answer = getattr(client, method)(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/accounts/login/"), path


@ONCE
@pytest.mark.django_db
def test_an_address_of_something_that_is_not_there_is_not_found(client: Client) -> None:
    client.force_login(member("admin"))
    for name, pattern in patterns().items():
        if "<int" in str(pattern.pattern):
            path = reverse(name, args=[999_999])
            method = client.post if TABLE[name][0] is None else client.get
            assert method(path).status_code == 404, path
