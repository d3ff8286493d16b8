"""The hub's part in `benchmarks.smpp`: a campaign through the connector worker, all processes as in production."""

from benchmarks import scenes
from benchmarks.hub import Hub, wait_for
from benchmarks.rivals.contest import Contestant, Course, Send, Smsc
from benchmarks.sending import deliver
from campaigns import messages as campaign_messages
from delivery.models import Provider, Sender
from delivery.states import Status
from smshub.quickstart import commands


def prepare(hub: Hub, smsc: Smsc, window: int) -> Send:
    provider = Provider.objects.create(
        name="Operator",
        adapter="smpp",
        settings={"address": f"smpp://{smsc.host}:{smsc.port}", "system_id": smsc.system_id, "window": window},
        credentials={"password": smsc.password},
        rate=scenes.UNLIMITED,
        # A tenth of it is left to what is urgent: the window is to be the limit.
        max_in_flight=2 * window,
    )
    by = Sender.objects.create(provider=provider, address=scenes.SENDER, is_default=True)
    wait_for(lambda: hub.carrier.smsc()["accounts"][smsc.system_id]["binds"], seconds=30, what="the hub's bind")

    def send(first: int, size: int) -> Course:
        campaign = scenes.campaign(scenes.people(size, first=first - 1), by)
        seconds, _ = deliver(hub, campaign, size)
        return Course(seconds, campaign_messages.of(campaign.pk).filter(status=Status.DELIVERED).count())

    return send


PROGRAMS = tuple(name for name in commands.COMMANDS if name != "simulator")
OURS = Contestant("SMSHub", prepare, programs=PROGRAMS)
