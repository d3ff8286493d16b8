"""What campaigns do about what delivery announces.

Nothing that goes wrong here undoes a STOP; of any other text the provider comes again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.dispatch import receiver

from campaigns import replies
from campaigns.conversations.receive import receive
from campaigns.links import single
from delivery.models import Inbound, Message
from delivery.signals import text_received, texts_emptied

log = structlog.get_logger(__name__)


@receiver(text_received, sender=Inbound)
def join_conversation(inbound: Inbound, consent_changed: bool = False, **_: Any) -> None:
    with _sparing_a_stop(inbound, "conversation_not_joined"):
        receive(inbound, consent_changed=consent_changed)


@receiver(text_received, sender=Inbound)
def note_reply(inbound: Inbound, **_: Any) -> None:
    with _sparing_a_stop(inbound, "reply_not_noted"):
        replies.note(inbound)


@receiver(texts_emptied, sender=Message)
def empty_links(message_ids: Sequence[UUID], **_: Any) -> None:
    single.empty(message_ids)


@contextmanager
def _sparing_a_stop(inbound: Inbound, event: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except Exception as error:
        if not inbound.keyword:
            raise
        log.error(event, inbound_id=str(inbound.pk), error=type(error).__name__)
