"""The processes: is somebody there for every kind of work, and does the clock go?"""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from delivery import vitals
from delivery.models import Provider, WebhookEndpoint
from delivery.providers import registry
from delivery.standstill import SILENCE, UNREAD
from smshub.api.models import TwilioLogin
from smshub.doctor.findings import Finding, problem
from smshub.quickstart.commands import COMMANDS, WORKERS

#: Queue → what stands still when nobody reads it.
_STANDS_STILL = {
    "dispatch": "no message is sent",
    "connector": "nothing is sent by the providers that hold connections, or heard of them",
    "webhooks": "other systems are told nothing",
    "reconcile": "no receipt is applied",
    "launch": "no campaign is launched",
    "imports": "no import is done",
    "default": "the clock's ticks are not taken, and providers are not asked",
}


def queues(unread: timedelta = UNREAD) -> Iterator[Finding]:
    since = timezone.now() - unread
    read = {queue for queue, at in vitals.queues_read().items() if at > since}
    for program in WORKERS:
        for queue in _queues_of(program):
            if queue not in read and _is_needed(queue):
                stands_still = _STANDS_STILL.get(queue, "what is put there waits")
                yield problem(
                    f"No worker reads the queue {queue}: {stands_still}.",
                    f"Start the program {program}, or look at its log if it runs.",
                )


def clock(silence: timedelta = SILENCE) -> Iterator[Finding]:
    ticks = vitals.counts().get("ticks")
    last = max(tick.at for tick in ticks) if ticks else None
    if last is None or timezone.now() - last > silence:
        since = f"since {last:%Y-%m-%d %H:%M:%S} UTC" if last else "as long as Redis remembers"
        yield problem(
            f"The clock has not ticked {since}: what waits for its time stands still.",
            "Start the program beat, and see that a worker reads the queue default.",
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
