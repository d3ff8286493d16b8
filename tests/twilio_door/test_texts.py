"""What people write, posted to the application; and its answer, sent back once."""

from unittest.mock import patch

import pytest

from delivery.ids import new_message_id
from delivery.inbound.store import store
from delivery.models import Confirmation, Message, Word
from delivery.providers.base import InboundText
from delivery.words import Heard
from delivery.words import Word as Owed
from smshub.twilio_door import logins, replying
from tests.smpp_door.conftest import in_database, run, until
from tests.twilio_door.conftest import TO, Application, application
from tests.twilio_door.listener import Listener
from tests.twilio_door.scenes import nothing_owed, quickly, told


@pytest.fixture
def shop(transactional_db: None) -> Application:
    return application()


def text(shop: Application, body: str, *, sid: str = "MO1") -> None:
    store(
        shop.sender.provider_id,
        InboundText(provider_message_id=sid, phone=TO, recipient=shop.sender.address, body=body),
    )


def hears_at(shop: Application, url: str) -> None:
    shop.row.sms_url = url
    shop.row.save(update_fields=["sms_url"])


def test_a_text_is_posted_and_the_reply_sent_once(shop: Application) -> None:
    async def scenario() -> Listener:
        async with told(shop.issued.auth_token) as listener:
            listener.twiml = (
                "<Response><Message>Thanks &amp; bye</Message><Message><Body>Two</Body></Message></Response>"
            )
            # Given an application whose first answer is lost
            listener.answers["/texts"] = [500]
            await in_database(lambda: hears_at(shop, f"{listener.url}/texts"))
            await in_database(lambda: text(shop, "Is it ready?"))
            await until(lambda: len(listener.posts) == 2)
            await nothing_owed()
            return listener

    with quickly(), patch("smshub.twilio_door.telling.FIRST_PAUSE_SECONDS", 0.0):
        listener = run(scenario())
    fields = listener.posts[1].fields
    assert listener.posts[1].valid
    assert (fields["From"], fields["To"], fields["Body"]) == (TO, shop.sender.address, "Is it ready?")
    assert (fields["SmsStatus"], fields["NumMedia"], fields["NumSegments"], fields["FromCountry"]) == (
        "received",
        "0",
        "1",
        "US",
    )
    assert fields["MessageSid"] == fields["SmsSid"] == fields["SmsMessageSid"]
    replies = list(Message.objects.order_by("pk"))
    assert [reply.body for reply in replies] == ["Thanks & bye", "Two"]
    assert {(reply.recipient, reply.sender_id) for reply in replies} == {(TO, shop.sender.pk)}
    shown = shop.get("/Messages.json").body["messages"]
    assert {each["direction"] for each in shown} == {"outbound-reply"}


def test_the_same_text_told_twice_is_answered_once(shop: Application) -> None:
    """Killed between the reply and the striking off: the word is told again, the person is texted once."""
    [login] = logins.current()
    heard = Heard(Owed(login.origin, new_message_id(), 1), TO, shop.sender.address, None)
    for _ in range(2):
        assert replying.reply(b"<Response><Message>Yes</Message></Response>", heard, login) == 1
    assert Message.objects.count() == 1


def test_a_stop_is_posted_with_its_kind_and_its_reply_is_not_sent(shop: Application) -> None:
    async def scenario() -> Listener:
        async with told(shop.issued.auth_token) as listener:
            listener.twiml = "<Response><Message>Sorry to see you go</Message></Response>"
            await in_database(lambda: hears_at(shop, f"{listener.url}/texts"))
            await in_database(lambda: text(shop, "STOP"))
            await until(lambda: listener.posts)
            await nothing_owed()
            return listener

    assert run(scenario()).posts[0].fields["OptOutType"] == "STOP"
    # What the hub itself confirms is all that goes out.
    assert list(Message.objects.values_list("pk")) == list(Confirmation.objects.values_list("message_id"))


def test_without_the_scope_or_the_address_nothing_is_owed(shop: Application) -> None:
    text(shop, "Hello?")
    hears_at(shop, "https://shop.example.org/texts")
    text(shop, "Hello?", sid="MO2")
    assert Word.objects.count() == 1
    shop.row.api_key.scopes = ["messages:read"]
    shop.row.api_key.save()
    text(shop, "Hello?", sid="MO3")
    assert Word.objects.count() == 1
