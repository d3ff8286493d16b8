"""A connector: what it holds, sends and hears, and how it gives up. The other side is the test's."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from contacts.models import Suppression
from delivery import accounts, wake
from delivery.connector import binds, holding
from delivery.limiter import this_process
from delivery.models import Inbound, InboxReceipt, Message, Provider, Sender
from delivery.providers.base import InboundText, Receipt
from delivery.runtime import runtime
from delivery.states import Status
from tests.delivery.lines import KIND, WINDOW, Lines, connector, hear, installed, known_as
from tests.factories import MessageFactory, ProviderFactory, SenderFactory
from tests.hub import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines(clean_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    monkeypatch.setattr(holding, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(holding, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(binds, "SETTLE_SECONDS", 0.0)
    with installed() as found:
        yield found


@pytest.fixture
def sender() -> Sender:
    return SenderFactory(provider=ProviderFactory(adapter=KIND, rate=1000))


def with_status(*statuses: Status) -> int:
    return Message.objects.filter(status__in=statuses).count()


def bound(provider: Provider) -> bool:
    return binds.look([provider.pk])[provider.pk].bound > 0


def test_it_holds_a_connection_though_nothing_is_to_be_sent_and_stores_what_is_heard(
    lines: Lines, sender: Sender
) -> None:
    message = MessageFactory(sender=sender, status=Status.ACCEPTED, provider_message_id="7")
    receipt = Receipt("7", Status.DELIVERED)
    text = InboundText("MO1", message.recipient, sender.address, "STOP")
    with connector() as running:
        wait_for(lambda: bound(sender.provider), seconds=10, what="a connection")

        hear(running, lines.built[0], [receipt, text])

        assert InboxReceipt.objects.get().provider_message_id == "7"
        assert Inbound.objects.get().body == "STOP"
        assert Suppression.objects.filter(phone=message.recipient, lifted_at=None).exists()


def test_what_cannot_be_stored_is_not_acknowledged(lines: Lines, sender: Sender) -> None:
    with connector() as running:
        wait_for(lambda: bound(sender.provider), seconds=10, what="a connection")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE delivery_inboxreceipt RENAME TO away")
        try:
            with pytest.raises(Exception, match="delivery_inboxreceipt"):
                hear(running, lines.built[0], [Receipt("7", Status.DELIVERED)])
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE away RENAME TO delivery_inboxreceipt")

        hear(running, lines.built[0], [Receipt("7", Status.DELIVERED)])
        assert InboxReceipt.objects.count() == 1


def test_it_sends_what_is_queued_once_each_and_for_one_account_beside_another(lines: Lines, sender: Sender) -> None:
    other = SenderFactory(provider=ProviderFactory(adapter=KIND, rate=1000))
    MessageFactory.create_batch(40, sender=sender)
    with connector():
        wait_for(lambda: with_status(Status.ACCEPTED) == 40, seconds=10, what="the first account's messages")
        [line] = lines.of(sender.provider_id)
        line.answering.clear()
        late = MessageFactory(sender=sender)
        wait_for(lambda: len(line.sent) == 41, seconds=10, what="a request whose answer is late")

        MessageFactory.create_batch(20, sender=other)
        wait_for(lambda: with_status(Status.ACCEPTED) == 60, seconds=10, what="the other account's messages")

        late.refresh_from_db()
        assert late.status == Status.SENDING
        running_loop = lines.of(sender.provider_id)[0]
        _set(running_loop)
        wait_for(lambda: with_status(Status.ACCEPTED) == 61, seconds=10, what="the late answer")
    assert len({message.id for line in lines.built for message in line.sent}) == 61


def test_nothing_is_claimed_while_no_connection_is_up(lines: Lines, sender: Sender) -> None:
    lines.up = False
    MessageFactory.create_batch(5, sender=sender)
    with connector() as running:
        wait_for(lambda: lines.built and lines.built[0].held, seconds=10, what="leave to connect")
        running.wake(sender.provider_id)
        assert not bound(sender.provider)
        assert with_status(Status.QUEUED) == 5

        lines.built[0].up = True
        wait_for(lambda: with_status(Status.ACCEPTED) == 5, seconds=10, what="the messages")


def test_no_more_is_on_its_way_than_the_windows_of_its_connections(lines: Lines, sender: Sender) -> None:
    lines.answering = False
    MessageFactory.create_batch(50, sender=sender)
    with connector():
        wait_for(lambda: lines.built and len(lines.built[0].sent) >= WINDOW, seconds=10, what="a full window")
        assert len(lines.built[0].sent) == WINDOW
        _set(lines.built[0])
        wait_for(lambda: with_status(Status.ACCEPTED) == 50, seconds=10, what="the rest")


def test_closed_it_drains_what_is_on_its_way_and_leaves_the_rest_queued(lines: Lines, sender: Sender) -> None:
    lines.answering = False
    MessageFactory.create_batch(50, sender=sender)
    with connector() as running:
        wait_for(lambda: lines.built and len(lines.built[0].sent) >= WINDOW, seconds=10, what="a full window")
        running.loop.loop.call_later(0.3, lines.built[0].answering.set)
    [line] = lines.built

    assert line.closed
    assert with_status(Status.ACCEPTED) == len(line.sent) == WINDOW
    assert with_status(Status.QUEUED, Status.HELD) == 50 - WINDOW
    assert binds.look([sender.provider_id])[sender.provider_id].workers == []


def test_switched_off_it_gives_the_account_up_and_switched_on_it_takes_it_up_again(
    lines: Lines, sender: Sender
) -> None:
    with connector():
        wait_for(lambda: bound(sender.provider), seconds=10, what="a connection")
        accounts.disable(sender.provider, "a test")
        wait_for(lambda: lines.built[0].closed, seconds=10, what="the end of the connection")

        accounts.enable(sender.provider)
        wait_for(lambda: len(lines.built) == 2 and bound(sender.provider), seconds=10, what="a new connection")


def test_another_configuration_is_another_adapter(lines: Lines, sender: Sender) -> None:
    with connector():
        wait_for(lambda: bound(sender.provider), seconds=10, what="a connection")
        sender.provider.settings = {"host": "elsewhere"}
        accounts.save_credentials(provider=sender.provider, credentials={})

        wait_for(lambda: len(lines.built) == 2 and bound(sender.provider), seconds=10, what="a new connection")
        assert lines.built[0].closed
        assert lines.built[1].config.settings["host"] == "elsewhere"


def test_unbound_by_a_person_it_holds_none_and_the_messages_wait(lines: Lines, sender: Sender) -> None:
    with connector():
        wait_for(lambda: bound(sender.provider), seconds=10, what="a connection")
        accounts.unbind(sender.provider, "ada")
        wait_for(lambda: lines.built[0].held == 0, seconds=10, what="it to be given up")
        MessageFactory.create_batch(3, sender=sender)

        wait_for(lambda: not bound(sender.provider), seconds=10, what="everybody to know")
        assert with_status(Status.QUEUED) == 3
        accounts.bind(sender.provider)
        wait_for(lambda: with_status(Status.ACCEPTED) == 3, seconds=10, what="the messages")
        assert len(lines.built) == 1, "the adapter stays"
        assert [message.id for message in lines.built[0].sent] == [
            message.pk for message in Message.objects.order_by("created_at")
        ]
        assert {known_as(message) for message in lines.built[0].sent} == set(
            Message.objects.values_list("provider_message_id", flat=True)
        )


def test_its_wake_ups_go_to_its_own_queue_and_no_other_worker_builds_it(
    lines: Lines, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(wake, "say", lambda task, *_: said.append(task))
    plain = SenderFactory()

    for provider in (sender.provider, plain.provider):
        wake.dispatch(provider.pk)
        wake.ask(provider.pk)

    kinds = ("connector_dispatch", "connector_ask", "dispatch", "ask")
    assert said == [f"delivery.tasks.{task}" for task in kinds]
    with pytest.raises(LookupError, match="connector worker"):
        runtime().run(runtime().adapter(sender.provider))


def test_what_it_holds_can_be_seen_by_everybody(lines: Lines, sender: Sender) -> None:
    with connector():
        wait_for(lambda: bound(sender.provider), seconds=10, what="a connection")
        account = binds.look([sender.provider_id])[sender.provider_id]

    assert account.workers == [this_process()]
    [bind] = account.binds
    assert (bind.connection.name, bind.connection.window) == ("1", WINDOW)
    assert account.silent_seconds is not None
    assert account.silent_seconds < 5


def _set(line: Any) -> None:
    line.answering._loop.call_soon_threadsafe(line.answering.set)
