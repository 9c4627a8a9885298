"""Brakes: the company's pause, and kill switches per policy, customer or channel (D8).

Flipping one updates the company's row, which every last look holds while it decides: after
the flip is committed nothing more goes on its way.
"""

from django.db import connection, transaction
from django.db.models import F, Q

from arfollow.shared import clock, events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from arfollow.staff.models import Company
from customers.models import Customer
from dunning.models import Channel, ContactAttempt, Policy, SendSwitch, SwitchScope
from dunning.outbox import moves


def pause(*, actor: Actor, reason: str) -> bool:
    """Nothing leaves from here on, until `resume`; False where it is paused already."""
    return _set_paused(actor, reason[:200], paused=True)


def resume(*, actor: Actor) -> bool:
    """Sending goes on; what the pause held gets new slots. False where it goes on already."""
    return _set_paused(actor, "", paused=False)


def _set_paused(actor: Actor, reason: str, *, paused: bool) -> bool:
    with transaction.atomic():
        Company.load()
        changed = Company.objects.filter(pk=1).exclude(paused=paused)
        if not changed.update(paused=paused, pause_reason=reason):
            return False
        words = f"Sending paused: {reason}" if paused else "Sending resumed"
        verb = "sending.paused" if paused else "sending.resumed"
        events.record(Entry(verb, "company", 1, words), actor=actor)
    return True


def enter_shadow(email: str, *, actor: Actor) -> None:
    """Every message goes to this address, and to nobody else, until `leave_shadow`."""
    _set_shadow({"shadow_mode": True, "shadow_email": email}, f"Shadow mode on, to {email}", actor)


def leave_shadow(*, actor: Actor) -> int:
    """Messages go to customers. The copies sent in shadow mode count as not sent, so that
    nobody's first letter of ours is a second reminder; answers how many there were."""
    with transaction.atomic():
        _set_shadow({"shadow_mode": False}, "Shadow mode off", actor)
        customers = moves.uncount_shadow_copies()
        wanted = Customer.objects.filter(pk__in=list(customers))
        wanted.update(ledger_seq=F("ledger_seq") + 1)
    return sum(customers.values())


def _set_shadow(change: dict[str, bool | str], words: str, actor: Actor) -> None:
    with transaction.atomic():
        Company.load()
        if Company.objects.filter(pk=1, **change).exists():
            return  # pressed twice
        Company.objects.filter(pk=1).update(**change)
        events.record(Entry("sending.shadow", "company", 1, words), actor=actor)


def switch_off(scope: SwitchScope, target: str, *, actor: Actor, reason: str) -> SendSwitch:
    """Stop a policy (its key), a customer (its id), a channel, or everything.

    ServiceError without a reason, or where it is stopped already.
    """
    if not reason.strip():
        raise ServiceError("Say why it is stopped; everybody will see it.")
    with transaction.atomic():
        _take_turns()
        what = name_of(scope, target)
        if SendSwitch.objects.filter(scope=scope, target=target, on=True).exists():
            raise ServiceError(f"{what} is stopped already.")
        row = SendSwitch.objects.create(
            scope=scope, target=target, reason=reason.strip()[:200], set_by_id=actor.id
        )
        _tell("switch.on", row, f"Sending stopped, {what}: {row.reason}", actor)
    return row


def switch_on_again(switch_id: int, *, actor: Actor) -> bool:
    """Let what one switch stopped go on; False where it was lifted before."""
    with transaction.atomic():
        _take_turns()
        row = SendSwitch.objects.filter(pk=switch_id, on=True).first()
        if row is None:
            return False
        SendSwitch.objects.filter(pk=switch_id).update(on=False, set_at=clock.now())
        what = name_of(row.scope, row.target)
        _tell("switch.off", row, f"Sending goes on again, {what}", actor)
    return True


def _tell(verb: str, row: SendSwitch, words: str, actor: Actor) -> None:
    """In the company's chain, or in the customer's own where it concerns one."""
    customer = int(row.target) if row.scope == SwitchScope.CUSTOMER else None
    entry = Entry(verb, "switch", row.pk, words, customer, {"reason": row.reason})
    events.record(entry, actor=actor)


def name_of(scope: str, target: str) -> str:
    """What a switch stops, for people: ``e-mail``, ``policy Standard``, ``C-1 Keel Ltd``."""
    match scope:
        case SwitchScope.CHANNEL:
            return f"channel {Channel(target).label}"
        case SwitchScope.POLICY:
            policy = Policy.objects.filter(key=target).first()
            return f"policy {policy.name if policy else target}"
        case SwitchScope.CUSTOMER:
            customer = Customer.objects.filter(pk=target).first()
            return f"customer {customer.number} {customer.name}" if customer else "a customer"
    return "everything"


def _take_turns() -> None:
    """An UPDATE of the company's row waits for last looks, and they wait for it."""
    Company.load()
    Company.objects.filter(pk=1).update(paused=F("paused"))


def company_for_last_look() -> Company:
    """The company's row, shared-locked until the caller's transaction ends.

    Many last looks hold it at once; a flip of a switch does not get in between. On SQLite
    the IMMEDIATE transaction is lock enough.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM staff_company WHERE id = 1 FOR SHARE")
    return Company.load()


def brake_on(attempt: ContactAttempt, company: Company) -> str:
    """What stops this attempt from leaving, in words; empty where nothing does."""
    if company.paused:
        return f"Sending is paused: {company.pause_reason}".rstrip(": ")
    switch = SendSwitch.objects.filter(_concerns(attempt), on=True).first()
    return f"Sending is stopped: {switch.reason}" if switch else ""


def stopped() -> Q:
    """The attempts that a switch keeps from leaving; nothing matches where none is on."""
    found = Q(pk__in=[])
    for scope, target in SendSwitch.objects.filter(on=True).values_list("scope", "target"):
        match scope:
            case SwitchScope.ALL:
                found |= Q(pk__isnull=False)
            case SwitchScope.CUSTOMER:
                found |= Q(customer_id=target)
            case SwitchScope.CHANNEL:
                found |= Q(channel=target)
            case SwitchScope.POLICY:
                found |= Q(policy_version__policy__key=target)
    return found


def _concerns(attempt: ContactAttempt) -> Q:
    found = (
        Q(scope=SwitchScope.ALL)
        | Q(scope=SwitchScope.CUSTOMER, target=str(attempt.customer_id))
        | Q(scope=SwitchScope.CHANNEL, target=attempt.channel)
    )
    if attempt.policy_version is not None:
        found |= Q(scope=SwitchScope.POLICY, target=attempt.policy_version.policy.key)
    return found
