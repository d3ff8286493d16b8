"""API keys: `smshub_live_<prefix>_<secret>`, and `smshub_test_…` for those whose messages reach nobody.

The prefix finds the row and may be shown; the secret (256 random bits, so a plain SHA-256 is enough) is shown once and
never stored. Scopes are stored one by one: a wildcard given at issue does not grow with later versions.

The form is fixed, so that a scanner for secrets knows one by `smshub_(live|test)_[A-Za-z0-9]{10}_[A-Za-z0-9]{43}`.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery import testcarrier
from delivery.models import Sender
from smshub.api import networks
from smshub.api.models import ApiKey
from smshub.api.scopes import SCOPES as SCOPES
from smshub.api.scopes import UnknownScope as UnknownScope
from smshub.api.scopes import expand as expand
from smshub.api.scopes import meaning as meaning
from smshub.api.scopes import only_own_messages

MARKS = {mode: f"smshub_{mode}_" for mode in ApiKey.Mode}
PREFIX_LENGTH = 10
# 43 characters of 62 are 256 bits.
SECRET_LENGTH = 43
ALPHABET = string.ascii_letters + string.digits
USED_EVERY = timedelta(minutes=1)
#: How long two secrets of a key may be good at most.
LONGEST_OVERLAP = timedelta(days=30)

# As it is written: each request begins with it, and Django took four times as long to put it together as Postgres to
# answer it.
_FIND = """
SELECT key.*, ARRAY(SELECT sender_id FROM api_apikey_senders WHERE apikey_id = key.id ORDER BY sender_id) AS sender_ids
FROM api_apikey AS key WHERE prefix = %s
"""


class KeyExpired(Exception):
    """The secret is right, and the key's time is over."""


class KeyRevoked(Exception):
    """The secret is right, and the key was revoked."""


class KeyNotFromHere(Exception):
    """The secret is right, and the key may not be used from this address."""


def issue(
    *,
    name: str,
    scopes: Iterable[str],
    actor: User | None,
    expires_at: datetime | None = None,
    mode: str = ApiKey.Mode.LIVE,
    senders: Sequence[Sender] = (),
    own_messages: bool | None = None,
    made_by: ApiKey | None = None,
    **limits: str | int | None,
) -> tuple[ApiKey, str]:
    """A new key and its full text, which cannot be had again. `limits`: allowed_from, per_second, per_minute.

    `own_messages`: whether it sees only those that it handed in; None: by its scopes. A test key always does.

    Raises UnknownScope, or ValueError: without any scope, for senders that it cannot have, for what is no network.
    """
    mode = ApiKey.Mode(mode)
    granted = expand(scopes, for_test=mode == ApiKey.Mode.TEST)
    if not granted:
        raise ValueError("A key needs at least one scope.")
    check_senders(senders, is_test=mode == ApiKey.Mode.TEST)
    if own_messages is None or mode == ApiKey.Mode.TEST:
        own_messages = mode == ApiKey.Mode.TEST or only_own_messages(granted)
    limits["allowed_from"] = networks.tidy(str(limits.get("allowed_from") or ""))
    if mode == ApiKey.Mode.TEST:
        testcarrier.sender()
    prefix, secret = _random(PREFIX_LENGTH), _random(SECRET_LENGTH)
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name,
            mode=mode,
            prefix=prefix,
            secret_hash=_hash(secret),
            scopes=granted,
            expires_at=expires_at,
            own_messages=own_messages,
            created_by=actor,
            made_by=made_by,
            **limits,
        )
        key.senders.set(senders)
    return key, _text(key, secret)


def change(key: ApiKey, *, senders: Sequence[Sender] | None = None, **given: Any) -> None:
    """Change what is given: name, own_messages, allowed_from, per_second, per_minute, expires_at, and `senders`.

    Raises ValueError: for senders that it cannot have, for what is no network.
    """
    if senders is not None:
        check_senders(senders, is_test=key.is_test)
    if "allowed_from" in given:
        given["allowed_from"] = networks.tidy(given["allowed_from"])
    if key.is_test:
        given.pop("own_messages", None)
    with transaction.atomic():
        for name, value in given.items():
            setattr(key, name, value)
        key.save(update_fields=list(given))
        if senders is not None:
            key.senders.set(senders)


