"""MAIL_URL, one line, becomes an entry of Django's MAILERS.

Secrets stay out of every message this module raises.
"""

from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

FILE_BACKEND = "arfollow.shared.mailfile.EmailBackend"
SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
MEMORY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# Connecting and each answer of the other side, in seconds.
SMTP_TIMEOUT = 10

# scheme -> (backend, what the provider calls its key)
PROVIDERS = {
    "postmark": ("anymail.backends.postmark.EmailBackend", "server_token"),
    "mailgun": ("anymail.backends.mailgun.EmailBackend", "api_key"),
    "sendgrid": ("anymail.backends.sendgrid.EmailBackend", "api_key"),
    "brevo": ("anymail.backends.brevo.EmailBackend", "api_key"),
    "resend": ("anymail.backends.resend.EmailBackend", "api_key"),
}
# scheme -> what Anymail calls the key of signed webhooks
SIGNED_WITH = {
    "mailgun": "MAILGUN_WEBHOOK_SIGNING_KEY",
    "resend": "RESEND_SIGNING_SECRET",
    "sendgrid": "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY",
}


class MailUrlError(ValueError):
    """MAIL_URL cannot be read; the message says what was expected, never the value."""


def mailer_from_url(url: str) -> dict[str, Any]:
    """One MAILERS entry for ``url``; raises MailUrlError for a scheme we do not know."""
    parts = urlsplit(url)
    scheme = parts.scheme.removeprefix("anymail+")
    if scheme == "file":
        return {"BACKEND": FILE_BACKEND, "OPTIONS": {"file_path": unquote(parts.path)}}
    if scheme == "memory":
        return {"BACKEND": MEMORY_BACKEND}
    if scheme in {"smtp", "smtps", "smtp+tls"}:
        return {"BACKEND": SMTP_BACKEND, "OPTIONS": _smtp_options(parts, scheme)}
    if scheme == "ses":
        return {"BACKEND": "anymail.backends.amazon_ses.EmailBackend", "OPTIONS": _ses(parts)}
    if scheme in PROVIDERS:
        return _provider(parts, scheme)
    known = ", ".join(["file", "smtp", "smtps", "smtp+tls", "ses", *sorted(PROVIDERS)])
    raise MailUrlError(f"MAIL_URL has an unknown scheme; known: {known}")


def signing_keys(url: str, key: str) -> dict[str, str]:
    """Anymail's setting for the key with which the provider signs its webhooks.

    Mailgun signs with its API key unless it was given another; Resend and SendGrid sign only
    where a key is set here.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.removeprefix("anymail+")
    name = SIGNED_WITH.get(scheme)
    if not key and scheme == "mailgun":
        key = unquote(parts.username or parts.netloc)
    return {name: key} if name and key else {}


def _smtp_options(parts: SplitResult, scheme: str) -> dict[str, Any]:
    if not parts.hostname:
        raise MailUrlError("MAIL_URL names no SMTP host: smtp+tls://user:password@host:587")
    return {
        "host": parts.hostname,
        "port": parts.port or {"smtp": 25, "smtps": 465, "smtp+tls": 587}[scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": scheme == "smtp+tls",
        "use_ssl": scheme == "smtps",
        "timeout": SMTP_TIMEOUT,
    }


def _provider(parts: SplitResult, scheme: str) -> dict[str, Any]:
    backend, key_name = PROVIDERS[scheme]
    key = unquote(parts.username or parts.netloc)
    if not key:
        raise MailUrlError(f"MAIL_URL carries no key: {scheme}://KEY@")
    options: dict[str, Any] = {key_name: key, **dict(parse_qsl(parts.query))}
    if scheme == "mailgun" and parts.username and parts.hostname:
        options["sender_domain"] = parts.hostname
    return {"BACKEND": backend, "OPTIONS": options}


def _ses(parts: SplitResult) -> dict[str, Any]:
    """``ses://REGION``, with ``KEY:SECRET@`` in front where the machine has no role."""
    params = {"region_name": parts.hostname} if parts.hostname else {}
    if parts.username and parts.password:
        params["aws_access_key_id"] = unquote(parts.username)
        params["aws_secret_access_key"] = unquote(parts.password)
    return {"client_params": params}
