"""Which sender a message leaves by."""

import structlog

from delivery.models import TEST_PROVIDER, ProviderHealth, Sender

log = structlog.get_logger(__name__)

NONE_SET_UP = "No sender was named and none is marked as the default. Mark one under Senders."


class NoSender(Exception):
    """No sender can take the message; the text says what to set up."""


def choose_sender(asked: Sender | None) -> Sender:
    """The sender asked for, else the default one. Raises NoSender when it, or its provider, is switched off."""
    defaults = Sender.objects.select_related("provider").filter(is_default=True).exclude(provider_id=TEST_PROVIDER)
    sender = asked or defaults.first()
    if sender is None:
        raise NoSender(NONE_SET_UP)
    if not sender.enabled:
        raise NoSender(switched_off(sender.address))
    return sender


def switched_off(address: str) -> str:
    """In words."""
    return f"Sender {address} is switched off."


def disable_sender(provider_id: int, address: str, code: str) -> None:
    """Switch off a sender that the provider refuses, so that it costs a few messages and not a campaign.

    What is queued for it goes another way if the routes have one; else it waits until staff switch it on again.
    """
    reason = f"The provider refuses this sender (code {code})."
    rows = Sender.objects.filter(provider_id=provider_id, address=address, enabled=True)
    if rows.update(enabled=False, disabled_reason=reason):
        review_queue(provider_id)
        log.error("sender_disabled", provider_id=provider_id, code=code)


def review_queue(provider_id: int) -> None:
    """What is queued for a provider is to be put to the routes again: see `failover`."""
    ProviderHealth.objects.update_or_create(provider_id=provider_id, defaults={"review": True, "review_after": None})
