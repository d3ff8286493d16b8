"""An incoming text joins its conversation, answers what was asked, or waits there for staff.

In the transaction that stores it, in which one text of a number is at work at a time (`delivery.inbound.store`).
"""

from datetime import datetime

from campaigns.conversations import answering, automatic, matching, questions
from campaigns.conversations.matching import Answer
from campaigns.conversations.questions import Asked
from campaigns.models import Conversation
from contacts.models import Contact
from delivery.inbound import ours
from delivery.inbound.keywords import fold
from delivery.models import Inbound

Flag, Keyword = Conversation.Flag, Inbound.Keyword

#: Words that stop all texts, and that somebody who was asked about an appointment may have meant otherwise.
MEANT_OTHERWISE = frozenset({"cancel", "end"})


def receive(inbound: Inbound, *, consent_changed: bool) -> Conversation:
    conversation = _joined(inbound)
    if conversation.status == Conversation.Status.CLOSED and not inbound.keyword and not consent_changed:
        conversation.status = Conversation.Status.OPEN
    match inbound.keyword:
        case Keyword.REFUSAL:
            conversation.unread, conversation.flag = True, Flag.REFUSED
        case Keyword.STOP:
            _stopped(conversation, inbound)
        case Keyword.HELP:
            pass
        case Keyword.START | Keyword.NONE if consent_changed:
            pass  # a code of an opt-in has no keyword
        case _:
            if not _answered(conversation, inbound):
                conversation.unread = True
                automatic.away(conversation, inbound.received_at)
    if conversation.unread:
        conversation.status = Conversation.Status.OPEN
    conversation.save()
    return conversation


def _joined(inbound: Inbound) -> Conversation:
    """The conversation, locked, with what is new about its two sides; to be saved."""
    sender = ours.written_to(inbound.provider_id, inbound.recipient, inbound.phone)
    contact = Contact.objects.filter(phone=inbound.phone).first()
    Conversation.objects.get_or_create(
        phone=inbound.phone,
        provider_id=inbound.provider_id,
        address=inbound.recipient,
        defaults={"last_text_at": inbound.received_at},
    )
    conversation = Conversation.objects.select_for_update().get(
        phone=inbound.phone, provider_id=inbound.provider_id, address=inbound.recipient
    )
    conversation.sender, conversation.contact = sender, contact
    conversation.last_text_at = max(conversation.last_text_at, inbound.received_at)
    return conversation


def _answered(conversation: Conversation, inbound: Inbound) -> bool:
    """Whether a rule has answered it, or has said to whom it is left."""
    found = _answer(conversation, inbound.body or "", inbound.received_at)
    if found is None:
        return False
    answering.apply(conversation, inbound, *found)
    return True


def _answer(conversation: Conversation, body: str, at: datetime) -> tuple[Asked, Answer] | None:
    if conversation.sender is None or not fold(body):
        return None
    asked = questions.asked(conversation.phone, conversation.sender, at)
    if not asked:
        return None
    question = next((each for each in asked if each.is_open), asked[0])
    answer = matching.match(body, question.reminder, matching.languages_of(conversation.contact))
    if answer is None or (answer.rule is None and not questions.is_about_coming(question.reminder)):
        return None
    if answering.is_twice(question, asked[0], answer.action, at):
        question = asked[0]
    return question, answer


def _stopped(conversation: Conversation, inbound: Inbound) -> None:
    """It holds, whatever was meant. Somebody who was asked may have meant their appointment."""
    if conversation.sender is None or fold(inbound.body or "") not in MEANT_OTHERWISE:
        return
    asked = questions.asked(conversation.phone, conversation.sender, inbound.received_at)
    if any(each.is_open for each in asked):
        conversation.unread, conversation.flag = True, Flag.STOPPED_A_QUESTION
