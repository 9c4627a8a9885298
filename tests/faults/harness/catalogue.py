"""Every fault by its name, in the order in which a bench tries them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.faults.harness import kills
from tests.faults.harness.results import Result
from tests.faults.harness.world import World


@dataclass(frozen=True, slots=True)
class Scale:
    """The long form or the short one."""

    quick: bool

    def of(self, long: int, short: int) -> int:
        """A number for each form."""
        return short if self.quick else long


type Fault = Callable[[World, Scale], Iterator[Result]]


def kill_email(world: World, scale: Scale) -> Iterator[Result]:
    """A sender of e-mail dies at each point."""
    for point in kills.POINTS:
        yield kills.kill_at(world, point, "email", scale.of(20, 1))


def kill_internal(world: World, scale: Scale) -> Iterator[Result]:
    """A sender of internal notices dies at each point."""
    for point in kills.POINTS:
        yield kills.kill_at(world, point, "internal", scale.of(20, 1))


CATALOGUE: dict[str, Fault] = {
    "kill-email": kill_email,
    "kill-internal": kill_internal,
}
