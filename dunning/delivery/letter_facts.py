"""What belongs to letters only: number, how they are posted, enclosures, consequences."""

from datetime import timedelta

from arfollow.staff.models import Company
from customers.models import LegalType
from dunning.delivery.behind import copies_of
from dunning.models import AttemptState, Channel, ContactAttempt, StepAction, Tone

_MAILING = {
    "US": "Certified Mail, Return Receipt Requested",
    "GB": "Royal Mail Signed For, Return Receipt Requested",
    "DE": "Einschreiben mit Rückschein (Return Receipt Requested)",
    "FR": "Recommandé avec avis de réception (Return Receipt Requested)",
}
_ANYWHERE = "Registered Mail, Return Receipt Requested"
_PEOPLE = (LegalType.SOLE_TRADER, LegalType.CONSUMER)
_COMING = (AttemptState.HELD, AttemptState.PLANNED, AttemptState.SENT)
POST_DAYS = 10
_UK_FORMS = ("Information sheet", "Reply form", "Financial statement form")


def number_of(attempt: ContactAttempt) -> str:
    """The letter's own number: it never changes and is never given twice."""
    return f"L-{attempt.planned_on.year}-{attempt.pk:06d}"


def mailing(country: str) -> str:
    """How certified letters are posted from our country, as the endorsement says it."""
    return _MAILING.get(country, _ANYWHERE)


def enclosures(attempt: ContactAttempt) -> tuple[str, ...]:
    """What has to lie with the letter: originals on file, and the forms a person in the UK gets.

    The forms are those of the pre-action protocol for people (FACTS section 6); this is a
    default for staff to check, not legal advice.
    """
    copies = tuple(copy.label for copy in copies_of(attempt) if not copy.missing)
    if attempt.tone != Tone.FINAL:
        return copies
    customer = attempt.customer
    is_person = customer.country == "GB" and customer.legal_type in _PEOPLE
    return copies + (_UK_FORMS if is_person else ())


def also_by_post(attempt: ContactAttempt) -> bool:
    """Whether a final demand by letter is on its way beside this e-mail."""
    near = timedelta(days=POST_DAYS)
    letters = ContactAttempt.objects.filter(
        customer_id=attempt.customer_id,
        channel=Channel.LETTER,
        tone=Tone.FINAL,
        live=True,
        planned_on__gte=attempt.planned_on - near,
        planned_on__lte=attempt.planned_on + near,
    )
    return letters.filter(state__in=_COMING).exclude(pk=attempt.pk).exists()


def consequences(attempt: ContactAttempt, company: Company) -> tuple[str, ...]:
    """Only what the attempt's own policy does next: the hand-over, where it has one."""
    follows = StepAction.objects.filter(
        step__version_id=attempt.policy_version_id, channel=Channel.HANDOVER
    )
    if attempt.policy_version_id is None or not follows.exists():
        return ()
    agency = company.agency_name or "a collection agency"
    return (f"We place the account with {agency}.",)
