"""One message into the queue: the door for the API and for whatever sends to a single person."""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from contacts import consent, phone, whereabouts
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
from delivery.timerules import bound
from delivery.timerules.arrival import AT_ONCE, Arrival, Recipient, arrivals

#: Longest text Twilio takes (error 21617), and far beyond what a person reads as one text.
MAX_BODY = 1600


class SubmitError(ValueError):
    """The message cannot be queued; the text says why, in words for whoever sent it."""


def submit(
    *,
    recipient: str,
    body: str,
    lane: Lane = Lane.TRANSACTIONAL,
    sender: Sender | None = None,
    not_before: datetime | None = None,
    valid_until: datetime | None = None,
    contact_id: int | None = None,
) -> Message:
    """Queue one text to one E.164 number.

    A suppressed recipient gets a row as well, `suppressed` with its reason, so that the sender learns the fate of
    what it asked for. In a lane that time rules are about it may be `held` until the recipient's next allowed hour.
    Raises SubmitError.
    """
    segmentation = measure(body)
    if not segmentation.segments:
        raise SubmitError("The text is empty.")
    if len(body) > MAX_BODY:
        raise SubmitError(f"The text has {len(body)} characters; at most {MAX_BODY} can be sent.")
    now = clock.now()
    if valid_until is not None and valid_until <= max(now, not_before or now):
        raise SubmitError("The message would expire before it may be sent.")
    country = phone.country(recipient)
    ways, route = _way(sender, recipient, country, lane)
    with transaction.atomic():
        waits_for = ""
        status, reason = (Status.QUEUED, "") if route else (Status.SUPPRESSED, Suppressed.NO_SENDER.value)
        if suppressed := consent.suppressed_among([recipient]).get(recipient):
            status, reason = Status.SUPPRESSED, Suppressed(suppressed).value
        elif route and not_before is not None and not_before > now:
            status = Status.HELD
        arrival = _arrival(recipient, country, lane) if status in UNCLAIMED else AT_ONCE
        if status == Status.QUEUED and arrival.until is not None:
            too_late = arrival.never or (valid_until is not None and valid_until <= arrival.until)
            status, reason = (Status.SUPPRESSED, arrival.waits_for) if too_late else (Status.HELD, "")
            not_before, waits_for = arrival.until, arrival.waits_for
        message_id = new_message_id()
        message = Message.objects.create(
            id=message_id,
            recipient=recipient,
            country=country,
            sealed_body=bodies.seal(message_id, body),
            encoding=segmentation.encoding,
            segments=segmentation.segments,
            cost=ways.cost(route, country, segmentation.segments) if route else 0,
            lane=lane,
            sender_id=route.sender_id if route else None,
            provider_id=route.provider_id if route else None,
            routed=ways.routed,
            status=status,
            reason=reason,
            not_before=not_before,
            valid_until=valid_until,
            waits_for=waits_for if status == Status.HELD else "",
            place_id=arrival.place_id,
            contact_id=contact_id,
            final_at=now if status == Status.SUPPRESSED else None,
        )
        if route and status == Status.QUEUED:
            transaction.on_commit(partial(wake.dispatch, route.provider_id))
    return message


def _way(sender: Sender | None, recipient: str, country: str, lane: Lane) -> tuple[Ways, Route | None]:
    try:
        if sender is None:
            return routes.one(recipient, country, lane)
        named = choose_sender(sender)
    except NoSender as error:
        raise SubmitError(str(error)) from None
    ways = routes.way_of(named)
    return ways, ways.fixed


def _arrival(recipient: str, country: str, lane: Lane) -> Arrival:
    if lane not in bound.lanes():
        return AT_ONCE
    hints = whereabouts.hints_of([recipient]).get(recipient, whereabouts.NO_HINTS)
    [arrival] = arrivals([Recipient(recipient, country, hints)], lane)
    return arrival


def cancel(*, message_id: UUID) -> bool:
    """Cancel a message that nobody has claimed yet. False: it was too late, or it was final already."""
    cancelled = Message.objects.filter(pk=message_id, status__in=UNCLAIMED).update(
        status=Status.CANCELLED, final_at=timezone.now()
    )
    return bool(cancelled)
