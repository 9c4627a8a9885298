"""A provider's API as its own process: answers as it is told, writes down what it took.

python -m tests.faults.harness.api DIRECTORY LOG
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.faults.mailhosts import FakeApi


class Api(FakeApi):
    """Its way of answering stands in ``DIRECTORY/mode``."""

    def __init__(self, place: Path, log: Path) -> None:
        super().__init__("ok", silence=3.0)
        self.place, self.taken = place, Log(log)

    @property
    def mode(self) -> str:  # type: ignore[override]
        file = self.place / "mode"
        return file.read_text() if file.exists() else "ok"

    @mode.setter
    def mode(self, value: str) -> None:
        """Told by the file only."""


class Log(list[dict[str, Any]]):
    """What was taken, as the sink's log has it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def append(self, message: dict[str, Any]) -> None:
        """One line."""
        own = f"<attempt.{message['Metadata']['attempt']}@api>"
        line = {"what": "taken", "at": time.time(), "id": own, "to": message["To"], "numbers": []}
        with self.path.open("a") as log:
            log.write(json.dumps(line) + "\n")


def main() -> None:
    """Serve until somebody ends the process."""
    place, log = Path(sys.argv[1]), Path(sys.argv[2])
    with Api(place, log) as server:
        draft = place / "port.part"
        draft.write_text(str(server.server_address[1]))
        draft.rename(place / "port")
        server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
