"""The demo as a visitor finds it: a past that holds water, and a day's work that waits."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, F, Sum
from django.test import override_settings

from arfollow.shared.models import Event
from arfollow.staff.models import Company, User
from customers.models import Contact, Customer
from dunning import demo
from dunning.demo.book import moment
from dunning.demo.company import SOURCE
from dunning.demo.post import article_number
from dunning.dispatch.audit import audit
from dunning.models import (
    AttemptKind,
    AttemptState,
    CallRecord,
    Channel,
    ContactAttempt,
    Enrolment,
    FrozenMessage,
    HeldFor,
    Inbound,
    Letter,
    PaymentPlan,
    Promise,
    Run,
    Task,
    TaskStatus,
    Tone,
)
from dunning.runs import run
from invoices.models import CreditNote, Dispute, Invoice, LedgerSource, Payment

# The demo runs on SQLite; it is made once for this file, which takes a while.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.slow, pytest.mark.timeout(420)]

SATURDAY = date(2026, 11, 21)
CUSTOMERS, INVOICES = 48, 500


@pytest.fixture(scope="module")
def firm(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[demo.Made]:
    """The whole cast and some extras, in a transaction that is never committed."""
    place = tmp_path_factory.mktemp("demo")
    with (
        django_db_blocker.unblock(),
        override_settings(INSTANCE_FILE=place / "instance"),
        transaction.atomic(),
    ):
        yield demo.make(
            customers=CUSTOMERS, invoices=INVOICES, seed=7, today=SATURDAY, password="pass word"
        )
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _is_there(firm: demo.Made) -> None:
    """Each test finds the firm, and what it changes is undone before the next."""


def of(name: str) -> Customer:
    return Customer.objects.get(name__startswith=name)


def waiting(channel: str, tone: str | None = None) -> set[str]:
    rows = ContactAttempt.objects.filter(
        channel=channel, state=AttemptState.HELD, held_for=HeldFor.APPROVAL
    )
    rows = rows.filter(tone=tone) if tone else rows
    return set(rows.values_list("customer__name", flat=True))


def overdue(customer: Customer) -> Decimal:
    late = customer.invoices.filter(open_amount__gt=0, next_due_date__lt=SATURDAY)
    return late.aggregate(sum=Sum("open_amount"))["sum"] or Decimal(0)


# --- it holds water --------------------------------------------------------------------------


def test_there_is_what_was_asked_for(firm: demo.Made) -> None:
    assert (firm.customers, firm.invoices) == (CUSTOMERS, INVOICES)
    assert firm.contacts > 200


@pytest.mark.parametrize("command", ["check_ledger", "dunning_audit", "audit_verify"])
def test_every_proof_of_the_product_accepts_it(command: str) -> None:
    call_command(command, stdout=open_nowhere())


def open_nowhere() -> Any:
    class Nowhere:
        def write(self, text: str) -> int:
            return len(text)

        def flush(self) -> None:
            return None

    return Nowhere()


def test_no_promise_of_the_outbox_is_broken_by_made_up_history() -> None:
    assert audit(moment(SATURDAY, 8)) == []


def test_every_event_is_dated_with_a_day_of_the_past() -> None:
    newest = Event.objects.order_by("-at").values_list("at", flat=True).first()
    assert newest is not None
    assert newest <= moment(SATURDAY, 8)
    days = Event.objects.dates("at", "day")
    assert len(days) > 100


def test_events_of_a_customer_follow_each_other_in_time() -> None:
    for customer in Customer.objects.all()[:10]:
        times = list(Event.objects.filter(customer_id=customer.pk).order_by("seq").values("at"))
        assert times == sorted(times, key=lambda row: row["at"])


def test_every_e_mail_that_was_sent_kept_its_bytes() -> None:
    sent = ContactAttempt.objects.filter(channel=Channel.EMAIL, state=AttemptState.SENT)
    assert sent.count() > 100
    assert not sent.filter(frozen=None).exists()
    assert not sent.filter(message_id="").exists()


def test_nothing_was_sent_on_a_weekend_or_at_night() -> None:
    sent = ContactAttempt.objects.filter(channel=Channel.EMAIL, state=AttemptState.SENT)
    for row in sent.select_related("customer"):
        assert row.sent_at is not None
        local = row.sent_at.astimezone(ZoneInfo(row.customer.time_zone))
        assert local.weekday() < 5
        assert 8 <= local.hour < 17


def test_messages_say_what_we_are_called_and_never_the_forbidden_words() -> None:
    for text in FrozenMessage.objects.values_list("text", flat=True)[:150]:
        assert "Harbour & Pine" in text
        assert "debt" not in text.lower()


def test_the_weekly_customer_was_not_flooded() -> None:
    ferries = of("Gull Island")
    sent = ferries.attempts.filter(channel=Channel.EMAIL, state=AttemptState.SENT, exempt=False)
    dunned = sent.exclude(tone=Tone.COURTESY).filter(kind="ladder").count()
    assert ferries.invoices.count() == 40
    assert 2 <= dunned <= 7


def test_runs_were_made_on_working_days_only_and_none_failed() -> None:
    assert {row.date.weekday() for row in Run.objects.all()} == {0, 1, 2, 3, 4}
    assert not Run.objects.filter(status__in=["failed", "running"]).exists()


def test_calls_had_many_outcomes() -> None:
    outcomes = set(CallRecord.objects.values_list("outcome", flat=True))
    assert outcomes >= {"no_answer", "voicemail", "promise", "payment_run", "wrong_number"}


# --- today's work ----------------------------------------------------------------------------


def test_calls_are_due_today() -> None:
    due = ContactAttempt.objects.filter(
        channel=Channel.CALL, state=AttemptState.PLANNED, local_date__lte=SATURDAY
    )
    assert 4 <= due.count() <= 25


def test_three_final_demands_wait_for_approval_each_with_its_letter() -> None:
    names = {"Blackfin Salvage Inc", "Hansa & Petersen Bootsbau GmbH", "Chantier Kervella SARL"}
    assert waiting(Channel.EMAIL, Tone.FINAL) == names
    assert waiting(Channel.LETTER, Tone.FINAL) == names


def test_an_approved_letter_is_to_be_printed() -> None:
    letters = ContactAttempt.objects.filter(channel=Channel.LETTER, state=AttemptState.PLANNED)
    assert {row.customer.name for row in letters} == {"Osprey Landing Resort LLC"}


def test_two_letters_were_delivered_against_signature() -> None:
    letters = Letter.objects.filter(status="delivered")
    assert letters.count() == 2
    assert all(letter.signer and letter.document_id for letter in letters)


def test_a_hand_over_waits_for_a_decision() -> None:
    assert waiting(Channel.HANDOVER) == {"Tidewrack Builders Inc"}


def test_one_promise_falls_due_today_and_one_was_broken() -> None:
    due = Promise.objects.filter(status="open", due_on=SATURDAY)
    assert {row.customer.name for row in due} == {"Cedar Point Marina Inc"}
    assert Promise.objects.filter(customer=of("Stormcock"), status="broken").exists()
    assert Promise.objects.filter(status="kept").count() > 5


def test_a_call_follows_the_broken_promise() -> None:
    calls = of("Stormcock").attempts.filter(channel=Channel.CALL, kind="promise_follow_up")
    assert calls.filter(state=AttemptState.PLANNED).exists()


def test_a_reply_lies_unread() -> None:
    assert {row.customer.name for row in Inbound.objects.filter(read_at=None) if row.customer} == {
        "Pilot House Inn LLC"
    }


def test_a_mailbox_bounced_and_somebody_has_to_ask_for_another() -> None:
    customer = of("Old Mole")
    assert Contact.objects.get(customer=customer).email_state == "bounced"
    assert customer.tasks.filter(kind="ask_address", status=TaskStatus.OPEN).exists()


def test_a_dispute_is_open() -> None:
    dispute = Dispute.objects.get(status="open")
    assert dispute.invoice.customer == of("Northgate")
    assert 0 < dispute.amount < dispute.invoice.open_amount


def test_a_credit_is_larger_than_what_is_overdue() -> None:
    customer = of("Kestrel")
    credit = CreditNote.objects.get(customer=customer, unapplied_amount__gt=0)
    assert 0 < overdue(customer) < credit.unapplied_amount


def test_a_plan_is_agreed_and_one_customer_is_insolvent() -> None:
    assert PaymentPlan.objects.get().status == "active"
    assert of("Quillfish").legal_stop == "insolvent"


def test_a_payment_was_taken_back() -> None:
    payment = Payment.objects.get(reversed_on__isnull=False)
    assert payment.customer == of("Mizzen Lane")
    assert overdue(payment.customer) > 0


def test_old_tasks_were_done_and_new_ones_wait() -> None:
    open_tasks = Task.objects.filter(status=TaskStatus.OPEN)
    assert 3 <= open_tasks.count() <= 20
    assert not open_tasks.filter(due_on__lt=SATURDAY - timedelta(days=10)).exists()


def test_two_accounts_of_one_mailbox_never_got_two_messages_on_a_day() -> None:
    twins = ContactAttempt.objects.filter(
        customer__name__startswith="Twin Gulls", channel=Channel.EMAIL,
        state=AttemptState.SENT, automatic=True, exempt=False,
    )  # fmt: skip
    days = list(twins.values_list("local_date", flat=True))
    assert len(days) > 3
    assert len(days) == len(set(days))


# --- from now on -----------------------------------------------------------------------------


def test_the_run_of_today_plans_messages_although_it_is_a_saturday() -> None:
    report = run(SATURDAY)
    assert report is not None
    assert report.warnings == []
    planned = ContactAttempt.objects.filter(planned_on=SATURDAY, state=AttemptState.PLANNED)
    emails = planned.filter(channel=Channel.EMAIL)
    assert 5 <= emails.count() <= 50
    assert all(row.due_at - moment(SATURDAY, 0) < timedelta(days=2) for row in emails)


def test_no_gate_is_open_that_is_closed_elsewhere() -> None:
    company = Company.load()
    assert company.storm_floor == 50
    assert not company.paused
    assert not company.shadow_mode
    finals = ContactAttempt.objects.filter(tone=Tone.FINAL, state=AttemptState.SENT)
    assert not finals.filter(approved_by=None).exists()


def test_the_follow_up_began_with_a_few_and_went_on_with_all() -> None:
    planned = ContactAttempt.objects.filter(automatic=True, kind=AttemptKind.LADDER)
    pilots = planned.filter(customer__tags__name="Pilot group")
    others = planned.exclude(customer__tags__name="Pilot group")
    first, later = (rows.earliest("planned_on").planned_on for rows in (pilots, others))
    assert first + timedelta(days=30) < later
    assert Enrolment.objects.get(is_default=True).policy.name == "Due-date ladder"
    assert Enrolment.objects.get(customer=of("Margaret Ellery")).policy.name == "Gentle"


def test_all_four_can_log_in() -> None:
    assert all(user.check_password("pass word") for user in User.objects.all())


def test_running_it_again_keeps_the_data_and_freshens_the_payments() -> None:
    before = (Invoice.objects.count(), ContactAttempt.objects.count(), Event.objects.count())
    later = SATURDAY + timedelta(days=12)
    call_command("make_demo", today=later, stdout=open_nowhere())
    assert before == (
        Invoice.objects.count(), ContactAttempt.objects.count(), Event.objects.count()
    )  # fmt: skip
    assert LedgerSource.objects.get(name=SOURCE).as_of == later


def test_it_refuses_a_database_with_customers_of_its_own() -> None:
    LedgerSource.objects.all().delete()
    with pytest.raises(CommandError, match="customers of its own"):
        call_command("make_demo", stdout=open_nowhere())


def test_refreshing_needs_a_demo() -> None:
    LedgerSource.objects.all().delete()
    with pytest.raises(CommandError, match="no demo here"):
        call_command("make_demo", refresh=True, stdout=open_nowhere())


def test_each_customer_owes_what_the_ledger_says() -> None:
    wrong = Invoice.objects.filter(open_amount__gt=F("amount"))
    assert not wrong.exists()
    many = Customer.objects.annotate(n=Count("invoices")).filter(name__startswith="Longshore")
    assert many.get().n == 40


@pytest.mark.parametrize("serial", [1, 999, 123456])
def test_an_article_number_ends_with_its_check_digit(serial: int) -> None:
    number = article_number(serial)
    weights = [3 if place % 2 == 0 else 1 for place in range(len(number) - 1)]
    total = sum(int(d) * w for d, w in zip(reversed(number[:-1]), weights, strict=True))
    assert len(number) == 20
    assert (total + int(number[-1])) % 10 == 0
