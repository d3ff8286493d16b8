"""Providers and senders: can anything leave the house?"""

from collections.abc import Iterator

from delivery import accounts
from delivery.encryption import CannotDecrypt
from delivery.models import Provider, Route, Sender
from delivery.providers.base import BadConfiguration
from delivery.routing.senders import NoSender, choose_sender
from smshub.doctor.findings import Finding, problem, warning


def providers() -> Iterator[Finding]:
    there = list(Provider.objects.defer("credentials").order_by("name"))
    if not there:
        yield problem("There is no provider: nothing can be sent.", "Add one in the admin, under Providers.")
    for provider in there:
        if provider.enabled:
            yield from _configuration(provider.pk, provider.name)
        elif provider.disabled_reason:
            yield problem(
                f"{provider.name} was switched off: {provider.disabled_reason}",
                "Correct what the reason says, then switch it on under Providers. What is queued for it waits.",
            )
        else:
            yield warning(f"{provider.name} is switched off.", "Switch it on under Providers if that was not meant.")


def _configuration(provider_id: int, name: str) -> Iterator[Finding]:
    try:
        accounts.check(Provider.objects.get(pk=provider_id))
    except CannotDecrypt:
        yield problem(
            f"The credentials of {name} cannot be read with the keys there are.",
            "Put the key they were sealed with at the end of FIELD_ENCRYPTION_KEYS, or enter them again.",
        )
    except BadConfiguration as error:
        yield problem(f"{name} cannot work as it is set up.", str(error))


def senders() -> Iterator[Finding]:
    if not Sender.objects.filter(enabled=True).exists():
        yield problem("No sender is switched on: nothing can be sent.", "Add one under Senders, or switch one on.")
    stopped = Sender.objects.select_related("provider").defer("provider__credentials")
    for sender in stopped.filter(enabled=False).exclude(disabled_reason="").order_by("pk")[:20]:
        yield problem(
            f"Sender {sender.pk} of {sender.provider.name} was switched off: {sender.disabled_reason}",
            "Look at its registration with the provider, then switch it on under Senders.",
        )


def default_sender() -> Iterator[Finding]:
    if not Sender.objects.filter(is_default=True).exists():
        if Route.objects.filter(enabled=True).exists():
            return  # the check of the routes says whether some destination has none
        yield warning(
            "No sender is the default: messages and campaigns that name none are refused.",
            "Mark one under Senders.",
        )
        return
    try:
        choose_sender(None)
    except NoSender as error:
        yield problem("Messages that name no sender are refused.", str(error))
