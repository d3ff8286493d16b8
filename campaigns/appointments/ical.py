"""Appointments from iCalendar (RFC 5545) files: an item for each event, and for each occurrence of a repeating one.

UID and RECURRENCE-ID make the id, SEQUENCE and DTSTAMP the version. Whose it is: a property of the file's own that the
caller names, else an ATTENDEE that is a `tel:`, else `X-PHONE`. A calendar is cut into its events first and each is
read alone, so one that is broken costs no other; repeating ones are expanded within a horizon and only by rules that
`recurrence` is sure of.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import recurring_ical_events
from django.utils.translation import gettext, gettext_lazy
from icalendar import Calendar

from campaigns.appointments import recurrence
from campaigns.appointments.files import UnreadableFile, at_most, aware, decoded
from campaigns.appointments.items import Item
from campaigns.appointments.zones import zone_name
from campaigns.models import Appointment
from contacts.wording import figure

#: How far ahead a repeating event is expanded; a feed that is read again goes on from there.
HORIZON = timedelta(days=180)
MAX_EVENTS = 10_000
MAX_EVENT_BYTES = 64 * 1024
MAX_OCCURRENCES = 400
MAX_DATES = 1_000

_EVENT = re.compile(r"^BEGIN:VEVENT\s*$.*?^END:VEVENT\s*$", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_ZONES = re.compile(r"^BEGIN:VTIMEZONE\s*$.*?^END:VTIMEZONE\s*$", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_STATUS = {
    "CONFIRMED": Appointment.Status.BOOKED,
    "TENTATIVE": Appointment.Status.BOOKED,
    "CANCELLED": Appointment.Status.CANCELLED,
}
_BROKEN = gettext_lazy("The event cannot be read.")


def read(data: bytes, *, now: datetime, phone_property: str = "") -> Iterator[Item]:
    """An item for each occurrence from now on, also for what cannot be read. Raises UnreadableFile.

    An event's STATUS:CONFIRMED says that the calendar has it, not that the patient has answered: it is booked.
    """
    text = decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    if "BEGIN:VCALENDAR" not in text[:1000].upper():
        raise UnreadableFile(gettext("This is not a calendar: it does not begin with BEGIN:VCALENDAR."))
    zones = "\n".join(match[0] for match in islice(_ZONES.finditer(text), 100) if len(match[0]) < MAX_EVENT_BYTES)
    return at_most(_items(text, zones, now, phone_property.upper()))


def _items(text: str, zones: str, now: datetime, phone_property: str) -> Iterator[Item]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for number, match in enumerate(_EVENT.finditer(text)):
        if number >= MAX_EVENTS:
            first = gettext("Only the first %(most)s events of a file are read.") % {"most": figure(MAX_EVENTS)}
            yield Item("", None, problem=first)
            break
        event = _event(match[0], zones)
        if isinstance(event, str):
            yield Item("", None, problem=event)
        else:
            groups[str(event["UID"])].append(event)
    for uid, events in groups.items():
        try:
            yield from list(_of(uid, events, now, phone_property))
        except Exception as error:  # a parser of the wild: whatever it trips over is that event's own
            why = str(error) if isinstance(error, recurrence.UnusableRule) else str(_BROKEN)
            yield Item(uid[:200], None, problem=why)


def _event(block: str, zones: str) -> Any:
    """The event, or a sentence that says what is wrong with it."""
    if len(block) > MAX_EVENT_BYTES:
        return gettext("The event is too long.")
    try:
        calendar: Any = Calendar.from_ical(f"BEGIN:VCALENDAR\n{zones}\n{block}\nEND:VCALENDAR\n")
        (event,) = calendar.walk("VEVENT")
    except Exception:  # as above
        return str(_BROKEN)
    if not str(event.get("UID", "")).strip():
        return gettext("The event has no UID.")
    return event if "DTSTART" in event else gettext("The event has no beginning.")


def _of(uid: str, events: Sequence[Any], now: datetime, phone_property: str) -> Iterator[Item]:
    """All of one UID: an event, or a repeating one with the occurrences that were changed on their own."""
    main = [event for event in events if "RECURRENCE-ID" not in event]
    repeating = [event for event in main if "RRULE" in event or "RDATE" in event]
    if not repeating:
        for event in events:
            yield _item(uid, event, phone_property)
        return
    for event in repeating:
        _check(event)
    calendar = Calendar()
    for event in events:
        calendar.add_component(event)
    query = recurring_ical_events.of(calendar, skip_bad_series=True)
    seen = set()
    for found in islice(query.after(now), MAX_OCCURRENCES):
        if _instant(found) > now + HORIZON:
            break
        item = _item(uid, found, phone_property, part=True)
        seen.add(item.external_id)
        yield item
    # An occurrence that was called off is not among them.
    for event in events:
        if "RECURRENCE-ID" in event and (item := _item(uid, event, phone_property, part=True)).external_id not in seen:
            yield item


def _check(event: Any) -> None:
    """Raises recurrence.UnusableRule."""
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        recurrence.check(rule.to_ical().decode())
    for name in ("RDATE", "EXDATE"):
        given = event.get(name, [])
        dates = sum(len(each.dts) for each in (given if isinstance(given, list) else [given]))
        if dates > MAX_DATES:
            raise recurrence.UnusableRule(
                gettext("There are more than %(most)s dates in %(name)s.") % {"most": figure(MAX_DATES), "name": name}
            )


def _item(uid: str, event: Any, phone_property: str, *, part: bool = False) -> Item:
    start, zone = _start(event)
    external_id = f"{uid}/{_which(event)}" if part or "RECURRENCE-ID" in event else uid
    stamp = event.get("LAST-MODIFIED") or event.get("DTSTAMP")
    at = getattr(stamp, "dt", None)
    summary = str(event.get("SUMMARY", "")).strip()
    location = str(event.get("LOCATION", "")).strip()
    category = event.get("CATEGORIES")
    kinds = [str(one) for one in getattr(category, "cats", [])]
    return Item(
        external_id=external_id,
        starts_at=start,
        time_zone=zone,
        phone=_phone(event, phone_property),
        identifier=str(event.get("X-IDENTIFIER", "")).strip(),
        kind=kinds[0][:50] if kinds else "",
        attributes={name: value[:2000] for name, value in (("summary", summary), ("location", location)) if value},
        status=_STATUS.get(str(event.get("STATUS", "CONFIRMED")).upper(), Appointment.Status.BOOKED).value,
        source_version=int(event.get("SEQUENCE", 0)),
        source_at=aware(at) if isinstance(at, datetime) else None,
    )


def _which(event: Any) -> str:
    """The occurrence by the time it had in the rule."""
    at = event["RECURRENCE-ID"].dt if "RECURRENCE-ID" in event else event["DTSTART"].dt
    if isinstance(at, datetime) and at.tzinfo:
        at = at.astimezone(UTC)
    return f"{at:%Y%m%dT%H%M}" if isinstance(at, datetime) else f"{at:%Y%m%d}"


def _start(event: Any) -> tuple[datetime, str]:
    """With its zone, as far as the calendar names one that is known; a day begins at midnight."""
    start = event["DTSTART"]
    at: date = start.dt
    named = str(start.params.get("TZID", "")) or str(getattr(getattr(at, "tzinfo", None), "key", "") or "")
    zone = zone_name(named) if named else None
    if not isinstance(at, datetime):
        return datetime.combine(at, time(0, 0)), zone or ""
    if at.tzinfo is not None and zone and at.utcoffset() != timedelta(0):
        # By our own rule for local times that are there twice or not at all.
        return at.replace(tzinfo=None), zone
    return at, zone or ""


def _instant(event: Any) -> datetime:
    at = event["DTSTART"].dt
    return aware(at if isinstance(at, datetime) else datetime.combine(at, time(0, 0))).astimezone(UTC)


def _phone(event: Any, phone_property: str) -> str:
    given = [event.get(phone_property)] if phone_property else []
    attendees = event.get("ATTENDEE", [])
    given += attendees if isinstance(attendees, list) else [attendees]
    given.append(event.get("X-PHONE"))
    for value in given:
        text = str(value or "").strip()
        if text.lower().startswith("tel:"):
            return text[4:].partition(";")[0]
        if text and ":" not in text:
            return text
    return ""
