"""Accounts that hold connections: does anybody hold them, as many as there may be, and does the other side let us?"""

from collections.abc import Iterator

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
            f"{provider.unbound_by or 'Somebody'} has had the connections of {provider.name} given up.",
            "Have them made again on its page, under Providers. What is queued for it waits, or goes another way.",
        )
    elif not account.workers:
        yield problem(
            f"No connector worker holds the connections of {provider.name}: nothing is sent or heard there.",
            "Start the program connector, or look at its log if it runs.",
        )
    elif refused := [bind.connection for bind in account.binds if bind.connection.state is ConnectionState.REFUSED]:
        code = f" ({refused[0].code})" if refused[0].code else ""
        yield problem(
            f"{provider.name} refuses our account: {refused[0].error}{code}.",
            "Correct what it says on the provider's page. It is tried again only every few minutes.",
        )
    elif not account.bound:
        errors = sorted({bind.connection.error for bind in account.binds if bind.connection.error})
        yield problem(
            f"No connection to {provider.name} is up{': ' + errors[0] if errors else ''}.",
            "Look at its page, under Providers, and ask the operator whether their side is up.",
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
            f"{account.bound} of {allowed} connections to {provider.name} are up.",
            "See on its page what the others say; the operator may allow fewer than is configured.",
        )
