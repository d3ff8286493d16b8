"""The settings: what would fail later, or quietly be unsafe."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host
from django.utils.translation import gettext as _

from delivery.encryption import seal, unseal
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.egress import is_public
from smshub.doctor.findings import Finding, problem, warning

#: As Django's own deployment check has it (security.W009).
SHORTEST_SECRET_KEY = 50


def secret_key() -> Iterator[Finding]:
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:
        key = ""
    if not key:
        yield problem(_("SECRET_KEY is not set."), _("Set it to something long and random, and keep it."))
    elif len(key) < SHORTEST_SECRET_KEY or len(set(key)) < 5:
        yield warning(
            _("SECRET_KEY is short: sessions and callback addresses could be forged."),
            _("Make it %(most)s random characters or more. People have to log in again.")
            % {"most": SHORTEST_SECRET_KEY},
        )


def encryption_keys() -> Iterator[Finding]:
    try:
        unseal(seal(b"", context="doctor"), context="doctor")
    except ImproperlyConfigured as error:
        yield problem(_("Providers' credentials can be neither stored nor read."), str(error))


def debugging() -> Iterator[Finding]:
    if settings.DEBUG and not _is_private(_public_host()):
        yield problem(_("DEBUG is on: error pages show settings to strangers."), _("Set DEBUG=false and restart."))


def allowed_hosts() -> Iterator[Finding]:
    host = _public_host()
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield problem(
            _("Who opens PUBLIC_URL is refused with 400: %(host)s is not allowed.") % {"host": host},
            _("Add %(host)s to ALLOWED_HOSTS.") % {"host": host},
        )


def timings() -> Iterator[Finding]:
    if settings.LEASE_SECONDS <= settings.SEND_TIMEOUT:
        yield problem(
            _("Nothing can be sent: a claim ends before its request may have been answered."),
            _("Set LEASE_SECONDS well above SEND_TIMEOUT."),
        )
    if settings.BELIEVE_ABSENCE_AFTER_SECONDS <= settings.SEND_TIMEOUT:
        yield problem(
            _("“No such message” is believed while the request may still be under way: people may be texted twice."),
            _("Set BELIEVE_ABSENCE_AFTER_SECONDS above SEND_TIMEOUT and above the provider's delay in listing."),
        )


def public_url() -> Iterator[Finding]:
    """A provider out in the world calls us there, and people's numbers are in what it says."""
    real = [provider.name for provider in Provider.objects.defer("credentials") if _calls_from_outside(provider)]
    if not real:
        return
    if _is_private(_public_host()):
        yield problem(
            _("PUBLIC_URL is %(address)s, where %(providers_words)s cannot reach it: no receipt will come.")
            % {"address": settings.PUBLIC_URL, "providers_words": _and_others(real)},
            _("Set PUBLIC_URL to the https address of this hub on the internet."),
        )
    elif not settings.PUBLIC_URL.startswith("https://"):
        yield problem(
            _("PUBLIC_URL is not https: callbacks of %(providers_words)s carry people's numbers in clear.")
            % {"providers_words": _and_others(real)},
            _("Put a proxy that ends TLS in front, and set PUBLIC_URL to its https address."),
        )


def _calls_from_outside(provider: Provider) -> bool:
    """Whether it calls back at all, from anywhere but the operator's own network.

    Only an address in a private network may begin with http:// (`delivery.accounts` sees to that).
    """
    kind = registry.kinds().get(provider.adapter)
    if kind is None or not provider.enabled or not (kind.parse_receipts or kind.parse_inbound):
        return False
    addresses = [str(provider.settings.get(field.name) or field.default) for field in kind.form if field.is_url]
    return not any(address.startswith("http://") for address in addresses)


def _public_host() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or ""


def _is_private(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return host.endswith((".local", ".localhost")) or "." not in host


def _and_others(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return _("%(name)s and %(number)s more") % {"name": names[0], "number": len(names) - 1}
