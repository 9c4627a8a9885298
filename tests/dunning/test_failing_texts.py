"""A text that cannot be made: the run that planned it names the customer (F-45, item 5)."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command

from arfollow.shared import clock
from dunning import briefing, dispatch, runs
from dunning.briefing.mail import body_of
from dunning.briefing.sending import warnings
from dunning.delivery import enclosed
from dunning.delivery.pdf import PdfNotMade
from dunning.dispatch import sender
from dunning.models import AttemptState, ContactAttempt, MessageTemplate, Run, RunStatus, Task
from dunning.runs import planning
from dunning.runs.proofs import NAMED
from dunning.wording import WordingError
from tests import make, outbox
from tests.outbox import SLOT, send_some

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
BROKEN = "{{ there_is_no_such_field }}"


@pytest.fixture
def office():
    with clock.at(SLOT - timedelta(hours=5)):
        yield outbox.company()


def debtors(number, **fields):
    found = [make.customer(**fields) for _ in range(number)]
    for each in found:
        make.invoice(each, due=outbox.late(5))
    return found


def broken_text(language):
    MessageTemplate.objects.create(
        channel="email", tone="friendly", kind="", language=language, version=1, current=True,
        subject="Account", body=BROKEN,
    )  # fmt: skip


def fails_for(monkeypatch, customer, error):
    """The facts of one customer break what is a good text for everybody else."""
    real = sender.render_and_freeze

    def render(attempt, *args, **options):
        if attempt.customer_id == customer.pk:
            raise error
        return real(attempt, *args, **options)

    monkeypatch.setattr(sender, "render_and_freeze", render)


def only_run():
    return Run.objects.get()


# --- seen at planning -----------------------------------------------------------------------


def test_the_run_itself_names_who_gets_a_text_that_nobody_can_make(office):
    debtors(3)
    [odd] = debtors(1, language="de")
    broken_text("de")
    report = runs.run(make.TODAY)
    assert len(report.warnings) == 1
    assert report.warnings[0].startswith(f"Customer {odd.number}: the friendly e-mail (de)")
    assert "there_is_no_such_field" in report.warnings[0]
    assert only_run().status == RunStatus.WARNING
    assert only_run().warnings == report.warnings


def test_it_is_planned_all_the_same_so_that_a_mended_text_leaves(office):
    debtors(1, language="de")
    broken_text("de")
    runs.run(make.TODAY)
    MessageTemplate.objects.update(current=False)
    assert send_some(now=SLOT).sent == 1


def test_a_dry_run_and_the_command_say_it_too(office):
    [odd] = debtors(1, language="de")
    broken_text("de")
    out = StringIO()
    call_command("run_dunning", dry_run=True, stdout=out)
    call_command("run_dunning", stdout=out)
    assert out.getvalue().count(f"Warning: Customer {odd.number}: the friendly e-mail") == 2


def test_one_sentence_for_one_text_however_many_get_it(office):
    debtors(NAMED + 2)
    broken_text("en")
    [said] = runs.run(make.TODAY).warnings
    assert said.startswith("Customers ")
    assert " and 2 more: the friendly e-mail (en)" in said


def test_texts_that_are_good_cost_no_warning(office):
    debtors(2)
    assert runs.run(make.TODAY).warnings == []


# --- seen at rendering ----------------------------------------------------------------------


def test_f45_what_breaks_at_rendering_is_added_to_the_run_that_planned_it(office, monkeypatch):
    customers = debtors(4)
    odd = customers[1]
    runs.run(make.TODAY)
    assert only_run().status == RunStatus.OK
    fails_for(monkeypatch, odd, WordingError("an amount is missing"))
    assert send_some(now=SLOT).sent == 3
    run = only_run()
    assert run.status == RunStatus.WARNING
    assert run.warnings == [
        f"Customer {odd.number}: The text could not be made. an amount is missing"
    ]
    assert Task.objects.get(kind="check_delivery").customer == odd
    assert len(mail.outbox) == 3


def test_f47_an_enclosed_pdf_that_cannot_be_made_fails_that_message_only(office, monkeypatch):
    customers = debtors(2)
    runs.run(make.TODAY)
    odd = ContactAttempt.objects.filter(customer=customers[0], state=AttemptState.PLANNED)
    odd.update(content={"attach": ["statement"]})

    def too_heavy(*_args):
        raise PdfNotMade("it took too much memory")

    monkeypatch.setattr(enclosed, "render_statement", too_heavy)
    assert send_some(now=SLOT).sent == 1
    row = ContactAttempt.objects.get(customer=customers[0], reason="render")
    assert row.state == AttemptState.FAILED
    assert "too much memory" in only_run().warnings[0]
    assert customers[0].number in only_run().warnings[0]


def test_a_message_that_a_person_wrote_has_no_run_to_warn_in(office, monkeypatch):
    customer = make.customer()
    attempt = outbox.queued(customer, make.invoice(customer, due=outbox.late(5)))
    fails_for(monkeypatch, customer, WordingError("no"))
    send_some(now=SLOT)
    assert outbox.state(attempt) == AttemptState.FAILED
    assert not Run.objects.exists()


def test_a_run_that_still_goes_on_loses_no_warning_of_a_sender(office, monkeypatch):
    """Senders do not wait for a long run: what they add while it plans is kept at its end."""
    [odd] = debtors(1)
    real = planning._page

    def page_then_send(ids, work):
        real(ids, work)
        send_some(now=SLOT)

    fails_for(monkeypatch, odd, WordingError("an amount is missing"))
    monkeypatch.setattr(planning, "_page", page_then_send)
    runs.run(make.TODAY)
    assert only_run().status == RunStatus.WARNING
    assert odd.number in only_run().warnings[0]


def test_a_message_set_aside_for_killing_its_workers_is_in_the_run_too(office):
    debtors(1)
    runs.run(make.TODAY)
    attempt = ContactAttempt.objects.get(state=AttemptState.PLANNED)
    dispatch.record.tell_set_aside(attempt, make.TODAY)
    assert "three workers began" in only_run().warnings[0]


# --- where people see it --------------------------------------------------------------------


def test_the_next_run_does_not_hide_it(office, monkeypatch):
    """The beat runs within a minute of every change; the warning stays for the day."""
    [odd] = debtors(1)
    runs.run(make.TODAY)
    fails_for(monkeypatch, odd, WordingError("an amount is missing"))
    send_some(now=SLOT)
    runs.run(make.TODAY, slot="the next minute")
    assert Run.objects.order_by("-pk").first().warnings == []
    [said] = warnings(SLOT - timedelta(hours=12))
    assert odd.number in said.text
    assert warnings(SLOT + timedelta(days=2)) == []


def test_dashboard_and_morning_mail_name_the_customer(office, monkeypatch, client):
    [odd, _] = debtors(2)
    runs.run(make.TODAY)
    fails_for(monkeypatch, odd, WordingError("an amount is missing"))
    send_some(now=SLOT)
    runs.run(make.TODAY, slot="the next minute")
    words = f"Customer {odd.number}: The text could not be made."
    found = briefing.read(office, today=make.TODAY, now=SLOT)
    assert words in body_of(found, link="x")
    client.force_login(make.user("collector", "mia"))
    assert words in client.get("/").content.decode()


def test_a_long_list_of_warnings_is_counted_in_the_mail(office):
    said = [f"Customer C-{number}: no text" for number in range(13)]
    Run.objects.create(
        date=make.TODAY, warnings=said, started_at=datetime.combine(make.TODAY, SLOT.time(), UTC)
    )
    debtors(1)
    found = briefing.read(office, today=make.TODAY, now=SLOT)
    assert "3 more warnings: the dashboard has them" in body_of(found, link="x")
