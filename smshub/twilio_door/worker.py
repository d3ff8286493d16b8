"""The telling inside a Celery worker: it starts with a worker that reads the queue `webhooks`, and ends with it.

As with the connector (`delivery.connector.worker`), tasks run in threads beside the event loop and only wake it.
"""

import asyncio
from contextlib import suppress
from typing import Any

from celery import bootsteps
from celery.signals import worker_init

from delivery.runtime import AlwaysRunning
from delivery.webhooks.post import TIMEOUT_SECONDS
from smshub.twilio_door.posting import Postman
from smshub.twilio_door.telling import Telling

QUEUE = "webhooks"


class Teller:
    """Start it once in a process; `close` ends it. Both, and `wake`, may be called from any thread."""

    def __init__(self) -> None:
        self.loop = AlwaysRunning()

    def start(self) -> None:
        async def begin() -> None:
            self._postman = Postman()
            self._telling = Telling(self._postman)
            self._running = asyncio.create_task(self._telling.run())

        self.loop.run(begin())

    def wake(self) -> None:
        """Something is due."""
        self.loop.loop.call_soon_threadsafe(self._telling.look_soon)

    def close(self) -> None:
        """Begin nothing more, wait for what is under way, and write what came of it."""

        async def end() -> None:
            await self._telling.close(TIMEOUT_SECONDS)
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
            await self._postman.close()

        self.loop.run(end())
        self.loop.close()


_here: Teller | None = None


def here() -> Teller:
    """This process's teller. Raises LookupError in any other process than one that reads the queue."""
    if _here is None:
        raise LookupError("Only a worker of the queue webhooks tells anybody.")
    return _here


class Starting(bootsteps.StartStopStep):
    """Ends after the consumer, so that no task comes any more, and before the pool."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: Any) -> None:
        global _here
        _here = Teller()
        _here.start()

    def stop(self, worker: Any) -> None:
        global _here
        if _here is not None:
            _here.close()
            _here = None


@worker_init.connect
def _install(sender: Any, **_: object) -> None:
    if QUEUE in sender.app.amqp.queues.consume_from:
        sender.app.steps["worker"].add(Starting)
