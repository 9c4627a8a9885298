"""Every fault by its name, in the order in which a bench tries them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dunning.models import SwitchScope
from tests.faults.harness import (
    brokers,
    copies,
    imports,
    kills,
    multitude,
    outages,
    paper,
    postgres,
    races,
    servers,
    sleepers,
    soak,
    stores,
    upgrade,
)
from tests.faults.harness.results import Result
from tests.faults.harness.world import World


@dataclass(frozen=True, slots=True)
class Scale:
    """The long form or the short one."""

    quick: bool

    def of(self, long: int, short: int) -> int:
        """A number for each form."""
        return short if self.quick else long


TRIES = 20
BROKERS = ("filesystem", "Redis protocol")

type Fault = Callable[[World, Scale], Iterator[Result]]


def kill_email(world: World, scale: Scale) -> Iterator[Result]:
    """A sender of e-mail dies at each point."""
    yield from _killed(world, scale, "email")


def kill_internal(world: World, scale: Scale) -> Iterator[Result]:
    """A sender of internal notices dies at each point."""
    if _tried(world, scale, on="sqlite"):
        yield from _killed(world, scale, "internal")


def _killed(world: World, scale: Scale, channel: str) -> Iterator[Result]:
    if scale.quick:
        points = kills.POINTS if channel == "email" else kills.POINTS[1::3]
        yield kills.kill_everywhere(world, channel, points)
        return
    for point in kills.POINTS:
        yield kills.kill_at(world, point, channel, TRIES)


def kill_letter(world: World, scale: Scale) -> Iterator[Result]:
    """Who prints and posts dies at each point."""
    if scale.quick:
        yield paper.kill_everywhere(world, paper.POINTS[1::2])
        return
    for point in paper.POINTS:
        yield paper.kill_at(world, point, TRIES)


def smtp(world: World, scale: Scale) -> Iterator[Result]:
    """The mail server refuses, stalls and hangs up at every step."""
    for trouble in _some(servers.SMTP, scale):
        yield servers.smtp(world, trouble, scale.of(10, 1))


def api(world: World, scale: Scale) -> Iterator[Result]:
    """The provider's API answers anything but yes."""
    for trouble in _some(servers.API, scale):
        yield servers.api(world, trouble, scale.of(10, 1))


def kill_worker(world: World, scale: Scale) -> Iterator[Result]:
    """A Celery worker dies at each point, on each broker."""
    for broker in _brokers(world, scale):
        points = kills.POINTS[2::6] if scale.quick else kills.POINTS
        yield brokers.kill_in_worker(world, broker, points)


def broker(world: World, scale: Scale) -> Iterator[Result]:
    """The broker is killed and comes back empty."""
    for name in _brokers(world, scale):
        yield brokers.broker_lost(world, name, scale.of(150, 15))


def outage(world: World, scale: Scale) -> Iterator[Result]:
    """The broker is emptied, dead, silent, or was never there, while people work."""
    if _tried(world, scale, on="sqlite"):
        yield outages.never_there(world, scale.of(30, 6))
    if _tried(world, scale, on="postgres"):
        yield outages.away(world, outages.SILENT, scale.of(60, 6), scale.of(100, 20))
    if not scale.quick:
        yield outages.emptied(world, 10, 15)
        yield outages.away(world, outages.DEAD, 10, 100)


def deployment(world: World, scale: Scale) -> Iterator[Result]:
    """SIGTERM while a message is on its way; all workers replaced in one run."""
    if _tried(world, scale, on="postgres"):
        yield brokers.deployment(world, scale.of(10, 1))
    if not scale.quick:
        broker = BROKERS[world.kind == "postgres"]
        yield brokers.rolling(world, broker, 20, 1_000)


def sleeping(world: World, scale: Scale) -> Iterator[Result]:
    """A sender stands still past its lease."""
    if _tried(world, scale, on="sqlite"):
        if not scale.quick:
            yield sleepers.asleep(world, 4, sending=False)
        yield sleepers.asleep(world, scale.of(12, 1), sending=True)


def beats(world: World, scale: Scale) -> Iterator[Result]:
    """Five beats; two planners and two senders."""
    if not scale.quick:
        for name in BROKERS:
            yield multitude.five_beats(world, name, 200)
    if _tried(world, scale, on="postgres"):  # the crowd is SQLite's in the short form
        yield multitude.planners_and_senders(world, scale.of(1_000, 60))


