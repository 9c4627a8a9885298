"""SMTP by its phases: before the text is handed over everything is certain, after it little is.

Django's backend opens the connection (TLS, log-in); the message goes over it step by
step, so that a failure is named for the step it happened in (RFC 1047, DELIVERY §2.3).
"""

import smtplib
from contextlib import suppress

from django.core.mail.backends.smtp import EmailBackend

from dunning.delivery.base import Ambiguous, DeliveryError, Frozen, NotTaken, Receipt, Refused
from dunning.delivery.fence import Fence
from dunning.delivery.frozen import addresses

TAKEN = 250
GO_AHEAD = 354
CLOSING = 421
PROVIDER = "smtp"
STALLED = "fell silent before the text"


def send(backend: EmailBackend, frozen: Frozen, fence: Fence) -> Receipt:
    """Hand one message over the backend's connection, which is opened where it is not."""
    sender, recipients = _plain(backend, frozen)
    connection = _connected(backend)
    try:
        fence.at("naming the sender")
        _greet(connection, sender)
        fence.at("naming the recipients")
        refused = _name_recipients(connection, recipients)
        fence.at("asking to send the text")
        _ask_for_data(connection)
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        drop(backend)
        said = f"The mail server hung up before the text: {_said(error)}"
        raise NotTaken(said, cause=STALLED) from error
    _cross(backend, fence)
    _hand_over(backend, connection, frozen.raw)
    return Receipt(PROVIDER, frozen.headers.get("Message-ID", ""), refused)


def _cross(backend: EmailBackend, fence: Fence) -> None:
    try:
        fence.cross()
    except NotTaken:  # the server waits for a text: hanging up is the only way to send none
        drop(backend)
        raise


def drop(backend: EmailBackend) -> None:
    """Forget a connection that is no good any more, and one that never became one: Django
    would say QUIT to that before the next try, to a server that answers nothing."""
    for name in ("connection", "_partial_connection"):
        connection = getattr(backend, name, None)
        setattr(backend, name, None)
        if connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                connection.close()


def leave(backend: EmailBackend) -> None:
    """Say QUIT and close, whatever the server answers."""
    with suppress(OSError, smtplib.SMTPException):
        backend.close()
    drop(backend)


def _plain(backend: EmailBackend, frozen: Frozen) -> tuple[str, list[str]]:
    try:
        sender = backend.prep_address(frozen.sender)
        return sender, [backend.prep_address(to) for to in addresses(frozen.recipients)]
    except ValueError as error:
        raise Refused(str(error), reason="refused_address") from error


def _connected(backend: EmailBackend) -> smtplib.SMTP:
    """An open connection; a kept one that the server closed meanwhile is opened anew."""
    if backend.connection is not None and not _alive(backend.connection):
        drop(backend)
    try:
        backend.open()
    except (smtplib.SMTPException, OSError) as error:
        drop(backend)
        raise _shut_out(error) from error
    if backend.connection is None:
        raise NotTaken("The mail server gave no connection.", is_outage=True)
    return backend.connection


def _shut_out(error: Exception) -> DeliveryError:
    """Why there is no connection: our key, our set-up, or trouble on their side (a 4xx, also
    of AUTH and STARTTLS, is theirs). Of plain replies only STARTTLS makes the bare exception."""
    code = getattr(error, "smtp_code", 0)
    if isinstance(error, smtplib.SMTPAuthenticationError) and code >= 500:
        return Refused(_said(error), reason="refused_key", is_config=True)
    no_tls = type(error) is smtplib.SMTPResponseException and code >= 500
    if no_tls or isinstance(error, smtplib.SMTPNotSupportedError):
        return Refused(_said(error), reason="refused_setup", is_config=True)
    return NotTaken(f"The mail server cannot be reached: {_said(error)}", is_outage=True)


def _alive(connection: smtplib.SMTP) -> bool:
    try:
        return connection.rset()[0] == TAKEN
    except (smtplib.SMTPException, OSError):
        return False


def _greet(connection: smtplib.SMTP, sender: str) -> None:
    connection.ehlo_or_helo_if_needed()
    code, answer = connection.mail(sender)
    if code != TAKEN:
        _refuse(connection, code, answer, "the sender", "refused_setup", is_config=True)


def _name_recipients(connection: smtplib.SMTP, recipients: list[str]) -> dict[str, str]:
    """Recipients that were refused for good; an error where the message reaches nobody."""
    refused: dict[str, str] = {}
    for recipient in recipients:
        code, answer = connection.rcpt(recipient)
        if code in (TAKEN, 251):
            continue
        if code < 500:
            _refuse(connection, code, answer, recipient, "refused_address")
        refused[recipient] = _text(code, answer)
    if len(refused) == len(recipients):
        _start_over(connection)
        said = "; ".join(f"{address} was not taken: {words}" for address, words in refused.items())
        raise Refused(said[:300], reason="refused_address", recipients=refused)
    return refused


def _ask_for_data(connection: smtplib.SMTP) -> None:
    code, answer = connection.docmd("DATA")
    if code != GO_AHEAD:
        _refuse(connection, code, answer, "the message", "refused_content")


def _hand_over(backend: EmailBackend, connection: smtplib.SMTP, raw: bytes) -> None:
    """From here on a silence may mean that they have it."""
    try:
        connection.send(_dotted(raw))
        code, answer = connection.getreply()
    except (smtplib.SMTPException, OSError) as error:
        drop(backend)
        raise Ambiguous(f"The mail server fell silent after the text: {_said(error)}") from error
    if code == CLOSING:
        drop(backend)
        raise Ambiguous(f"The mail server closed after the text: {_text(code, answer)}")
    if code != TAKEN:
        _refuse(connection, code, answer, "the message", "refused_content")


def _dotted(raw: bytes) -> bytes:
    """Dots at the start of a line doubled, the end marked (RFC 5321, 4.5.2)."""
    body = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    body = body.replace(b"\r\n.", b"\r\n..")
    return (b"." + body if body.startswith(b".") else body) + b".\r\n"


def _refuse(
    connection: smtplib.SMTP,
    code: int,
    answer: bytes,
    what: str,
    reason: str,
    *,
    is_config: bool = False,
) -> None:
    """4xx: later; 5xx: never. Leaves the connection fit for the next message."""
    _start_over(connection)
    said = f"{what} was not taken: {_text(code, answer)}"
    if code < 500:
        raise NotTaken(said, cause="" if reason == "refused_address" else f"{what} {code}")
    raise Refused(said, reason=reason, is_config=is_config)


def _start_over(connection: smtplib.SMTP) -> None:
    with suppress(smtplib.SMTPException, OSError):
        connection.rset()


def _text(code: int, answer: bytes) -> str:
    return f"{code} {answer.decode('utf-8', 'replace')}"[:300]


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        raw = answer if isinstance(answer, bytes) else str(answer).encode()
        return _text(error.smtp_code, raw)
    return f"{type(error).__name__}: {error}"[:300]
