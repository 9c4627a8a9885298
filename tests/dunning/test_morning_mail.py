"""The morning e-mail: the dashboard's figures, once a day, through the outbox's own checks."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from arfollow.staff.models import Company, Role, User
from customers.models import Customer
from dunning import briefing, dispatch, tasks
from dunning.briefing.mail import body_of, harmless, subject_of
from dunning.briefing.morning import ACCOUNT, plan_morning
from dunning.models import AttemptKind, AttemptState, ContactAttempt, Installation, SwitchScope
from dunning.outbox import moves, switches
from tests import make, outbox

pytestmark = pytest.mark.django_db

NINE = datetime.combine(make.TODAY, time(9), UTC)
TOMORROW = NINE + timedelta(days=1)
SATURDAY = datetime(2026, 3, 7, 9, tzinfo=UTC)


@pytest.fixture
def office() -> Company:
    """A company with people and something overdue; nine o'clock on a Monday."""
    row = outbox.company()
    make.user(Role.COLLECTOR, "mia", first_name="Mia", last_name="Okafor")
    make.user(Role.ADMIN, "sam", first_name="Sam", last_name="Whitlock")
    make.invoice(make.customer(name="Ashdown {{ Joinery }}"), "400.00", outbox.late(10))
    return row


def mornings() -> list[ContactAttempt]:
    return list(ContactAttempt.objects.filter(kind=AttemptKind.MORNING).order_by("pk"))


# --- when, and to whom ----------------------------------------------------------------------


def test_it_reaches_everybody_who_works_with_the_figures(office: Company) -> None:
    make.user(Role.READ_ONLY, "rea")
    make.user(Role.COLLECTOR, "gone", is_active=False)
    plan_morning(NINE)
    assert dispatch.send_some(now=NINE).sent == 1
    (letter,) = mail.outbox
    assert letter.to == ["Mia Okafor <mia@example.test>", "Sam Whitlock <sam@example.test>"]
    assert letter.subject == "Receivables on Monday 2 March 2026: USD 400.00 overdue"


def test_one_a_day_however_often_it_is_asked_for(office: Company) -> None:
    assert plan_morning(NINE) is not None
    assert plan_morning(NINE) is None
    dispatch.send_some(now=NINE)
    assert plan_morning(NINE + timedelta(hours=2)) is None
    dispatch.send_some(now=NINE + timedelta(hours=2))
    assert len(mail.outbox) == 1
    assert plan_morning(TOMORROW) is not None


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_one_that_came_to_nothing_is_not_written_again_that_day(office: Company, end: str) -> None:
    attempt = plan_morning(NINE)
    assert attempt is not None
    fields = {"state": end, "live": False, "reason": "by_staff"}
    ContactAttempt.objects.filter(pk=attempt.pk).update(**fields)
    assert plan_morning(NINE) is None


