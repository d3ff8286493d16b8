"""A time of the recipient's own clock as a moment.

The zone is the contact's own, else that of its state or of the number's area, else its country's
(`contacts.whereabouts`). Where several are possible they must agree: as with allowed hours, a guess that is wrong for
somebody is no answer.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from contacts import phone, whereabouts
from delivery.submitting.drafts import SubmitError


class SeveralZones(SubmitError):
    """The recipient may be in zones whose clocks differ at that time."""


def moments(asked: Sequence[tuple[str, datetime]]) -> list[datetime | SeveralZones]:
    """For each (E.164 number, time without a zone) the moment in UTC, in order. One query, however many they are.

    A time that comes twice when clocks are set back is the first of the two; one that is left out when they are set
    forward is as much later (PEP 495). Raises nothing.
    """
    if not asked:
        return []
    hints = whereabouts.hints_of({number for number, _ in asked})
    return [_moment(number, at, hints.get(number, whereabouts.NO_HINTS)) for number, at in asked]


def _moment(number: str, at: datetime, hints: whereabouts.Hints) -> datetime | SeveralZones:
    zones = whereabouts.find(number, phone.country(number), hints).zones
    found = {at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone in zones}
    if len(found) == 1:
        return found.pop()
    named = ", ".join(zones[:3]) + (f" and {len(zones) - 3} more" if len(zones) > 3 else "")
    return SeveralZones(
        f"The recipient may be in several time zones ({named}), where this is not the same moment: give send_at, or "
        "give the contact a time zone.",
        about="send_at_local",
    )
