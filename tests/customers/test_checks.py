"""Contacts are verified by somebody, somehow, on a day; strange changes warn (R58)."""

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, actor_of
from arfollow.shared.models import EventData
from customers.checks import last_checks, verify_contact
from customers.models import Contact, EmailState, FraudWarning, PhoneState
from customers.services import save_contact, set_email_state
from customers.warnings import clear_warnings, raise_warning, suspicion
from tests import make

pytestmark = pytest.mark.django_db


def verified(contact: Contact, *what: str) -> Contact:
    return verify_contact(contact.pk, list(what), how="called_known", on=make.TODAY, actor=SYSTEM)


def test_a_check_keeps_what_who_when_and_how() -> None:
    mia = make.user(first_name="Mia")
    contact = make.customer().contacts.get()
    verify_contact(
        contact.pk, ["email"], how="replied", on=make.TODAY, actor=actor_of(mia), note="Pat"
    )
    contact.refresh_from_db()
    assert contact.email_state == EmailState.VERIFIED
    assert contact.phone_state == PhoneState.UNVERIFIED
    check = last_checks([contact.pk])[contact.pk, contact.email]
    assert (check.by, check.on, check.how) == (mia, make.TODAY, "replied")
    said = EventData.objects.order_by("-pk").values_list("summary", flat=True)[0]
    assert f"verified {contact.email} on 2 Mar 2026" in said
    assert "answered from this address (Pat)" in said


def test_a_bounced_address_that_was_checked_can_be_written_to_again() -> None:
    contact = make.customer().contacts.get()
    set_email_state(contact.pk, EmailState.BOUNCED, actor=SYSTEM, why="bounced")
    assert verified(contact, "email").can_email


def test_nothing_is_verified_that_is_not_on_file() -> None:
    contact = make.customer(phone=None).contacts.get()
    for what in (["phone"], [], ["shoe"]):
        with pytest.raises(ServiceError, match="nothing to check"):
            verified(contact, *what)


def test_an_address_that_replaces_a_verified_one_warns_until_somebody_checked() -> None:
    customer = make.customer(email="ap@ashdown.example")
    contact = verified(customer.contacts.get(), "email")
    save_contact(customer.pk, actor=SYSTEM, contact_id=contact.pk, email="new@ashdown.example")
    (warning,) = FraudWarning.objects.filter(customer=customer, cleared_at=None)
    assert "verified address ap@ashdown.example was replaced by new@ashdown.example" in str(warning)
    assert "Call a number that was known before." in str(warning)
    verified(contact, "email")
    warning.refresh_from_db()
    assert warning.cleared_at is not None


def test_a_new_contact_at_a_strange_domain_warns_and_one_at_theirs_does_not() -> None:
    customer = make.customer(email="ap@ashdown.example")
    save_contact(customer.pk, actor=SYSTEM, name="Kim", email="kim@ashdown.example")
    assert not FraudWarning.objects.exists()
    save_contact(customer.pk, actor=SYSTEM, name="Pat", email="pat@ashd0wn.example")
    assert "a domain that nobody there has used" in str(FraudWarning.objects.get())


def test_the_first_address_of_a_customer_warns_of_nothing() -> None:
    customer = make.customer(email=None)
    save_contact(customer.pk, actor=SYSTEM, email="ap@ashdown.example")
    assert not FraudWarning.objects.exists()


def test_a_replaced_verified_number_warns() -> None:
    before = Contact(phone="+1 207 555 0100", phone_state=PhoneState.VERIFIED)
    after = Contact(phone="+1 900 555 0000")
    assert "verified number +1 207 555 0100" in suspicion(before, after, [])
    assert suspicion(Contact(phone="+1 207 555 0100"), after, []) == ""


def test_the_same_warning_stands_once_and_is_settled_with_a_reason() -> None:
    customer = make.customer()
    first = raise_warning(customer, "A caller gave new bank details.", actor=SYSTEM)
    again = raise_warning(customer, "A caller gave new bank details.", actor=SYSTEM)
    assert first == again
    with pytest.raises(ServiceError, match="how you made sure"):
        clear_warnings(customer.pk, actor=SYSTEM, why=" ", only=first.pk)
    assert clear_warnings(customer.pk, actor=SYSTEM, why="Called Pat", only=first.pk) == 1
    raise_warning(customer, "A caller gave new bank details.", actor=SYSTEM)
    assert FraudWarning.objects.filter(cleared_at=None).count() == 1
