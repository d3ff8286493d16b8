"""Which sender a message leaves by."""

from delivery.models import Sender


class NoSender(Exception):
    """No sender can take the message; the text says what to set up."""


def choose_sender(asked: Sender | None) -> Sender:
    """The sender asked for, else the default one. Raises NoSender when it, or its provider, is switched off."""
    sender = asked or Sender.objects.select_related("provider").filter(is_default=True).first()
    if sender is None:
        raise NoSender("No sender was named and none is marked as the default. Mark one under Senders.")
    if not sender.enabled:
        raise NoSender(f"Sender {sender.address} is switched off.")
    return sender
