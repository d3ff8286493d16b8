"""Writing into the consent ledger: what people agreed to and took back. Lines are only ever added."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import consent
from contacts.consents import gate
from contacts.models import ConsentEvent
from contacts.signals import consent_changed
from contacts.wording import figure

Action, Channel, Purpose, Source = (
    ConsentEvent.Action,
    ConsentEvent.Channel,
    ConsentEvent.Purpose,
    ConsentEvent.Source,
)

#: Clocks of other systems differ from ours by less than this.
_AHEAD = timedelta(minutes=5)
_MAX_WORDING = 5000


class LedgerError(ValueError):
    """The line cannot be written; the text says why, in words for whoever wanted it."""


@dataclass(frozen=True, slots=True)
class Line:
    """That the owner of an E.164 number agreed, or took it back: for what, when, and what proves it."""

    phone: str = field(repr=False)
    action: str
    purpose: str
    source: str
    at: datetime
    scope: str = ""
    channel: str = Channel.SMS
    wording: str = ""
    evidence: str = ""
    recorded_by: str = ""


def record(lines: Sequence[Line]) -> list[ConsentEvent]:
    """Add lines of people who agreed or took it back, in one statement, and announce them by `consent_changed`.

    A line counts from the moment `at` which it is about, not from when it was written: an old consent that is found
    later does not undo what was taken back since. Raises LedgerError for a line that could not stand up as proof.
    """
    now = timezone.now()
    for line in lines:
        check(line, now)
    if erased := consent.erased_among([line.phone for line in lines if line.action == Action.GRANTED]):
        raise LedgerError(
            _("%(number)s of these numbers were erased on request: only a START from them undoes that.")
            % {"number": len(erased)}
        )
    with transaction.atomic():
        for purpose in sorted({line.purpose for line in lines if line.action == Action.WITHDRAWN}):
            gate.wait_for_writers(purpose)
        written = ConsentEvent.objects.bulk_create(as_event(line) for line in lines)
        announce(written)
    return written


def announce(events: Sequence[ConsentEvent]) -> None:
    """Tell the floors above, once for all that is alike."""
    alike: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for event in events:
        if event.phone and event.action in (Action.GRANTED, Action.WITHDRAWN):
            alike[event.purpose, event.channel, event.scope, event.action].add(event.phone)
    for (purpose, channel, scope, action), phones in sorted(alike.items()):
        consent_changed.send(
            sender=ConsentEvent,
            phones=sorted(phones),
            purpose=purpose,
            channel=channel,
            scope=scope,
            action=action,
        )


def check(line: Line, now: datetime) -> None:
    """Raises LedgerError for a line that could not stand up as proof."""
    if line.action not in (Action.GRANTED, Action.WITHDRAWN):
        raise LedgerError(_("What is recorded is that somebody agreed, or took it back."))
    for value, kind, what in ((line.purpose, Purpose, "purpose"), (line.source, Source, "source")):
        if value not in kind.values:
            raise LedgerError(_("There is no %(what)s “%(value)s”.") % {"what": what, "value": value})
    if line.at > now + _AHEAD:
        raise LedgerError(_("The moment of consent is in the future."))
    if line.action == Action.GRANTED and not (line.wording.strip() or line.evidence.strip()):
        raise LedgerError(_("Say what they were shown, or what proves it: a consent without either proves nothing."))
    if len(line.wording) > _MAX_WORDING:
        raise LedgerError(_("The wording is longer than %(most)s characters.") % {"most": figure(_MAX_WORDING)})


def as_event(line: Line) -> ConsentEvent:
    """The line, not saved yet."""
    return ConsentEvent(
        phone=line.phone,
        purpose=line.purpose,
        channel=line.channel,
        scope=line.scope,
        action=line.action,
        source=line.source,
        at=line.at,
        wording=line.wording,
        evidence=line.evidence[:500],
        recorded_by=line.recorded_by[:150],
    )
