"""Everything that is known of one person, in the order of time: texts, clicks, consents, appointments, imports.

Each kind is read from an index of its own, the newest first and no further than a page; then they are merged. So a page
costs the same number of queries for somebody with three messages and with three thousand. Where the next page goes on
is a `Position`: a moment, and what tells apart what happened at the same one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from campaigns.appointments.zones import to_local
from campaigns.models import Appointment, Campaign, ConversationReply, Link
from campaigns.timeline.positions import Kind, Position, at_id, by_id, by_time
from contacts.models import ConsentEvent, Contact, ContactImport, ImportTrace, Suppression
from delivery import errors, ids
from delivery.models import Inbound, Message, Reaction

PAGE = 40
#: Clicks and imports have no index by person and time, so they are looked for in so many of the newest messages, and of
#: the newest traces of imports.
LOOKED_THROUGH = 500


@dataclass(frozen=True, slots=True)
class Line:
    position: Position
    title: str
    text: str | None = None
    """What was written, either way; None: it is no longer kept, or nothing was."""
    details: tuple[str, ...] = ()
    status: str = ""
    """Of a message (`delivery.states`)."""
    row: int | UUID = 0
    """What it is about: the message, the text, the ledger's line, the suppression, the link, the appointment…"""
    campaign_id: int = 0

    @property
    def at(self) -> datetime:
        return self.position.at

    @property
    def kind(self) -> Kind:
        return Kind(self.position.kind)


@dataclass(frozen=True, slots=True)
class Page:
    lines: Sequence[Line]
    before: Position | None
    """Where the next page goes on; None: this is the last."""


def page(contact: Contact, *, kinds: Collection[Kind], before: Position | None = None, limit: int = PAGE) -> Page:
    """The newest lines of these kinds, or those before a position."""
    found = [line for kind in sorted(kinds) for line in _SOURCES[kind](contact, before, limit + 1)]
    found.sort(key=lambda line: line.position, reverse=True)
    shown = found[:limit]
    return Page(_named(shown), shown[-1].position if len(found) > limit else None)


# --- each kind from its own index -----------------------------------------------------------------------------


