"""Brakes: the company's pause, and kill switches per policy, customer or channel (D8).

Flipping one updates the company's row, which every last look holds while it decides: after
the flip is committed nothing more goes on its way.
"""

from django.db import connection, transaction
from django.db.models import F, Q

from arfollow.shared import clock, events
from arfollow.shared.events import Actor, Entry
from arfollow.staff.models import Company
from customers.models import Customer
from dunning.models import ContactAttempt, SendSwitch, SwitchScope
from dunning.outbox import moves


def pause(*, actor: Actor, reason: str) -> None:
    """Nothing leaves from here on, until `resume`."""
    _set_paused(actor, reason[:200], paused=True)


def resume(*, actor: Actor) -> None:
    """Sending goes on; what the pause held gets new slots."""
    _set_paused(actor, "", paused=False)


def _set_paused(actor: Actor, reason: str, *, paused: bool) -> None:
    with transaction.atomic():
        Company.load()
        Company.objects.filter(pk=1).update(paused=paused, pause_reason=reason)
        words = f"Sending paused: {reason}" if paused else "Sending resumed"
        verb = "sending.paused" if paused else "sending.resumed"
        events.record(Entry(verb, "company", 1, words), actor=actor)


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
        Company.objects.filter(pk=1).update(**change)
        events.record(Entry("sending.shadow", "company", 1, words), actor=actor)


def switch_off(scope: SwitchScope, target: str, *, actor: Actor, reason: str) -> SendSwitch:
    """Stop a policy (its key), a customer (its id), a channel, or everything."""
    with transaction.atomic():
        _take_turns()
        row, _ = SendSwitch.objects.get_or_create(
            scope=scope,
            target=target,
            on=True,
            defaults={"reason": reason[:200], "set_by_id": actor.id},
        )
        summary = f"Sending stopped for {scope} {target}: {reason}"
        events.record(Entry("switch.on", "switch", row.pk, summary), actor=actor)
    return row


def switch_on_again(switch_id: int, *, actor: Actor) -> None:
    """Let what one switch stopped go on."""
    with transaction.atomic():
        _take_turns()
        if SendSwitch.objects.filter(pk=switch_id, on=True).update(on=False, set_at=clock.now()):
            events.record(
                Entry("switch.off", "switch", switch_id, "Sending goes on again"), actor=actor
            )


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


def _concerns(attempt: ContactAttempt) -> Q:
    found = (
        Q(scope=SwitchScope.ALL)
        | Q(scope=SwitchScope.CUSTOMER, target=str(attempt.customer_id))
        | Q(scope=SwitchScope.CHANNEL, target=attempt.channel)
    )
    if attempt.policy_version is not None:
        found |= Q(scope=SwitchScope.POLICY, target=attempt.policy_version.policy.key)
    return found
