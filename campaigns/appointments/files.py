"""What the readers of files share: limits for hostile ones, and how a file is told by its looks."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from django.utils.translation import gettext

from campaigns.appointments.items import Item
from contacts.wording import figure

MAX_BYTES = 20 * 1024 * 1024
#: Appointments of one file; what comes after is not looked at, and the answer says so.
MAX_ITEMS = 20_000


class UnreadableFile(ValueError):
    """Nothing of the file can be used; the text says why."""


def at_most(items: Iterable[Item]) -> Iterator[Item]:
    """The first MAX_ITEMS; if there are more, one more that says so."""
    rest = iter(items)
    yield from islice(rest, MAX_ITEMS)
    if next(rest, None) is not None:
        first = gettext("Only the first %(most)s appointments of a file are read.") % {"most": figure(MAX_ITEMS)}
        yield Item("", None, problem=first)


def decoded(data: bytes) -> str:
    """Raises UnreadableFile."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(gettext("The file has more than %(most)s MB.") % {"most": MAX_BYTES // 1024**2})
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(gettext("The file is not text."))


def aware(at: datetime) -> datetime:
    """Of a time of a change that has no offset: UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
