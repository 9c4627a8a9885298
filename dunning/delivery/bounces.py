"""Why a message came back, and whether its address is dead (FACTS §9).

A status of 5.x.x alone says little: full mailboxes, policies and spam filters answer with it
too. An address counts as dead only where the report says that the user or the host does not
exist. Reports of providers come through webhooks, those of mail servers as messages
(RFC 3464); both are read by the same rules.
"""

import email
import re
from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import getaddresses
from enum import StrEnum

LONGEST = 2_000_000


class Cause(StrEnum):
    """What stood in the way."""

    UNKNOWN_USER = "unknown_user"
    UNKNOWN_HOST = "unknown_host"
    FULL = "mailbox_full"
    POLICY = "policy"
    TEMPORARY = "temporary"
    OTHER = "other"

    @property
    def is_dead(self) -> bool:
        """Whether the address will never take a message."""
        return self in {Cause.UNKNOWN_USER, Cause.UNKNOWN_HOST}


# The first that fits decides: what speaks for a living address comes before what speaks
# against it, because a wrong "dead" stops all further mail.
_WORDS: tuple[tuple[Cause, str], ...] = (
    (
        Cause.FULL,
        r"quota|mailbox (is )?full|full mailbox|mailbox.{0,30}(exceed|too large)|over.?quota"
        r"|insufficient (system )?(storage|disk)|exceed\w* .{0,30}(storage|size|limit|space)"
        r"|out of storage|not enough (storage )?space|disk full|temporarily over",
    ),
    (
        Cause.POLICY,
        r"spam|spf|dkim|dmarc|blacklist|black list|block(ed|list)|reputation|rbl|dnsbl|virus"
        r"|not authori[sz]ed|unauthori[sz]ed|authentication (required|failed|is required)"
        r"|relay(ing)? (access )?(denied|not|is)|unable to relay"
        r"|rejected (by|due to) (policy|content|the)"
        r"|policy (reason|violation|restriction)|(local|security|administrative) policy"
        r"|access denied|administratively|prohibit|permission|suspend|disabled|inactive"
        r"|rate limit|too (many|large|big|fast)|reverse dns|ptr|bad helo|restrict|not permitted"
        r"|not allowed|refused by|due to (security|content)|sender .{0,40}(reject|invalid|denied)"
        r"|domain of sender|filter|null sender|bounce message|preferences",
    ),
    (
        Cause.TEMPORARY,
        r"time[d]? ?-?out|try (again|later)|retry|temporar|greylist|deferred|delivery time expired"
        r"|connection (refused|reset|closed|lost|dropped)|could not be delivered for"
        r"|expired|delayed|hop count|loop|queue (too|life)|unreachable",
    ),
    (
        Cause.UNKNOWN_HOST,
        r"(host|domain)( name)?( is)? (unknown|not found|does not exist|not exist)"
        r"|unknown (host|domain)"
        r"|(host|domain)( name)? .{0,60}(not found|does ?n.t exist|could not be found)"
        r"|no such (host|domain)|name or service not known|nxdomain|null mx"
        r"|unrouteable (mail )?domain"
        r"|couldn.t find any host|illegal host|bad destination host|domain .{0,60}no (mx|a) ",
    ),
    (
        Cause.UNKNOWN_USER,
        r"(user|mailbox|recipient|account|address|addressee|person|mail box|login)\W{0,3}.{0,60}"
        r"(unknown|not found|does ?n.t exist|does not exist|do not exist|not exist|not known"
        r"|not listed|no longer (valid|exists|available|here|active)|not a valid|is invalid"
        r"|isn.t|undeliverable|not here|is not (known|recogni[sz]ed|our customer))"
        r"|(unknown|no such|invalid|nonexistent|non-existent|bad|undefined|incorrect)"
        r"( local| destination| (e-?)?mail(box)?)?.{0,3}(user|mailbox|recipient|account|addressee"
        r"|address|person|alias)"
        r"|no mailbox (here|found|by)|no mail ?box|user unknown|no user"
        r"|not a (known )?(user|recipient)"
        r"|mailbox unavailable or access denied|does not like recipient|address rejected"
        r"|there is no one|doesn.t have a .{0,30}account|no account|unrouteable address"
        r"|not our customer|email account that you tried to reach|unable to find recipient",
    ),
)
_RULES = tuple((cause, re.compile(pattern, re.IGNORECASE)) for cause, pattern in _WORDS)
# Codes that name their cause by themselves (RFC 3463, RFC 7505).
_BY_CODE = {
    "5.1.1": Cause.UNKNOWN_USER,
    "5.1.2": Cause.UNKNOWN_HOST,
    "5.1.6": Cause.UNKNOWN_USER,
    "5.1.10": Cause.UNKNOWN_HOST,
    "5.2.2": Cause.FULL,
    "4.2.2": Cause.FULL,
}
_CODE = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


def cause_of(text: str, status: str = "") -> Cause:
    """The cause that a report states in its words, else by its code; OTHER where it says none."""
    found = _CODE.search(status) or _CODE.search(text)
    code = found.group(1) if found else ""
    said = next((cause for cause, pattern in _RULES if pattern.search(text)), None)
    if code.startswith("4.") and (said is None or said.is_dead):
        return Cause.TEMPORARY  # who calls it temporary does not know that it is dead
    return said or _BY_CODE.get(code, Cause.OTHER)


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient that a returned message speaks of."""

    recipient: str
    failed: bool
    status: str
    text: str
    message_id: str

    @property
    def cause(self) -> Cause:
        """What stood in the way, by the report's words."""
        return cause_of(self.text, self.status)


def read_bounces(raw: bytes) -> list[Bounce]:
    """The recipients of a delivery report (RFC 3464); nothing where the message is none.

    ``message_id`` is that of the message it is about, where the report carries it back.
    """
    try:
        message = email.message_from_bytes(raw[:LONGEST], policy=default)
        about = _original_id(message)
        return [
            bounce
            for part in message.walk()
            if part.get_content_type() == "message/delivery-status"
            for bounce in _recipients(part, about)
        ]
    except (MessageError, ValueError, LookupError, AttributeError, IndexError):
        return []  # Python's parser gives up on some broken headers with these


def _recipients(part: Message, about: str) -> list[Bounce]:
    blocks = part.get_payload()
    if not isinstance(blocks, list):
        return []
    found = []
    for block in blocks:
        if not isinstance(block, Message):
            continue
        fields = {name.lower(): str(value) for name, value in block.raw_items()}
        named = fields.get("original-recipient") or fields.get("final-recipient")
        if not named:
            continue
        action = fields.get("action", "failed").strip().lower()
        found.append(
            Bounce(
                recipient=_address(fields.get("final-recipient") or named),
                failed=action.startswith("failed"),
                status=fields.get("status", "").strip()[:20],
                text=" ".join(fields.get("diagnostic-code", "").split())[:1000],
                message_id=about,
            )
        )
    return found


def _address(field: str) -> str:
    """``rfc822; <a@b.example>`` → ``a@b.example``."""
    bare = field.partition(";")[2] or field
    found = [address for _, address in getaddresses([bare.strip()]) if address]
    return (found[0] if found else bare).strip().lower()[:254]


def _original_id(message: EmailMessage) -> str:
    """The Message-ID of what came back, from the copy of it inside the report."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inner = part.get_payload()
            if isinstance(inner, list) and inner and isinstance(inner[0], Message):
                return str(inner[0].get("Message-ID", "")).strip()
        if kind == "text/rfc822-headers":
            head = email.message_from_string(str(part.get_payload()))
            return str(head.get("Message-ID", "")).strip()
    return ""
