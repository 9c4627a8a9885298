"""The pages of the desk as people see them: light and dark, wide and narrow, all readable."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from dunning.models import ContactAttempt, Policy, Task
from dunning.outcomes import Group, outcomes_of
from invoices.models import ImportBatch, LedgerSource
from tests import make, outbox
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call, ring
from tests.pages.conftest import member

type LookAt = Callable[..., None]


def busy(line: Line) -> dict[str, ContactAttempt]:
    """A call, a message to be sent, one that may have left, a letter to approve."""
    other = ring()
    lost = outbox.queued(other.customer, other.older)
    ContactAttempt.objects.filter(pk=lost.pk).update(state="unknown", error="timed out")
    line.customer.inbound.create(received_at=MORNING, subject="Copies, please")
    line.call("says_paid")
    letter = outbox.queued(
        line.customer, line.newer, channel="letter", tone="final", needs_approval=True,
        pay_by=MONDAY + timedelta(days=14),
    )  # fmt: skip
    return {
        "call": planned_call(line),
        "mail": outbox.queued(line.customer, line.older),
        "lost": lost,
        "letter": letter,
    }


def test_the_worklist_is_readable(look_at: LookAt) -> None:
    line = ring()
    look_at("/worklist/", "manager")
    busy(line)
    look_at("/worklist/?who=all", "manager")


def test_logging_a_call_is_readable(look_at: LookAt) -> None:
    line = ring()
    call = busy(line)["call"]
    look_at(f"/customers/{line.customer.pk}/call/?attempt={call.pk}&outcome=promise")


def test_the_outbox_is_readable(look_at: LookAt) -> None:
    attempts = busy(ring())
    for show in ("next", "approval", "problems", "held", "done"):
        look_at(f"/outbox/?show={show}", "manager")
    for attempt in attempts.values():
        look_at(f"/outbox/{attempt.pk}/", "manager")
    look_at(f"/outbox/{attempts['letter'].pk}/decline/", "manager")


def test_letters_are_readable(look_at: LookAt) -> None:
    line = ring()
    letter = busy(line)["letter"]
    look_at("/letters/print/")
    ContactAttempt.objects.filter(pk=letter.pk).update(state="planned", held_for="")
    for path in ("/letters/", "/letters/print/", "/letters/post/", "/letters/?show=done"):
        look_at(path)


def test_forms_about_a_customer_are_readable(look_at: LookAt) -> None:
    line = ring()
    home = f"/customers/{line.customer.pk}"
    for part in ("promise", "hold", "payment", "credit-note", "address", "terms", "account"):
        look_at(f"{home}/{part}/")
    look_at(f"{home}/contacts/add/")
    look_at(f"{home}/legal-stop/", "manager")
    look_at(f"/invoices/{line.older.pk}/dispute/")
    dispute = make.dispute(line.older, "10.00", on=MONDAY)
    look_at(f"/disputes/{dispute.pk}/close/")


def test_tasks_and_replies_are_readable(look_at: LookAt) -> None:
    line = ring()
    busy(line)
    look_at(f"/tasks/{line.tasks()['ask_remittance'].pk}/")
    look_at(f"/replies/{line.customer.inbound.get().pk}/")


def test_policies_imports_and_sending_are_readable(look_at: LookAt) -> None:
    ring()
    source = LedgerSource.objects.create(name="erp")
    summary = {"created": 3, "rejected": 1}
    batch = ImportBatch.objects.create(
        source=source, file_name="ledger.csv", as_of=MONDAY, summary=summary
    )
    policy = Policy.objects.get(name="Standard protocol")
    for path in (
        "/policies/",
        f"/policies/{policy.pk}/",
        f"/policies/{policy.pk}/enrol/",
        "/policies/preview/",
        "/policies/preview/?look=1",
        "/imports/",
        f"/imports/{batch.pk}/",
        "/imports/upload/",
        "/settings/sending/",
    ):
        look_at(path, "admin")


@pytest.mark.django_db
def test_every_outcome_of_a_call_is_offered_with_its_sentence(client: Client) -> None:
    line = ring()
    client.force_login(member("collector"))
    page = client.get(f"/customers/{line.customer.pk}/call/").content.decode()
    for row in outcomes_of("call"):
        assert f'value="{row.outcome.value}" aria-describedby="says-{row.outcome.value}"' in page
    assert Group.VISIT not in page


@pytest.mark.django_db
def test_a_planned_visit_offers_the_outcomes_of_a_visit(client: Client) -> None:
    line = ring()
    visit = planned_call(line, channel="visit")
    client.force_login(member("collector"))
    path = f"/customers/{line.customer.pk}/call/?attempt={visit.pk}"
    page = client.get(path).content.decode()
    assert "cheque collected" in page
    assert 'value="no_answer"' not in page


@pytest.mark.django_db
def test_no_page_of_the_desk_is_heavy_with_many_rows(client: Client) -> None:
    """L24: a page stays below 200 KB however long its list is."""
    line = ring()
    for number in range(120):
        make.invoice(line.customer, "10.00", MONDAY - timedelta(days=number))
        Task.objects.create(
            customer=line.customer, kind="other", title="Look into it, and say what came of it",
            due_on=MONDAY, dedupe_key=f"t{number}",
        )  # fmt: skip
    client.force_login(member("manager"))
    for path in (
        "/worklist/?who=all",
        "/outbox/",
        f"/customers/{line.customer.pk}/call/",
        f"/customers/{line.customer.pk}/payment/",
        f"/customers/{line.customer.pk}/hold/",
    ):
        assert len(client.get(path).content) < 200_000, path
