"""The connector inside a Celery worker: it starts with a worker that reads the queue `connector`, and ends with it.

Such a worker runs its tasks in threads, beside the event loop; they only wake what goes on there.
"""

from typing import Any

from celery import bootsteps
from celery.signals import worker_init

from delivery.connector.holding import Connector

QUEUE = "connector"

_here: Connector | None = None


def here() -> Connector:
    """This process's connector. Raises LookupError in any other process than a connector worker."""
    if _here is None:
        raise LookupError("Only a connector worker holds connections.")
    return _here


class Connecting(bootsteps.StartStopStep):
    """Ends after the consumer, so that no task comes any more, and before the pool."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: Any) -> None:
        global _here
        _here = Connector()
        _here.start()

    def stop(self, worker: Any) -> None:
        global _here
        if _here is not None:
            _here.close()
            _here = None


@worker_init.connect
def _install(sender: Any, **_: object) -> None:
    if QUEUE in sender.app.amqp.queues.consume_from:
        sender.app.steps["worker"].add(Connecting)
