"""Accounts that hold connections: does anybody hold them, as many as there may be, and does the other side let us?"""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from delivery import accounts
from delivery.connector import binds
from delivery.encryption import CannotDecrypt
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import BadConfiguration, ConnectionState
from smshub.doctor.findings import Finding, problem, warning


def connections() -> Iterator[Finding]:
    providers = list(Provider.objects.filter(enabled=True, adapter__in=registry.connected()).order_by("name"))
    seen = binds.look([provider.pk for provider in providers]) if providers else {}
    for provider in providers:
        yield from _of(provider, seen[provider.pk])


def _of(provider: Provider, account: binds.Account) -> Iterator[Finding]:
    if provider.unbound_at is not None:
        yield warning(
            _("%(user)s has had the connections of %(provider)s given up.")
            % {"user": provider.unbound_by or _("Somebody"), "provider": provider.name},
            _("Have them made again on its page, under Providers. What is queued for it waits, or goes another way."),
        )
    elif not account.workers:
        yield problem(
            _("No connector worker holds the connections of %(provider)s: nothing is sent or heard there.")
            % {"provider": provider.name},
            _("Start the program connector, or look at its log if it runs."),
        )
    elif refused := [bind.connection for bind in account.binds if bind.connection.state is ConnectionState.REFUSED]:
        code = f" ({refused[0].code})" if refused[0].code else ""
        yield problem(
            _("%(provider)s refuses our account: %(error_words)s.")
            % {"provider": provider.name, "error_words": refused[0].error + code},
            _("Correct what it says on the provider's page. It is tried again only every few minutes."),
        )
    elif not account.bound:
        errors = sorted({bind.connection.error for bind in account.binds if bind.connection.error})
        silent = _("No connection to %(provider)s is up.") % {"provider": provider.name}
        said = {"provider": provider.name, "error_words": errors[0] if errors else ""}
        yield problem(
            _("No connection to %(provider)s is up: %(error_words)s.") % said if errors else silent,
            _("Look at its page, under Providers, and ask the operator whether their side is up."),
        )
    else:
        yield from _fewer(provider, account)


def _fewer(provider: Provider, account: binds.Account) -> Iterator[Finding]:
    try:
        allowed = accounts.connections_allowed(provider)
    except (BadConfiguration, CannotDecrypt):
        return  # the check of the providers says so
    if account.bound < allowed:
        yield warning(
            _("%(up)s of %(allowed)s connections to %(provider)s are up.")
            % {"up": account.bound, "allowed": allowed, "provider": provider.name},
            _("See on its page what the others say; the operator may allow fewer than is configured."),
        )
