"""A provider's API through Anymail: which answers prove something (DELIVERY §2.3)."""

from datetime import timedelta
from typing import Any

import requests
from anymail.backends.base_requests import AnymailRequestsBackend
from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.mail.backends.base import BaseEmailBackend

from dunning.delivery.base import Ambiguous, DeliveryError, Frozen, NotTaken, Receipt, Refused
from dunning.delivery.fence import Fence
from dunning.delivery.fenced import guard
from dunning.delivery.frozen import as_mail

LONGEST_WAIT = timedelta(hours=1)
TOO_MANY = 429
KEY_REFUSED = frozenset({401, 403})
MAY_HAVE_IT = frozenset({408, 409, 425})
BAD_REQUEST = 400
BREVO, BREVO_KEY = "Brevo", "idempotencyKey"
OURS_TO_MEND = (AnymailInvalidAddress, AnymailSerializationError, AnymailUnsupportedFeature)


def send(backend: BaseEmailBackend, frozen: Frozen, fence: Fence) -> Receipt:
    """Post one message. The attempt's id travels as metadata, and as the key of its doubles."""
    mail = as_mail(frozen)
    _prepare(backend, frozen, fence)
    if getattr(backend, "esp_name", "") == BREVO:
        mail.extra_headers[BREVO_KEY] = frozen.attempt  # the same key twice: refused as a double
    try:
        backend.send_messages([mail])
    except AnymailError as error:
        if _known_by_key(backend, error):
            return Receipt("brevo")
        raise classify(error, crossed=fence.crossed) from error
    except requests.RequestException as error:
        raise _silent(_said(error), crossed=fence.crossed) from error
    except ValueError as error:  # a header or an address that cannot be written
        raise Refused(_said(error), reason="refused_address") from error
    return _receipt(backend, mail.anymail_status)


def _prepare(backend: BaseEmailBackend, frozen: Frozen, fence: Fence) -> None:
    """One session for all messages; no redirects: the first host has the body already.

    The fence is crossed when there is a connection and the request begins; a backend that does
    not use `requests` crosses it here.
    """
    backend.open()
    if not isinstance(backend, AnymailRequestsBackend) or backend.session is None:
        fence.cross()
        return
    guard(backend.session, fence)
    backend.session.max_redirects = 0
    if backend.esp_name == "Resend":  # the same key twice is one message, for 24 hours
        backend.session.headers["Idempotency-Key"] = frozen.attempt


def _known_by_key(backend: BaseEmailBackend, error: AnymailError) -> bool:
    """Brevo refuses a key that it has seen: so it has the message."""
    if getattr(backend, "esp_name", "") != BREVO or error.status_code != BAD_REQUEST:
        return False
    response = error.response if isinstance(error, AnymailRequestsAPIError) else None
    said = response.text if response is not None else ""
    return "duplicate_parameter" in said and "dempoten" in said


def _receipt(backend: BaseEmailBackend, status: Any) -> Receipt:
    refused = {
        address: str(recipient.status)
        for address, recipient in status.recipients.items()
        if recipient.status in {"rejected", "invalid", "failed"}
    }
    given = status.message_id
    ids = {given} if isinstance(given, str) else given or set()  # or one for each recipient
    identifier = min((each for each in ids if each), default="")
    name = str(getattr(backend, "esp_name", "mail")).lower()
    return Receipt(name[:40], identifier[:200], refused)


def classify(error: AnymailError, *, crossed: bool = True) -> DeliveryError:
    """What an exception of Anymail proves. Anything that proves nothing is ambiguous once the
    request had begun; before that (no name, no connection, no TLS) nothing can have left."""
    said = _said(error)
    if isinstance(error, AnymailConfigurationError):
        return Refused(said, reason="refused_setup", is_config=True)
    if isinstance(error, OURS_TO_MEND):
        return Refused(said, reason="refused_content")
    if isinstance(error, AnymailRecipientsRefused):
        return Refused(said, reason="refused_address")
    status = error.status_code
    if status is None:
        return _silent(said, crossed=crossed)
    return _by_status(status, said, error)


def _silent(said: str, *, crossed: bool) -> DeliveryError:
    return Ambiguous(said) if crossed else NotTaken(said, is_outage=True)


def _by_status(status: int, said: str, error: AnymailError) -> DeliveryError:
    if status == TOO_MANY:
        return NotTaken(said, wait=_retry_after(error), is_outage=True)
    if status in KEY_REFUSED:
        return Refused(said, reason="refused_key", is_config=True)
    if 400 <= status < 500 and status not in MAY_HAVE_IT:
        return Refused(said, reason="refused_content")
    return Ambiguous(said)


def _retry_after(error: AnymailError) -> timedelta | None:
    response = error.response if isinstance(error, AnymailRequestsAPIError) else None
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return min(timedelta(seconds=int(asked)), LONGEST_WAIT) if asked.isdigit() else None


def _said(error: Exception) -> str:
    """The first line: what follows it may hold the message."""
    lines = f"{type(error).__name__}: {error}".strip().splitlines()
    status = getattr(error, "status_code", None)
    return (f"{lines[0]} (status {status})" if status else lines[0])[:300]
