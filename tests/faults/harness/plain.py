"""A renderer that costs nothing."""

from datetime import date

from dunning.delivery import render as rendering
from dunning.delivery.mime import EmailContent
from dunning.models import ContactAttempt


def plain(attempt: ContactAttempt, *, today: date) -> EmailContent:
    """The same words for everybody."""
    return EmailContent(subject=f"Account {attempt.customer_id}", text="Hello", html="<p>Hello</p>")


def plainly() -> None:
    """From now on, in this process."""
    rendering.render = plain
