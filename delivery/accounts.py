"""Provider accounts: their secrets written and never read back, their configuration checked, on and off.

Nothing here speaks to a provider. What it hands to adapters is a `ProviderConfig`, the only shape in which a
decrypted secret leaves this module.
"""

import socket
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import BadConfiguration, ProviderConfig, ProviderKind
from delivery.providers.egress import is_public

_LONGEST_REASON = 200


def provider_config(provider: Provider) -> ProviderConfig:
    """What an adapter of this account is built from. Raises LookupError for an unknown package."""
    return _config(provider, registry.kind(provider.adapter), provider.credentials)


def config_version(provider: Provider) -> str:
    """Changes whenever the account does: an adapter built under another version is to be rebuilt."""
    return f"{provider.pk}:{provider.updated_at.isoformat()}"


def public_fields(provider: Provider) -> dict[str, bool]:
    """Which secrets of the account are set, by name: all that a form or an API may show of them."""
    form = registry.kind(provider.adapter).form
    return {field.name: bool(provider.credentials.get(field.name)) for field in form if field.secret}


def check(provider: Provider) -> None:
    """Whether the account as it stands, saved or not, can work. Resolves names; calls no provider.

    Raises BadConfiguration with a sentence for the person at the form.
    """
    _check(provider, _kind(provider), provider.credentials)


def check_change(*, provider: Provider, credentials: Mapping[str, str | None]) -> ProviderConfig:
    """The account as `save_credentials` would save it with these. Raises BadConfiguration; changes nothing."""
    stored = Provider.objects.filter(pk=provider.pk).first() if provider.pk else None
    return _config(provider, _kind(provider), _merged(provider, stored, credentials))


def save(provider: Provider, credentials: Mapping[str, str | None]) -> None:
    """All that a form says of the account, checked; whether it is on is `enable`'s and `disable`'s to say.

    Raises BadConfiguration, and then nothing is changed.
    """
    with transaction.atomic():
        save_credentials(provider=provider, credentials=credentials)
        provider.save(update_fields=["name", "rate", "max_in_flight", "answers_keywords", "updated_at"])


def save_credentials(*, provider: Provider, credentials: Mapping[str, str | None]) -> None:
    """Merge secrets into the account, check it, and save both together with its settings.

    A name that is missing or empty keeps what is stored, None removes it. A provider not yet saved is
    created. Raises BadConfiguration, and then nothing is changed.
    """
    with transaction.atomic():
        stored = Provider.objects.select_for_update().filter(pk=provider.pk).first() if provider.pk else None
        provider.credentials = _merged(provider, stored, credentials)
        if stored is None:
            provider.save()
        else:
            provider.save(update_fields=["adapter", "settings", "credentials", "updated_at"])


def _merged(provider: Provider, stored: Provider | None, credentials: Mapping[str, str | None]) -> dict[str, str]:
    """All secrets of the account as it would be. Raises BadConfiguration."""
    kind = _kind(provider)
    unknown = credentials.keys() - {field.name for field in kind.form if field.secret}
    if unknown:
        raise BadConfiguration(
            _("%(kind)s has no secret named %(unknown)s.") % {"kind": kind.label, "unknown": ", ".join(sorted(unknown))}
        )
    merged = dict(stored.credentials) if stored and stored.adapter == provider.adapter else {}
    for name, value in credentials.items():
        if value is None:
            merged.pop(name, None)
        elif not isinstance(value, str):
            raise BadConfiguration(_("%(name)s: must be text.") % {"name": name})
        elif value.strip():
            merged[name] = value.strip()
    _check(provider, kind, merged)
    if stored is not None:
        given = [name for name, value in credentials.items() if value and value.strip()]
        _check_not_redirected(kind, stored, provider, merged, given)
    return merged


def disable(provider: Provider, reason: str) -> bool:
    """Send nothing more through it. Returns whether it was enabled until now; `reason` is for staff."""
    return _switch(provider, enabled=False, reason=reason[:_LONGEST_REASON])


def refuse(provider: Provider, reason: str) -> bool:
    """The same, for what was found out by an account as it stands here: one that was set right since stays on."""
    unchanged = Provider.objects.filter(updated_at=provider.updated_at)
    return _switch(provider, enabled=False, reason=reason[:_LONGEST_REASON], among=unchanged)


def enable(provider: Provider) -> bool:
    """Send through it again. Returns whether it was disabled until now. Raises BadConfiguration."""
    check(provider)
    return _switch(provider, enabled=True, reason="")


def connections_allowed(provider: Provider) -> int:
    """How many connections the account allows over all workers; 0 for one that holds none.

    Raises LookupError for an unknown package, BadConfiguration, CannotDecrypt.
    """
    kind = registry.kind(provider.adapter)
    if not kind.needs_connection:
        return 0
    return kind.connections(provider_config(provider)) if kind.connections else 1


def unbind(provider: Provider, who: str) -> bool:
    """Have all its connections given up, though it stays switched on. Returns whether any were wanted until now."""
    return _hold(provider, wanted=False, who=who)


