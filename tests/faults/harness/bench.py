"""Works through the faults on one database; one JSON line for each result.

    python -m tests.faults.harness.bench PLACE [--quick] [--only NAME]

``PLACE`` is an empty directory; DATABASE_URL names the database.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import django

django.setup()

from django.db import connections  # noqa: E402  # after django.setup()

from arfollow.shared import clock  # noqa: E402
from tests.faults.harness.catalogue import CATALOGUE, Scale  # noqa: E402
from tests.faults.harness.oracle import Judgement  # noqa: E402
from tests.faults.harness.results import Result  # noqa: E402
from tests.faults.harness.world import World  # noqa: E402


def main() -> None:
    """Build the world, try what was asked for, tell it line by line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("place", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    world = World(asked.place)
    try:
        world.build()
        world.warm()
        for result in _results(world, Scale(quick=asked.quick), asked.only):
            sys.stdout.write(json.dumps(result.as_json()) + "\n")
            sys.stdout.flush()
    finally:
        world.sink.stop()
        connections.close_all()


def _results(world: World, scale: Scale, only: str) -> Iterator[Result]:
    for name, fault in CATALOGUE.items():
        if not any(part in name for part in only.split(",")):
            continue
        began = time.monotonic()
        for result in _tried(name, fault(world, scale)):
            result.database, result.date = world.kind, f"{clock.now():%Y-%m-%d}"
            result.name, result.seconds = name, round(time.monotonic() - began, 1)
            began = time.monotonic()
            yield result


def _tried(name: str, results: Iterator[Result]) -> Iterator[Result]:
    """A fault that the harness itself could not carry out is no proof: it counts as wrong."""
    try:
        yield from results
    except Exception as error:  # noqa: BLE001  # the others are tried all the same
        traceback.print_exc()
        found = Judgement(wrong=1, notes=[f"harness: {type(error).__name__}: {error}"[:300]])
        yield Result(name, "could not be carried out", "", 0, found)


if __name__ == "__main__":
    main()
