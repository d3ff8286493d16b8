"""The courier inside a Celery worker: it starts with a worker that reads the queue `webhooks`, and ends with it.

As with the connector (`delivery.connector.worker`), tasks run in threads beside the event loop and only wake it.
"""

from typing import Any

from celery import bootsteps
from celery.signals import worker_init

from delivery.webhooks.courier import Courier

QUEUE = "webhooks"

_here: Courier | None = None


def here() -> Courier:
    """This process's courier. Raises LookupError in any other process than one that reads the queue."""
    if _here is None:
        raise LookupError("Only a worker of the queue webhooks tells anybody.")
    return _here


class Telling(bootsteps.StartStopStep):
    """Ends after the consumer, so that no task comes any more, and before the pool."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: Any) -> None:
        global _here
        _here = Courier()
        _here.start()

    def stop(self, worker: Any) -> None:
        global _here
        if _here is not None:
            _here.close()
            _here = None


@worker_init.connect
def _install(sender: Any, **_: object) -> None:
    if QUEUE in sender.app.amqp.queues.consume_from:
        sender.app.steps["worker"].add(Telling)
