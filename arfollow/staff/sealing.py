"""Keys of the second factor are sealed in the database (ASVS 6.5.2, 11.2.1).

With Fernet, by keys derived from the secret key and the former ones; whoever reads the database
or a backup without them can make no code.
"""

import base64
from collections.abc import Iterable
from functools import cache
from typing import Any

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

MARK = "sealed:"
"""Before each sealed value; what does not begin so is of before the sealing."""
PURPOSE = b"arfollow second factor"
KEYS = frozenset({"secret", "seed", "migrated_codes"})
"""What the library keeps through its adapter; beside them stand marks and moments."""

log = structlog.get_logger(__name__)


class SealedFactors(DefaultMFAAdapter):  # type: ignore[misc]  # the library has no types
    """Sealed at rest; demanded of everybody where the installation says so."""

    def encrypt(self, text: str) -> str:
        return MARK + _current().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The key; a random one where nobody can open it any more, so that no code fits."""
        if not encrypted_text.startswith(MARK):
            return encrypted_text
        try:
            return _all_keys().decrypt(encrypted_text.removeprefix(MARK)).decode()
        except InvalidToken:
            log.error("second factor cannot be opened: its secret key is gone")
            return str(generate_totp_secret())

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not settings.REQUIRE_SECOND_FACTOR


def seal_again(rows: Iterable[Authenticator]) -> int:
    """Seal what is in clear or sealed with a former key; how many that were."""
    return sum(_seal_row(row.pk) for row in rows if _sealed_data(row.data) != row.data)


@transaction.atomic
def _seal_row(pk: int) -> bool:
    """Under its lock: a recovery code may be used up at this moment."""
    row = Authenticator.objects.select_for_update().get(pk=pk)
    data = _sealed_data(row.data)
    changed = data != row.data
    row.data = data
    row.save(update_fields=["data"])
    return bool(changed)


def _sealed_data(data: dict[str, Any]) -> dict[str, Any]:
    return data | {name: _sealed_again(data[name]) for name in KEYS & data.keys()}


def _sealed_again(value: Any) -> Any:
    if isinstance(value, list):
        return [_sealed_again(each) for each in value]
    if _is_current(value):
        return value
    if not value.startswith(MARK):
        return SealedFactors().encrypt(value)
    try:
        return MARK + _all_keys().rotate(value.removeprefix(MARK)).decode()
    except InvalidToken:
        return value


def _is_current(value: str) -> bool:
    try:
        _current().decrypt(value.removeprefix(MARK))
    except InvalidToken:
        return False
    return True


def _current() -> Fernet:
    return _fernet(settings.SECRET_KEY)


def _all_keys() -> MultiFernet:
    return MultiFernet([_fernet(k) for k in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@cache
def _fernet(secret: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