def bind(provider: Provider) -> bool:
    """Have its connections made again. Returns whether they had been given up until now."""
    return _hold(provider, wanted=True, who="")


def _hold(provider: Provider, *, wanted: bool, who: str) -> bool:
    """Not a change of the account: the adapter stays, and is told."""
    at = None if wanted else timezone.now()
    rows = Provider.objects.filter(pk=provider.pk, unbound_at__isnull=not wanted)
    changed = rows.update(unbound_at=at, unbound_by=who[:150]) == 1
    if changed:
        provider.unbound_at, provider.unbound_by = at, who[:150]
    return changed


def _switch(provider: Provider, *, enabled: bool, reason: str, among: QuerySet[Provider] | None = None) -> bool:
    now = timezone.now()
    rows = (Provider.objects.all() if among is None else among).filter(pk=provider.pk, enabled=not enabled)
    changed = rows.update(enabled=enabled, disabled_reason=reason, updated_at=now) == 1
    if changed:
        provider.enabled, provider.disabled_reason, provider.updated_at = enabled, reason, now
    return changed


def _kind(provider: Provider) -> ProviderKind:
    try:
        return registry.kind(provider.adapter)
    except LookupError as error:
        raise BadConfiguration(str(error.args[0])) from None


def _config(provider: Provider, kind: ProviderKind, credentials: Mapping[str, Any]) -> ProviderConfig:
    defaults = {field.name: field.default for field in kind.form if not field.secret and field.default != ""}
    return ProviderConfig(
        id=provider.pk or 0,
        settings=defaults | provider.settings,
        credentials=dict(credentials),
        timeout=settings.SEND_TIMEOUT,
        max_in_flight=provider.max_in_flight,
        private_addresses=settings.ALLOW_PRIVATE_PROVIDER_URLS,
    )


def _check(provider: Provider, kind: ProviderKind, credentials: Mapping[str, Any]) -> None:
    if not isinstance(provider.settings, dict):
        raise BadConfiguration(_("Settings: must be an object of names and values."))
    if provider.max_in_flight < 1 or provider.rate < 1:
        raise BadConfiguration(_("Rate and requests in flight: must be at least 1."))
    fields = {field.name: field for field in kind.form}
    for name in provider.settings:
        if name not in fields:
            known = ", ".join(field.name for field in kind.form if not field.secret)
            raise BadConfiguration(
                _("%(kind)s has no setting named %(name)s; there are: %(known)s.")
                % {"kind": kind.label, "name": name, "known": known}
            )
        if fields[name].secret:
            raise BadConfiguration(
                _("%(label_words)s: it is a secret, not a setting.") % {"label_words": gettext(fields[name].label)}
            )
    config = _config(provider, kind, credentials)
    for field in kind.form:
        value = (config.credentials if field.secret else config.settings).get(field.name)
        if field.required and value in (None, ""):
            raise BadConfiguration(
                (
                    _("%(label_words)s: it is required. %(help_words)s")
                    % {"label_words": gettext(field.label), "help_words": gettext(field.help) if field.help else ""}
                ).rstrip()
            )
    kind.check(config)
    for field in kind.form:
        if field.is_url and (url := config.settings.get(field.name)) and url != field.default:
            _check_address(gettext(field.label), str(url))


def _check_address(label: str, url: str) -> None:
    """Where a host leads, looked up: a public name may point into the operator's own network.

    The adapter looks again at each connection (`delivery.providers.egress`); here it is a sentence.
    """
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadConfiguration(
            _("%(label_words)s: there is no host %(host)s; is it spelled right?")
            % {"label_words": label, "host": parts.hostname}
        ) from None
    public = [is_public(str(address[0])) for *_, address in found]
    if not all(public) and not settings.ALLOW_PRIVATE_PROVIDER_URLS:
        raise BadConfiguration(
            _(
                "%(label_words)s: %(host)s leads into a private network, which is not allowed unless the operator has "
                "set ALLOW_PRIVATE_PROVIDER_URLS."
            )
            % {"label_words": label, "host": parts.hostname}
        )
    if parts.scheme == "http" and any(public):
        raise BadConfiguration(
            _("%(label_words)s: http:// would send the credentials in clear; use https://.") % {"label_words": label}
        )


def _check_not_redirected(
    kind: ProviderKind, stored: Provider, provider: Provider, merged: Mapping[str, Any], given: Collection[str]
) -> None:
    """A secret that nobody can read must not be had by pointing the account at a machine of one's own."""
    secrets = [field for field in kind.form if field.secret]
    kept = [gettext(secret.label) for secret in secrets if secret.name in merged and secret.name not in given]
    for field in kind.form:
        before = stored.settings.get(field.name) or field.default
        after = provider.settings.get(field.name) or field.default
        if field.is_url and before != after and kept:
            raise BadConfiguration(
                _("%(label_words)s: it changes, so enter the secrets again, or remove them: %(kept)s.")
                % {"label_words": gettext(field.label), "kept": ", ".join(kept)}
            )
