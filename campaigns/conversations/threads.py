"""The texts of a conversation, both ways, the newest first: read where they are, page by page.

What we sent and what came in are two tables; the ids of both are by time, so a page is the upper ends of two indexes
merged. A campaign's text stands where the campaign was launched, a reminder's where it was due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from campaigns.models import Conversation, ConversationReply
from delivery import bodies
from delivery.models import Inbound, Message

PAGE = 50


@dataclass(frozen=True, slots=True)
class ThreadText:
    id: UUID
    at: datetime
    is_inbound: bool
    body: str | None
    """None: it is no longer kept, or cannot be read."""
    status: str
    """Of what we sent; empty for what came in."""
    keyword: str
    """Of what came in."""
    author: str
    """Of an answer: a user, an API key, or SMSHub itself; empty for campaigns, reminders and single messages."""
    kind: str
    """`staff`, `answer` or `away`; empty as for `author`."""


@dataclass(frozen=True, slots=True)
class Page:
    texts: Sequence[ThreadText]
    before: UUID | None
    """Where the next page goes on; None: it is the last."""


def page(conversation: Conversation, *, before: UUID | None = None, limit: int = PAGE) -> Page:
    sent = Message.objects.filter(recipient=conversation.phone, sender_id=conversation.sender_id or 0)
    came = Inbound.objects.filter(
        phone=conversation.phone, provider_id=conversation.provider_id, recipient=conversation.address
    )
    if before is not None:
        sent, came = sent.filter(id__lt=before), came.filter(id__lt=before)
    both: list[Message | Inbound] = [*sent.order_by("-id")[: limit + 1], *came.order_by("-id")[: limit + 1]]
    both.sort(key=lambda text: text.pk, reverse=True)
    shown = both[:limit]
    replies = ConversationReply.objects.in_bulk([text.pk for text in shown if isinstance(text, Message)])
    texts = [_text(text, replies.get(text.pk)) for text in shown]
    return Page(texts, shown[-1].pk if len(both) > limit else None)


def with_last_heard(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """With what each person wrote last, for `last_heard`: by an index, for the rows that are taken."""
    newest = Inbound.objects.filter(
        phone=OuterRef("phone"), provider_id=OuterRef("provider_id"), recipient=OuterRef("address")
    ).order_by("-id")
    return conversations.annotate(
        heard_id=Subquery(newest.values("pk")[:1]), heard_sealed=Subquery(newest.values("sealed_body")[:1])
    )


def last_heard(conversation: Conversation) -> str:
    """Of a conversation that was read by `with_last_heard`; empty where nothing is kept."""
    heard: Any = conversation
    return bodies.shown(heard.heard_id, heard.heard_sealed) or "" if heard.heard_id else ""


def _text(text: Message | Inbound, reply: ConversationReply | None) -> ThreadText:
    is_inbound = isinstance(text, Inbound)
    return ThreadText(
        id=text.pk,
        at=text.received_at if isinstance(text, Inbound) else text.created_at,
        is_inbound=is_inbound,
        body=text.body,
        status="" if isinstance(text, Inbound) else text.status,
        keyword=text.keyword if isinstance(text, Inbound) else "",
        author=reply.author_label if reply else "",
        kind=reply.kind if reply else "",
    )
