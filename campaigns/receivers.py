"""What campaigns do about what delivery announces."""

from typing import Any

import structlog
from django.db import transaction
from django.dispatch import receiver

from campaigns.conversations.receive import receive
from delivery.models import Inbound
from delivery.signals import text_received

log = structlog.get_logger(__name__)


@receiver(text_received, sender=Inbound)
def join_conversation(inbound: Inbound, consent_changed: bool = False, **_: Any) -> None:
    """Nothing that goes wrong here undoes a STOP; of any other text the provider comes again."""
    try:
        with transaction.atomic():
            receive(inbound, consent_changed=consent_changed)
    except Exception as error:
        if not inbound.keyword:
            raise
        log.error("conversation_not_joined", inbound_id=str(inbound.pk), error=type(error).__name__)
