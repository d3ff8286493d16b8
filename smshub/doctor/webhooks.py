"""Webhooks out: is anybody not told of what happens?"""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from delivery.webhooks import endpoints
from smshub.doctor.findings import Finding, problem, warning

#: A system that is restarted is nothing to speak of.
PATIENCE = timedelta(minutes=15)
LISTED = 20


def webhooks(patience: timedelta = PATIENCE) -> Iterator[Finding]:
    found = endpoints.present().defer("secret").order_by("pk")
    for endpoint in found.filter(enabled=False).exclude(disabled_reason="")[:LISTED]:
        yield problem(
            _("Webhook %(webhook)s was switched off and is told nothing. %(reason)s")
            % {"webhook": endpoint.pk, "reason": endpoint.disabled_reason},
            _("See with whoever runs that system, then switch it on under Webhooks, and send it again what it missed."),
        )
    for endpoint in found.filter(enabled=True, failing_since__lt=timezone.now() - patience)[:LISTED]:
        yield warning(
            _("Webhook %(webhook)s has taken nothing since %(since)s UTC. %(error)s")
            % {
                "webhook": endpoint.pk,
                "since": f"{endpoint.failing_since:%Y-%m-%d %H:%M}",
                "error": endpoint.last_error,
            },
            _("See with whoever runs that system: what waits is sent for three days, and in five it is switched off."),
        )
