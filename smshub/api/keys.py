"""API keys: `smshub_live_<prefix>_<secret>`.

The prefix finds the row and may be shown; the secret (256 random bits, so a plain SHA-256 is enough) is shown once and
never stored. Scopes are stored one by one: a wildcard given at issue does not grow with later versions.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta
from difflib import get_close_matches

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from smshub.api.models import ApiKey

MARK = "smshub_live_"
PREFIX_LENGTH = 10
# 43 characters of 62 are 256 bits.
SECRET_LENGTH = 43
ALPHABET = string.ascii_letters + string.digits
USED_EVERY = timedelta(minutes=1)

#: What a key may be allowed to do. A view names one of these for each method.
SCOPES: dict[str, str] = {
    "contacts:read": "See contacts, lists and imports",
    "contacts:write": "Change contacts and lists, import files",
    "suppressions:read": "See who must not be texted",
    "suppressions:write": "Suppress numbers and lift suppressions",
    "templates:read": "See and preview templates",
    "templates:write": "Change templates",
    "campaigns:read": "See campaigns and their progress",
    "campaigns:write": "Change, launch, pause and cancel campaigns",
    "appointments:read": "See appointments and their reminders",
    "appointments:write": "Write appointments, one, many or a file of them",
    "reminders:read": "See reminder rules and what they are about to do",
    "reminders:write": "Change reminder rules",
    "messages:read": "See messages, with full numbers and texts",
    "messages:write": "Send and cancel single messages",
    "senders:read": "See senders",
    "routes:read": "See routes, and where a message would go",
    "providers:read": "See providers and their health",
    "inbound:read": "See texts received",
    "webhooks:read": "See webhooks and what was sent to them, with full numbers",
    "webhooks:write": "Have any system told of everything, send it again, make secrets",
}

_FAMILIES: dict[str, list[str]] = {"*": list(SCOPES)}
for _name in SCOPES:
    _FAMILIES.setdefault(_name.partition(":")[0] + ":*", []).append(_name)


class UnknownScope(ValueError):
    """A scope that does not exist; the text names it and the nearest that does."""


class KeyExpired(Exception):
    """The secret is right, and the key's time is over."""


class KeyRevoked(Exception):
    """The secret is right, and the key was revoked."""


def expand(scopes: Iterable[str]) -> list[str]:
    """Wildcards (`*`, `contacts:*`) spelled out, sorted, each once. Raises UnknownScope."""
    found: set[str] = set()
    for scope in scopes:
        family = _FAMILIES.get(scope, [scope] if scope in SCOPES else [])
        if not family:
            near = get_close_matches(scope, [*SCOPES, *_FAMILIES], n=1)
            raise UnknownScope(f"There is no scope {scope!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        found.update(family)
    return sorted(found)


def issue(
    *, name: str, scopes: Iterable[str], actor: User | None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its full text, which cannot be had again. Raises UnknownScope, or ValueError without any scope."""
    granted = expand(scopes)
    if not granted:
        raise ValueError("A key needs at least one scope.")
    prefix, secret = _random(PREFIX_LENGTH), _random(SECRET_LENGTH)
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        secret_hash=_hash(secret),
        scopes=granted,
        expires_at=expires_at,
        created_by=actor,
    )
    return key, f"{MARK}{prefix}_{secret}"


def find(text: str) -> ApiKey | None:
    """The key whose text this is; None if there is none. Raises KeyExpired or KeyRevoked.

    An unknown prefix costs what a wrong secret costs: one query and one comparison.
    """
    prefix, _, secret = text.removeprefix(MARK).partition("_")
    offered = _hash(secret)
    well_formed = text.startswith(MARK) and len(prefix) == PREFIX_LENGTH and prefix.isascii() and prefix.isalnum()
    key = ApiKey.objects.filter(prefix=prefix if well_formed else "").first()
    stored = bytes(key.secret_hash) if key else bytes(32)
    if not hmac.compare_digest(stored, offered) or key is None:
        return None
    if key.revoked_at is not None:
        raise KeyRevoked
    if key.expires_at is not None and key.expires_at <= timezone.now():
        raise KeyExpired
    note_use(key)
    return key


def revoke(key: ApiKey) -> None:
    """End a key for good. Idempotent: the first moment stays."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def note_use(key: ApiKey) -> None:
    """It was used now; written once a minute."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
        due = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
        ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
