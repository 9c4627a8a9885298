"""Only the clock knows what day it is, and it is a different day elsewhere."""

from datetime import UTC, date, datetime

import time_machine

from arfollow.shared import clock


@time_machine.travel(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), tick=False)
def test_it_is_tomorrow_already_further_east() -> None:
    assert clock.today("UTC") == date(2026, 3, 1)
    assert clock.today("Asia/Tokyo") == date(2026, 3, 2)
    assert clock.today("America/New_York") == date(2026, 3, 1)


@time_machine.travel(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), tick=False)
def test_now_knows_its_zone() -> None:
    assert clock.now() == datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert clock.today(UTC) == date(2026, 3, 1)
