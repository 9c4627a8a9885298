"""The notice of an attempt: everything its message says, read from the ledger of this moment.

About fifteen queries, however many items the attempt names. What an attempt's ``content`` may
hold: "purpose" (of ``dunning.wording.notice.Purpose``), "subject" and "body" (a text edited for
this message only), "payment_amount", "payment_currency" and "payment_date" (of a thank-you).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Max

from arfollow.staff.models import Company as CompanyRow
from dunning.delivery.history import internal_facts, prior_contacts
from dunning.delivery.identity import company_of, person_of, recipient_of
from dunning.delivery.interest_facts import interest_of
from dunning.delivery.letter_facts import (
    also_by_post,
    consequences,
    enclosures,
    mailing,
    number_of,
)
from dunning.delivery.lines import Ledger, line_of
from dunning.facts import paid_towards
from dunning.models import (
    AttemptKind,
    Channel,
    ContactAttempt,
    ItemPart,
    MessageTemplate,
    PromiseStatus,
    Tone,
)
from dunning.wording import Text, preset
from dunning.wording.notice import (
    CurrencyTable,
    Line,
    Notice,
    Payment,
    PlanNote,
    PromiseNote,
    Purpose,
)
from dunning.wording.texts import FALLBACK_LANGUAGE, default_tone
from invoices.models import LedgerSource

ASKED_TO_COLLEAGUES = (Channel.INTERNAL, Channel.HANDOVER)
_PURPOSES = {
    AttemptKind.STATEMENT: Purpose.STATEMENT,
    AttemptKind.ASK_RECEIVED: Purpose.SKIPPED_ITEM,
    AttemptKind.RESEND: Purpose.RESEND,
    AttemptKind.THANKS: Purpose.CROSSED,
    AttemptKind.PROMISE_CONFIRMED: Purpose.PROMISE,
    AttemptKind.PROMISE_NUDGE: Purpose.PROMISE_NUDGE,
    AttemptKind.PLAN_CONFIRMED: Purpose.PLAN,
    AttemptKind.TEST: Purpose.TEST,
}
_SPOKEN = (Channel.CALL, Channel.VISIT)
_WRITTEN = (AttemptKind.MANUAL, AttemptKind.ANSWER)
_WITH_DEADLINE = (Tone.FIRM, Tone.DIRECT, Tone.URGENT, Tone.FINAL)


def notice_of(attempt: ContactAttempt, *, today: date, company: CompanyRow | None = None) -> Notice:
    """The attempt's notice as of ``today``, the customer's date."""
    row = company or CompanyRow.load()
    purpose = purpose_of(attempt)
    tables = _tables(attempt)
    is_letter = attempt.channel == Channel.LETTER
    return Notice(
        company=company_of(row),
        contact=person_of(attempt, row),
        recipient=recipient_of(attempt),
        date=today,
        tone=attempt.tone,
        tables=tables,
        received_through=received_through(today),
        purpose=purpose,
        channel=attempt.channel,
        deadline=attempt.pay_by if attempt.tone in _WITH_DEADLINE else None,
        prior_contacts=() if attempt.kind == AttemptKind.TEST else prior_contacts(attempt),
        promise=_promise(attempt, today),
        plan=_plan(attempt),
        payment=_payment(attempt),
        interest=interest_of(attempt, tables) if attempt.tone in _WITH_DEADLINE else (),
        consequences=consequences(attempt, row) if attempt.tone == Tone.FINAL else (),
        offers_plan=attempt.offers_plan,
        also_by_post=purpose is Purpose.FINAL_DEMAND and also_by_post(attempt),
        complained=any(table.in_query for table in tables),
        letter_number=number_of(attempt) if is_letter else "",
        mailing=mailing(row.country) if is_letter and attempt.certified else "",
        enclosures=enclosures(attempt) if is_letter else (),
        internal=internal_facts(attempt) if purpose is Purpose.INTERNAL else None,
    )


def purpose_of(attempt: ContactAttempt) -> Purpose:
    """Why the message is written."""
    stated = attempt.content.get("purpose", "")
    if stated in set(Purpose):
        return Purpose(stated)
    if attempt.channel in ASKED_TO_COLLEAGUES:
        return Purpose.INTERNAL
    if attempt.kind in _WRITTEN and "body" in attempt.content:
        return Purpose.MANUAL
    if attempt.channel not in _SPOKEN and attempt.kind in _PURPOSES:
        return _PURPOSES[AttemptKind(attempt.kind)]
    if attempt.channel == Channel.EMAIL and attempt.promise and attempt.promise.kept_amount:
        return Purpose.PROMISE_PART_KEPT
    final = attempt.tone == Tone.FINAL and attempt.channel not in _SPOKEN
    return Purpose.FINAL_DEMAND if final else Purpose.REMINDER


def text_of(attempt: ContactAttempt) -> Text:
    """The text to fill: edited for this message, edited for all, else the preset."""
    purpose = purpose_of(attempt)
    edited = attempt.content
    if "body" in edited:
        return text_with(attempt, str(edited.get("subject", "")), str(edited["body"]))
    for row in _own_texts(attempt, purpose):
        return text_with(attempt, row.subject, row.body, row.language)
    language = attempt.language or FALLBACK_LANGUAGE
    return preset(purpose, attempt.channel, attempt.tone, language)


def _own_texts(attempt: ContactAttempt, purpose: Purpose) -> list[MessageTemplate]:
    """Our own texts for it, the best first: its tone, its language.

    Beside the ladder a purpose has one text for every tone.
    """
    if purpose is Purpose.LETTER_COPY:
        return []
    kind = "" if attempt.kind == AttemptKind.LADDER else attempt.kind
    tones = (attempt.tone, default_tone(purpose)) if kind else (attempt.tone,)
    own = MessageTemplate.objects.filter(
        channel=attempt.channel,
        tone__in=tones,
        kind=kind,
        current=True,
        language__in=(attempt.language, FALLBACK_LANGUAGE),
    )

    def farther(row: MessageTemplate) -> tuple[bool, bool]:
        return row.tone != attempt.tone, row.language != attempt.language

    return sorted(own, key=farther)


def text_with(
    attempt: ContactAttempt, subject: str, body: str, language: str = FALLBACK_LANGUAGE
) -> Text:
    """A text with these words for what this attempt is about."""
    return Text(
        purpose=purpose_of(attempt),
        channel=attempt.channel,
        tone=attempt.tone,
        subject=subject,
        body=body,
        language=language,
    )


def received_through(today: date) -> date:
    """The last day whose payments are counted: that of the newest import, or today (rule 7)."""
    newest: date | None = LedgerSource.objects.aggregate(newest=Max("as_of"))["newest"]
    return min(newest, today) if newest else today


def _tables(attempt: ContactAttempt) -> tuple[CurrencyTable, ...]:
    """A table per currency in three parts, oldest item first; the main currency leads."""
    rows = list(attempt.items.select_related("invoice__terms", "invoice__customer").order_by("pk"))
    ledger = Ledger.of(attempt.customer, rows)
    parts: dict[str, dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        parts[row.currency][row.part].append(line_of(row, ledger))
    main = attempt.customer.currency
    ordered = sorted(parts, key=lambda code: (code != main, code))
    return tuple(_table(currency, parts[currency]) for currency in ordered)


def _table(currency: str, parts: dict[str, list[Line]]) -> CurrencyTable:
    return CurrencyTable(
        currency=currency,
        please_pay=_sorted(parts[ItemPart.PLEASE_PAY]),
        in_query=_sorted(parts[ItemPart.IN_QUERY]),
        not_yet_due=_sorted(parts[ItemPart.NOT_YET_DUE]),
    )


def _sorted(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Account by account, oldest first, credits last."""
    return tuple(
        sorted(
            lines,
            key=lambda line: (
                line.is_credit,
                line.account,
                line.due_date or date.max,
                line.number,
            ),
        )
    )


def _promise(attempt: ContactAttempt, today: date) -> PromiseNote | None:
    row = attempt.promise
    if row is None:
        return None
    is_open = row.status == PromiseStatus.OPEN
    return PromiseNote(
        on=row.due_on,
        amount=row.amount,
        currency=row.currency,
        received=paid_towards(row, until=today) if is_open else row.kept_amount,
        noted_on=row.made_on,
    )


def _plan(attempt: ContactAttempt) -> PlanNote | None:
    row = attempt.plan
    if row is None:
        return None
    parts = row.instalments.values_list("due_on", "amount")
    return PlanNote(currency=row.currency, parts=tuple(parts))


def _payment(attempt: ContactAttempt) -> Payment | None:
    told = attempt.content
    if "payment_amount" not in told:
        return None
    return Payment(
        amount=Decimal(str(told["payment_amount"])),
        currency=str(told["payment_currency"]),
        on=date.fromisoformat(str(told["payment_date"])),
    )