def _sent(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    rows = by_id(Message.objects.filter(recipient=contact.phone), Kind.SENT, before).order_by("-id")[:limit]
    return [
        Line(
            at_id(Kind.SENT, row.pk),
            _("Message"),
            row.body,
            _told(
                errors.in_words(row.status, row.reason),
                errors.waits_in_words(row.status, row.waits_for),
            ),
            status=row.status,
            row=row.pk,
            campaign_id=row.campaign_id,
        )
        for row in rows
    ]


def _received(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    rows = by_id(Inbound.objects.filter(phone=contact.phone), Kind.RECEIVED, before).order_by("-id")[:limit]
    return [
        Line(
            at_id(Kind.RECEIVED, row.pk),
            _("They wrote to %(address)s") % {"address": row.recipient},
            row.body,
            (row.get_keyword_display(),) if row.keyword else (),
            row=row.pk,
        )
        for row in rows
    ]


def _clicks(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    newest = Message.objects.filter(recipient=contact.phone).order_by("-id").values_list("id", flat=True)
    clicks = Reaction.objects.filter(message_id__in=list(newest[:LOOKED_THROUGH]), kind=Reaction.Kind.CLICK)
    rows = by_time(clicks, Kind.CLICK, before, "at", "source", UUID(int=before.number) if before else None)
    return [
        Line(
            Position(row.at, Kind.CLICK, row.source.int),
            _("Followed a link"),
            row=row.link_id,
            campaign_id=row.campaign_id,
        )
        for row in rows.order_by("-at", "-source")[:limit]
    ]


def _consents(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    rows = by_time(ConsentEvent.objects.filter(phone=contact.phone), Kind.CONSENT, before, "at")
    return [
        Line(
            Position(row.at, Kind.CONSENT, row.pk),
            f"{row.get_purpose_display()}: {row.get_action_display()}",
            row.wording or None,
            _told(row.get_source_display(), row.scope, row.evidence, row.recorded_by),
            row=row.pk,
        )
        for row in rows.order_by("-at", "-id")[:limit]
    ]


def _suppressed(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    rows = Suppression.objects.filter(phone=contact.phone).select_related("created_by")
    return [
        Line(
            Position(row.created_at, Kind.SUPPRESSED, row.pk),
            _("Not texted any more: %(reason)s") % {"reason": row.get_reason_display()},
            details=_told(row.scope, row.evidence, row.created_by),
            row=row.pk,
        )
        for row in by_time(rows, Kind.SUPPRESSED, before, "created_at").order_by("-created_at", "-id")[:limit]
    ]


def _lifted(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    rows = Suppression.objects.filter(phone=contact.phone, lifted_at__isnull=False).select_related("lifted_by")
    return [
        Line(
            Position(row.lifted_at, Kind.LIFTED, row.pk),
            _("May be texted again"),
            details=_told(row.scope, row.lifted_evidence, row.lifted_by),
            row=row.pk,
        )
        for row in by_time(rows, Kind.LIFTED, before, "lifted_at").order_by("-lifted_at", "-id")[:limit]
        if row.lifted_at
    ]


def _appointments(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    rows = by_time(Appointment.objects.filter(contact=contact), Kind.APPOINTMENT, before, "starts_at")
    return [
        Line(
            Position(row.starts_at, Kind.APPOINTMENT, row.pk),
            row.kind or _("Appointment"),
            details=(
                f"{to_local(row.starts_at, row.time_zone):%Y-%m-%d %H:%M} {row.time_zone}",
                row.get_status_display(),
            ),
            row=row.pk,
        )
        for row in rows.order_by("-starts_at", "-id")[:limit]
    ]


def _imports(contact: Contact, before: Position | None, limit: int) -> list[Line]:
    traces = (
        ImportTrace.objects.filter(contact=contact)
        .order_by("-import_id")
        .values_list("import_id", "act")[:LOOKED_THROUGH]
    )
    acts: dict[int, list[str]] = {}
    for pk, act in traces:
        acts.setdefault(pk, []).append(str(ImportTrace.Act(act).label))
    rows = by_time(
        ContactImport.objects.filter(pk__in=acts, written_at__isnull=False), Kind.IMPORT, before, "written_at"
    )
    return [
        Line(
            Position(row.written_at, Kind.IMPORT, row.pk),
            _("Import of %(file)s") % {"file": row.original_name},
            details=(*acts[row.pk], *((row.get_status_display(),) if row.undone_at else ())),
            row=row.pk,
        )
        for row in rows.order_by("-written_at", "-id")[:limit]
        if row.written_at
    ]


_SOURCES: Mapping[Kind, Callable[[Contact, Position | None, int], list[Line]]] = {
    Kind.SENT: _sent,
    Kind.RECEIVED: _received,
    Kind.CLICK: _clicks,
    Kind.CONSENT: _consents,
    Kind.SUPPRESSED: _suppressed,
    Kind.LIFTED: _lifted,
    Kind.APPOINTMENT: _appointments,
    Kind.IMPORT: _imports,
}


def _told(*details: object) -> tuple[str, ...]:
    return tuple(str(detail) for detail in details if detail)


# --- what lines are called --------------------------------------------------------------------------------------


def _named(lines: Sequence[Line]) -> list[Line]:
    """With the names of campaigns, of who answered, and of links, each looked up once for all lines."""
    campaigns = dict(
        Campaign.objects.filter(pk__in={line.campaign_id for line in lines if line.campaign_id}).values_list(
            "pk", "name"
        )
    )
    replies = ConversationReply.objects.in_bulk([line.row for line in lines if line.kind == Kind.SENT])
    links = dict(
        Link.objects.filter(pk__in={line.row for line in lines if line.kind == Kind.CLICK}).values_list("pk", "name")
    )

    def named(line: Line) -> Line:
        name = campaigns.get(line.campaign_id)
        match line.kind:
            case Kind.SENT if reply := replies.get(line.row):
                return replace(line, title=_("Answer by %(author)s") % {"author": reply.author_label})
            case Kind.SENT if name:
                return replace(line, title=_("Campaign “%(name)s”") % {"name": name})
            case Kind.SENT if isinstance(line.row, UUID) and ids.reminder_of(line.row):
                return replace(line, title=_("Reminder"))
            case Kind.CLICK:
                return replace(line, details=tuple(filter(None, (links.get(line.row), name))))  # type: ignore[arg-type]
        return line

    return [named(line) for line in lines]
