"""Twilio logins: an account sid with its auth token, and a key sid with its secret, made for an API key.

Both open the same. The auth token is kept itself, encrypted, for callbacks are signed with it; of the key's secret
there is a hash alone. Both are 128 random bits, so guessing needs no lockout. Whatever is wrong with credentials, the
answer is the same.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from delivery import submissions, testcarrier, uses, wake
from delivery.lanes import Lane
from delivery.models import Inbound, Sender
from delivery.uses import Use
from smshub.api import keys, networks, rates
from smshub.api.models import ApiKey, TwilioLogin
from smshub.api.rates import Quota

#: What the door needs a scope for.
WRITE, READ, HEAR = "messages:write", "messages:read", "inbound:read"


@dataclass(frozen=True, slots=True)
class Login:
    """A login as a request or a callback needs it: of this moment."""

    id: int
    name: str
    account_sid: str
    scopes: frozenset[str]
    service_sid: str
    lane: Lane
    sms_url: str
    auth_token: str = field(repr=False)
    key_id: int
    is_test: bool
    quotas: tuple[Quota, ...]

    @property
    def origin(self) -> int:
        """By which `delivery` knows it: below zero, for those above are SMPP logins."""
        return origin_of(self.id)


@dataclass(frozen=True, slots=True)
class Issued:
    """What is shown once; empty where it was not made anew."""

    auth_token: str = field(default="", repr=False)
    key_secret: str = field(default="", repr=False)


def origin_of(login_id: int) -> int:
    return -login_id


def new_sid(kind: str) -> str:
    """Two letters and 32 hexadecimal digits, as all of Twilio's."""
    return kind + secrets.token_hex(16)


def make(
    *, api_key: ApiKey, name: str, actor: User | None, senders: Iterable[Sender] = (), **fields: Any
) -> tuple[TwilioLogin, Issued]:
    """A new login, and its secrets, which cannot be had again. Raises ValueError for senders that it cannot have."""
    senders = list(senders)
    keys.check_senders(senders, is_test=api_key.is_test)
    login = TwilioLogin(api_key=api_key, name=name, created_by=actor, **{"service_sid": new_sid("MG"), **fields})
    issued = furnish(login)
    with transaction.atomic():
        login.save(force_insert=True)
        login.senders.set(senders)
    return login, issued


def furnish(login: TwilioLogin) -> Issued:
    """Give a login that is not saved yet its sids and secrets."""
    issued = Issued(secrets.token_hex(16), secrets.token_hex(16))
    login.account_sid, login.key_sid = new_sid("AC"), new_sid("SK")
    login.secrets, login.key_secret_hash = {"auth_token": issued.auth_token}, _hash(issued.key_secret)
    return issued


def renew_token(login: TwilioLogin) -> Issued:
    """A new auth token in place of the old one, from now on for callbacks too."""
    issued = Issued(auth_token=secrets.token_hex(16))
    TwilioLogin.objects.filter(pk=login.pk).update(secrets={"auth_token": issued.auth_token})
    return issued


def renew_key(login: TwilioLogin) -> Issued:
    """A new secret of the key in place of the old one; the auth token stays."""
    issued = Issued(key_secret=secrets.token_hex(16))
    TwilioLogin.objects.filter(pk=login.pk).update(key_secret_hash=_hash(issued.key_secret))
    return issued


def reseal() -> int:
    """Seal all auth tokens anew, with the first key of the ring. In a transaction. Raises CannotDecrypt."""
    logins = list(TwilioLogin.objects.select_for_update(no_key=True).order_by("pk"))
    for login in logins:
        login.save(update_fields=["secrets"])
    return len(logins)


class NotFromHere(Exception):
    """The credentials are right, and the key behind them may not be used from this address."""


