"""A campaign that is over, with everything that can happen to a message."""

import re
import zlib
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from campaigns.links import visits
from campaigns.models import Campaign, CampaignReport, Visit
from campaigns.report import counting
from delivery import reactions
from delivery.ids import new_message_id
from delivery.models import Message, Sender
from delivery.reactions import Kind
from delivery.states import Status
from tests.factories import CampaignFactory, MessageFactory, SenderFactory
from tests.link_factories import LinkFactory

#: Country, status, reason, how many, and how many of them followed the link, answered and said stop.
ROWS: tuple[tuple[str, Status, str, int, int, int, int], ...] = (
    ("US", Status.DELIVERED, "", 6, 3, 2, 1),
    ("GB", Status.READ, "", 2, 1, 0, 0),
    ("GB", Status.SENT, "", 1, 0, 0, 0),
    ("US", Status.UNDELIVERED, "unreachable", 2, 0, 0, 0),
    ("US", Status.SUPPRESSED, "opted_out", 3, 0, 0, 0),
)


def finished(rows: tuple[tuple[str, Status, str, int, int, int, int], ...] = ROWS) -> Campaign:
    launched = timezone.now() - timedelta(hours=2)
    total = sum(row[3] for row in rows)
    campaign: Campaign = CampaignFactory(
        name="Flu shots",
        status=Campaign.Status.COMPLETED,
        launched_at=launched,
        materialised_at=launched,
        finished_at=launched + timedelta(minutes=30),
        audience_size=total,
    )
    link = LinkFactory(campaign=campaign)
    sender: Sender = SenderFactory()
    number = 0
    for country, status, reason, size, clicks, replies, stops in rows:
        for index in range(size):
            number += 1
            left = status is not Status.SUPPRESSED
            message: Message = MessageFactory(
                campaign_id=campaign.pk,
                contact_id=number,
                sender=sender if left else None,
                provider=sender.provider if left else None,
                country=country,
                status=status,
                reason=reason,
                segments=1 if left else 0,
                cost=Decimal("0.01") if left else 0,
                sent_at=launched + timedelta(minutes=number) if left else None,
                final_at=launched + timedelta(minutes=number, seconds=10),
            )
            if index < clicks:
                Visit.objects.create(link_id=link.pk, recipient=number, at=launched + timedelta(minutes=60 + number))
            for kind, happened in ((Kind.REPLY, index < replies), (Kind.STOP, index < stops)):
                if happened:
                    at = launched + timedelta(minutes=70)
                    reactions.record([reactions.Told(message.pk, new_message_id(), kind, at)])
    Visit.objects.create(link_id=link.pk, recipient=1, machine="preview", at=launched + timedelta(minutes=5))
    visits.settle(seconds=5)
    return campaign


def counted(campaign: Campaign) -> Campaign:
    CampaignReport.objects.update_or_create(campaign=campaign, defaults={"due_at": timezone.now()})
    assert counting.count(campaign.pk)
    return campaign


def printed(file: bytes) -> str:
    """The words on its pages."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", file, re.DOTALL)
    pages = b" ".join(zlib.decompress(stream) for stream in streams).decode("latin-1")
    return " ".join(re.findall(r"\((.*?)(?<!\\)\) Tj", pages))
