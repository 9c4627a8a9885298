"""Letters that are due as PDF files: ``manage.py render_letters --out DIR [--batch ID]``."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arfollow.shared import clock
from arfollow.staff.models import Company
from dunning.delivery.printing import NoSuchBatch, PrintJob, print_again, print_due

MERGED = "letters.pdf"


class Command(BaseCommand):
    """One PDF a letter, and one file with all of them in the order of their numbers."""

    help = "Write the letters that are approved and due; with --batch those of a print job again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", required=True, metavar="DIR", help="made where it is missing")
        parser.add_argument("--batch", default="", metavar="ID", help="name of an earlier job")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = self._folder(options["out"])
        job = self._job(options["batch"])
        files = write(job, folder)
        if options["as_json"]:
            self.stdout.write(json.dumps(as_json(job, files)))
            return
        for name in files:
            self.stdout.write(str(folder / name))
        for attempt, reason in job.batch.left_out:
            self.stdout.write(f"left out: attempt {attempt}: {reason}")
        if not files:
            self.stdout.write("No letter is due.")

    def _folder(self, given: str) -> Path:
        folder = Path(given)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{given} is no directory to write to", returncode=2) from error
        return folder

    def _job(self, batch: str) -> PrintJob:
        now = clock.now()
        try:
            if batch:
                return print_again(batch, now=now)
            return print_due(today=clock.today(Company.load().time_zone), now=now)
        except NoSuchBatch as error:
            raise CommandError(str(error), returncode=2) from error


def write(job: PrintJob, folder: Path) -> list[str]:
    """Write each letter and the merged file; a file is there whole or not at all."""
    if not job.batch.letters:
        return []
    files = {
        f"{letter.number}.pdf": bytes(letter.document.data)
        for letter in job.batch.letters
        if letter.document is not None
    }
    files[MERGED] = job.pdf()
    for name, content in files.items():
        _write(folder, name, content)
    return list(files)


def _write(folder: Path, name: str, content: bytes) -> None:
    draft = folder / f".{name}.part"
    try:
        draft.write_bytes(content)
        draft.replace(folder / name)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CommandError(
            f"{folder / name} cannot be written ({error.strerror}). The letters are kept: make "
            "room and run this again."
        ) from error


def as_json(job: PrintJob, files: list[str]) -> dict[str, Any]:
    """The contract of ``--json``."""
    return {
        "batch": job.name,
        "letters": len(job.batch.letters),
        "pages": sum(letter.pages for letter in job.batch.letters),
        "files": files,
        "left_out": [{"attempt": pk, "reason": why} for pk, why in job.batch.left_out],
    }
