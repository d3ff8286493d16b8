"""Who is told of events: made, changed, switched off and on, given another secret, removed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from contacts.retelling import retold
from delivery import clock
from delivery.models import WebhookEndpoint
from delivery.providers.base import BadConfiguration
from delivery.providers.http import check_base_url
from delivery.webhooks import events, schedule, signing

log = structlog.get_logger(__name__)

USUAL = "https://example.org/webhooks"
_SECRET: Any = WebhookEndpoint._meta.get_field("secret")
#: Each of them is looked at every second, and written to with everything that it wants.
MOST = 500


class Refused(ValueError):
    """What somebody asked for cannot be; `field` names what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_url(url: str) -> None:
    """Raises Refused for what is no address, or none that may be written to.

    What a name leads to is looked at when it is connected to, each time: a name may lead elsewhere by then.
    """
    try:
        without_query = urlsplit(url)._replace(query="").geturl()
        check_base_url(
            without_query,
            usual=USUAL,
            private_addresses=settings.ALLOW_PRIVATE_WEBHOOK_URLS,
            setting="ALLOW_PRIVATE_WEBHOOK_URLS",
        )
    except ValueError:
        raise Refused("url", _("Address: it is not a URL; one looks like %(usual)s.") % {"usual": USUAL}) from None
    except BadConfiguration as error:
        raise Refused("url", str(error)) from None
    if not (url.isascii() and url.isprintable()) or " " in url or len(url) > 500:
        raise Refused("url", _("Address: at most 500 ASCII characters, without spaces."))


def make(
    *, url: str, events: Iterable[str], by: str, description: str = "", enabled: bool = True
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which cannot be had again. Raises Refused."""
    check_url(url)
    wanted = _checked(events)
    if present().count() >= MOST:
        raise Refused("url", _("There are %(most)s webhooks already, and no more can be.") % {"most": MOST})
    secret = signing.new_secret()
    endpoint = WebhookEndpoint.objects.create(
        url=url,
        description=description,
        events=wanted,
        enabled=enabled,
        secret={"present": secret},
        created_by=by[:150],
    )
    return endpoint, secret


def change(endpoint: WebhookEndpoint, **fields: Any) -> WebhookEndpoint:
    """Change what is given: `url`, `description`, `events`, `enabled`. Raises Refused.

    Switched on again it is tried at once, with all that still waits for it.
    """
    if "url" in fields:
        check_url(fields["url"])
    if "events" in fields:
        fields["events"] = _checked(fields["events"])
    if "enabled" in fields:
        fields |= _switched(endpoint, on=fields["enabled"])
    for name, value in fields.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=[*fields, "updated_at"])
    return endpoint


def rotate(endpoint: WebhookEndpoint) -> str:
    """A new secret, which cannot be had again. The one before it signs too, for `schedule.OVERLAP`."""
    secret = signing.new_secret()
    with transaction.atomic():
        present = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        present.secret = {"present": secret, "previous": present.secret.get("present", "")}
        present.previous_until = clock.now() + schedule.OVERLAP
        present.save(update_fields=["secret", "previous_until", "updated_at"])
    return secret


def keys(api_key_id: int | None, sealed: bytes, previous_until: datetime | None, now: datetime) -> list[str]:
    """What is signed with now, the present secret first. Raises CannotDecrypt."""
    if api_key_id is not None:
        return [signing.secret_of_key(api_key_id)]
    secret = _SECRET.from_db_value(sealed, None, None)
    found = [secret["present"]]
    if previous_until is not None and previous_until > now and secret.get("previous"):
        found.append(secret["previous"])
    return found


def remove(endpoint: WebhookEndpoint) -> None:
    """It is told nothing from now on. What it was told, and it itself, is taken away by `upkeep`."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        enabled=False, removed_at=timezone.now(), secret={}, turn=F("turn") + 1
    )


def present() -> QuerySet[WebhookEndpoint]:
    """All that people know of."""
    return WebhookEndpoint.objects.filter(removed_at=None)


def switch_off(ids: Sequence[int], reason: str) -> None:
    """Of these, those that are on: the hub gives them up, and says so to the operator."""
    with transaction.atomic():
        on = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk__in=ids, enabled=True)
        found = list(on.defer("secret").order_by("pk"))
        WebhookEndpoint.objects.filter(pk__in=[endpoint.pk for endpoint in found]).update(
            enabled=False, disabled_at=timezone.now(), disabled_reason=reason[:200], turn=F("turn") + 1
        )
    for endpoint in found:
        log.warning("webhook_disabled", webhook=endpoint.pk, reason=reason)
        _notify(endpoint, reason)


def switch_off_failing(after: timedelta = schedule.DISABLE_AFTER) -> None:
    """Those that took nothing for so long although they were tried until the end of it."""
    failing = present().filter(enabled=True, last_error_at__gt=F("failing_since") + after)
    if ids := list(failing.values_list("pk", flat=True)):
        switch_off(ids, _("It took nothing for %(days)s days.") % {"days": after.days})


def _switched(endpoint: WebhookEndpoint, *, on: bool) -> dict[str, Any]:
    if on == endpoint.enabled:
        return {}
    if not on:
        return {"disabled_at": timezone.now(), "disabled_reason": ""}
    return {"disabled_at": None, "disabled_reason": "", "not_before": None, "failures": 0, "failing_since": None}


def _checked(names: Iterable[str]) -> list[str]:
    try:
        return events.checked(names)
    except ValueError as error:
        raise Refused("events", str(error)) from None


def _notify(endpoint: WebhookEndpoint, reason: str) -> None:
    """Nobody who waits for something else hears of a mail server that is away."""
    if not settings.NOTICE_EMAILS:
        return
    address = f"{settings.PUBLIC_URL}/admin/delivery/webhookendpoint/{endpoint.pk}/change/"
    with translation.override(settings.NOTICE_LANGUAGE):
        subject = _("Webhook %(number)s is switched off") % {"number": endpoint.pk}
        paragraphs = (
            _("SMSHub has switched the webhook %(number)s (%(name)s) off.")
            % {"number": endpoint.pk, "name": str(endpoint)},
            retold(reason),
            _("Last error: %(error)s") % {"error": retold(endpoint.last_error) or "–"},
            _("Events from now on are not kept for it. What waits goes out if it is on again in time: %(address)s")
            % {"address": address},
        )
    try:
        send_mail(subject, "\n\n".join(paragraphs) + "\n", None, settings.NOTICE_EMAILS)
    except OSError as error:
        log.warning("notice_not_sent", error=type(error).__name__)
