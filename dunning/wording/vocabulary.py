"""What customer copy never says, tone by tone (PROTOCOL section 3). Data, read by the linter.

These are defaults of good practice, not legal advice.
"""

import re
from dataclasses import dataclass

from dunning.wording.notice import TONES


@dataclass(frozen=True, slots=True)
class Ban:
    """Words that may not stand in texts of these tones, and what to do instead."""

    pattern: re.Pattern[str]
    tones: frozenset[str]
    advice: str


def _ban(words: str, tones: tuple[str, ...], advice: str) -> Ban:
    return Ban(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), frozenset(tones), advice)


_BEFORE_FINAL = TONES[:-1]
_BEYOND_FIRM = TONES[3:]

BANS = (
    _ban("debts?|debtors?|indebted(?:ness)?", TONES, "say “amount open” or “balance”"),
    _ban("delinquen(?:t|cy|ts)", TONES, "say “past due”"),
    _ban("ignored|ignoring", TONES, "it accuses; say what you would like to happen"),
    _ban("failed to|failing to|failure to", TONES, "it accuses; say what is still open"),
    _ban("despite", TONES, "it accuses; list the contacts with their dates"),
    _ban(
        "no (?:response|reply|answer)|not (?:responded|replied|answered)|unresponsive",
        TONES,
        "it accuses; list the contacts with their dates",
    ),
    _ban("or else|deadbeat|excuses?|refus(?:e|ed|al) to pay", TONES, "never threaten or judge"),
    _ban("(?:second|2nd|last and|another|third) final|final final", TONES, "“final” is said once"),
    _ban("just a (?:friendly |gentle )?reminder", _BEYOND_FIRM, "too soft for this tone"),
    _ban(
        "legal action|legal steps|legal proceedings|law ?suits?|sue|court|attorneys?|lawyers?"
        "|solicitors?|bailiffs?|collections? agenc(?:y|ies)|credit (?:bureau|report|rating)s?",
        _BEFORE_FINAL,
        "consequences belong to the final demand",
    ),
    _ban("final", _BEFORE_FINAL, "only the final demand is final"),
    _ban("consequences?", _BEFORE_FINAL, "only the final demand states what will follow"),
    _ban(
        "immediate(?:ly)? attention|serious matter|matter is serious", _BEFORE_FINAL, "too strong"
    ),
    _ban("seriously", TONES[:4], "too strong for this tone"),
    _ban("urgent(?:ly)?|prompt attention", TONES[:4], "too strong for this tone"),
    _ban(
        "immediate(?:ly)?|at once|must|demand(?:s|ed)?|insist|serious|without delay",
        ("courtesy", "friendly"),
        "pressure; ask kindly",
    ),
    _ban("overdue|late|past due|outstanding", ("courtesy",), "nothing is late yet"),
)

THANKS_FOR_BUSINESS = re.compile(
    r"\bthank(?:s| you)[^.\n]{0,30}\b(?:business|custom|loyalty|partnership)\b", re.IGNORECASE
)
PLAN_OFFER = re.compile(r"\b(?:payment plan|instal?ments?|pay in parts)\b", re.IGNORECASE)
INTEREST = re.compile(
    r"\b(?:late(?:[- ]payment)? (?:fee|charge)s?|interest(?! in)|surcharge)\b", re.I
)
RELATIVE_DEADLINE = re.compile(
    r"\bwithin (?:the next )?(?:\d+|a|one|two|three|five|seven|ten|fourteen|thirty)"
    r" (?:business |working |calendar )?(?:days?|weeks?|hours?)\b",
    re.IGNORECASE,
)
LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*:\/\/|www\.|javascript:|data:|mailto:)", re.IGNORECASE)
BANK_DETAILS = re.compile(
    r"\b(?:IBAN|[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,}|sort code|account no\.? ?\d|routing number)\b"
)
MARKUP = re.compile(r"<\s*[a-z!/?]|&[a-z#0-9]+;", re.IGNORECASE)
CAPITALS = re.compile(r"\b[A-Z]{3,}\b")
KNOWN_CAPITALS = frozenset(
    re.findall(
        r"\w+",
        "ACH ATM AUD BACS BIC CAD CET CHAPS CHF COD CSV DHL EOM EUR FAQ GBP GMT "
        "IBAN INR JPY LLC NOK NZD PDF PLC PLN SEK SEPA SWIFT UPS USA USD USPS UTC VAT",
    )
)
"""Abbreviations that are no shouting."""