def test_two_planners_at_once_write_one(office: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second looks again once it is its turn; the first was quicker meanwhile."""
    looks = iter([False, True])
    monkeypatch.setattr("dunning.briefing.morning._known", lambda day: next(looks))
    assert plan_morning(NINE) is None
    assert mornings() == []


@pytest.mark.parametrize(
    "moment", [NINE.replace(hour=7, minute=59), NINE.replace(hour=17), SATURDAY]
)
def test_it_comes_in_the_hours_of_sending_on_business_days(
    office: Company, moment: datetime
) -> None:
    assert plan_morning(moment) is None


def test_the_hours_are_those_of_our_own_zone(office: Company) -> None:
    Company.objects.update(time_zone="America/New_York")
    assert plan_morning(NINE) is None  # four in the morning there
    assert plan_morning(NINE.replace(hour=14)) is not None


def test_an_empty_ledger_has_no_figures_to_tell() -> None:
    outbox.company()
    make.user(Role.ADMIN, "sam")
    assert plan_morning(NINE) is None


def test_nobody_with_an_address_means_no_message(office: Company) -> None:
    User.objects.update(email="")
    assert plan_morning(NINE) is None


def test_it_can_be_switched_off(office: Company, settings: object) -> None:
    settings.MORNING_MAIL = False  # type: ignore[attr-defined]
    assert plan_morning(NINE) is None


def test_the_beat_asks_for_it(office: Company) -> None:
    with clock.at(NINE):
        tasks.morning()
    assert len(mornings()) == 1


# --- brakes ---------------------------------------------------------------------------------


def test_a_copy_of_the_database_writes_none(office: Company) -> None:
    Installation.objects.create(pk=1, instance_id="somebody else's")
    assert plan_morning(NINE) is None
    assert mornings() == []


def test_a_paused_company_gets_none_until_sending_goes_on(office: Company) -> None:
    switches.pause(actor=SYSTEM, reason="stocktaking")
    assert plan_morning(NINE) is None
    switches.resume(actor=SYSTEM)
    assert plan_morning(NINE) is not None


def test_a_pause_after_planning_holds_it(office: Company) -> None:
    plan_morning(NINE)
    switches.pause(actor=SYSTEM, reason="stocktaking")
    dispatch.send_some(now=NINE)
    assert mail.outbox == []
    assert [row.state for row in mornings()] == [AttemptState.HELD]


def test_a_switched_off_channel_holds_it(office: Company) -> None:
    switches.switch_off(SwitchScope.CHANNEL, "internal", actor=SYSTEM, reason="mail server moves")
    plan_morning(NINE)
    dispatch.send_some(now=NINE)
    assert mail.outbox == []


def test_figures_of_yesterday_give_way_to_those_of_today(office: Company) -> None:
    old = plan_morning(NINE)
    assert old is not None
    plan_morning(TOMORROW)
    dispatch.send_some(now=TOMORROW)
    assert [row.state for row in mornings()] == [AttemptState.CANCELLED, AttemptState.SENT]
    assert "3 March 2026" in mail.outbox[0].subject
    assert len(mail.outbox) == 1


def test_what_another_sender_has_in_its_hands_is_left_to_it(office: Company) -> None:
    attempt = plan_morning(NINE)
    assert attempt is not None
    moves.claim("first", now=NINE, lease=timedelta(minutes=2), limit=5)
    assert dispatch.send_some(now=NINE).sent == 0
    assert plan_morning(NINE) is None


def test_shadow_mode_sends_it_to_the_shadow_address_only(office: Company) -> None:
    Company.objects.update(shadow_mode=True, shadow_email="shadow@example.test")
    plan_morning(NINE)
    dispatch.send_some(now=NINE)
    (letter,) = mail.outbox
    assert letter.to == ["Shadow mode <shadow@example.test>"]


def test_it_stands_in_no_customers_history(office: Company) -> None:
    attempt = plan_morning(NINE)
    assert attempt is not None
    assert attempt.customer.number == ACCOUNT
    assert not attempt.customer_facing
    plan_morning(TOMORROW)
    assert Customer.objects.filter(number=ACCOUNT).count() == 1


def test_the_audit_of_attempts_has_nothing_to_say_about_it(office: Company) -> None:
    plan_morning(NINE)
    dispatch.send_some(now=NINE)
    call_command("dunning_audit", stdout=StringIO())


# --- what it says ---------------------------------------------------------------------------


def words(today: date = make.TODAY) -> str:
    now = datetime.combine(today, time(9), UTC)
    return body_of(briefing.read(Company.load(), today=today, now=now), link="https://x.test/")


def test_it_says_what_the_dashboard_says(office: Company) -> None:
    lyon = make.customer(currency="EUR")
    make.invoice(lyon, "50.00", outbox.late(1))
    text = words()
    for line in (
        "# Where the money stands, USD",
        "- Overdue: 400.00, 1 customer",
        "- Neglected: 400.00, 1 invoice without owner or next action",
        "- 1–30: 400.00",
        "# Other currencies",
        "- EUR: open 50.00, overdue 50.00, neglected 50.00, collected this month 0.00",
        "# Since Friday, 27 February 2026",
        "- Newly overdue: 1 (EUR 50.00)",
        "# The 1 largest: 100 % of what is overdue",
        "- Mia Okafor: 0 calls due; in 7 days: 0 calls, 0 promises, 0 payments",
        "- No stop-light is on",
        "https://x.test/",
    ):
        assert line in text, line


def test_the_subject_names_the_day_and_what_is_overdue(office: Company) -> None:
    found = briefing.read(Company.load(), today=make.TODAY, now=NINE, currency="USD")
    assert subject_of(found) == "Receivables on Monday 2 March 2026: USD 400.00 overdue"


def test_a_name_is_never_taken_for_a_merge_field(office: Company) -> None:
    plan_morning(NINE)
    dispatch.send_some(now=NINE)
    assert "Ashdown (( Joinery )): USD 400.00" in mail.outbox[0].body


@pytest.mark.parametrize(
    "name", ["{{ x }}", "{% raw %}", "a\n# Heading", "\ue000invoice_table\ue000"]
)
def test_a_name_brings_no_marks_of_its_own(name: str) -> None:
    line = harmless(name)
    assert not {"{", "}", "\n", "\ue000"} & set(line)


def test_it_is_plain_text_and_simple_html_without_an_attachment(office: Company) -> None:
    plan_morning(NINE)
    dispatch.send_some(now=NINE)
    (letter,) = mail.outbox
    assert isinstance(letter, EmailMultiAlternatives)
    html = str(letter.alternatives[0][0])
    assert "Overdue: 400.00, 1 customer" in letter.body
    assert re.search(r"<li[^>]*>Overdue: 400.00, 1 customer</li>", html)
    assert "Wrong person?" not in html + letter.body
    assert letter.attachments == []


def test_the_forecast_adds_up_to_all_weeks(office: Company) -> None:
    found = briefing.read(Company.load(), today=make.TODAY, now=NINE)
    assert sum(week.promised + week.predicted for week in found.weeks) == Decimal(400)
    assert "- All 13 weeks: 400.00" in words()
