"""Lists of a login's messages: filtered, in pages, newest first; each request goes by index and has bounded work.

A request looks at no more than MOST_LOOKED_AT messages of the login (of those to the number, where one is asked for).
So a page may be short or empty and still have a next one, which the SDKs follow. Nothing is counted.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import connection

from contacts import phone
from delivery import encryption
from delivery.ids import ANYTIME, first_id
from delivery.models import Message, Sender
from smshub.twilio_door import resource
from smshub.twilio_door.logins import Login
from smshub.twilio_door.refusals import Refused

USUAL_PAGE, LARGEST_PAGE = 50, 1000
MOST_LOOKED_AT = 5000
#: How long before it left a message may have been made: one that was to leave at once, and one with a SendAt. Longer
#: only where quiet hours or a provider held it for days on end; DateSent does not find those.
SENT_WITHIN = timedelta(days=3)
SCHEDULED_WITHIN = timedelta(days=38)

_OF_LOGIN = """
SELECT message_id FROM delivery_submission
WHERE origin = %(origin)s AND message_id < %(below)s AND message_id >= {least} {only}
ORDER BY message_id DESC LIMIT %(most)s
"""
_ALL = _OF_LOGIN.format(least="%(least)s", only="")
_SCHEDULED = _OF_LOGIN.format(least="%(least_scheduled)s", only="AND said ? 'send_at'")
_BY_DATE = f"SELECT message_id FROM (({_ALL}) UNION ({_SCHEDULED})) AS b ORDER BY message_id DESC LIMIT %(most)s"
_BY_NUMBER = """
SELECT id AS message_id FROM delivery_message
WHERE recipient = %(to)s AND id < %(below)s AND id >= %(least_scheduled)s ORDER BY id DESC LIMIT %(most)s
"""
# One row at least, which says how far was looked.
_PAGE = """
WITH looked AS MATERIALIZED ({looked}),
found AS (
    SELECT s.message_id, s.said FROM looked
    JOIN delivery_submission AS s ON s.message_id = looked.message_id AND s.origin = %(origin)s
    JOIN delivery_message AS m ON m.id = looked.message_id
    WHERE {matches} ORDER BY looked.message_id DESC LIMIT %(size)s + 1)
SELECT (SELECT count(*) FROM looked), (SELECT message_id FROM looked ORDER BY message_id LIMIT 1),
       found.message_id, found.said
FROM (SELECT) AS always LEFT JOIN found ON true ORDER BY found.message_id DESC
"""
_TOKEN = "twilio_door.page"  # noqa: S105 (what a page's mark is sealed for)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. `filters` as they were given, for the addresses of pages."""

    to: str = field(repr=False)
    sender_ids: list[int] | None
    sent_from: datetime | None
    sent_before: datetime | None
    size: int
    number: int
    below: UUID | None
    filters: Mapping[str, str] = field(repr=False)


def read(given: Mapping[str, str]) -> Query:
    """Raises Refused. What is no parameter of the list is passed over, as Twilio does."""
    sent_from, sent_before = _window(given)
    names = ("To", "From", "DateSent", "DateSent<", "DateSent>")
    return Query(
        to=_number(given["To"]) if given.get("To") else "",
        sender_ids=_senders(given["From"]) if given.get("From") else None,
        sent_from=sent_from,
        sent_before=sent_before,
        size=min(_whole(given, "PageSize", USUAL_PAGE) or USUAL_PAGE, LARGEST_PAGE),
        number=_whole(given, "Page", 0),
        below=_unsealed(given["PageToken"]) if given.get("PageToken") else None,
        filters={name: given[name] for name in names if given.get(name)},
    )


def page(query: Query, login: Login) -> Any:
    """The JSON of one page."""
    looked, last, found = _found(query, login)
    is_more = len(found) > query.size
    rows = found[: query.size]
    messages = Message.objects.select_related("sender").in_bulk([message_id for message_id, _ in rows])
    # One whose month was dropped meanwhile is there no more.
    shown = [
        resource.of_message(messages[message_id], json.loads(said), login)
        for message_id, said in rows
        if message_id in messages
    ]
    mark = rows[-1][0] if is_more else last if looked == MOST_LOOKED_AT else None
    path = f"{resource.ACCOUNTS}{login.account_sid}/Messages.json"

    def uri(number: int, token: str = "") -> str:
        where = {"PageSize": query.size, "Page": number} | ({"PageToken": token} if token else {})
        return f"{path}?{urlencode({**query.filters, **where})}"

    uris = {
        "first_page_uri": uri(0),
        "next_page_uri": uri(query.number + 1, _sealed(mark)) if mark else None,
        "previous_page_uri": None,
        "uri": uri(query.number, _sealed(query.below) if query.below else ""),
    }
    return resource.page(shown, uris=uris, number=query.number, size=query.size)


