"""Messages into the queue, one or a batch: the door for the API and for whatever sends to single persons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from contacts import consent, phone
from delivery import bodies, clock, wake
from delivery.errors import Suppressed
from delivery.ids import new_message_id
from delivery.lanes import Lane
from delivery.models import Message, Sender
from delivery.routing import routes
from delivery.routing.routes import Ways
from delivery.routing.senders import NoSender, choose_sender
from delivery.routing.table import Route
from delivery.segments import measure
from delivery.states import UNCLAIMED, Status
from delivery.timerules.arrival import Arrival, arrivals_by_lane

#: Longest text Twilio takes (error 21617), and far beyond what a person reads as one text.
MAX_BODY = 1600


class SubmitError(ValueError):
    """The message cannot be queued; the text says why, in words for whoever sent it."""


class NoWay(SubmitError):
    """Nothing is set up, or switched on, that it could leave by."""


class WouldExpire(SubmitError):
    """Its time would be over before it may leave."""


class BadText(SubmitError):
    """Empty, or too long."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One text to one E.164 number, as it is asked for."""

    recipient: str
    body: str
    lane: Lane = Lane.TRANSACTIONAL
    sender: Sender | None = None
    not_before: datetime | None = None
    valid_until: datetime | None = None
    contact_id: int | None = None
    id: UUID = field(default_factory=new_message_id)


def submit(
    *,
    recipient: str,
    body: str,
    lane: Lane = Lane.TRANSACTIONAL,
    sender: Sender | None = None,
    not_before: datetime | None = None,
    valid_until: datetime | None = None,
    contact_id: int | None = None,
    message_id: UUID | None = None,
) -> Message:
    """Queue one text to one E.164 number, under an id of `delivery.ids` where its text was made for that one.

    A suppressed recipient gets a row as well, `suppressed` with its reason, so that the sender learns the fate of
    what it asked for. In a lane that time rules are about it may be `held` until the recipient's next allowed hour.
    Raises SubmitError.
    """
    message_id = message_id or new_message_id()
    draft = Draft(recipient, body, lane, sender, not_before, valid_until, contact_id, message_id)
    now = clock.now()
    _check(draft, now)
    country = phone.country(recipient)
    ways = routes.way_of(_named(sender)) if sender else routes.ways_to(country, lane)
    with transaction.atomic():
        [arrival] = _arrivals([draft], [country])
        message = _message(draft, country, ways, consent.suppressed_among([recipient]), arrival, now)
        message.save(force_insert=True)
        for provider_id in to_wake([message]):
            transaction.on_commit(partial(wake.dispatch, provider_id))
    return message


def prepare(drafts: Sequence[Draft]) -> list[Message | SubmitError]:
    """The row of each, not saved yet, or why it cannot be queued: by the rules of `submit`, in a handful of queries.

    Must run in the transaction that saves them (`write`): consent is what it is at this moment.
    """
    if not drafts:
        return []
    now = clock.now()
    ways = routes.ways()
    suppressed = consent.suppressed_among({draft.recipient for draft in drafts})
    countries = [phone.country(draft.recipient) for draft in drafts]
    prepared: list[Message | SubmitError] = []
    for draft, country, arrival in zip(drafts, countries, _arrivals(drafts, countries), strict=True):
        try:
            _check(draft, now)
            way = ways.by(_named(draft.sender)) if draft.sender else ways
            prepared.append(_message(draft, country, way, suppressed, arrival, now))
        except SubmitError as error:
            prepared.append(error)
    return prepared


def write(messages: Sequence[Message]) -> None:
    """Save what was prepared. When that is committed, `to_wake` says who is to be woken."""
    Message.objects.bulk_create(messages)


