"""Past e-mails and letters: made as the product makes them, but handed to nobody."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from arfollow.shared import clock, events
from arfollow.shared.events import Entry, actor_of
from arfollow.staff.models import Company
from customers.services import touch
from dunning.delivery import events as reports
from dunning.delivery import truth
from dunning.delivery.base import Receipt
from dunning.delivery.envelope import NoRecipient, parties_of
from dunning.delivery.frozen import freeze
from dunning.delivery.ids import message_id
from dunning.delivery.letters import mark_delivery, mark_posted, print_letters
from dunning.delivery.mime import build_message, render_email
from dunning.delivery.notice import notice_of, text_of
from dunning.delivery.render import render_and_freeze
from dunning.demo.book import Book, moment
from dunning.demo.papers import Wrote
from dunning.dispatch import record
from dunning.dispatch.record import Errand
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    Inbound,
    Letter,
    LetterStatus,
)
from dunning.outbox import moves

WORKER = "demo"
LEASE = timedelta(minutes=5)
ON_THE_WAY = timedelta(days=4)
POSTED = frozenset({"final_posted", "hand_over"})
"""Whose letters were printed and posted; the others' wait for somebody who tries the product."""


def send_mail(now: datetime, *, with_statements: bool) -> None:
    """What is due leaves: rendered, frozen and recorded as ever."""
    with clock.at(now):
        while claimed := moves.claim(WORKER, now=now, lease=LEASE):
            for attempt_id in claimed:
                _send(attempt_id, now, with_statements=with_statements)


def _send(attempt_id: int, now: datetime, *, with_statements: bool) -> None:
    attempt = ContactAttempt.objects.select_related("customer__owner").get(pk=attempt_id)
    ours, day = Company.load(), attempt.local_date
    try:
        if with_statements:
            render_and_freeze(attempt, ours, today=day)
        else:
            _freeze_without_statement(attempt, ours, day)
    except NoRecipient as error:
        moves.cancel(attempt_id, reason="no_recipient", text=str(error)[:300])
        return
    own_id = message_id(attempt.uuid, ours.sender_email)
    moves.begin_sending(attempt_id, WORKER, lease=LEASE, message_id=own_id)
    # Leases run on the database clock, which knows nothing of the past.
    ContactAttempt.objects.filter(pk=attempt_id).update(sending_at=now)
    record.sent(Errand(attempt_id, WORKER, now, day), Receipt("file", own_id))


def _freeze_without_statement(attempt: ContactAttempt, ours: Company, day: date) -> None:
    """Hundreds of statements nobody opens would take a minute; only the newest have theirs."""
    notice = replace(notice_of(attempt, today=day), channel="internal")
    content = render_email(notice, text_of(attempt))
    message = build_message(content, parties_of(attempt, ours).envelope)
    freeze(attempt, message, truth.digest(attempt, today=day))


def bounce(book: Book, firm: str, now: datetime) -> None:
    """The newest e-mail to a customer comes back: the mailbox is gone."""
    sent = ContactAttempt.objects.filter(
        customer=book.customers[firm], channel=Channel.EMAIL, state=AttemptState.SENT
    )
    newest = sent.order_by("-sent_at").first()
    if newest is None:
        return
    with clock.at(now):
        report = reports.Report(
            "file", "bounced", at=now, message_id=newest.message_id,
            recipient=book.firms[firm].people[0].email, reject_reason="bounced",
            description="550 5.1.1 no such mailbox",
        )  # fmt: skip
        if event := reports.store(report, now=now):
            reports.apply(event, now=now)


def reply(book: Book, each: Wrote) -> None:
    """An e-mail of theirs lies in the inbox, unread."""
    customer = book.customers[each.firm]
    at = moment(each.on, 15, 20)
    ours = ContactAttempt.objects.filter(
        customer=customer, channel=Channel.EMAIL, state=AttemptState.SENT
    )
    with clock.at(at):
        row = Inbound.objects.create(
            customer=customer, attempt=ours.order_by("-sent_at").first(), received_at=at,
            from_address=book.firms[each.firm].people[0].email, subject=each.subject,
            text=each.text,
        )  # fmt: skip
        summary = f"Reply: {each.subject}"
        events.record(Entry("reply.received", "inbound", row.pk, summary, customer.pk))
        touch(customer.pk)


def handle_letters(book: Book, day: date, now: datetime) -> None:
    """Print what was approved, take it to the post, and note what the post reports."""
    mia = actor_of(book.staff["mia"])
    waiting = ContactAttempt.objects.filter(channel=Channel.LETTER, state=AttemptState.PLANNED)
    ids = [
        attempt.pk for attempt in waiting.select_related("customer")
        if book.firms[attempt.customer.number].story in POSTED
    ]  # fmt: skip
    for letter in print_letters(ids, actor=mia, now=now).letters:
        number = article_number(letter.pk)
        mark_posted(letter.pk, day, number, actor=mia, receipt_number=f"95{number[2:-1]}")
    on_the_way = Letter.objects.filter(
        status=LetterStatus.POSTED, posted_on__lte=day - ON_THE_WAY
    ).select_related("attempt__customer")
    for letter in on_the_way:
        signer = book.firms[letter.attempt.customer.number].people[-1].name
        mark_delivery(letter.pk, LetterStatus.DELIVERED, day, signer, actor=mia)


def article_number(serial: int) -> str:
    """A certified mail number with its check digit (FACTS §2), of a mailer that does not exist."""
    payload = f"9407100000000{serial:06d}"
    total = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(payload[::-1])
    )
    return f"{payload}{-total % 10}"
