"""Claim and settle without a network: the dispatch loop with a provider that takes everything at once."""

import asyncio
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from benchmarks import scenes
from benchmarks.alone import Figures, seconds
from delivery.dispatch import IDLE_SECONDS, dispatch
from delivery.models import Message, Provider
from delivery.providers.base import Answer, CannotAsk, OutboundMessage, Outcome, Question, SendOutcome
from delivery.runtime import Runtime, runtime
from delivery.states import Status


class Accepting:
    """An adapter that takes everything, after one turn of the event loop."""

    async def send(self, message: OutboundMessage) -> SendOutcome:
        await asyncio.sleep(0)
        sid = f"SM{message.id.hex}"
        return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=sid)

    async def ask(self, question: Question) -> Answer:
        raise CannotAsk("It says nothing more.")

    async def close(self) -> None:
        return None


class _Fixed(Runtime):
    async def adapter(self, provider: Provider) -> Any:
        return Accepting()


def ours(size: int, in_flight: int) -> Figures:
    by = scenes.sender(max_in_flight=in_flight)
    scenes.messages(size, by, Status.QUEUED)
    fixed = _Fixed(runtime().runner)
    # When nothing is left the loop stays a little longer, in case there will be more.
    took = seconds(lambda: dispatch(by.provider_id, runtime=fixed, seconds=3600)) - IDLE_SECONDS
    accepted = Message.objects.filter(status=Status.ACCEPTED).count()
    if accepted != size:
        raise SystemExit(f"{accepted} of {size} messages were accepted.")
    return {"seconds": took}


def updates_only(size: int, in_flight: int) -> Figures:
    """The two writes alone, by ids known beforehand, in batches as large."""
    by = scenes.sender()
    scenes.messages(size, by, Status.QUEUED)
    batches = list(scenes.ids_of(Status.QUEUED, chunk=in_flight))

    def update_all() -> None:
        for ids in batches:
            _claimed(ids)
            _accepted(ids)

    return {"seconds": seconds(update_all)}


def _claimed(ids: list[UUID]) -> None:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_message SET status = %s, claimed_at = %s, lease_until = %s WHERE id = ANY(%s)",
            [Status.SENDING.value, now, now, ids],
        )


def _accepted(ids: list[UUID]) -> None:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE delivery_message SET status = %s, provider_message_id = 'SM' || replace(id::text, '-', ''),
                   sent_at = %s, ask_at = %s, lease_until = NULL WHERE id = ANY(%s)""",
            [Status.ACCEPTED.value, now, now, ids],
        )
