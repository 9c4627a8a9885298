"""The end of a story in the model: every obstacle is taken away and some working days pass."""

from datetime import UTC, datetime, timedelta

from customers.models import Contact, EmailState
from customers.services import touch
from dunning import outcomes
from dunning.models import AttemptState, ContactAttempt, Inbound, Placement, SendSwitch
from dunning.outbox import Settlement, switches
from invoices.models import LedgerSource
from tests.dunning import model_checks
from tests.dunning.model_office import Office
from tests.dunning.model_people import DAY, People
from tests.dunning.model_world import World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def come_to_rest(world: World, people: People, office: Office) -> list[str]:
    """With every obstacle gone, everything comes to its end within days; what did not."""
    clear_the_way(world, people, office)
    for _ in range(4):
        world.now += DAY
        working_day(world)
    world.now += MINUTE
    world.tick()
    wrong = [*missed(world, people), *model_checks.after_every_step(world)]
    return [*wrong, *model_checks.stuck(world), *model_checks.at_rest(world)]


def working_day(world: World) -> None:
    """The planner at six; senders when it is ten in Berlin, New York and Auckland."""
    for hour in (6, 10, 15, 23):
        moment = datetime.combine(world.now.date(), datetime.min.time(), UTC)
        world.now = max(world.now, moment + hour * HOUR)
        if hour == 6:
            world.sweep()
            world.tick()
        due = ContactAttempt.objects.filter(state=AttemptState.PLANNED, due_at__lte=world.now)
        if due.exists():
            world.send()


def look_at_everybody(world: World, people: People) -> None:
    """The next minute's tick, and nobody is left out of it."""
    world.now += MINUTE
    for customer in people.customers:
        touch(customer.pk)
    world.alive(world.tick)


def missed(world: World, people: People) -> list[str]:
    """Steps that were due, and that the tick before had not looked at.

    A courtesy that lapses while its item waits for something else is written down at the next
    look, whenever that is: nobody is written to later for it.
    """
    before = set(ContactAttempt.objects.values_list("pk", flat=True))
    look_at_everybody(world, people)
    new = ContactAttempt.objects.exclude(pk__in=before).exclude(state=AttemptState.SKIPPED)
    return [f"no run looked at {row.customer}: {row} was due" for row in new]


def clear_the_way(world: World, people: People, office: Office) -> None:
    """No brake, no doubt, no unread reply, no agency, no old payment data any more."""
    with world.at():
        switches.resume(actor=world.boss)
        for pk in SendSwitch.objects.filter(on=True).values_list("pk", flat=True):
            switches.switch_on_again(pk, actor=world.boss)
        LedgerSource.objects.update(as_of=None)
        Placement.objects.update(status="recalled")
        Contact.objects.filter(do_not_email=True).update(do_not_email=False)
        Contact.objects.filter(email_state=EmailState.BOUNCED).update(email_state="unverified")
        for row in Inbound.objects.filter(read_at=None):
            outcomes.read_reply(row.pk, actor=world.boss, now=world.now)
    office.settle(Settlement.ARRIVED)
    for customer in people.customers:
        touch(customer.pk)
