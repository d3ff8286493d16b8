"""The one answer to a STOP, a START or a HELP.

A STOP and a START are confirmed when they changed something, so once each; a HELP is answered each time, within bounds.
Nothing is said where the carrier or the provider says it, and nothing is promised: a confirmation that cannot be sent
keeps no STOP from being in force. It goes out although its recipient has opted out, by the narrow exemption of
`delivery.inbound.exemption`, which this module alone writes.
"""

import hashlib
from datetime import datetime, timedelta

import structlog
from django.db.models import Q
from django.utils.translation import gettext_noop

from contacts import consent
from contacts.models import Contact
from delivery import clock, submit
from delivery.inbound import exemption, keywords
from delivery.inbound.texts import TEXTS
from delivery.lanes import Lane
from delivery.models import Confirmation, ConfirmationText, Inbound, Message, MessageEvent, Provider, Sender
from delivery.models.keywords import Meaning
from delivery.providers import registry
from delivery.states import Status

log = structlog.get_logger(__name__)

#: Of any kind, to one number in a day. More is a machine that answers ours.
MOST_IN_A_DAY = 6
#: Between two answers to HELP.
HELP_MINUTES = 5

_VALID = timedelta(minutes=30)
_DAY = timedelta(days=1)
_FALLBACK = "en"
_CONFIRMS = gettext_noop("Confirms the recipient's own %(word)s; goes out although they have opted out.")


def answer(inbound: Inbound, sender: Sender | None, *, changed: bool, carrier_answered: bool) -> Message | None:
    """Queue the answer that a text is owed; None: none is.

    In the caller's transaction, which lets one text of a number in at a time.
    """
    if inbound.keyword not in Meaning.values or carrier_answered or sender is None:
        return None
    meaning = Meaning(inbound.keyword)
    if not (changed or meaning == Meaning.HELP) or provider_answers(sender.provider):
        return None
    reason = consent.suppressed_among([inbound.phone], sender.address).get(inbound.phone)
    now = clock.now()
    if (reason and reason not in exemption.PASSED) or _too_many(inbound.phone, meaning, now):
        return None
    draft = submit.Draft(
        recipient=inbound.phone,
        body=text_for(meaning, sender, inbound),
        lane=Lane.TRANSACTIONAL,
        sender=sender,
        valid_until=now + _VALID,
    )
    try:
        row = submit.prepare_whatever_consent(draft)
        submit.write([row])
    except (submit.SubmitError, LookupError) as why:
        log.warning("confirmation_not_sent", inbound_id=str(inbound.pk), why=type(why).__name__)
        return None
    message = Message.objects.get(pk=row.id)
    _exempt(message, inbound, sender, meaning, now)
    submit.wake_all([row])
    return message


def provider_answers(provider: Provider) -> bool:
    """Whether the account's provider answers keywords itself: as staff say, else as is usual with it."""
    if provider.answers_keywords:
        return bool(provider.answers_keywords == Provider.AnswersKeywords.PROVIDER)
    kind = registry.kinds().get(provider.adapter)
    return kind is not None and kind.answers_keywords


def text_for(meaning: Meaning, sender: Sender, inbound: Inbound) -> str:
    """What is said, with the sender's name before it, in the language of the word, else in that of the person."""
    language = keywords.language_of(inbound.body or "")
    if language in ("", _FALLBACK):
        language = Contact.objects.filter(phone=inbound.phone).values_list("language", flat=True).first() or language
    short = language.partition("-")[0].lower()
    rows = ConfirmationText.objects.filter(
        Q(sender=None) | Q(sender=sender), meaning=meaning, language__in=[language, short, ""]
    )
    best = max(rows, key=lambda row: (len(row.language), row.sender_id is not None), default=None)
    if best is not None and (best.language or short not in TEXTS):
        body = best.body
    elif short in TEXTS:
        body = getattr(TEXTS[short], meaning.value)
    else:
        body = getattr(TEXTS[_FALLBACK], meaning.value)
    return f"{sender.display_name}: {body}" if sender.display_name else body


def _too_many(phone: str, meaning: Meaning, now: datetime) -> bool:
    recent = list(
        Confirmation.objects.filter(phone=phone, created_at__gt=now - _DAY)
        .order_by("-created_at")
        .values_list("meaning", "created_at")[:MOST_IN_A_DAY]
    )
    if len(recent) == MOST_IN_A_DAY:
        return True
    since = now - timedelta(minutes=HELP_MINUTES)
    return meaning == Meaning.HELP and any(said == Meaning.HELP and at > since for said, at in recent)


def _exempt(message: Message, inbound: Inbound, sender: Sender, meaning: Meaning, now: datetime) -> None:
    Confirmation.objects.create(
        message_id=message.pk,
        inbound_id=inbound.pk,
        meaning=meaning,
        phone=message.recipient,
        sender=sender,
        text_digest=hashlib.sha256(bytes(message.sealed_body or b"")).digest(),
        created_at=now,
    )
    MessageEvent.objects.create(
        message_id=message.pk,
        fingerprint="confirmation",
        at=now,
        source=MessageEvent.Source.HUB,
        status=Status.QUEUED,
        detail=_CONFIRMS % {"word": meaning.label.upper()},
    )
