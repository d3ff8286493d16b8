"""Where the messages of test keys go: one account within the hub, made when it is first needed.

They take the true path: claim, dispatch, receipts through the inbox, questions, retries. What they must not touch is
kept apart by the account's id, `TEST_PROVIDER`: suppressions and frequency caps (`numbers`, `streams`), the routes and
the default sender (`routing.routes`), the judging of health (`routing.health`), what live keys see (`api.senders`).
"""

from django.db.models import QuerySet

from delivery.models import TEST_PROVIDER, Provider, Sender

ADAPTER = "testcarrier"
NAME = "Test carrier"
#: What recipients would see.
ADDRESS = "TEST"
#: Nobody is to be slowed down while trying something out, and a loop without end is not to use up the hub.
RATE, IN_FLIGHT = 50, 50


def sender() -> Sender:
    """The test carrier's sender, and with it the account. Safe for any number at once."""
    found = Sender.objects.select_related("provider").filter(provider_id=TEST_PROVIDER, address=ADDRESS).first()
    if found:
        return found
    Provider.objects.get_or_create(
        pk=TEST_PROVIDER, defaults={"name": NAME, "adapter": ADAPTER, "rate": RATE, "max_in_flight": IN_FLIGHT}
    )
    Sender.objects.get_or_create(provider_id=TEST_PROVIDER, address=ADDRESS)
    return Sender.objects.select_related("provider").get(provider_id=TEST_PROVIDER, address=ADDRESS)


def live_senders() -> QuerySet[Sender]:
    """All others, with their providers: what a form for anything but a trial offers."""
    live = Sender.objects.exclude(provider_id=TEST_PROVIDER)
    return live.select_related("provider").order_by("provider__name", "address")


def is_its(sender: Sender) -> bool:
    return sender.provider_id == TEST_PROVIDER
