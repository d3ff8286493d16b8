"""Double opt-in: somebody says yes on a form, and again from the handset, before it is too late.

What they are to text back is a code of six digits. A word would not do: YES is an opt-in to carriers, and whoever had
said stop to a number would undo that by confirming something else; STOP, END and the like are the reverse. A code is
neither in any language, says which request it answers, and nobody writes it by chance.
"""

import re
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import consent
from contacts.consents.ledger import Action, LedgerError, Line, announce, as_event, check
from contacts.models import ConsentEvent

_CODE = re.compile(r"\D*(\d{6})\D*").fullmatch
#: Requests that one person may have open at a time: whoever fills in forms with numbers of others must not use the
#: hub to pester them.
MOST_OPEN = 3


def request(line: Line, *, hours: int | None = None) -> ConsentEvent:
    """Note that somebody is asked to confirm. `code` is what they must text back, until `expires_at`.

    The text that asks them must hold the code, and is the caller's to send. `line.action` is not looked at. Raises
    LedgerError, also where the person has said stop: whoever wants no texts is not asked for leave by one.
    """
    now = timezone.now()
    check(replace(line, action=Action.GRANTED), now)
    if consent.is_suppressed(line.phone, line.scope):
        raise LedgerError(_("This number must not be texted, so it cannot be asked to confirm either."))
    with transaction.atomic():
        open_now = _open(now).filter(phone=line.phone).select_for_update(of=("self",))
        if len(list(open_now.values_list("pk", flat=True)[:MOST_OPEN])) == MOST_OPEN:
            raise LedgerError(_("%(most)s requests to this number wait for an answer already.") % {"most": MOST_OPEN})
        event = as_event(replace(line, action=Action.REQUESTED))
        event.code = f"{secrets.randbelow(10**6):06d}"
        event.expires_at = now + timedelta(hours=hours or settings.OPT_IN_HOURS)
        event.save()
    return event


def heard(*, phone: str, text: str, evidence: str) -> ConsentEvent | None:
    """Confirm what a text message answers; None: it answers no request that is open."""
    match = _CODE(text.strip()) if len(text) < 100 else None
    if match is None:
        return None
    asked = _open(timezone.now()).filter(phone=phone, code=match[1]).order_by("pk").first()
    if asked is None:
        return None
    return _answer(asked, Action.GRANTED, ConsentEvent.Source.KEYWORD, evidence, recorded_by="SMSHub")


def confirm(asked: ConsentEvent, *, source: str, evidence: str, recorded_by: str) -> ConsentEvent:
    """Confirm a request on other evidence, such as a link that was followed. Raises LedgerError when it is over."""
    if asked.action != Action.REQUESTED:
        raise LedgerError(_("Only a request can be confirmed."))
    if asked.expires_at is None or asked.expires_at <= timezone.now():
        raise LedgerError(_("The time to confirm it is over: ask again."))
    answer = _answer(asked, Action.GRANTED, source, evidence, recorded_by)
    if answer is None:
        raise LedgerError(_("It was answered already."))
    return answer


def expire(*, now: datetime | None = None, limit: int = 1000) -> int:
    """Say of up to `limit` requests that nobody confirmed them in time. Returns how many."""
    now = now or timezone.now()
    over = ConsentEvent.objects.filter(action=Action.REQUESTED, expires_at__lte=now, answers=None, phone__isnull=False)
    written = [
        ConsentEvent(**_answers(asked), action=Action.EXPIRED, at=asked.expires_at or now, recorded_by="SMSHub")
        for asked in over.order_by("expires_at")[:limit]
    ]
    ConsentEvent.objects.bulk_create(written, ignore_conflicts=True)
    return len(written)


def _open(now: datetime) -> QuerySet[ConsentEvent]:
    return ConsentEvent.objects.filter(action=Action.REQUESTED, expires_at__gt=now, answers=None)


def _answer(asked: ConsentEvent, action: str, source: str, evidence: str, recorded_by: str) -> ConsentEvent | None:
    """One answer to each request, by the ledger's own key: of a confirmation and an expiry at once, one stands."""
    values = _answers(asked) | {"source": source}
    event = ConsentEvent(
        **values, action=action, at=timezone.now(), evidence=evidence[:500], recorded_by=recorded_by[:150]
    )
    with transaction.atomic():
        ConsentEvent.objects.bulk_create([event], ignore_conflicts=True)
        stored = ConsentEvent.objects.filter(request=asked, action=action).first()
        if stored is None or stored.evidence != event.evidence:
            return None
        announce([stored])
    return stored


def _answers(asked: ConsentEvent) -> dict[str, object]:
    return {
        "request": asked,
        "phone": asked.phone,
        "purpose": asked.purpose,
        "channel": asked.channel,
        "scope": asked.scope,
        "source": asked.source,
        "wording": asked.wording,
    }
