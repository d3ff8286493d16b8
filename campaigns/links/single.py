"""Short links in messages that are no campaign's: reminders, and single messages made from a template.

Nothing but such a message itself knows its id and its variables, so each of its links has a row, written in the
transaction of the message. Numbers for the rows are drawn first, for they stand in the text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from uuid import UUID

from django.db import connection
from django.utils import timezone

from campaigns import languages, templating
from campaigns.links import addresses, targets, texts
from campaigns.models import Link, LinkedMessage, TemplateVersion
from campaigns.models.links import MAX_DAYS
from delivery import bodies
from delivery.ids import first_id
from delivery.models import Message
from delivery.states import Status
from delivery.submit import Row

_NUMBERS = "SELECT nextval(pg_get_serial_sequence('campaigns_linkedmessage', 'id')) FROM generate_series(1, %s)"

_FORGET = """
DELETE FROM campaigns_linkedmessage WHERE id = ANY(ARRAY(
    SELECT id FROM campaigns_linkedmessage WHERE message_id < %(before)s ORDER BY message_id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED))
"""


class SingleLinks:
    """For the messages of one transaction, about as many as `messages` says: one query for the links, one for the
    numbers of their rows, one to save them; none where no text uses a link."""

    def __init__(self, versions: Iterable[TemplateVersion], *, messages: int = 1) -> None:
        self._used = {version.template_id: _used(version) for version in versions}
        self._links: dict[int, list[Link]] = {}
        if any(self._used.values()):
            for link in Link.objects.filter(template_id__in=[pk for pk, names in self._used.items() if names]):
                if link.template_id and link.name in self._used[link.template_id]:
                    self._links.setdefault(link.template_id, []).append(link)
        self._rows: list[LinkedMessage] = []
        self._numbers = _numbers(messages * max(map(len, self._links.values()), default=1))

    def __bool__(self) -> bool:
        """Whether a text that was made has one."""
        return bool(self._rows)

    def context(self, template_id: int, message_id: UUID, variables: Mapping[str, object]) -> dict[str, object]:
        """Variables for the text of this message, beside those given, which targets may have in their query."""
        links = self._links.get(template_id, ())
        made: dict[str, str] = {}
        for link, number in zip(links, islice(self._numbers, len(links)), strict=True):
            own = targets.has_variables(link.target)
            target = targets.render(link.target, lambda: dict(variables)) if own else ""
            self._rows.append(
                LinkedMessage(
                    id=number, link_id=link.pk, message_id=message_id, sealed_target=bodies.seal(message_id, target)
                )
            )
            made[link.name] = addresses.url(link.pk, number)
        return texts.context(made)

    def sample(self, template_id: int) -> dict[str, object]:
        """As `context`, for a text that is only looked at."""
        return texts.sample_context(link.name for link in self._links.get(template_id, ()))

    def save(self, queued: Iterable[Row | Message]) -> None:
        """Of the messages that were written. One that is suppressed reaches nobody who could follow its links."""
        if self:
            messages = {row.id for row in queued if row.status != Status.SUPPRESSED}
            LinkedMessage.objects.bulk_create([row for row in self._rows if row.message_id in messages])


def empty(message_ids: Sequence[UUID]) -> None:
    """Take away what links of these messages say of their recipients; they lead to their page as for anybody."""
    LinkedMessage.objects.filter(message_id__in=message_ids).exclude(sealed_target=b"").update(sealed_target=b"")


def erase_batch(phone: str, *, limit: int) -> int:
    """Take away up to `limit` links of messages to this number, for good. Returns how many."""
    mine = LinkedMessage.objects.filter(message_id__in=Message.objects.filter(recipient=phone).values("id"))
    return LinkedMessage.objects.filter(pk__in=list(mine.values_list("pk", flat=True)[:limit])).delete()[0]


def forget(*, limit: int = 10_000) -> int:
    """Take away up to `limit` rows of links that have expired, whatever their days are. Returns how many."""
    before = first_id(timezone.now() - timedelta(days=MAX_DAYS))
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"before": before, "limit": limit})
        return int(cursor.rowcount)


def _used(version: TemplateVersion) -> frozenset[str]:
    try:
        return texts.used_by(languages.texts(version).values())
    except templating.TemplateError:
        # Whoever renders it says so of the messages that it is about; the others have their links.
        return frozenset()


def _numbers(at_once: int) -> Iterator[int]:
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NUMBERS, [at_once])
            numbers = [number for (number,) in cursor.fetchall()]
        yield from numbers
