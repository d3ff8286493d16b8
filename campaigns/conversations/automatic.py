"""What the hub says by itself within a conversation, and when it had better say nothing.

Two machines that answer each other never end: Twilio cuts them off at thirty texts within thirty seconds (its error
14107). Here an answer is held back long before that, and the conversation says so.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import F, Q

from campaigns.conversations import matching
from campaigns.models import AutoReply, Conversation, ConversationReply
from contacts import consent
from contacts.whereabouts import Place
from delivery.lanes import Lane
from delivery.submit import SubmitError, submit
from delivery.timerules.days import holidays_of
from delivery.timerules.opening import NeverOpen, next_window

log = structlog.get_logger(__name__)

#: Automatic answers to one person by one sender, within each of these times.
MOST = ((timedelta(minutes=5), 4), (timedelta(days=1), 12))
#: The same thing about the same appointment is not said again within this time.
SAME_AGAIN = timedelta(hours=12)
#: An answer that is later than this is none.
VALID = timedelta(minutes=30)

Kind = ConversationReply.Kind


def is_looping(conversation: Conversation, now: datetime) -> bool:
    return any(sum(at > now - within for at in conversation.automatic_at) >= most for within, most in MOST)


def say(conversation: Conversation, body: str, kind: Kind, now: datetime, *, about: str = "") -> bool:
    """Queue an automatic answer, in the caller's transaction, which has the conversation locked. False: it was not.

    `about` names what it says: the same is not said twice in a row. Changes the conversation and leaves it to be saved.
    """
    sender = conversation.sender
    last = max(conversation.automatic_at, default=None)
    if about and about == conversation.said and last is not None and last > now - SAME_AGAIN:
        return False
    if sender is None or consent.is_suppressed(conversation.phone, sender.address):
        return False
    if is_looping(conversation, now):
        conversation.flag, conversation.unread = Conversation.Flag.LOOP, True
        return False
    try:
        message = submit(
            recipient=conversation.phone,
            body=body,
            lane=Lane.TRANSACTIONAL,
            sender=sender,
            valid_until=now + VALID,
            contact_id=conversation.contact_id,
        )
    except SubmitError as why:
        log.warning("automatic_answer_not_sent", conversation_id=conversation.pk, why=type(why).__name__)
        return False
    ConversationReply.objects.create(message_id=message.pk, conversation=conversation, kind=kind, author_label="SMSHub")
    most = max(number for _, number in MOST)
    conversation.automatic_at = [*conversation.automatic_at, now][-most:]
    conversation.said = about
    return True


def away(conversation: Conversation, now: datetime) -> bool:
    """Say what the sender has for a text that no rule answers, if it has anything, and has not said it lately."""
    replies = AutoReply.objects.filter(Q(sender=None) | Q(sender=conversation.sender), enabled=True)
    reply = replies.order_by(F("sender").asc(nulls_last=True)).first()
    if reply is None:
        return False
    said_at = conversation.away_said_at
    if said_at is not None and said_at > now - timedelta(hours=reply.hours_between):
        return False
    texts = reply.open_texts if is_open(reply, now) else reply.closed_texts
    body = in_language(texts, matching.languages_of(conversation.contact))
    if not body or not say(conversation, body, Kind.AWAY, now):
        return False
    conversation.away_said_at = now
    return True


def is_open(reply: AutoReply, now: datetime) -> bool:
    """Whether it is within the business hours at this moment, holidays of the place considered."""
    region = (f"{reply.country}-{reply.state}",) if reply.state else ()
    place = Place(reply.country, region, (reply.time_zone,))
    try:
        return next_window(now, [reply.time_zone], [reply.rule], holidays_of(place)).opens <= now
    except (NeverOpen, ValueError):
        return False


def in_language(texts: Mapping[str, Any], languages: list[str]) -> str:
    """The text in the first of these languages that has one, else the one for any, else the English one."""
    by_tag = {matching.short(tag): str(text) for tag, text in texts.items()}
    return next((by_tag[tag] for tag in [*languages, matching.ANY, "en"] if by_tag.get(tag)), "")
