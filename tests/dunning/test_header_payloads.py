"""No header is smuggled in through an address or a name: at the form, the import, the model and
the last step before the wire (ASVS 1.3.11, CVE-2026-53878; for the wire test_email_headers.py)."""

from email import message_from_bytes, policy

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client

from arfollow.staff.models import Company
from customers.models import Contact, Customer
from tests import make, outbox
from tests.outbox import SLOT, send_some
from tests.pages.conftest import member
from tests.pages.test_company_settings import filled
from tests.rules.lists import own, read_rows

pytestmark = pytest.mark.django_db

ADDRESSES = [
    "jane@northwind.test\nBcc: x@evil.test",
    "jane@northwind.test\r\nBcc: x@evil.test",
    "jane@northwind.test\x00",
    "jane@northwind.test, x@evil.test",
    "jane@northwind.test;x@evil.test",
    "jane@north\nwind.test",
    '"jane\nBcc: x"@northwind.test',
    "jane@northwind.test\u2028Bcc: x@evil.test",
    "jane\u202e@northwind.test",
]
NAMES = ["Jane\r\nBcc: x@evil.test", "Jane\nSubject: other", "Jane\u2028Bcc: x@evil.test",
         'Jane" <x@evil.test>, "']  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_form_takes_one_plain_address(client: Client, address: str) -> None:
    client.force_login(member("collector"))
    customer = make.customer("C-1")
    before = customer.contacts.count()
    form = {"role": "payables", "name": "Jane", "email": address}
    assert client.post(f"/customers/{customer.pk}/contacts/add/", form).status_code == 422
    assert customer.contacts.count() == before


@pytest.mark.parametrize("field", ["sender_email", "reply_to", "email", "sales_email"])
@pytest.mark.parametrize("address", ADDRESSES[:3])
def test_the_companys_own_addresses_are_plain_too(client: Client, field: str, address: str) -> None:
    client.force_login(member("admin"))
    answer = client.post("/settings/company/", filled(**{field: address}))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_import_keeps_only_what_is_an_address(address: str) -> None:
    """Several in a cell are several recipients of ours to judge; no line end comes through."""
    reading = read_rows(own({"email": address}))
    kept = [one for row in reading.rows for one in row.customer.emails]
    assert all(one.isprintable() and one.count("@") == 1 and " " not in one for one in kept)
    assert not any("bcc" in one.lower() for one in kept)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_model_refuses_it_as_well(address: str) -> None:
    contact = Contact(customer=make.customer("C-1"), email=address)
    with pytest.raises(ValidationError):
        contact.full_clean()


@pytest.mark.parametrize("name", NAMES)
def test_names_that_reached_the_database_add_no_header(name: str) -> None:
    """Whatever stands there, by whatever way: names of the customer, the contact and our firm."""
    outbox.company()
    customer = make.customer("C-1")
    Customer.objects.update(name=name)
    Contact.objects.update(name=name)
    Company.objects.update(sender_name=name, name=name)
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    send_some(now=SLOT)
    assert outbox.again(attempt).state == "sent"
    (left,) = mail.outbox
    head = message_from_bytes(left.message().as_bytes(), policy=policy.default)
    assert head["Bcc"] is None
    assert len(head.get_all("Subject")) == 1
    assert [each.addr_spec for each in head["To"].addresses] == ["ap.c-1@example.test"]
    assert len(head["From"].addresses) == 1


@pytest.mark.parametrize("address", [one for one in ADDRESSES if "\x00" not in one])
def test_an_address_that_reached_the_database_is_not_written_to(address: str) -> None:
    outbox.company()
    customer = make.customer("C-1")
    Contact.objects.update(email=address)
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    send_some(now=SLOT)
    assert outbox.again(attempt).state != "sent"
