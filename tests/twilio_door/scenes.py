"""Somebody who tells applications, and what happens to their messages meanwhile; all of it committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction
from django.utils import timezone

from delivery import words as owed_words
from delivery.models import Message, Word
from delivery.receipts.evidence import Evidence, apply
from delivery.runtime import in_thread
from delivery.states import Status
from smshub.twilio_door.posting import Postman
from smshub.twilio_door.telling import Telling
from tests.smpp_door.conftest import in_database
from tests.twilio_door.conftest import Application
from tests.twilio_door.listener import Listener, listening


@asynccontextmanager
async def told(auth_token: str) -> AsyncIterator[Listener]:
    """An application that listens, and somebody who tells it."""
    async with listening(auth_token) as listener, telling():
        yield listener


@asynccontextmanager
async def telling() -> AsyncIterator[Telling]:
    postman = Postman()
    teller = Telling(postman)
    running = asyncio.create_task(teller.run())
    try:
        yield teller
    finally:
        await teller.close(5)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await postman.close()
        await in_thread(lambda: connection.close())


async def sent(shop: Application, **changes: Any) -> Message:
    return await in_database(lambda: shop.sent(**changes))


async def becomes(message: Message, status: Status, reason: str = "") -> None:
    def write() -> None:
        with transaction.atomic():
            apply([Evidence(message.pk, 1, "SM1", status, reason, "", timezone.now(), "receipt")])

    await in_database(write)


async def nothing_owed() -> None:
    async with asyncio.timeout(10):
        while await in_database(Word.objects.count):
            await asyncio.sleep(0.01)


def quickly(seconds: float = 0.0) -> Any:
    """What nobody took is told again at once."""
    return patch.object(owed_words, "FIRST_WAIT_SECONDS", seconds)
