"""What the faults gave: merged fault by fault in a file, so that a long run may come in pieces."""

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Judgement:
    """What is wrong after one fault, in numbers and in words."""

    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    unknown: int = 0
    hidden: int = 0
    notes: list[str] = field(default_factory=list)

    def blame(self, what: str, found: Iterable[object], why: str) -> None:
        """Count each finding and say it."""
        rows = list(found)
        if rows:
            setattr(self, what, getattr(self, what) + len(rows))
            self.notes.append(f"{what}: {why} {', '.join(map(str, rows[:5]))}")


@dataclass
class Result:
    """One fault on one database."""

    fault: str
    text: str
    variant: str
    tries: int
    found: Judgement
    reported: str = ""
    database: str = ""
    name: str = ""
    seconds: float = 0.0
    date: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What a later run of the same fault replaces."""
        return f"{self.fault} | {self.variant} | {self.database}"

    def as_json(self) -> dict[str, Any]:
        """Flat, for the file."""
        return asdict(self) | {"key": self.key}


class Book:
    """The file of results."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        self._alone = threading.Lock()  # each database's bench is listened to by its own thread
        if path.exists():
            self.rows = {row["key"]: row for row in json.loads(path.read_text())}

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Replace what was known of these faults and keep the file."""
        with self._alone:
            self.rows |= {row["key"]: row for row in rows}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(".part")
            draft.write_text(json.dumps(list(self.rows.values()), indent=1))
            draft.replace(self.path)


@dataclass
class Sum:
    """The last line."""

    faults: int = 0
    tries: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    unknown: int = 0
    hidden: int = 0

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> "Sum":
        """Add up."""
        rows = list(rows)
        total = cls(faults=len({(row["fault"], row.get("variant", "")) for row in rows}))
        total.tries = sum(row["tries"] for row in rows)
        for name in ("lost", "doubled", "wrong", "unknown", "hidden"):
            setattr(total, name, sum(row["found"][name] for row in rows))
        return total

    @property
    def good(self) -> bool:
        """Nothing lost, doubled or wrong, and every doubt is visible."""
        return not (self.lost or self.doubled or self.wrong or self.hidden)

    def __str__(self) -> str:
        seen = f"{self.hidden} of them invisible" if self.hidden else "all visible"
        return (
            f"faults {self.faults}, tries {self.tries}, lost {self.lost}, doubled {self.doubled},"
            f" wrong {self.wrong}, unknown {self.unknown} ({seen})"
        )
