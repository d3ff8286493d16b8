"""Providers and senders: can anything leave the house?"""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from delivery import accounts
from delivery.encryption import CannotDecrypt
from delivery.models import Provider, Route, Sender
from delivery.providers.base import BadConfiguration
from delivery.routing.senders import NoSender, choose_sender
from smshub.doctor.findings import Finding, problem, warning


def providers() -> Iterator[Finding]:
    there = list(Provider.objects.defer("credentials").order_by("name"))
    if not there:
        yield problem(_("There is no provider: nothing can be sent."), _("Add one in the admin, under Providers."))
    for provider in there:
        if provider.enabled:
            yield from _configuration(provider.pk, provider.name)
        elif provider.disabled_reason:
            yield problem(
                _("%(provider)s was switched off: %(reason)s")
                % {"provider": provider.name, "reason": provider.disabled_reason},
                _("Correct what the reason says, then switch it on under Providers. What is queued for it waits."),
            )
        else:
            yield warning(
                _("%(provider)s is switched off.") % {"provider": provider.name},
                _("Switch it on under Providers if that was not meant."),
            )


def _configuration(provider_id: int, name: str) -> Iterator[Finding]:
    try:
        accounts.check(Provider.objects.get(pk=provider_id))
    except CannotDecrypt:
        yield problem(
            _("The credentials of %(name)s cannot be read with the keys there are.") % {"name": name},
            _("Put the key they were sealed with at the end of FIELD_ENCRYPTION_KEYS, or enter them again."),
        )
    except BadConfiguration as error:
        yield problem(_("%(name)s cannot work as it is set up.") % {"name": name}, str(error))


def senders() -> Iterator[Finding]:
    if not Sender.objects.filter(enabled=True).exists():
        yield problem(
            _("No sender is switched on: nothing can be sent."), _("Add one under Senders, or switch one on.")
        )
    stopped = Sender.objects.select_related("provider").defer("provider__credentials")
    for sender in stopped.filter(enabled=False).exclude(disabled_reason="").order_by("pk")[:20]:
        yield problem(
            _("Sender %(sender)s of %(provider)s was switched off: %(reason)s")
            % {"sender": sender.pk, "provider": sender.provider.name, "reason": sender.disabled_reason},
            _("Look at its registration with the provider, then switch it on under Senders."),
        )


def default_sender() -> Iterator[Finding]:
    if not Sender.objects.filter(is_default=True).exists():
        if Route.objects.filter(enabled=True).exists():
            return  # the check of the routes says whether some destination has none
        yield warning(
            _("No sender is the default: messages and campaigns that name none are refused."),
            _("Mark one under Senders."),
        )
        return
    try:
        choose_sender(None)
    except NoSender as error:
        yield problem(_("Messages that name no sender are refused."), str(error))
