"""The processes: is somebody there for every kind of work, and does the clock go?"""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from delivery import vitals
from delivery.models import Provider, WebhookEndpoint
from delivery.providers import registry
from delivery.standstill import SILENCE, UNREAD
from smshub.api.models import TwilioLogin
from smshub.doctor.findings import Finding, problem
from smshub.quickstart.commands import COMMANDS, WORKERS

#: Queue → what stands still when nobody reads it.
_STANDS_STILL = {
    "dispatch": gettext_lazy("no message is sent"),
    "connector": gettext_lazy("nothing is sent by the providers that hold connections, or heard of them"),
    "webhooks": gettext_lazy("other systems are told nothing"),
    "reconcile": gettext_lazy("no receipt is applied"),
    "launch": gettext_lazy("no campaign is launched"),
    "imports": gettext_lazy("no import is done"),
    "default": gettext_lazy("the clock's ticks are not taken, and providers are not asked"),
}
_WAITS = gettext_lazy("what is put there waits")


def queues(unread: timedelta = UNREAD) -> Iterator[Finding]:
    since = timezone.now() - unread
    read = {queue for queue, at in vitals.queues_read().items() if at > since}
    for program in WORKERS:
        for queue in _queues_of(program):
            if queue not in read and _is_needed(queue):
                stands_still = str(_STANDS_STILL.get(queue, _WAITS))
                yield problem(
                    _("No worker reads the queue %(queue)s: %(stands_still_words)s.")
                    % {"queue": queue, "stands_still_words": stands_still},
                    _("Start the program %(program)s, or look at its log if it runs.") % {"program": program},
                )


def clock(silence: timedelta = SILENCE) -> Iterator[Finding]:
    ticks = vitals.counts().get("ticks")
    last = max(tick.at for tick in ticks) if ticks else None
    if last is None or timezone.now() - last > silence:
        since = _("since %(at)s UTC") % {"at": f"{last:%Y-%m-%d %H:%M:%S}"} if last else _("as long as Redis remembers")
        yield problem(
            _("The clock has not ticked %(since_words)s: what waits for its time stands still.")
            % {"since_words": since},
            _("Start the program beat, and see that a worker reads the queue default."),
        )


def _is_needed(queue: str) -> bool:
    if queue == "webhooks":
        endpoints, logins = WebhookEndpoint.objects.filter(enabled=True), TwilioLogin.objects.filter(enabled=True)
        return endpoints.exists() or logins.exists()
    return queue != "connector" or _needs_connector()


def _needs_connector() -> bool:
    return Provider.objects.filter(enabled=True, adapter__in=registry.connected()).exists()


def _queues_of(program: str) -> list[str]:
    command = COMMANDS[program]
    return command[command.index("-Q") + 1].split(",")
