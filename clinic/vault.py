"""Encryption at rest: one key an interview, itself wrapped by the clinic's master key.

Erasing an interview's wrapped key erases every recording and text sealed with it, in backups too.
AES-256-GCM throughout; `about` names the thing sealed, so that one sealed value cannot pass for another.
"""

import base64
import binascii
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext as _

KEY_BYTES = 32
NONCE_BYTES = 12
OVERHEAD = NONCE_BYTES + 16  # bytes that sealing adds: the nonce in front, the tag behind


class VaultError(Exception):
    """A sealed value cannot be opened."""


class KeyErased(VaultError):
    """The key was erased on purpose: what it sealed is gone."""


@dataclass(frozen=True)
class Key:
    secret: bytes = field(repr=False)

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.secret)

    def seal(self, data: bytes, about: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, about.encode())

    def open(self, sealed: bytes | memoryview, about: str) -> bytes:
        """Raises VaultError when the key is another, the bytes were changed, or they are about something else."""
        sealed = bytes(sealed)
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise VaultError(
                _("%(about)s cannot be opened: a wrong key, or changed bytes.") % {"about": about}
            ) from error

    def seal_json(self, value: Any, about: str) -> bytes:
        return self.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), about)

    def open_json(self, sealed: bytes | memoryview, about: str) -> Any:
        return json.loads(self.open(sealed, about))


def new_wrapped_key() -> bytes:
    """A fresh key, wrapped by the newest master key: what a row may store."""
    return _masters()[0].seal(os.urandom(KEY_BYTES), "key")


def unwrap(wrapped: bytes | memoryview | None) -> Key:
    """Raises KeyErased when there is nothing left to unwrap, VaultError when no master key fits."""
    if not wrapped:
        raise KeyErased(_("The key of this interview was erased."))
    for master in _masters():
        try:
            return Key(master.open(wrapped, "key"))
        except VaultError:
            continue
    raise VaultError(_("No master key in MASTER_KEYS opens this interview."))


def parse_master_keys(values: Sequence[str]) -> list[bytes]:
    """Base64 texts to keys. Raises ValueError with a sentence for the operator."""
    keys = []
    for value in values:
        try:
            key = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("each key is the base64 of 32 random bytes") from error
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {len(key)} bytes instead of {KEY_BYTES}")
        keys.append(key)
    if not keys:
        raise ValueError("at least one key is needed")
    return keys


def _masters() -> list[Key]:
    return [Key(secret) for secret in settings.MASTER_KEYS]
