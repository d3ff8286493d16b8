"""What goes on beside the tasks of a Celery worker, on an event loop of its own: it starts with a worker that reads its
queue, and ends with it. Such a worker runs its tasks in threads; they only wake what goes on there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from celery import bootsteps
from celery.signals import worker_init


class Lives(Protocol):
    def start(self) -> None: ...

    def close(self) -> None: ...


R = TypeVar("R", bound=Lives)


@dataclass
class Resident(Generic[R]):
    """One of a process. `absent` says what it means that there is none here."""

    queue: str
    make: Callable[[], R]
    absent: str
    _here: R | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        worker_init.connect(self._install, weak=False)

    def here(self) -> R:
        """This process's. Raises LookupError in any other process than one that reads the queue."""
        if self._here is None:
            raise LookupError(self.absent)
        return self._here

    def _install(self, sender: Any, **_: object) -> None:
        if self.queue not in sender.app.amqp.queues.consume_from:
            return
        sender.app.steps["worker"].add(
            type(
                "Resides",
                (bootsteps.StartStopStep,),
                {
                    "name": f"{self.make.__module__}.{self.make.__qualname__}",
                    # It ends after the consumer, so that no task comes any more, and before the pool.
                    "requires": ("celery.worker.components:Pool",),
                    "start": lambda _step, _worker: self._start(),
                    "stop": lambda _step, _worker: self._stop(),
                },
            )
        )

    def _start(self) -> None:
        self._here = self.make()
        self._here.start()

    def _stop(self) -> None:
        if self._here is not None:
            self._here.close()
            self._here = None