def _found(query: Query, login: Login) -> tuple[int, UUID | None, list[tuple[UUID, str]]]:
    """How many messages were looked at, the last of them, and those that match: one more than a page, if there are."""
    below = query.below or UUID(int=2**128 - 1)
    least = least_scheduled = ANYTIME
    conditions = ["true"]
    if query.sender_ids is not None:
        conditions.append("m.sender_id = ANY(%(senders)s::bigint[])")
    if query.sent_from:
        least, least_scheduled = (first_id(query.sent_from, -within) for within in (SENT_WITHIN, SCHEDULED_WITHIN))
        conditions.append("m.sent_at >= %(sent_from)s")
    if query.sent_before:
        below = min(below, first_id(query.sent_before))
        conditions.append("m.sent_at < %(sent_before)s")
    is_filtered = query.to or len(conditions) > 1
    looked = _BY_NUMBER if query.to else _BY_DATE if query.sent_from else _ALL
    most = MOST_LOOKED_AT if is_filtered else query.size + 1
    values: dict[str, Any] = {
        "origin": login.origin,
        "to": query.to,
        "senders": query.sender_ids,
        "sent_from": query.sent_from,
        "sent_before": query.sent_before,
        "below": below,
        "least": least,
        "least_scheduled": least_scheduled,
        "most": most,
        "size": query.size,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAGE.format(looked=looked, matches=" AND ".join(conditions)), values)
        rows = cursor.fetchall()
    return rows[0][0], rows[0][1], [(message_id, said) for _, _, message_id, said in rows if message_id]


def _window(given: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """From when until before when. A day is one of GMT; both bounds belong to it, to the second, or to the day."""
    first = before = None
    if day := given.get("DateSent"):
        first = datetime.combine(_moment(day)[0].date(), time(), UTC)
        before = first + timedelta(days=1)
    if after := given.get("DateSent>"):
        moment = _moment(after)[0]
        first = max(first, moment) if first else moment
    if until := given.get("DateSent<"):
        moment, is_day = _moment(until)
        end = moment + (timedelta(days=1) if is_day else timedelta(seconds=1))
        before = min(before, end) if before else end
    return first, before


def _moment(text: str) -> tuple[datetime, bool]:
    """A time in UTC, and whether it is a bare day."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC), True
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(20001, "DateSent is a day (YYYY-MM-DD) or a time in ISO 8601.") from None
    if not 1970 <= found.year <= 9000:
        raise Refused(20001, "DateSent is too far away.")
    return found, False


def _number(text: str) -> str:
    """As it was understood when it was sent to; what is no number matches nothing."""
    try:
        return phone.normalise(text.strip(), default_country=settings.DEFAULT_COUNTRY).e164
    except phone.InvalidPhone:
        return "-"


def _senders(text: str) -> list[int]:
    plain = text.strip().removeprefix("+")
    return list(Sender.objects.filter(address__in=[plain, f"+{plain}"]).values_list("pk", flat=True))


def _whole(given: Mapping[str, str], name: str, usual: int) -> int:
    text = given.get(name) or str(usual)
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Refused(20001, f"{name} is a whole number.")
    return int(text)


def _sealed(mark: UUID) -> str:
    """Sealed, for a list by number may have ended at somebody else's message."""
    return "PA" + base64.urlsafe_b64encode(encryption.seal(mark.bytes, context=_TOKEN)).decode().rstrip("=")


def _unsealed(token: str) -> UUID:
    try:
        sealed = base64.urlsafe_b64decode(token[2:] + "=" * (-len(token[2:]) % 4))
        return UUID(bytes=encryption.unseal(sealed, context=_TOKEN))
    except (binascii.Error, ValueError, encryption.CannotDecrypt):
        raise Refused(20001, "PageToken is not one that this list has given.") from None
