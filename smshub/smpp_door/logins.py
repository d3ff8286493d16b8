"""SMPP logins: a system_id and a password, made for an API key, in whose name they act.

A password is eight characters, for many systems take no longer one (SMPP 3.4, 5.2.2). So it is random, stored by
Django's slow hash, and guessing is held up: by the hash, of which one at a time is made, by `limits.Lockout`, and by
the networks that a login may bind from. Whatever is wrong with credentials, the answer and its price are the same.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.utils import timezone

from delivery import submissions, testcarrier
from delivery.lanes import Lane
from delivery.models import Inbound, Sender
from delivery.smpp.text import Alphabet
from delivery.uses import Use
from smshub.api import keys, networks, rates
from smshub.api.models import ApiKey, SmppLogin
from smshub.api.networks import Network
from smshub.api.rates import Quota

PASSWORD_LENGTH = 8
# Without what looks alike: it is typed into other systems' forms. 8 of 54 are 46 bits.
ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI5S2Z")))

#: What the door needs a scope for.
SUBMIT, ASK, HEAR = "messages:write", "messages:read", "inbound:read"


@dataclass(frozen=True, slots=True)
class Login:
    """A login as the door holds it: of a moment ago."""

    id: int
    system_id: str
    scopes: frozenset[str]
    use: Use
    """What its key lets it send by."""
    quotas: tuple[Quota, ...]
    """Its key's own; the hub's are about requests over HTTP."""
    senders: Mapping[str, Sender] = field(repr=False)
    """By source address."""
    routed: bool
    lane: Lane
    rate: int | None
    max_binds: int
    networks: tuple[Network, ...]
    key_networks: tuple[Network, ...]
    alphabet: Alphabet
    reference_tag: int
    password_hash: str = field(repr=False)

    def may_come_from(self, address: str) -> bool:
        return networks.admit(self.networks, address) and networks.admit(self.key_networks, address)


def make(*, api_key: ApiKey, system_id: str, actor: User | None, **fields: Any) -> tuple[SmppLogin, str]:
    """A new login and its password, which cannot be had again.

    Raises django.db.IntegrityError for a name that is, ValueError for senders that it cannot have.
    """
    password = new_password()
    senders = fields.pop("senders", ())
    keys.check_senders(senders, is_test=api_key.is_test)
    login = SmppLogin.objects.create(
        api_key=api_key, system_id=system_id, password_hash=make_password(password), created_by=actor, **fields
    )
    login.senders.set(senders)
    return login, password


def renew(login: SmppLogin) -> str:
    """A new password, in place of the old one; connections that are bound stay so."""
    password = new_password()
    SmppLogin.objects.filter(pk=login.pk).update(password_hash=make_password(password))
    return password


def new_password() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


def find(system_id: str) -> Login | None:
    """A login that may bind at all: it is on, and so is its key."""
    found = _load(SmppLogin.objects.filter(system_id=system_id))
    return found[0] if found else None


def current(ids: Collection[int]) -> dict[int, Login]:
    """Those of these that may still be bound, as they are now."""
    return {login.id: login for login in _load(SmppLogin.objects.filter(pk__in=ids))} if ids else {}


def note_bound(login_id: int) -> None:
    login = SmppLogin.objects.select_related("api_key").get(pk=login_id)
    SmppLogin.objects.filter(pk=login_id).update(last_bound_at=timezone.now())
    keys.note_use(login.api_key)


class Credentials:
    """Checks passwords, at the same price whether there is such a login or not.

    What was right once is known by a keyed hash in memory, so that a system that binds again after an outage, and
    its ten connections, do not wait for ten slow hashes.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: dict[str, bytes] = {}

    def are_right(self, login: Login | None, password: str) -> bool:
        """Takes the time of a slow hash; runs in a thread. Touches no database."""
        hashed = login.password_hash if login else _nobodys()
        offered = hmac.digest(self._key, f"{hashed}\0{password}".encode(), hashlib.sha256)
        if hmac.compare_digest(self._right.get(hashed, b""), offered):
            return login is not None
        if not check_password(password, hashed) or login is None:
            return False
        if len(self._right) > 1000:
            self._right.clear()
        self._right[hashed] = offered
        return True


@cache
def _nobodys() -> str:
    """A hash of a password that nobody has."""
    return make_password(secrets.token_urlsafe(16))


def _load(rows: Any) -> list[Login]:
    now = timezone.now()
    found = rows.filter(enabled=True, api_key__revoked_at=None).select_related("api_key")
    valid = [
        row
        for row in found.prefetch_related("senders__provider", "api_key__senders__provider")
        if row.api_key.expires_at is None or row.api_key.expires_at > now
    ]
    trial = testcarrier.sender() if any(row.api_key.is_test for row in valid) else None
    return [_as_login(row, trial) for row in valid]


def _as_login(row: SmppLogin, trial: Sender | None) -> Login:
    """Within what its key allows. `trial` is the sender of test keys."""
    key = row.api_key
    bound = list(key.senders.all())
    of_key = {sender.pk for sender in bound}
    senders = [sender for sender in row.senders.all() if not of_key or sender.pk in of_key]
    use = Use(key.pk, is_test=False, allowed=frozenset(of_key), only=bound[0] if len(bound) == 1 else None)
    if key.is_test and trial:
        senders, use = [trial], Use(key.pk, is_test=True, allowed=frozenset(), only=trial)
    return Login(
        id=row.pk,
        system_id=row.system_id,
        scopes=frozenset(key.scopes),
        use=use,
        quotas=tuple(rates.quotas(key.per_second or 0, key.per_minute or 0)),
        senders=_by_address(senders),
        routed=row.routed and not of_key,
        lane=Lane(row.lane),
        rate=row.rate,
        max_binds=row.max_binds,
        networks=networks.parse(row.allowed_from),
        key_networks=networks.parse(key.allowed_from),
        alphabet=Alphabet(row.alphabet),
        reference_tag=row.reference_tag,
        password_hash=row.password_hash,
    )


def _by_address(senders: Iterable[Sender]) -> dict[str, Sender]:
    """The same address may be a sender of several providers: the first that is switched on serves."""
    ordered = sorted(senders, key=lambda sender: (sender.enabled and sender.provider.enabled, -sender.pk))
    return {plain(sender.address): sender for sender in ordered}


def plain(address: str) -> str:
    """An address as it is compared: systems write numbers with and without a plus."""
    return address.strip().removeprefix("+")


def owe_text(inbound: Inbound) -> None:
    """Logins that a sender belongs to, and that may hear, are owed what was texted to it. In the text's transaction."""
    address = plain(inbound.recipient)
    owners = SmppLogin.objects.filter(
        senders__provider_id=inbound.provider_id,
        senders__address__in=[address, f"+{address}"],
        enabled=True,
        api_key__revoked_at=None,
        api_key__scopes__contains=[HEAR],
    )
    due = [(origin, inbound.pk) for origin in sorted(set(owners.values_list("pk", flat=True)))]
    submissions.owe(due, is_inbound=True)
