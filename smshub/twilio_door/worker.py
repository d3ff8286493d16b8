"""Who tells Twilio logins inside a Celery worker that reads the queue `webhooks`."""

import asyncio
from contextlib import suppress

from delivery.resident import Resident
from delivery.runtime import AlwaysRunning
from delivery.webhooks.post import TIMEOUT_SECONDS
from smshub.twilio_door.posting import Postman
from smshub.twilio_door.telling import Telling


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


here = Resident("webhooks", Teller, "Only a worker of the queue webhooks tells anybody.").here
