"""Message ids: what they are made of, and what can be read from them.

Every id is a UUIDv7 (RFC 9562 §5.7): 48 bits of Unix time in milliseconds, then 74 bits that are free. A message of
its own has random ones. That of a campaign has its campaign and its contact there, under the moment of the launch:
the id is a function of the three, so the primary key is what keeps a contact from having two rows, and all rows of a
campaign lie side by side in it, in the order of their contacts. That of a reminder has the reminder there, and the
moment when it was to be sent. Tables are cut by month of id (`delivery.months`).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import uuid_utils.compat

CAMPAIGN_BITS, CONTACT_BITS = 30, 44
#: Below every id, and above every one.
ANYTIME, LATEST = UUID(int=0), UUID(int=2**128 - 1)
MAX_CAMPAIGN, MAX_CONTACT = 2**CAMPAIGN_BITS - 1, 2**CONTACT_BITS - 1
#: `contact_of` in SQL, for an expression `id`: the contact's bits are the last hexadecimal digits.
CONTACT_OF_SQL = f"('x' || right({{id}}::text, {CONTACT_BITS // 4}))::bit({CONTACT_BITS})::bigint"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST = 2**48 - 1
_VERSION, _VARIANT = 0x7 << 76, 0b10 << 62


@dataclass(frozen=True, slots=True)
class IdRange:
    """From the lowest id to the highest, both of it."""

    lowest: UUID
    highest: UUID

    def __contains__(self, message_id: UUID) -> bool:
        return self.lowest <= message_id <= self.highest


def new_message_id() -> UUID:
    """For a message of no campaign: time-ordered, else random."""
    return uuid_utils.compat.uuid7()


def campaign_message_id(launched_at: datetime, campaign_id: int, contact_id: int) -> UUID:
    """The one id that the message of a campaign to a contact can have. Raises ValueError where they do not fit."""
    if not (0 < campaign_id <= MAX_CAMPAIGN and 0 <= contact_id <= MAX_CONTACT):
        raise ValueError(f"campaign {campaign_id} and contact {contact_id} do not fit into a message id")
    return UUID(int=_prefix(launched_at, campaign_id) | contact_id)


def campaign_range(launched_at: datetime, campaign_id: int, *, after_contact: int = -1) -> IdRange:
    """All ids of a campaign's messages, or those of the contacts after one. Raises ValueError where it does not fit.

    A message of its own may lie in between by a chance of one in a billion, so ask for the campaign as well.
    """
    return IdRange(
        campaign_message_id(launched_at, campaign_id, min(after_contact + 1, MAX_CONTACT)),
        campaign_message_id(launched_at, campaign_id, MAX_CONTACT),
    )


def contact_of(message_id: UUID) -> int:
    """The contact that the id of a campaign's message is made of."""
    return int(message_id.int & MAX_CONTACT)


def reminder_message_id(made_at: datetime, reminder_id: int) -> UUID:
    """The one id that the message of a reminder can have: where campaigns have theirs there is none, which no campaign
    is. Raises ValueError where it does not fit."""
    if not 0 < reminder_id <= MAX_CONTACT:
        raise ValueError(f"reminder {reminder_id} does not fit into a message id")
    return UUID(int=_prefix(made_at, 0) | reminder_id)


def reminder_of(message_id: UUID) -> int | None:
    """The reminder that a message id is made of; None if it is another's. A random id may look like one by a chance of
    one in a billion, so compare the reminder's own `message_id`."""
    free = message_id.int & ~(-1 << 80)
    known = free & (-1 << CONTACT_BITS) == (_VERSION | _VARIANT)
    return free & MAX_CONTACT or None if known else None


def _prefix(launched_at: datetime, campaign_id: int) -> int:
    """Campaign: twelve bits before the variant, eighteen behind it; then there is room for the contact."""
    high, low = divmod(campaign_id, 2**18)
    return _milliseconds(launched_at) << 80 | _VERSION | high << 64 | _VARIANT | low << CONTACT_BITS


def first_id(at: datetime, shift: timedelta = timedelta(0)) -> UUID:
    """Not above any id that was made at this moment, shifted, or later."""
    return UUID(int=min(max(_milliseconds(at) + shift // _MILLISECOND, 0), _LATEST) << 80)


def moment(message_id: UUID) -> datetime:
    """When the id was made, to the millisecond; of a campaign's, when it was launched."""
    return _EPOCH + (message_id.int >> 80) * _MILLISECOND


def month_of(at: datetime) -> date:
    """The first day of the month, in UTC."""
    return at.astimezone(UTC).date().replace(day=1)


def month_of_id(message_id: UUID) -> date:
    return moment(message_id).date().replace(day=1)


def months_later(month: date, number: int) -> date:
    years, index = divmod(month.year * 12 + month.month - 1 + number, 12)
    return date(years, index + 1, 1)


def month_bounds(month: date) -> tuple[UUID, UUID]:
    """The first id of a month, and that of the next: the bounds of its partitions."""
    return _first_of(month), _first_of(months_later(month, 1))


def _first_of(month: date) -> UUID:
    return first_id(datetime(month.year, month.month, 1, tzinfo=UTC))


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND
