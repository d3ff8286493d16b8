"""What waits for too long, and why."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import AudienceChunk, Campaign
from contacts.importing.work import LOCK, TASKS
from contacts.models import ContactImport
from contacts.wording import figure
from delivery.lanes import Lane
from delivery.models import CampaignHold
from delivery.standstill import Cause, in_minutes, of_stream, signs
from smshub.doctor.findings import Finding, problem, warning
from smshub.metrics import readings
from smshub.metrics.readings import Stream

#: Findings of a kind that are listed; more would not help.
LISTED = 20
LATE_MESSAGE = timedelta(minutes=1)
LATE_RECEIPT_SECONDS = 60.0
LONG_UNCERTAIN = timedelta(hours=1)
NO_PROGRESS = timedelta(minutes=10)
_URGENT = (Lane.ALERT, Lane.TRANSACTIONAL)


def queue(late: timedelta = LATE_MESSAGE) -> Iterator[Finding]:
    """Messages of no campaign. Each of those in the upper lanes should leave at once."""
    now, claims = timezone.now(), signs().claimed
    waiting = [s for s in readings.streams() if not s.campaign_id and not s.on_hold and now - s.oldest > late]
    for stream in waiting[:LISTED]:
        why = _standstill(stream, claims)
        said = {
            "lane_words": Lane(stream.lane).label,
            "provider": stream.provider,
            "time_words": in_minutes(now - stream.oldest),
        }
        if why:
            stuck = _("Messages (%(lane_words)s) for %(provider)s have waited for %(time_words)s: %(why_words)s.")
            yield problem(stuck % {**said, "why_words": why.what}, why.to_do)
        elif stream.lane in _URGENT:
            slow = _(
                "Messages (%(lane_words)s) for %(provider)s have waited for %(time_words)s, although some are sent."
            )
            yield warning(slow % said, _("Raise the provider's rate and its requests in flight."))


def campaigns(patience: timedelta = NO_PROGRESS) -> Iterator[Finding]:
    """Campaigns that run and do not come forward."""
    now, claims = timezone.now(), signs().claimed
    running = Campaign.objects.filter(status=Campaign.Status.RUNNING, launched_at__lt=now - patience)
    by_id = {campaign.pk: campaign for campaign in running.order_by("pk")[:1000]}
    done = dict(
        AudienceChunk.objects.filter(campaign__in=[pk for pk, c in by_id.items() if not c.materialised_at])
        .values_list("campaign_id")
        .annotate(last=Max("done_at"))
    )
    held = set(CampaignHold.objects.filter(campaign_id__in=by_id).values_list("campaign_id", flat=True))
    streams = {s.campaign_id: s for s in readings.streams() if now - s.oldest > patience}
    for campaign in list(by_id.values()):
        said = {"campaign": campaign.pk, "name": campaign.name}
        moved = done.get(campaign.pk) or campaign.launched_at
        stream = streams.get(campaign.pk)
        why = _standstill(stream, claims) if stream else None
        if campaign.pk in held:
            yield problem(
                _("Campaign %(campaign)s (%(name)s) runs and is on hold as well: nothing of it is sent.") % said,
                _("Pause it and resume it."),
            )
        elif not campaign.materialised_at and moved and now - moved > patience:
            yield problem(
                _(
                    "Campaign %(campaign)s (%(name)s) is launched, but no message of it has been made for "
                    "%(time_words)s."
                )
                % {**said, "time_words": in_minutes(now - moved)},
                _("See that a loader worker runs, and look for errors in its log."),
            )
        elif why:
            yield problem(
                _("Campaign %(campaign)s (%(name)s) has messages queued that are not sent: %(why_words)s.")
                % {**said, "why_words": why.what},
                why.to_do,
            )


def receipts(late_seconds: float = LATE_RECEIPT_SECONDS) -> Iterator[Finding]:
    inbox = readings.inbox()
    if inbox.late_seconds > late_seconds:
        yield problem(
            _(
                "Receipts have been waiting for %(seconds)s seconds to be applied: statuses are late. There are "
                "%(waiting_words)s."
            )
            % {"seconds": figure(inbox.late_seconds, 0), "waiting_words": _at_least(inbox.waiting)},
            _("See that workers read the queue reconcile, and add processes to them."),
        )


def uncertain(longer: timedelta = LONG_UNCERTAIN) -> Iterator[Finding]:
    counted = readings.uncertain(older_than=longer)
    if counted.rows:
        yield warning(
            _(
                "%(messages_words)s messages have been in doubt for more than %(time_words)s. None is sent again "
                "meanwhile."
            )
            % {"messages_words": _at_least(counted), "time_words": in_minutes(longer)},
            _("See that their provider can be asked: look for ask_raised in the worker's log."),
        )


def imports(patience: timedelta = timedelta(minutes=5)) -> Iterator[Finding]:
    """Started ones that nobody works on: whoever does holds a lock."""
    started = ContactImport.objects.filter(status__in=TASKS, started_at__lt=timezone.now() - patience)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND objsubid = 2 "
            "AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        )
        worked_on = [pk for (pk,) in cursor.fetchall()]
    for pk in started.exclude(pk__in=worked_on).order_by("pk").values_list("pk", flat=True)[:LISTED]:
        yield problem(
            _("Import %(number)s was started, and nobody works on it.") % {"number": pk},
            _(
                "See that a worker reads the queue imports and is not busy with other imports; then it goes on by "
                "itself."
            ),
        )


def _standstill(stream: Stream, claims: Mapping[int, datetime]) -> Cause | None:
    if stream.on_hold:
        return None
    return of_stream(
        provider=stream.provider,
        provider_enabled=stream.provider_enabled,
        sender_id=stream.sender_id,
        sender_enabled=stream.sender_enabled,
        last_claim=claims.get(stream.provider_id),
    )


def _at_least(counted: readings.Counted) -> str:
    number = figure(counted.rows)
    return _("at least %(number)s") % {"number": number} if counted.capped else number
