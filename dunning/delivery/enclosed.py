"""Files that a person chose to send along: the statement, copies of the invoices."""

import re

from dunning.delivery.mime import Attachment
from dunning.delivery.pdf import render_statement
from dunning.models import ContactAttempt
from dunning.wording.notice import Notice
from invoices.models import Invoice

STATEMENT, COPIES = "statement", "copies"
MOST = 10 * 1024 * 1024
"""More than ten megabytes are refused by many mail servers."""
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


class TooMuch(ValueError):
    """The files are more than a mail server takes."""


def enclosed(attempt: ContactAttempt, notice: Notice) -> tuple[Attachment, ...]:
    """The files named in the attempt's ``content["attach"]``. TooMuch above the limit."""
    wanted = attempt.content.get("attach", ())
    files: list[Attachment] = []
    if STATEMENT in wanted:
        name = f"statement-{_plain(notice.account)}-{notice.date.isoformat()}.pdf"
        files.append(Attachment(name, "application/pdf", render_statement(notice)))
    if COPIES in wanted:
        files += [_copy(row) for row in copies_of(attempt)]
    if sum(len(file.content) for file in files) > MOST:
        raise TooMuch("The files are too large for an e-mail; send fewer copies.")
    return tuple(files)


def copies_of(attempt: ContactAttempt) -> list[Invoice]:
    """The invoices of the attempt whose original is on file."""
    rows = Invoice.objects.filter(attempt_items__attempt=attempt).exclude(original="")
    return list(rows.order_by("due_date", "pk").distinct())


def _copy(row: Invoice) -> Attachment:
    with row.original.open("rb") as file:
        return Attachment(f"invoice-{_plain(row.number)}.pdf", "application/pdf", file.read())


def _plain(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-")[:60] or "file"
