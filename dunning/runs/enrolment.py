"""Which policy is followed by whom: one default, tags, customers (invoice > customer > tag)."""

from django.db import transaction
from django.db.models import Q

from arfollow.shared import events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, Actor, Entry
from customers.models import Customer, Tag
from dunning.models import CustomerFollowUp, Enrolment, Policy


class EnrolmentError(ServiceError):
    """The policy, customer or tag that was named does not exist."""


def enrol(policy: str, *, customer: str = "", tag: str = "", actor: Actor = SYSTEM) -> Enrolment:
    """Let a customer, a tag or everyone else follow a policy; the next run looks at them again.

    Running cases of the same policy keep their version; those of another one move.
    """
    chosen = find_policy(policy)
    with transaction.atomic():
        row = _row(chosen, customer, tag)
        _wake(row)
        events.record(
            Entry("policy.enrolled", "enrolment", row.pk, str(row), row.customer_id), actor=actor
        )
    return row


def _row(policy: Policy, customer: str, tag: str) -> Enrolment:
    found = Enrolment.objects
    change = {"policy": policy}
    if customer:
        whom = Customer.objects.filter(number=customer).first()
        if whom is None:
            raise EnrolmentError(f"There is no customer {customer}.")
        return found.update_or_create(customer=whom, defaults=change)[0]
    if tag:
        label = Tag.objects.filter(name__iexact=tag).first()
        if label is None:
            raise EnrolmentError(f"No customer carries the tag {tag}.")
        return found.update_or_create(tag=label, defaults=change)[0]
    return found.update_or_create(is_default=True, defaults=change)[0]


def find_policy(name: str) -> Policy:
    """A policy by its key or name, in any case. EnrolmentError names the known ones."""
    found = Policy.objects.filter(Q(key__iexact=name) | Q(name__iexact=name), archived=False)
    policy = found.first()
    if policy is None:
        known = ", ".join(Policy.objects.filter(archived=False).values_list("name", flat=True))
        raise EnrolmentError(f"There is no policy {name}. Known: {known}.")
    return policy


def _wake(row: Enrolment) -> None:
    """Forget how far we had seen the customers concerned."""
    rows = CustomerFollowUp.objects.all()
    if row.customer_id:
        rows = rows.filter(customer=row.customer_id)
    elif row.tag_id:
        rows = rows.filter(customer__tags=row.tag_id)
    rows.update(projected_seq=-1)