def closed(draft: Draft, reason: Suppressed, now: datetime) -> Message:
    """The row, not saved yet, of a message that will never be sent."""
    segmentation = measure(draft.body)
    return Message(
        id=draft.id,
        recipient=draft.recipient,
        country=phone.country(draft.recipient),
        sealed_body=bodies.seal(draft.id, draft.body),
        encoding=segmentation.encoding,
        segments=segmentation.segments,
        lane=draft.lane,
        status=Status.SUPPRESSED,
        reason=reason,
        valid_until=draft.valid_until,
        final_at=now,
    )


def to_wake(messages: Iterable[Message]) -> set[int]:
    """Providers that have something to send."""
    return {message.provider_id for message in messages if message.status == Status.QUEUED and message.provider_id}


def _check(draft: Draft, now: datetime) -> None:
    if not draft.body:
        raise BadText("The text is empty.")
    if len(draft.body) > MAX_BODY:
        raise BadText(f"The text has {len(draft.body)} characters; at most {MAX_BODY} can be sent.")
    if draft.valid_until is not None and draft.valid_until <= max(now, draft.not_before or now):
        raise WouldExpire("The message would expire before it may be sent.")


def _named(sender: Sender) -> Sender:
    try:
        return choose_sender(sender)
    except NoSender as error:
        raise NoWay(str(error)) from None


def _message(
    draft: Draft, country: str, ways: Ways, suppressed: dict[str, str], arrival: Arrival, now: datetime
) -> Message:
    try:
        route = routes.checked(ways, draft.recipient, country, draft.lane)
    except NoSender as error:
        raise NoWay(str(error)) from None
    status, reason = _start(draft, route, suppressed.get(draft.recipient), now)
    not_before, waits_for = draft.not_before, ""
    if status == Status.QUEUED and arrival.until is not None:
        status, reason, waits_for = in_time(arrival, draft.valid_until)
        not_before = arrival.until
    segmentation = measure(draft.body)
    return Message(
        id=draft.id,
        recipient=draft.recipient,
        country=country,
        sealed_body=bodies.seal(draft.id, draft.body),
        encoding=segmentation.encoding,
        segments=segmentation.segments,
        cost=ways.cost(route, country, segmentation.segments) if route else 0,
        lane=draft.lane,
        sender_id=route.sender_id if route else None,
        provider_id=route.provider_id if route else None,
        routed=ways.routed,
        status=status,
        reason=reason,
        not_before=not_before,
        valid_until=draft.valid_until,
        waits_for=waits_for,
        place_id=arrival.place_id if status in UNCLAIMED else None,
        contact_id=draft.contact_id,
        final_at=now if status == Status.SUPPRESSED else None,
    )


def _start(draft: Draft, route: Route | None, suppressed: str | None, now: datetime) -> tuple[Status, str]:
    """The status that it begins with, and why."""
    if suppressed:
        return Status.SUPPRESSED, Suppressed(suppressed).value
    if route is None:
        return Status.SUPPRESSED, Suppressed.NO_SENDER.value
    if draft.not_before is not None and draft.not_before > now:
        return Status.HELD, ""
    return Status.QUEUED, ""


def in_time(arrival: Arrival, valid_until: datetime | None) -> tuple[Status, str, str]:
    """Status, reason and what it waits for, of a message that must not arrive at this hour."""
    if arrival.never or (valid_until is not None and arrival.until is not None and valid_until <= arrival.until):
        return Status.SUPPRESSED, arrival.waits_for, ""
    return Status.HELD, "", arrival.waits_for


def _arrivals(drafts: Sequence[Draft], countries: Sequence[str]) -> list[Arrival]:
    return arrivals_by_lane([(d.recipient, country, d.lane) for d, country in zip(drafts, countries, strict=True)])


def cancel(*, message_id: UUID) -> bool:
    """Cancel a message that nobody has claimed yet. False: it was too late, or it was final already."""
    cancelled = Message.objects.filter(pk=message_id, status__in=UNCLAIMED).update(
        status=Status.CANCELLED, final_at=timezone.now()
    )
    return bool(cancelled)
