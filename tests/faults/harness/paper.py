"""``kill -9`` of who prints and posts letters: each letter once, its bytes never changed."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from arfollow.shared.events import SYSTEM
from arfollow.shared.models import Event
from dunning.delivery.letters import mark_posted
from dunning.models import AttemptState, ContactAttempt, Letter, LetterStatus
from tests.faults.harness.kills import Point, all_died
from tests.faults.harness.oracle import own_proofs
from tests.faults.harness.processes import done, fork
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.world import World

PRINTING = (
    Point("L1", "looked at before printing", 0),
    Point("L2", "rendered", 0),
    Point("L3", "its bytes are kept", 0),
    Point("L4", "in the transaction, numbered", 0),
    Point("L5", "in the transaction, marked as printed", 0),
    Point("L6", "printed", 0),
    Point("L7", "the batch is merged, without a name", 0, once_a_pass=True),
    Point("L8", "the batch has its name, no file is written", 0, once_a_pass=True),
)
POSTING = (
    Point("L9", "looked at before posting", 0),
    Point("L10", "in the transaction, the step is made", 0),
    Point("L11", "in the transaction, the letter is posted", 0),
    Point("L12", "posted", 0),
)
PLANNING = (
    Point("C0", "in the planning transaction", 0, planning=True, once_a_pass=True),
    Point("C1", "planned", 0, planning=True, once_a_pass=True),
)
POINTS = (*PLANNING, *PRINTING, *POSTING)
LETTERS = 2


def kill_at(world: World, point: Point, tries: int) -> Result:
    """So many people at the printer; after each somebody else finishes the work."""
    world.reset()
    trays = Trays(world.place / "paper" / point.name)
    died, wanted = 0, []
    for number in range(tries):
        wanted += [customer.pk for customer in world.people(LETTERS, "letter")]
        died += _die(world, trays, point, 1 if point.once_a_pass else 1 + number % LETTERS)
        finish(world, trays)
    found = judge(trays, wanted)
    all_died(found, died, tries)
    return Result(f"kill -9 at {point.name}", point.text, "letter", died, found)


def kill_everywhere(world: World, points: Sequence[Point] = POINTS) -> Result:
    """Once at every point, with one recovery for all."""
    world.reset()
    trays = Trays(world.place / "paper" / "all")
    died, wanted = 0, []
    for point in points:
        wanted += [customer.pk for customer in world.people(LETTERS, "letter")]
        came = _die(world, trays, point, 1)
        died += came
        if not came:
            print(point.name, file=__import__("sys").stderr)
    finish(world, trays)
    found = judge(trays, wanted)
    all_died(found, died, len(points))
    return Result("kill -9 at each point", f"{len(points)} points", "letter", died, found)


class Trays:
    """What came out of the printer, a directory for each time somebody printed."""

    def __init__(self, place: Path) -> None:
        self.place, self.times = place, 0

    def print_due(self) -> None:
        """As the operator prints: every letter that is due."""
        out = self.place / f"{self.times:03d}"
        call_command("render_letters", out=str(out), stdout=StringIO())

    def next(self) -> None:
        """The next tray."""
        self.times += 1

    def changed(self) -> list[str]:
        """Letters that came out twice with different bytes."""
        seen: dict[str, set[str]] = defaultdict(set)
        for file in self.place.glob("*/L-*.pdf"):
            seen[file.name].add(hashlib.sha256(file.read_bytes()).hexdigest())
        return [name for name, hashes in seen.items() if len(hashes) > 1]

    def half_written(self) -> list[str]:
        """Files that are no whole PDF."""
        files = self.place.glob("*/*.pdf")
        return [f.name for f in files if not f.read_bytes().rstrip().endswith(b"%%EOF")]


def _die(world: World, trays: Trays, point: Point, nth: int) -> bool:
    trays.next()
    act = world.plan_letters
    if not point.planning:
        world.plan_letters()
        act = trays.print_due
    if point in POSTING:
        done(trays.print_due)
        act = lambda: _post(world)  # noqa: E731
    child = fork(act, CRASH_AT=f"{point.name}:{nth}")
    child.wait()
    return child.killed


def _post(world: World) -> None:
    for letter in Letter.objects.filter(status=LetterStatus.PRINTED).order_by("pk"):
        mark_posted(letter.pk, world.today, actor=SYSTEM)


def finish(world: World, trays: Trays) -> None:
    """The next person plans, prints and posts what is left."""
    world.plan_letters()
    trays.next()
    done(trays.print_due)
    done(lambda: _post(world))


def judge(trays: Trays, wanted: list[int]) -> Judgement:
    """Every letter printed with one number and one content, and posted once."""
    found = Judgement()
    letters = Letter.objects.select_related("attempt", "document")
    posted = {row.attempt.customer_id for row in letters if row.status == LetterStatus.POSTED}
    found.blame("lost", sorted(set(wanted) - posted), "letters that were never posted:")
    each = Counter(row.attempt.customer_id for row in letters)
    found.blame("doubled", [k for k, n in each.items() if n > 1], "two letters for one step:")
    told = Counter(Event.objects.filter(verb="letter.posted").values_list("object_id", flat=True))
    found.blame("doubled", [k for k, n in told.items() if n > 1], "posted twice:")
    found.blame("wrong", trays.changed(), "printed twice with different content:")
    found.blame("wrong", trays.half_written(), "half a file:")
    open_ones = ContactAttempt.objects.filter(channel="letter").exclude(state=AttemptState.SENT)
    found.blame("lost", open_ones.values_list("pk", "state"), "not finished:")
    own_proofs(found)
    return found
