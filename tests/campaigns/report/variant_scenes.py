"""A campaign with two texts that is over."""

from datetime import timedelta

from django.utils import timezone

from campaigns import launch, materialise, split
from campaigns.models import Campaign
from delivery import reactions
from delivery.ids import new_message_id
from delivery.models import Message
from delivery.reactions import Kind
from delivery.states import Status
from tests.campaigns.scenes import crowd
from tests.factories import CampaignFactory, DefaultSenderFactory
from tests.variant_factories import VariantFactory

SIZE = 300


def over(*, replies: dict[str, int], hold_out: int = 10) -> Campaign:
    """Sent to SIZE people and delivered to all; so many of each variant replied."""
    DefaultSenderFactory()
    campaign = CampaignFactory(include=[crowd(SIZE)], hold_out_percent=hold_out)
    VariantFactory(campaign=campaign, percent=45)
    campaign = launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)
    now = timezone.now()
    sent = Message.objects.filter(status=Status.QUEUED)
    sent.update(status=Status.DELIVERED, sent_at=now, final_at=now)
    told = {letter: members(campaign, letter)[:number] for letter, number in replies.items()}
    reactions.record(
        [
            reactions.Told(message.pk, new_message_id(), Kind.REPLY, now + timedelta(minutes=1))
            for group in told.values()
            for message in group
        ]
    )
    Campaign.objects.filter(pk=campaign.pk).update(status=Campaign.Status.COMPLETED, finished_at=now)
    campaign.refresh_from_db()
    return campaign


def members(campaign: Campaign, letter: str) -> list[Message]:
    arms = split.of(campaign)
    return [message for message in Message.objects.order_by("id") if arms.arm(message.pk).letter == letter]
