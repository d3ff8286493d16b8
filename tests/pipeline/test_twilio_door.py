"""Applications that were written for Twilio, with the SDKs as they are, on the whole way to the carrier and back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from delivery.models import Message, Provider, Word
from delivery.states import Status
from tests import node
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import text_from
from tests.twilio_door.conftest import Application, application
from tests.twilio_door.listener import Listener, listening_beside

pytestmark = pytest.mark.pipeline

SECRET = "The secret of the log is a walrus."


@pytest.fixture
def provider(hub: Hub) -> Provider:
    hub.carrier.set_faults(receipt_delay_ms=50)
    return hub.provider()


@pytest.fixture
def shop(provider: Provider) -> Application:
    return application(sender=provider.senders.get())


@pytest.fixture
def client(hub: Hub, shop: Application) -> Client:
    """The lines that change: credentials, and the address."""
    client = Client(shop.sid, shop.issued.auth_token)
    client.api.base_url = hub.url
    return client


@pytest.fixture
def listener(shop: Application) -> Iterator[Listener]:
    with listening_beside(shop.issued.auth_token) as listener:
        yield listener


def test_an_application_of_the_python_sdk_makes_the_tour(
    hub: Hub, shop: Application, client: Client, listener: Listener
) -> None:
    callback = f"{listener.url}/status?order=4711"
    sent = [
        client.messages.create(
            to=f"+1415555010{n}", from_=shop.sender.address, body=f"Grüße 🌻 {n}", status_callback=callback
        )
        for n in range(5)
    ]
    sids = [message.sid for message in sent]
    assert {message.status for message in sent} == {"queued"}
    wait_for(lambda: listener.words().count("delivered") == 5, seconds=30, what="five callbacks")

    # Fetched, listed in pages, by filters
    fetched = client.messages(sids[0]).fetch()
    assert (fetched.status, fetched.body, fetched.error_code) == ("delivered", "Grüße 🌻 0", None)
    assert fetched.date_sent is not None
    assert abs(fetched.date_sent - datetime.now(UTC)) < timedelta(minutes=2)
    assert [message.sid for message in client.messages.list(page_size=2)] == sids[::-1]
    assert [message.sid for message in client.messages.list(to="+14155550103")] == [sids[3]]
    assert len(client.messages.list(from_=shop.sender.address, limit=3)) == 3
    assert len(client.messages.list(date_sent=datetime.now(UTC).date())) == 5
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert len(client.messages.list(date_sent_after=hour_ago, page_size=2)) == 5
    assert client.messages.list(date_sent_before=hour_ago) == []

    # Scheduled and canceled, redacted, deleted
    later = client.messages.create(
        to="+14155550109",
        messaging_service_sid=shop.row.service_sid,
        body="Later",
        schedule_type="fixed",
        send_at=datetime.now(UTC) + timedelta(hours=1),
    )
    assert later.status == "scheduled"
    assert client.messages(later.sid).update(status="canceled").status == "canceled"
    assert client.messages(sids[1]).update(body="").body == ""
    assert client.messages(sids[2]).delete()
    for code, work in {
        21211: lambda: client.messages.create(to="nobody", from_=shop.sender.address, body="Hi"),
        30409: lambda: client.messages(sids[0]).update(status="canceled"),
        20404: lambda: client.messages(sids[2]).fetch(),
    }.items():
        with pytest.raises(TwilioRestException) as refusal:
            work()
        assert refusal.value.code == code

    # Every callback is what the SDK's validator believes, and in order
    assert all(post.valid for post in listener.posts)
    for sid in sids:
        told = [post.fields["MessageStatus"] for post in listener.posts if post.fields["MessageSid"] == sid]
        assert told == ["sent", "delivered"]
    assert {entry["body"] for entry in hub.carrier.ledger()} == {f"Grüße 🌻 {n}" for n in range(5)}
    assert not hub.carrier.duplicates()


def test_with_the_sid_and_secret_of_a_key_as_well(hub: Hub, shop: Application) -> None:
    client = Client(shop.row.key_sid, shop.issued.key_secret, shop.sid)
    client.api.base_url = hub.url
    assert client.api.accounts(shop.sid).fetch().status == "active"
    assert client.messages.list() == []
    stranger = Client(shop.row.key_sid, "wrong", shop.sid)
    stranger.api.base_url = hub.url
    with pytest.raises(TwilioRestException) as refusal:
        stranger.api.accounts(shop.sid).fetch()
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_an_application_of_the_node_sdk_makes_the_tour(hub: Hub, shop: Application) -> None:
    node.require()
    told = node.run(
        Path(__file__).parent / "node" / "tour.js",
        HUB=hub.url,
        ACCOUNT=shop.sid,
        TOKEN=shop.issued.auth_token,
        FROM=shop.sender.address,
        SERVICE=shop.row.service_sid,
    )
    sids, scheduled = told["sids"], told["scheduled"]["sid"]
    assert (told["created"]["status"], told["created"]["direction"]) == ("queued", "outbound-api")
    assert (told["fetched"]["body"], told["fetched"]["error"]) == ("Grüße 🌻 0", None)
    assert told["listed"] == [scheduled, *sids[::-1]]
    assert (told["toOne"], told["today"]) == ([sids[3]], sids[::-1])
    assert (told["scheduled"]["status"], told["canceled"]) == ("scheduled", "canceled")
    assert (told["redacted"], told["removed"]) == ("", True)
    assert {name: refusal["code"] for name, refusal in told["refusals"].items()} == {
        "number": 21211,
        "late": 30409,
        "removed": 20404,
        "credentials": 20003,
    }
    assert all(post["valid"] for post in told["posts"])
    for sid in sids:
        assert [post["status"] for post in told["posts"] if post["sid"] == sid] == ["sent", "delivered"]
    assert not hub.carrier.duplicates()


def test_a_text_is_posted_and_answered(hub: Hub, shop: Application, provider: Provider, listener: Listener) -> None:
    listener.twiml = "<Response><Message>Yes, it is ready.</Message></Response>"
    shop.row.sms_url = f"{listener.url}/texts"
    shop.row.save()
    assert text_from(hub, provider, "+14155550100", "Is my table ready?") == 200
    wait_for(lambda: hub.carrier.ledger(), seconds=20, what="the reply to reach the carrier")
    [post] = listener.posts
    assert post.valid
    assert post.fields["Body"] == "Is my table ready?"
    [entry] = hub.carrier.ledger()
    assert (entry["to"], entry["body"]) == ("+14155550100", "Yes, it is ready.")


def test_the_worker_killed_while_it_tells_loses_nothing(
    hub: Hub, shop: Application, client: Client, listener: Listener
) -> None:
    sids = [
        client.messages.create(
            to=f"+141555502{n:02}", from_=shop.sender.address, body="Hi", status_callback=f"{listener.url}/status"
        ).sid
        for n in range(40)
    ]
    wait_for(lambda: listener.posts, seconds=20, what="the first callback")
    hub.kill("webhooks")
    # What was under way is told again by the next, of each message in order: at least once.
    wait_for(lambda: not owed(), seconds=60, what="all word to be told")
    for sid in sids:
        told = [post.fields["MessageStatus"] for post in listener.posts if post.fields["MessageSid"] == sid]
        assert told[-1] == "delivered"
        assert sorted(set(told), key=told.index) == ["sent", "delivered"]


def test_what_is_logged_has_no_number_no_text_and_no_credential(
    hub: Hub, shop: Application, client: Client, listener: Listener
) -> None:
    listener.answers["/status?token=rhinoceros"] = [500]
    client.messages.create(
        to="+14155550177",
        from_=shop.sender.address,
        body=SECRET,
        status_callback=f"{listener.url}/status?token=rhinoceros",
    )
    wait_for(lambda: listener.words().count("delivered"), seconds=30, what="the callback")
    for name in hub.processes.names:
        for secret in ("4155550177", "walrus", "rhinoceros", shop.issued.auth_token):
            assert secret not in hub.log(name), name
    assert "twilio_post_failed" in hub.log("webhooks")


def owed() -> bool:
    try:
        unfinished = Message.objects.exclude(status=Status.DELIVERED).exists()
        return unfinished or Word.objects.exists()
    finally:
        connection.close()
