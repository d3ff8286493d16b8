"""Asking a provider whether it lets an account in: when somebody says so, never by itself.

It waits for the provider, for SECONDS at most, and holds no connection to the database meanwhile, unless within a
transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import redis
import structlog
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import accounts, frequency
from delivery.connector import binds
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import Access, ProviderConfig, Tried

log = structlog.get_logger(__name__)

SECONDS = 10.0
#: By each person or system: enough to find a typing error, too few for a provider that locks accounts to mind.
A_MINUTE = 6


class TooOften(Exception):
    """Asked too often; the text is a sentence."""


def try_saved(provider: Provider, *, who: str) -> Tried:
    """The account as it is saved. `who` asks: a stable name of a person or a system.

    Raises BadConfiguration, and TooOften.
    """
    accounts.check(provider)
    return _up(provider) or _try(provider, accounts.provider_config(provider), who)


def try_typed(provider: Provider, credentials: Mapping[str, str | None], *, who: str) -> Tried:
    """The account as it would be with what stands in a form, `credentials` as `accounts.save` takes them. Likewise."""
    return _try(provider, accounts.check_change(provider=provider, credentials=credentials), who)


def _up(provider: Provider) -> Tried | None:
    """Connections that were made since the account was last changed prove it, and none has to be taken for that."""
    if provider.adapter not in registry.connected():
        return None
    try:
        held = binds.look([provider.pk])[provider.pk].binds
    except redis.RedisError:
        return None
    up = sum(binds.is_up(each.connection) and each.connection.since > provider.updated_at for each in held)
    if not up:
        return None
    said = ngettext(
        "The credentials are right: a connection is up with them.",
        "The credentials are right: %(number)d connections are up with them.",
        up,
    )
    return Tried(Access.GRANTED, said % {"number": up})


def _try(provider: Provider, config: ProviderConfig, who: str) -> Tried:
    kind = registry.kind(provider.adapter)
    if kind.try_credentials is None:
        return Tried(Access.NOT_ASKED, _("%(kind)s: there is nobody to ask.") % {"kind": kind.label})
    try:
        if not frequency.once_more(f"credentials:{who}", most=A_MINUTE):
            raise TooOften(
                _("Credentials were tried %(most)d times within a minute: wait for the next.") % {"most": A_MINUTE}
            )
    except redis.RedisError:
        return Tried(Access.NOT_ASKED, _("Redis does not answer: no provider is asked until it does."))
    if not connection.in_atomic_block:
        connection.close()
    found = asyncio.run(_asked(kind.label, kind.try_credentials, replace(config, timeout=SECONDS)))
    log.info("credentials_tried", provider_id=provider.pk, adapter=kind.name, access=found.access, by=who)
    return found


async def _asked(label: str, ask: Callable[[ProviderConfig], Awaitable[Tried]], config: ProviderConfig) -> Tried:
    """A package that is not ours may break its word."""
    try:
        async with asyncio.timeout(SECONDS + 1):
            return await ask(config)
    except Exception as error:
        log.warning("credentials_not_tried", kind=label, error=type(error).__name__)
        return Tried(Access.UNREACHABLE, _("%(kind)s could not be asked.") % {"kind": label})
