"""What a worker says of itself: that it is up, and which queues it reads. Said from the event loop of its main process,
whatever its children are busy with.
"""

from typing import Any

from celery import bootsteps
from celery.signals import worker_init, worker_process_shutdown

from delivery import vitals

EVERY_SECONDS = 5.0


class Heartbeat(bootsteps.StartStopStep):
    """Starts anew with each connection to the broker, which takes the timers of the last one with it."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        _say(consumer)
        self._timer = consumer.timer.call_repeatedly(EVERY_SECONDS, _say, (consumer,))

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            consumer.timer.cancel(self._timer)
            self._timer = None


def _say(consumer: Any) -> None:
    vitals.alive(consumer.hostname, [queue.name for queue in consumer.task_consumer.queues])


@worker_init.connect
def _install(sender: Any, **_: object) -> None:
    sender.app.steps["consumer"].add(Heartbeat)


@worker_process_shutdown.connect
def _last_counts(**_: object) -> None:
    vitals.flush()
