"""Customers and their contacts change only through services, each change with its event."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, Actor
from arfollow.shared.models import Event
from customers import services
from customers.models import Address, Contact, Customer, PaymentTerms, TermsAgreement
from tests import make

pytestmark = pytest.mark.django_db


def verbs() -> list[str]:
    return list(Event.objects.order_by("id").values_list("verb", flat=True))


def seq(customer: Customer) -> int:
    return Customer.objects.values_list("ledger_seq", flat=True).get(pk=customer.pk)


def test_a_customer_number_belongs_to_one_customer() -> None:
    services.create_customer("0042", "Ashdown", actor=SYSTEM)
    with pytest.raises(ServiceError, match="0042 exists already"):
        services.create_customer("0042", "Baltic", actor=SYSTEM)


def test_l33_leading_zeros_tell_customers_apart() -> None:
    services.create_customer("0042", "Ashdown", actor=SYSTEM)
    services.create_customer("42", "Ashdown", actor=SYSTEM)
    assert Customer.objects.count() == 2


def test_a_change_is_recorded_with_before_and_after() -> None:
    customer = make.customer(name="Ashdown")
    services.update_customer(customer.pk, {"name": "Ashdown Ltd"}, actor=Actor(5, "Mia Okafor"))
    event = Event.objects.order_by("-id")[0]
    assert event.verb == "customer.changed"
    assert event.data.values == {"name": ["Ashdown", "Ashdown Ltd"]}
    assert (event.actor_id, event.actor_label) == (5, "Mia Okafor")


def test_a_change_makes_the_next_run_look_again() -> None:
    customer = make.customer()
    before = seq(customer)
    services.update_customer(customer.pk, {"opted_out_soft": True}, actor=SYSTEM)
    assert seq(customer) == before + 1


def test_saving_what_is_there_already_leaves_no_trace() -> None:
    customer = make.customer(name="Ashdown")
    before = (len(verbs()), seq(customer))
    services.update_customer(customer.pk, {"name": "Ashdown"}, actor=SYSTEM)
    assert (len(verbs()), seq(customer)) == before


def test_a_value_the_field_cannot_hold_is_refused_in_words() -> None:
    customer = make.customer()
    with pytest.raises(ServiceError, match="legal_type"):
        services.update_customer(customer.pk, {"legal_type": "pirate"}, actor=SYSTEM)


def test_an_email_address_that_is_none_is_refused() -> None:
    customer = make.customer(email=None, phone=None)
    with pytest.raises(ServiceError, match="email"):
        services.save_contact(customer.pk, actor=SYSTEM, email="not an address")
    assert not Contact.objects.exists()


def test_a_line_feed_cannot_hide_in_an_address() -> None:
    customer = make.customer(email=None, phone=None)
    with pytest.raises(ServiceError):
        services.save_contact(customer.pk, actor=SYSTEM, email="a@b.example\nBcc: c@d.example")


def test_the_first_contact_of_a_role_is_its_primary() -> None:
    customer = make.customer(email=None, phone=None)
    first = make.contact(customer, email="one@example.test")
    second = make.contact(customer, email="two@example.test")
    assert (first.primary, second.primary) == (True, False)
    assert services.primary_contact(customer.pk) == first


def test_a_new_primary_replaces_the_old_one() -> None:
    customer = make.customer(email=None, phone=None)
    first = make.contact(customer, email="one@example.test")
    second = make.contact(customer, email="two@example.test", primary=True)
    first.refresh_from_db()
    assert (first.primary, second.primary) == (False, True)


def test_the_database_holds_one_primary_per_role() -> None:
    customer = make.customer()
    with pytest.raises(IntegrityError), transaction.atomic():
        Contact.objects.create(customer=customer, email="x@example.test", primary=True)


def test_a_changed_address_is_unverified_again() -> None:
    customer = make.customer(email="pat@example.test")
    contact = Contact.objects.get()
    services.set_email_state(contact.pk, "verified", actor=SYSTEM, why="replied")
    services.save_contact(
        customer.pk, actor=SYSTEM, contact_id=contact.pk, email="Kim@Example.test "
    )
    contact.refresh_from_db()
    assert (contact.email, contact.email_state) == ("kim@example.test", "unverified")


def test_a_changed_number_is_unverified_again() -> None:
    customer = make.customer(phone="+1 207 555 0111")
    contact = Contact.objects.get()
    services.set_phone_state(contact.pk, "invalid", actor=SYSTEM, why="disconnected")
    services.save_contact(customer.pk, actor=SYSTEM, contact_id=contact.pk, phone="+1 207 555 0112")
    contact.refresh_from_db()
    assert contact.can_call


@pytest.mark.parametrize(
    ("field", "value"),
    [("email_state", "bounced"), ("email_state", "complained"), ("do_not_email", True),
     ("active", False), ("email", "")],
)  # fmt: skip
def test_only_a_usable_address_is_written_to(field: str, value: object) -> None:
    contact = Contact(email="pat@example.test", phone="+1 207 555 0111")
    assert contact.can_email
    setattr(contact, field, value)
    assert not contact.can_email


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone_state", "invalid"), ("do_not_call", True), ("active", False), ("phone", "")],
)
def test_only_a_usable_number_is_dialled(field: str, value: object) -> None:
    contact = Contact(email="pat@example.test", phone="+1 207 555 0111")
    assert contact.can_call
    setattr(contact, field, value)
    assert not contact.can_call


def test_a_bounce_says_why_in_the_timeline() -> None:
    customer = make.customer()
    contact = Contact.objects.get()
    services.set_email_state(contact.pk, "bounced", actor=SYSTEM, why="mailbox does not exist")
    event = Event.objects.filter(customer_id=customer.pk).order_by("-id")[0]
    assert event.data.summary == "Pat Keel: mailbox does not exist"


def test_a_contact_of_another_customer_cannot_be_edited() -> None:
    one, other = make.customer(), make.customer()
    theirs = Contact.objects.get(customer=other)
    with pytest.raises(Contact.DoesNotExist):
        services.save_contact(one.pk, actor=SYSTEM, contact_id=theirs.pk, name="Mallory")


def test_a_new_address_keeps_the_old_one_as_evidence() -> None:
    customer = make.customer()
    make.postal(customer, line1="1 New Street")
    rows = Address.objects.filter(customer=customer).order_by("id")
    assert [(row.line1, row.active) for row in rows] == [
        ("500 Mill Road", False),
        ("1 New Street", True),
    ]


def test_the_same_address_again_changes_nothing() -> None:
    customer = make.customer()
    count = len(verbs())
    make.postal(customer)
    assert Address.objects.filter(customer=customer).count() == 1
    assert len(verbs()) == count


def test_terms_say_who_agreed_to_them_and_when() -> None:
    customer = make.customer()
    terms = PaymentTerms.objects.create(code="N30", name="Net 30", days=30)
    services.agree_terms(
        customer.pk,
        terms,
        actor=SYSTEM,
        agreed_by="Pat Keel",
        agreed_on=date(2026, 1, 5),
        interest=Decimal("1.50"),
    )
    agreement = TermsAgreement.objects.get()
    assert (agreement.agreed_by, agreement.agreed_on) == ("Pat Keel", date(2026, 1, 5))
    customer.refresh_from_db()
    assert customer.terms == terms


def test_a_legal_stop_has_a_day_and_can_be_released() -> None:
    customer = make.customer()
    services.set_legal_stop(
        customer.pk, "insolvent", on=date(2026, 3, 2), actor=SYSTEM, why="court notice"
    )
    customer.refresh_from_db()
    assert (customer.legal_stop, customer.legal_stop_since) == ("insolvent", date(2026, 3, 2))
    services.set_legal_stop(customer.pk, "", on=date(2026, 4, 2), actor=SYSTEM)
    customer.refresh_from_db()
    assert (customer.legal_stop, customer.legal_stop_since) == ("", None)


def test_a_refused_change_leaves_nothing_behind() -> None:
    customer = make.customer()
    before = (verbs(), seq(customer))
    with pytest.raises(ValueError, match="pirate"):
        services.set_legal_stop(customer.pk, "pirate", on=date(2026, 3, 2), actor=SYSTEM)
    assert (verbs(), seq(customer)) == before