def switch(world: World, scale: Scale) -> Iterator[Result]:
    """The kill switch in the middle of a run, at each of its levels."""
    yield multitude.switch_flipped(world, SwitchScope.ALL, scale.of(1_000, 60))
    if not scale.quick:
        yield multitude.switch_flipped(world, SwitchScope.CHANNEL, 200)
        yield multitude.switch_flipped(world, SwitchScope.POLICY, 200)


def crowd(world: World, scale: Scale) -> Iterator[Result]:
    """Two beats, three workers, everything due at once."""
    if _tried(world, scale, on="sqlite"):
        yield brokers.crowd_at_once(world, scale.of(5_000, 60))


def database(world: World, scale: Scale) -> Iterator[Result]:
    """PostgreSQL dies; SQLite is locked or full."""
    if world.kind == "postgres":
        yield postgres.killed(world, scale.of(3, 1), scale.of(400, 12))
        yield postgres.cut(world, scale.of(10, 1), scale.of(400, 12))
        if not scale.quick:
            yield postgres.away(world, 300, 60)
        return
    yield stores.locked(world, scale.of(9, 1))
    yield stores.database_full(world, scale.of(12, 2))


def everybody(world: World, scale: Scale) -> Iterator[Result]:
    """Two senders, the web and an importer on one SQLite file."""
    if world.kind == "sqlite":
        yield soak.soak(world, scale.of(600, 8))


def upgrading(world: World, scale: Scale) -> Iterator[Result]:
    """The next version migrates a long ledger while this one is at work."""
    if _tried(world, scale, on="postgres"):
        yield upgrade.upgraded(world, upgrade.SHORT if scale.quick else upgrade.LONG[world.kind])


def backup(world: World, scale: Scale) -> Iterator[Result]:
    """A backup made in the middle of the work comes back on another machine."""
    yield copies.restored(world, scale.of(120, 12))


def disk(world: World, scale: Scale) -> Iterator[Result]:
    """No room for a mail or a letter."""
    if _tried(world, scale, on="sqlite"):
        yield stores.mail_disk_full(world, scale.of(10, 1))
        yield stores.letter_disk_full(world, scale.of(10, 1))
        yield stores.media_disk_full(world, scale.of(10, 1))
        yield stores.log_disk_full(world, scale.of(10, 2))


def payments(world: World, scale: Scale) -> Iterator[Result]:
    """They pay while we write."""
    yield races.payments_meanwhile(world, scale.of(100, 10))


def importing(world: World, scale: Scale) -> Iterator[Result]:
    """A file comes in while messages leave, dies in the middle, comes twice."""
    yield imports.meanwhile(world, scale.of(90, 12))
    yield imports.killed(world, scale.of(20, 3))
    yield imports.twice(world, scale.of(10, 1))


def template(world: World, scale: Scale) -> Iterator[Result]:
    """One text in a thousand fails."""
    yield races.template_fails(world, scale.of(1_000, 30))


def tabs(world: World, scale: Scale) -> Iterator[Result]:
    """The same click from several tabs."""
    yield races.two_tabs(world, scale.of(20, 2))


def clocks(world: World, scale: Scale) -> Iterator[Result]:
    """A worker whose clock is off."""
    yield races.wrong_clock(world, scale.of(12, 4))


def _brokers(world: World, scale: Scale) -> Sequence[str]:
    """Both; in the short form one with each database."""
    if not scale.quick:
        return BROKERS
    return BROKERS[:1] if world.kind == "sqlite" else BROKERS[1:]


def _tried(world: World, scale: Scale, *, on: str) -> bool:
    """On both databases; in the short form on that one."""
    return not scale.quick or world.kind == on


def _some[T](all_of_them: Sequence[T], scale: Scale) -> Sequence[T]:
    """Every third of them in the short form."""
    return all_of_them[::3] if scale.quick else all_of_them


CATALOGUE: dict[str, Fault] = {
    "kill-email": kill_email,
    "kill-internal": kill_internal,
    "kill-letter": kill_letter,
    "smtp": smtp,
    "api": api,
    "kill-worker": kill_worker,
    "broker": broker,
    "outage": outage,
    "deployment": deployment,
    "sleep": sleeping,
    "beats": beats,
    "switch": switch,
    "database": database,
    "soak": everybody,
    "upgrade": upgrading,
    "backup": backup,
    "disk": disk,
    "payments": payments,
    "imports": importing,
    "template": template,
    "tabs": tabs,
    "clocks": clocks,
    "crowd": crowd,
}