def check_senders(senders: Collection[Sender], *, is_test: bool) -> None:
    """Whether a key, or a login of one, may be bound to these. Raises ValueError, in words."""
    if senders and is_test:
        raise ValueError(_("A test key has no senders: all that it sends leaves by the test carrier's."))
    if any(map(testcarrier.is_its, senders)):
        raise ValueError(_("The test carrier's sender is for test keys alone, which need not name it."))


def check_end(expires_at: datetime | None) -> None:
    """Whether a key may be given this end. Raises ValueError, in words; one that is to end now is revoked."""
    if expires_at is not None and expires_at <= timezone.now():
        raise ValueError(_("This time is over: give one to come, or none for a key that does not expire."))


def find(text: str, *, address: str = "") -> ApiKey | None:
    """The key whose text this is, used from an address; None if there is none. It has `sender_ids`.

    Raises KeyExpired, KeyRevoked, KeyNotFromHere: these only to whoever has the secret. An unknown prefix costs what a
    wrong secret costs: one query and two comparisons.
    """
    mark = next((mark for mark in MARKS.values() if text.startswith(mark)), "")
    prefix, _, secret = text.removeprefix(mark).partition("_")
    offered = _hash(secret)
    well_formed = mark and len(prefix) == PREFIX_LENGTH and prefix.isascii() and prefix.isalnum()
    key = next(iter(ApiKey.objects.raw(_FIND, [prefix if well_formed else ""])), None)
    now = timezone.now()
    is_present = hmac.compare_digest(bytes(key.secret_hash) if key else bytes(32), offered)
    is_old = hmac.compare_digest(bytes(key.old_secret_hash or bytes(32)) if key else bytes(32), offered)
    if key is None or MARKS[ApiKey.Mode(key.mode)] != mark:
        return None
    if not is_present and not (is_old and key.old_valid_until and key.old_valid_until > now):
        return None
    if key.revoked_at is not None:
        raise KeyRevoked
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyExpired
    if not networks.admit(networks.parse(key.allowed_from), address):
        raise KeyNotFromHere
    note_use(key, by_old_secret=not is_present)
    return key


def rotate(key: ApiKey, *, overlap: timedelta) -> str:
    """A new secret: the key's text from now on. The present one stays good for `overlap`, one before it for no longer.

    Raises KeyRevoked, or ValueError for an overlap that is negative or longer than LONGEST_OVERLAP.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ValueError(f"The old secret may stay good for 0 to {LONGEST_OVERLAP.days} days.")
    secret = _random(SECRET_LENGTH)
    changed = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(
        old_secret_hash=F("secret_hash") if overlap else None,
        old_valid_until=timezone.now() + overlap if overlap else None,
        old_used_at=None,
        secret_hash=_hash(secret),
    )
    if not changed:
        raise KeyRevoked
    return _text(key, secret)


def revoke(key: ApiKey) -> None:
    """End a key for good, with the next request. Idempotent: the first moment stays."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def note_use(key: ApiKey, *, by_old_secret: bool = False) -> None:
    """It was used now; written once a minute."""
    now = timezone.now()
    noted = ["old_used_at", "last_used_at"] if by_old_secret else ["last_used_at"]
    last = getattr(key, noted[0])
    if last is None or now - last >= USED_EVERY:
        due = Q(**{noted[0]: None}) | Q(**{f"{noted[0]}__lte": now - USED_EVERY})
        ApiKey.objects.filter(due, pk=key.pk).update(**dict.fromkeys(noted, now))


def _text(key: ApiKey, secret: str) -> str:
    return f"{MARKS[ApiKey.Mode(key.mode)]}{key.prefix}_{secret}"


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
