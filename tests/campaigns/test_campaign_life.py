"""Any order of buttons, tasks and receipts: the ledger stays whole and every campaign can come to its end."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from campaigns import control, launch, lifecycle, materialise, retrying, transitions
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.transitions import Action
from contacts.models import Contact
from delivery import tallies
from delivery.models import CampaignHold, Message
from delivery.queue import promote
from delivery.states import OPEN
from tests.campaigns.scenes import crowd, rows_by_status, tallies_by_status
from tests.factories import CampaignFactory, DefaultSenderFactory, SuppressionFactory

SIZE = 7
BUTTONS: dict[Action, Any] = {
    Action.LAUNCH: launch.launch,
    Action.UNSCHEDULE: launch.unschedule,
    Action.PAUSE: control.pause,
    Action.RESUME: control.resume,
    Action.CANCEL: control.cancel,
}


class CampaignLife(RuleBasedStateMachine):
    """Everything runs in one transaction that is rolled back; claims and receipts are played by hand."""

    @initialize()
    def a_draft_to_seven_contacts(self) -> None:
        self.rollback = transaction.atomic()
        self.rollback.__enter__()
        DefaultSenderFactory()
        self.campaign = CampaignFactory(include=[crowd(SIZE)])
        SuppressionFactory(phone=Contact.objects.first().phone)
        self.claimed: set[Any] = set()
        self.past = [self.campaign.status]

    def teardown(self) -> None:
        if hasattr(self, "rollback"):
            transaction.set_rollback(True)
            self.rollback.__exit__(None, None, None)

    def messages(self, *statuses: str) -> list[Any]:
        found = Message.objects.filter(campaign_id=self.campaign.pk, status__in=statuses).order_by("pk")
        return list(found.values_list("pk", flat=True))

    @rule(action=st.sampled_from(sorted(BUTTONS)))
    def somebody_presses_a_button(self, action: Action) -> None:
        lawful = action in transitions.allowed(self.campaign.status)
        try:
            self.campaign = BUTTONS[action](campaign=self.campaign, actor=None)
        except CampaignError:
            assert not lawful
        else:
            assert lawful
            self.past.append(self.campaign.status)

    @precondition(lambda self: self.campaign.status in ("draft", "scheduled"))
    @rule()
    def it_is_scheduled_and_its_time_comes(self) -> None:
        soon = timezone.now() + timedelta(hours=1)
        launch.schedule(campaign=self.campaign, at=soon, actor=None)
        Campaign.objects.filter(pk=self.campaign.pk).update(scheduled_at=timezone.now())
        assert launch.launch_due() == 1
        self.past += ["scheduled", "running"]

    @rule()
    def the_audience_is_frozen(self) -> None:
        materialise.freeze(self.campaign.pk)

    @rule()
    def a_chunk_is_materialised(self) -> None:
        materialise.materialise(self.campaign.pk, seconds=0)

    @rule()
    def the_rest_of_a_cancelled_campaign_is_closed(self) -> None:
        control.cancel_rest(self.campaign.pk, seconds=0)

    @rule(number=st.integers(1, 4))
    def a_worker_claims(self, number: int) -> None:
        if CampaignHold.objects.filter(campaign_id=self.campaign.pk).exists():
            return
        claimed = self.messages("queued")[:number]
        Message.objects.filter(pk__in=claimed).update(status="sending")
        assert not self.claimed & set(claimed)
        self.claimed |= set(claimed)

    @rule(status=st.sampled_from(["delivered", "undelivered", "accepted"]))
    def news_comes_of_one(self, status: str) -> None:
        for message_id in self.messages("sending", "accepted")[:1]:
            final_at = None if status == "accepted" else timezone.now()
            reason = "unreachable" if status == "undelivered" else ""
            Message.objects.filter(pk=message_id).update(status=status, reason=reason, final_at=final_at)

    @rule()
    def the_failed_are_to_be_tried_again(self) -> None:
        lawful = Action.RETRY in transitions.allowed(self.campaign.status)
        may = lawful and self.campaign.retrying_after is None and bool(self.messages("undelivered"))
        try:
            self.campaign = retrying.retry_failed(campaign=self.campaign, actor=None)
        except CampaignError:
            assert not may
        else:
            assert may
            self.past.append(self.campaign.status)

    @rule()
    def a_batch_of_the_failed_is_tried_again(self) -> None:
        self.campaign = Campaign.objects.get(pk=self.campaign.pk)
        failed = set(self.messages("undelivered"))
        retrying.retry_batch(self.campaign.pk)
        self.claimed -= failed - set(self.messages("undelivered"))
        promote()

    @rule()
    def the_tick_comes_round(self) -> None:
        lifecycle.look_after()

    @rule()
    def the_tallies_are_squashed(self) -> None:
        tallies.squash(keep=1)

    @invariant()
    def the_ledger_is_whole(self) -> None:
        if not hasattr(self, "campaign"):
            return
        self.campaign = Campaign.objects.get(pk=self.campaign.pk)
        campaign = self.campaign
        contacts = list(Message.objects.filter(campaign_id=campaign.pk).values_list("contact_id", flat=True))
        assert len(contacts) == len(set(contacts))
        assert tallies_by_status(campaign) == rows_by_status(campaign)
        if campaign.materialised_at:
            assert len(contacts) == campaign.audience_size == SIZE
        if campaign.status == "completed":
            assert not self.messages(*OPEN, "cancelled")
        if campaign.finished_at:
            assert not self.messages(*OPEN)
        held = CampaignHold.objects.filter(campaign_id=campaign.pk).exists()
        under_way = bool(campaign.launched_at) and not campaign.finished_at
        assert held is (under_way and campaign.status in ("paused", "cancelled"))
        self.every_step_has_its_event()

    def every_step_has_its_event(self) -> None:
        if self.campaign.status == "completed" and self.past[-1] != "completed":
            self.past.append("completed")
        events = list(self.campaign.events.order_by("pk"))
        assert [event.to_status for event in events] == self.past[1:]
        assert [event.from_status for event in events] == self.past[:-1]
        assert self.past[-1] == self.campaign.status


@pytest.mark.django_db
def test_any_order_of_events_keeps_the_ledger_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "CHUNK_SIZE", 3)
    run_state_machine_as_test(
        CampaignLife,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
