"""Which sender a message leaves by."""

import re
from collections.abc import Collection

import structlog
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.retelling import english
from contacts.unusable import Unusable
from delivery.models import TEST_PROVIDER, ProviderHealth, Sender

log = structlog.get_logger(__name__)

_LONGEST_REASON = 200
_SEPARATORS = re.compile(r"[\s().-]")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
#: GSM 03.40 §9.1.2.5: what an alphanumeric sender has room for.
_LONGEST_NAME = 11
_LONGEST_SHORT_CODE = 6
NONE_SET_UP = gettext_lazy("No sender was named and none is marked as the default. Mark one under Senders.")


class NoSender(Exception):
    """No sender can take the message; the text says what to set up."""


def choose_sender(asked: Sender | None) -> Sender:
    """The sender asked for, else the default one. Raises NoSender when it, or its provider, is switched off."""
    defaults = Sender.objects.select_related("provider").filter(is_default=True).exclude(provider_id=TEST_PROVIDER)
    sender = asked or defaults.first()
    if sender is None:
        raise NoSender(str(NONE_SET_UP))
    if not sender.enabled:
        raise NoSender(switched_off(sender.address))
    return sender


def switched_off(address: str) -> str:
    """In words."""
    return _("Sender %(address)s is switched off.") % {"address": address}


def address(text: str) -> str:
    """A sender as it is handed to providers: a number in E.164 however it was typed, all else as it stands.

    Raises Unusable for a number that cannot be one or is written without its country code, and for a name with spaces
    that is too long; what has none may be the provider's id of a service.
    """
    text = text.strip()
    if text.startswith("+"):
        number = _SEPARATORS.sub("", text)
        if not _NUMBER.fullmatch(number):
            raise Unusable("address", _("A number is + and 7 to 15 digits, the country code first."))
        return number
    digits = _SEPARATORS.sub("", text)
    if digits != text and digits.isdecimal() and len(digits) > _LONGEST_SHORT_CODE:
        raise Unusable("address", _("Write a number with its country code, such as +44 7700 900123."))
    if len(text) > _LONGEST_NAME and len(text.split()) > 1:
        raise Unusable("address", _("A name has at most %(most)d characters.") % {"most": _LONGEST_NAME})
    return text


def check(sender: Sender) -> None:
    """Raises Unusable."""
    if sender.is_default and sender.provider_id == TEST_PROVIDER:
        raise Unusable("is_default", _("The test carrier reaches nobody: its sender cannot be the default."))


def save(sender: Sender, changed: Collection[str], *, reason: str = "") -> None:
    """Write what was `changed` of it and no more, so that one that was switched off meanwhile stays off; all of a new
    one. A new default takes the place of the old. `reason` is why it is switched off. Raises Unusable."""
    check(sender)
    is_new, fields = sender.pk is None, set(changed)
    if "enabled" in fields:
        with english():
            why = reason or _("Switched off by staff.")
        sender.disabled_reason = "" if sender.enabled else why[:_LONGEST_REASON]
        fields.add("disabled_reason")
    with transaction.atomic():
        if sender.is_default:
            Sender.objects.filter(is_default=True).exclude(pk=sender.pk).update(is_default=False)
        sender.save(update_fields=None if is_new else fields)
        if not is_new and "enabled" in fields and not sender.enabled:
            review_queue(sender.provider_id)


def disable_sender(provider_id: int, address: str, code: str) -> None:
    """Switch off a sender that the provider refuses, so that it costs a few messages and not a campaign.

    What is queued for it goes another way if the routes have one; else it waits until staff switch it on again.
    """
    reason = _("The provider refuses this sender (code %(code)s).") % {"code": code}
    rows = Sender.objects.filter(provider_id=provider_id, address=address, enabled=True)
    if rows.update(enabled=False, disabled_reason=reason):
        review_queue(provider_id)
        log.error("sender_disabled", provider_id=provider_id, code=code)


def review_queue(provider_id: int) -> None:
    """What is queued for a provider is to be put to the routes again: see `failover`."""
    ProviderHealth.objects.update_or_create(provider_id=provider_id, defaults={"review": True, "review_after": None})
