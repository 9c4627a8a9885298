"""A run plans what is due, once, whoever runs it and however often."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arfollow.shared.events import SYSTEM
from arfollow.staff.models import Company
from customers.models import Customer
from dunning import runs
from dunning.facts import Case, lay_ground, load_cases
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    CustomerFollowUp,
    Enrolment,
    FollowUp,
    FollowUpState,
    Run,
    RunStatus,
    Task,
)
from dunning.policy import Plan, Reason, sentence
from dunning.runs import planning as running
from invoices.models import Invoice
from invoices.services import reverse_payment
from tests import make
from tests.dunning.mondays import MONDAY, late, plan_day, planned

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _early_on_monday() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 2, 5, 0, tzinfo=ZoneInfo("UTC")), tick=False):
        yield


def test_an_overdue_invoice_gets_its_first_reminder() -> None:
    invoice = make.invoice(make.customer(), "250.00", due=late(5))
    report = plan_day()
    assert report.planned_by_channel()["email"] == 1
    attempt = planned()[0]
    assert (attempt.step_key, attempt.tone, attempt.state) == ("d3", "friendly", "planned")
    assert attempt.lead_invoice_id == invoice.pk
    assert attempt.recipients.get().address.startswith("ap.")
    item = attempt.items.get()
    assert (item.completes, item.amount, item.days_late) == (True, Decimal("250.00"), 5)


def test_what_lapsed_is_a_row_too() -> None:
    make.invoice(make.customer(), due=late(5))
    plan_day()
    record = ContactAttempt.objects.get(state=AttemptState.SKIPPED)
    assert (record.step_key, record.reason) == ("courtesy", Reason.LAPSED)
    assert record.items.get().completes


def test_a_second_run_on_the_same_day_plans_nothing_and_touches_nobody() -> None:
    make.invoice(make.customer(), due=late(5))
    plan_day()
    again = plan_day()
    assert again.examined == 0
    assert sum(again.planned.values()) == 0
    assert len(planned()) == 1


def test_l01_twenty_runs_in_a_day_contact_each_customer_once() -> None:
    for _ in range(3):
        make.invoice(make.customer(), due=late(5))
    for _ in range(20):
        Customer.objects.update(ledger_seq=99)
        CustomerFollowUp.objects.update(projected_seq=-1)
        plan_day()
    assert len(planned(channel=Channel.EMAIL)) == 3


def test_a_dry_run_writes_nothing_and_says_the_same_as_the_real_one() -> None:
    for days in (5, 12, 40, -2):
        make.invoice(make.customer(), due=late(days))
    make.invoice(make.customer(email=None, phone=None, address=False), due=late(5))
    tables = (ContactAttempt, AttemptItem, FollowUp, CustomerFollowUp, Run, Task)
    dry = plan_day(dry_run=True)
    assert [table.objects.count() for table in tables] == [0] * len(tables)
    real = plan_day()
    assert dry.as_json() | {"dry_run": False} == real.as_json()


def test_the_run_row_keeps_what_the_run_said() -> None:
    make.invoice(make.customer(), due=late(5))
    report = plan_day()
    row = Run.objects.get()
    assert (row.status, row.examined, row.customers) == (RunStatus.OK, 1, 1)
    assert row.planned == report.planned_by_channel()
    assert row.reasons == {"due": 1}
    assert row.finished_at is not None


def test_l23_one_broken_customer_leaves_the_others_planned_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    customers = [make.customer() for _ in range(12)]
    for customer in customers:
        make.invoice(customer, due=late(5))
    broken, honest = customers[4], running.decide

    def decide(policy: object, facts: object, today: date) -> Plan:
        if facts.customer_id == broken.pk:  # type: ignore[attr-defined]
            raise ArithmeticError("no such number")
        return honest(policy, facts, today)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "decide", decide)
    report = plan_day()
    assert report.planned_by_channel()["email"] == 11
    assert report.warnings == [f"Customer {broken.number}: ArithmeticError: no such number"]
    assert Run.objects.get().status == RunStatus.WARNING


def test_a_broken_customer_is_tried_again_tomorrow_and_not_every_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make.invoice(make.customer(), due=late(5))

    def decide(policy: object, facts: object, today: date) -> Plan:
        raise ArithmeticError

    with monkeypatch.context() as patch:
        patch.setattr(running, "decide", decide)
        plan_day()
        assert plan_day().warnings == []
    assert plan_day(MONDAY + timedelta(days=1)).planned_by_channel()["email"] == 1


def test_the_facts_of_fifty_customers_take_as_many_queries_as_those_of_one() -> None:
    counts = []
    for number in (1, 49):
        for _ in range(number):
            customer = make.customer()
            make.invoice(customer, due=late(20))
            make.payment(customer, "10.00", late(9))
        plan_day()
        customers = list(Customer.objects.select_related("owner").order_by("pk"))
        ground = lay_ground()
        with CaptureQueriesContext(connection) as queries:
            load_cases(customers, MONDAY, ground)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 25


def test_a_run_only_looks_at_customers_for_whom_something_moved_or_a_day_has_come() -> None:
    quiet, moved = make.customer(), make.customer()
    for customer in (quiet, moved):
        make.invoice(customer, due=late(-20))
    assert plan_day().examined == 2
    make.payment(moved, "10.00")
    assert plan_day().examined == 1
    assert plan_day(late(-17)).examined == 2, "three days before the due date"


def test_the_projection_can_be_rebuilt_from_the_attempts() -> None:
    customer = make.customer()
    for days in (5, 12, 40):
        make.invoice(customer, due=late(days))
    plan_day()
    before = snapshot()
    FollowUp.objects.all().delete()
    CustomerFollowUp.objects.all().delete()
    plan_day(MONDAY + timedelta(days=1))
    after = snapshot()
    assert before.keys() == after.keys()
    assert {key: row[0] for key, row in before.items()} == {
        key: row[0] for key, row in after.items()
    }
    assert len(planned(channel=Channel.EMAIL)) == 1


def snapshot() -> dict[int, tuple[str, str]]:
    """Where each invoice stands."""
    rows = FollowUp.objects.values_list("invoice_id", "last_step", "next_step")
    return {invoice: (last, following) for invoice, last, following in rows}


def test_a_paid_invoice_closes_its_follow_up_and_a_reversal_opens_it_again() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, due=late(5))
    plan_day()
    payment = make.payment(customer, "100.00", MONDAY, invoice)
    plan_day()
    follow_up = FollowUp.objects.get()
    assert (follow_up.state, follow_up.next_on) == (FollowUpState.CLOSED, None)
    reverse_payment(payment.pk, on=MONDAY, reason="bounced", actor=SYSTEM)
    plan_day()
    follow_up.refresh_from_db()
    assert follow_up.state != FollowUpState.CLOSED
    assert len(planned(channel=Channel.EMAIL)) == 1, "nothing repeats (L13)"


def test_a_follow_up_says_why_and_what_next() -> None:
    make.invoice(make.customer(), due=late(5))
    plan_day()
    row = FollowUp.objects.get()
    assert (row.last_step, row.last_step_on, row.next_step) == ("d3", MONDAY, "d10")
    assert row.next_on == MONDAY + timedelta(days=7)
    assert row.reason == Reason.DUE
    assert row.reason_text == sentence(Reason.DUE)


def test_a_call_nobody_makes_becomes_not_made_in_the_database() -> None:
    make.invoice(make.customer(), due=late(12), chased_to="d3", chased_on=late(9))
    plan_day()
    call = planned()[0]
    assert (call.channel, call.state) == (Channel.CALL, AttemptState.PLANNED)
    plan_day(MONDAY + timedelta(days=7))
    call.refresh_from_db()
    assert (call.state, call.reason, call.live) == (AttemptState.SKIPPED, "not_made", True)


def test_an_import_that_was_chased_elsewhere_goes_on_from_there() -> None:
    make.invoice(make.customer(), due=late(90), chased_to="friendly")
    plan_day()
    assert planned()[0].step_key == "d17"


def test_two_accounts_of_one_mailbox_are_not_written_to_on_one_day() -> None:
    for _ in range(2):
        make.invoice(make.customer(email="ap@shared.example"), due=late(5))
    report = plan_day()
    assert report.planned_by_channel()["email"] == 1
    assert report.reasons == {"due": 1, "pace_address": 1}


def test_no_account_of_a_shared_mailbox_starves() -> None:
    accounts = [make.customer(email="ap@shared.example") for _ in range(3)]
    for customer in accounts:
        make.invoice(customer, due=late(5))
    day, heard = MONDAY, []
    for _ in range(3):
        plan_day(day)
        waiting = ContactAttempt.objects.filter(channel="email", state=AttemptState.PLANNED)
        heard += list(waiting.values_list("customer_id", flat=True))
        waiting.update(state=AttemptState.SENT, done_on=day, message_id=f"<{day}@example.test>")
        day += timedelta(days=14)
    assert heard == [customer.pk for customer in accounts]


def test_limits_per_mailbox_hold_across_runs() -> None:
    make.invoice(make.customer(email="ap@shared.example"), due=late(5))
    plan_day()
    make.invoice(make.customer(email="AP@shared.example"), due=late(5))
    assert plan_day(MONDAY + timedelta(days=1)).reasons["pace_address"] == 1


def test_a_severe_step_is_held_for_approval_with_both_of_its_channels() -> None:
    invoice = ladder_up_to_urgent()
    plan_day()
    held = planned(state=AttemptState.HELD)
    assert {row.channel for row in held} == {Channel.EMAIL, Channel.LETTER}
    assert {row.held_for for row in held} == {"approval"}
    assert {row.lead_invoice_id for row in held} == {invoice.pk}
    assert all(row.certified == (row.channel == Channel.LETTER) for row in held)


def ladder_up_to_urgent() -> Invoice:
    """An invoice 100 days late with four e-mails in its history, the last urgent."""
    customer = make.customer()
    invoice = make.invoice(customer, "900.00", due=late(100))
    for days, step, tone in ((90, "d3", "friendly"), (75, "d17", "firm"), (50, "d45", "direct"),
                             (30, "d60", "urgent")):  # fmt: skip
        attempt = ContactAttempt.objects.create(
            customer=customer,
            channel=Channel.EMAIL,
            tone=tone,
            state=AttemptState.SENT,
            step_key=step,
            action_key="email",
            planned_on=late(days),
            local_date=late(days),
            done_on=late(days),
            message_id=f"<{step}@example.test>",
            dedupe_key=f"{step}:{customer.pk}",
            lead_invoice=invoice,
        )
        AttemptItem.objects.create(
            attempt=attempt,
            invoice=invoice,
            part="please_pay",
            currency="USD",
            amount=Decimal("900.00"),
            completes=True,
            step_key=step,
            action_key="email",
        )
    return invoice


def test_internal_notices_go_to_the_owner_of_the_customer() -> None:
    make.company()
    owner = make.user()
    customer = make.customer(owner=owner)
    invoice = ladder_up_to_urgent()
    Customer.objects.filter(pk=invoice.customer_id).update(owner=owner)
    AttemptItem.objects.filter(step_key="d60").delete()
    ContactAttempt.objects.filter(step_key="d60").delete()
    plan_day()
    notice = planned(channel=Channel.INTERNAL)[0]
    assert notice.recipients.get().address == owner.email
    assert not notice.customer_facing
    assert customer.owner_id == owner.pk


def test_one_slot_is_taken_by_one_run() -> None:
    assert runs.run(MONDAY, slot="2026-03-02T05:00") is not None
    assert runs.run(MONDAY, slot="2026-03-02T05:00") is None


def test_a_named_customer_is_examined_alone() -> None:
    first, second = make.customer(), make.customer()
    for customer in (first, second):
        make.invoice(customer, due=late(5))
    report = plan_day(customer=first.number)
    assert (report.examined, report.customers) == (1, 1)
    assert planned()[0].customer_id == first.pk


def test_without_a_default_policy_the_run_warns_and_nobody_is_chased() -> None:
    Enrolment.objects.all().delete()
    make.invoice(make.customer(), due=late(5))
    report = plan_day()
    assert report.reasons == {"no_policy": 1}
    assert report.warnings[0].startswith("No default policy")


def test_facts_of_a_customer_name_people_by_what_may_be_done_with_them() -> None:
    customer = make.customer(email="a@example.test", phone="+12075550100")
    make.contact(customer, name="No", email="no@example.test", do_not_email=True)
    ground = lay_ground()
    case: Case = load_cases([customer], MONDAY, ground)[0]
    assert [(p.may_email, p.may_call) for p in case.facts.contacts] == [
        (True, True),
        (False, False),
    ]
    assert Company.load().tolerance == case.facts.settings.tolerance