def authenticate(header: str, *, address: str) -> Login | None:
    """The login that an Authorization header (RFC 7617) belongs to; None for any that opens nothing.

    Raises NotFromHere, to whoever has the secret alone.
    """
    name, secret = _basic(header)
    row = _current().filter(Q(account_sid=name) | Q(key_sid=name)).first()
    right = _is_right(row, name, secret)
    if row is None or not right:
        return None
    if not networks.admit(networks.parse(row.api_key.allowed_from), address):
        raise NotFromHere
    keys.note_use(row.api_key)
    return _as_login(row)


def current(ids: Iterable[int] | None = None) -> Iterator[Login]:
    """Those of these that may be told of anything, or all of them, as they are now."""
    rows = _current()
    yield from map(_as_login, rows if ids is None else rows.filter(pk__in=list(ids)))


def use(login: Login) -> Use:
    """What its key lets it send by."""
    bound = ApiKey.senders.through.objects.filter(apikey_id=login.key_id).values_list("sender_id", flat=True)
    return uses.of_key(login.key_id, is_test=login.is_test, sender_ids=bound)


def sender_of(login: Login, address: str) -> Sender | None:
    """The sender that a login means by an address; of several providers' the first that is switched on."""
    if login.is_test:
        return testcarrier.sender() if address == testcarrier.ADDRESS else None
    plain = _plain(address)
    found = TwilioLogin.senders.through.objects.filter(twiliologin_id=login.id).values("sender_id")
    owned = Sender.objects.select_related("provider").filter(pk__in=found, address__in=[plain, f"+{plain}"])
    return max(owned, key=lambda sender: (sender.enabled and sender.provider.enabled, -sender.pk), default=None)


def owns_address(login: Login, address: str, provider_id: int) -> bool:
    """Whether what people text to this address of a provider is the login's to read."""
    return TwilioLogin.objects.filter(_has_sender(address, provider_id), pk=login.id).exists()


def owe_text(inbound: Inbound) -> None:
    """Logins whose sender was written to, and that may hear, are owed the text. In the text's transaction."""
    owners = (
        TwilioLogin.objects.filter(_has_sender(inbound.recipient, inbound.provider_id), enabled=True)
        .filter(api_key__revoked_at=None, api_key__scopes__contains=[HEAR])
        .exclude(sms_url="")
    )
    due = [(origin_of(pk), inbound.pk) for pk in sorted(set(owners.values_list("pk", flat=True)))]
    submissions.owe(due, is_inbound=True)
    if due:
        # People wait for the reply; word of messages is looked for in its own time.
        transaction.on_commit(partial(wake.say, "smshub.api.tasks.tell_twilio"))


def _has_sender(address: str, provider_id: int) -> Q:
    plain = _plain(address)
    return Q(senders__provider_id=provider_id, senders__address__in=[plain, f"+{plain}"])


def _plain(address: str) -> str:
    return address.strip().removeprefix("+")


def _current() -> QuerySet[TwilioLogin]:
    unexpired = Q(api_key__expires_at=None) | Q(api_key__expires_at__gt=timezone.now())
    return TwilioLogin.objects.filter(unexpired, enabled=True, api_key__revoked_at=None).select_related("api_key")


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return ("", "") if "\0" in name else (name, secret)


def _is_right(row: TwilioLogin | None, name: str, secret: str) -> bool:
    """One comparison of digests, whether there is such a login or not."""
    if row is None:
        expected = bytes(32)
    elif name == row.key_sid:
        expected = bytes(row.key_secret_hash)
    else:
        expected = _hash(_token(row.secrets))
    return hmac.compare_digest(expected, _hash(secret)) and bool(secret)


def _as_login(row: TwilioLogin) -> Login:
    key = row.api_key
    return Login(
        id=row.pk,
        name=row.name,
        account_sid=row.account_sid,
        scopes=frozenset(key.scopes),
        service_sid=row.service_sid,
        lane=Lane(row.lane),
        sms_url=row.sms_url,
        auth_token=_token(row.secrets),
        key_id=key.pk,
        is_test=key.is_test,
        quotas=tuple(rates.quotas(key.per_second, key.per_minute)),
    )


def _token(stored: Mapping[str, Any]) -> str:
    return str(stored.get("auth_token", ""))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
