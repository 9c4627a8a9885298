"""The commands are a contract: one JSON object, money as text, exit 2 for bad input."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from customers.models import Tag
from dunning import outcomes
from dunning.models import (
    ContactAttempt,
    CustomerFollowUp,
    Enrolment,
    FollowUp,
    Promise,
    PromiseStatus,
    Run,
)
from dunning.outcomes import PromiseInput
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _early_on_monday() -> Iterator[None]:
    with clock.at(datetime(2026, 3, 2, 5, 0, tzinfo=UTC)):
        yield


def late(days: int) -> date:
    return MONDAY - timedelta(days=days)


def said(*args: str) -> tuple[dict[str, Any], str]:
    """What a command printed as JSON, and what it wrote on stderr."""
    out, err = StringIO(), StringIO()
    call_command(*args, "--json", stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


def test_run_dunning_prints_exactly_the_keys_of_the_contract() -> None:
    make.invoice(make.customer(), due=late(5))
    answer, warned = said("run_dunning")
    assert answer == {
        "date": "2026-03-02",
        "dry_run": False,
        "examined": 1,
        "planned": {
            "email": 1, "call": 0, "letter": 0, "internal": 0, "visit": 0, "handover": 0,
        },
        "customers": 1,
        "reasons": {"due": 1},
        "warnings": [],
    }  # fmt: skip
    assert warned == ""


def test_a_dry_run_writes_nothing() -> None:
    make.invoice(make.customer(), due=late(5))
    answer, _ = said("run_dunning", "--dry-run")
    assert answer["dry_run"] is True
    assert answer["planned"]["email"] == 1
    assert not Run.objects.exists()
    assert not ContactAttempt.objects.exists()


def test_a_real_run_for_another_day_says_so_and_goes_on() -> None:
    make.invoice(make.customer(), due=late(5))
    answer, warned = said("run_dunning", "--date", "2026-03-03")
    assert answer["planned"]["email"] == 1
    assert "for 2026-03-03, not for today (2026-03-02)" in warned


def test_a_dry_run_for_another_day_needs_no_warning() -> None:
    _, warned = said("run_dunning", "--date", "2026-03-03", "--dry-run")
    assert warned == ""


def test_messages_of_a_run_for_another_day_leave_on_that_day() -> None:
    make.invoice(make.customer(), due=late(5))
    said("run_dunning", "--date", "2026-03-10")
    attempt = ContactAttempt.objects.get(channel="email", state="planned")
    assert f"{attempt.local_date}" == "2026-03-10"
    assert attempt.due_at is not None
    assert f"{attempt.due_at:%Y-%m-%d %H:%M}" == "2026-03-10 10:00"


def test_run_dunning_can_look_at_one_customer() -> None:
    make.invoice(make.customer("C-7"), due=late(5))
    make.invoice(make.customer("C-8"), due=late(5))
    answer, _ = said("run_dunning", "--customer", "C-7")
    assert (answer["examined"], answer["customers"]) == (1, 1)


def test_an_unknown_customer_is_bad_input() -> None:
    with pytest.raises(CommandError) as failed:
        said("run_dunning", "--customer", "nobody")
    assert failed.value.returncode == 2


def test_run_dunning_in_words_names_channels_and_reasons() -> None:
    make.invoice(make.customer(), due=late(5))
    out = StringIO()
    call_command("run_dunning", stdout=out)
    assert "1 email" in out.getvalue()
    assert "due: 1" in out.getvalue()


def test_explain_prints_exactly_the_keys_of_the_contract() -> None:
    make.invoice(make.customer("C-7"), "250.00", due=late(5), number="A-1")
    answer, _ = said("explain", "A-1")
    assert answer == {
        "invoice": "A-1",
        "customer": "C-7",
        "open": "250.00",
        "days_overdue": 5,
        "policy": "Due-date ladder",
        "last_step": None,
        "decision": "d3: email",
        "reason": "due",
        "next_step": "d10",
        "next_on": "2026-03-09",
    }


def test_explain_tells_of_the_last_step_once_it_was_planned() -> None:
    make.invoice(make.customer(), due=late(5), number="A-1")
    said("run_dunning")
    answer, _ = said("explain", "A-1")
    assert (answer["last_step"], answer["decision"], answer["reason"]) == ("d3", "none", "queued")


def test_explain_writes_nothing() -> None:
    make.invoice(make.customer(), due=late(5), number="A-1")
    said("explain", "A-1", "--date", "2026-06-01")
    assert not FollowUp.objects.exists()
    assert not ContactAttempt.objects.exists()


def test_a_paid_invoice_is_explained_as_paid() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, due=late(5), number="A-1")
    make.payment(customer, "100.00", late(1), invoice)
    answer, _ = said("explain", "A-1")
    assert (answer["open"], answer["reason"], answer["days_overdue"]) == ("0.00", "paid", 0)


def test_an_invoice_not_yet_due_is_explained_with_its_day() -> None:
    make.invoice(make.customer(), due=late(-20), number="A-1")
    answer, _ = said("explain", "A-1")
    assert answer["reason"] == "not_due"
    assert answer["next_step"] == "courtesy"
    assert answer["next_on"] == "2026-03-19"


@pytest.mark.parametrize("number", ["A-1", "Z-9"])
def test_an_unknown_or_ambiguous_invoice_number_is_bad_input(number: str) -> None:
    for customer in ("C-1", "C-2"):
        make.invoice(make.customer(customer), due=late(5), number="A-1", source=customer)
    with pytest.raises(CommandError) as failed:
        said("explain", number)
    assert failed.value.returncode == 2


def test_a_customer_number_settles_which_invoice_is_meant() -> None:
    for customer in ("C-1", "C-2"):
        make.invoice(make.customer(customer), due=late(5), number="A-1", source=customer)
    answer, _ = said("explain", "A-1", "--customer", "C-2")
    assert answer["customer"] == "C-2"


def enrol(*args: str) -> str:
    out = StringIO()
    call_command("enrol", *args, stdout=out)
    return out.getvalue()


def test_an_invoice_follows_its_own_policy_before_customer_tag_and_default() -> None:
    customer = make.customer("C-7")
    customer.tags.add(Tag.objects.create(name="wholesale"))
    invoice = make.invoice(customer, due=late(5), number="A-1")
    enrol("--policy", "Gentle", "--default")
    assert said("explain", "A-1")[0]["policy"] == "Gentle"
    enrol("--policy", "p1", "--tag", "wholesale")
    assert said("explain", "A-1")[0]["policy"] == "Standard protocol"
    enrol("--policy", "p4", "--customer", "C-7")
    assert said("explain", "A-1")[0]["policy"] == "Fixed process"
    policy = Enrolment.objects.get(is_default=True).policy
    Enrolment.objects.create(policy=policy, invoice=invoice)
    assert said("explain", "A-1")[0]["policy"] == "Gentle"


def test_there_is_one_default_however_often_it_is_set() -> None:
    for policy in ("p1", "p3", "p2"):
        enrol("--policy", policy, "--default")
    assert Enrolment.objects.get(is_default=True).policy.key == "p2"


def test_an_enrolment_wakes_the_customers_it_concerns() -> None:
    make.invoice(make.customer("C-7"), due=late(5))
    make.invoice(make.customer("C-8"), due=late(5))
    said("run_dunning")
    enrol("--policy", "p3", "--customer", "C-7")
    assert CustomerFollowUp.objects.filter(projected_seq=-1).count() == 1
    assert said("run_dunning")[0]["examined"] == 1


@pytest.mark.parametrize(
    "args",
    [
        ("--policy", "nothing", "--default"),
        ("--policy", "p2", "--customer", "nobody"),
        ("--policy", "p2", "--tag", "nothing"),
    ],
)
def test_enrol_refuses_what_does_not_exist(args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as failed:
        enrol(*args)
    assert failed.value.returncode == 2


def test_simulate_tells_what_a_policy_would_ask_for_and_writes_nothing() -> None:
    make.invoice(make.customer(), "900.00", due=late(5))
    answer, _ = said("simulate", "--policy", "p2", "--from", "2026-03-02", "--to", "2026-05-01")
    assert answer["policy"] == "Due-date ladder"
    assert (answer["examined"], answer["customers"]) == (1, 1)
    assert list(answer["days"]) == [
        "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-30", "2026-04-13", "2026-04-27",
    ]  # fmt: skip
    assert answer["planned"]["email"] == 5
    assert not ContactAttempt.objects.exists()


def test_simulate_lets_an_invoice_join_when_it_falls_due() -> None:
    make.invoice(make.customer(), "900.00", due=late(-20), issued=late(0))
    answer, _ = said("simulate", "--policy", "p4", "--from", "2026-03-02", "--to", "2026-04-30")
    assert answer["days"] == {
        "2026-03-25": {"call": 1},
        "2026-04-01": {"email": 1},
        "2026-04-15": {"visit": 1},
    }


def test_simulate_refuses_days_in_the_wrong_order() -> None:
    with pytest.raises(CommandError) as failed:
        said("simulate", "--policy", "p2", "--from", "2026-03-02", "--to", "2026-03-01")
    assert failed.value.returncode == 2


def test_a_dry_run_sees_a_kept_promise_and_leaves_it_open() -> None:
    customer = make.customer()
    make.invoice(customer, "300.00", due=late(9))
    given = PromiseInput(due_on=MONDAY + timedelta(days=4), amount=Decimal("100.00"))
    outcomes.add_promise(customer.pk, given, actor=SYSTEM, today=late(7))
    make.payment(customer, "100.00", late(6))
    answer, _ = said("run_dunning", "--dry-run")
    assert answer["reasons"] == {"not_due": 1}, "the days of a kept promise stop the clock"
    assert Promise.objects.get().status == PromiseStatus.OPEN
    real, _ = said("run_dunning")
    assert real["reasons"] == answer["reasons"]
    assert Promise.objects.get().status == PromiseStatus.KEPT
