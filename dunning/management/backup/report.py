"""What is said about one backup: a line for each check as it is done, or one object."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from dunning.management.backup.asking import asked
from dunning.management.backup.findings import BREACH, LOOK, OK, Damaged, Finding
from dunning.management.backup.scratch import Scratch, restored

PROMISE = {"rpo_hours": 24, "rto_hours": 1}
LISTED = 20
AT_HOME = "here it is at home: remove var/instance before it is restored over this database"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The file; where its scratch database is made; the copy of MEDIA_ROOT; its oldest age in
    hours; whether one object is asked for instead of lines."""

    file: Path
    into: str = ""
    media: str = ""
    max_age: float | None = None
    as_json: bool = False


class Report:
    """One verification; Unusable where nothing can be said."""

    def __init__(self, wanted: Wanted, write: Callable[[str], object]) -> None:
        self.wanted, self.write = wanted, write
        self.findings: list[Finding] = []
        self.scratch: Scratch | None = None
        self.look_seconds = 0.0

    def make(self) -> None:
        try:
            with restored(self.wanted.file, self.wanted.into) as scratch:
                self.scratch = scratch
                self._restored(scratch)
                self._look_into(scratch)
        except Damaged as error:
            self._add(Finding("whole", BREACH, str(error)))

    def _restored(self, scratch: Scratch) -> None:
        text = f"{scratch.kind}, {_size(scratch.size)}, restored in {scratch.seconds:.1f} s"
        slow = scratch.seconds > PROMISE["rto_hours"] * 3600
        self._add(Finding("whole", LOOK if slow else OK, text))
        if scratch.left_over:
            names = ", ".join(scratch.left_over)
            text = f"{names}: left by a verification that was killed, or one at work now"
            self._add(Finding("scratch", LOOK, text))

    def _look_into(self, scratch: Scratch) -> None:
        began = time.monotonic()
        with closing(asked(scratch, self.wanted.media)) as findings:
            for finding in findings:
                self._add(self._judged(finding))
        self.look_seconds = time.monotonic() - began

    def _judged(self, finding: Finding) -> Finding:
        """What only this process knows: how old it may be, and whose it is."""
        facts, oldest = finding.facts, self.wanted.max_age
        if finding.name == "age" and oldest is not None:
            age = facts.get("age_seconds")
            if age is None or age > oldest * 3600:
                text = f"{finding.text}; at most {oldest:g} hours were asked for"
                return Finding("age", BREACH, text, facts)
        if finding.name == "mute" and facts.get("instance", "") == _own_id():
            text = f"{finding.text}; {AT_HOME}"
            return Finding("mute", finding.result, text, facts)
        return finding

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)
        if self.wanted.as_json:
            return
        self.write(f"{finding.result:<7} {finding.name:<11} {finding.text}")
        doubts = finding.facts.get("in_doubt", [])
        for one in doubts[:LISTED]:
            words = "#{attempt} to {customer} by {channel}, {state} since {since}".format(**one)
            self.write(f"{'':<19} {words}")
        if len(doubts) > LISTED:
            self.write(f"{'':<19} and {len(doubts) - LISTED} more (--json has all)")

    @property
    def bad(self) -> list[str]:
        """The names of the checks that do not hold."""
        return [finding.name for finding in self.findings if finding.result == BREACH]

    def end(self) -> None:
        if self.wanted.as_json:
            self.write(json.dumps(self._object(good=not self.bad)))
        elif not self.bad:
            looks = [finding.name for finding in self.findings if finding.result == LOOK]
            verdict = f"Good, but look: {', '.join(looks)}." if looks else "Good."
            self.write(f"{verdict} Looked at in {self.look_seconds:.1f} s.")

    def _object(self, *, good: bool) -> dict[str, Any]:
        facts = {key: value for one in self.findings for key, value in one.facts.items()}
        names = ("holds", "newest_event", "last_at_work", "age_seconds", "in_doubt")
        scratch = self.scratch
        return {
            "file": str(self.wanted.file),
            "good": good,
            "kind": scratch.kind if scratch else None,
            "bytes": scratch.size if scratch else None,
            "restore_seconds": round(scratch.seconds, 2) if scratch else None,
            "look_seconds": round(self.look_seconds, 2),
            **{name: facts.get(name) for name in names},
            "promise": PROMISE,
            "checks": [
                {"name": one.name, "result": one.result, "text": one.text,
                 "faults": one.facts.get("faults", [])}
                for one in self.findings
            ],
        }  # fmt: skip


def _own_id() -> str | None:
    """Who we are, where we know it; looking makes no new identity."""
    path = Path(settings.INSTANCE_FILE)
    return path.read_text(encoding="ascii").strip() if path.is_file() else None


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB" if number >= 100_000 else f"{number / 1_000:.1f} kB"
