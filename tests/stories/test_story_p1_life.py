"""The full 150 days of P1, as the check of PROTOCOL section 2 states them."""

from dunning.policy import PRESETS, Channel, Tone
from tests.stories.world import World, day

P1 = PRESETS["P1"]


def test_the_standard_protocol_takes_its_nine_steps_on_exactly_these_days() -> None:
    world = World(P1)
    world.invoice("2025-01-06")
    world.live("2025-01-06", "2025-06-30")
    assert [d.isoformat() for d in world.dates()] == [
        "2025-01-28",
        "2025-02-04",
        "2025-02-20",
        "2025-03-07",
        "2025-03-24",
        "2025-04-07",
        "2025-05-06",
        "2025-05-21",
        "2025-06-05",
    ]
