"""What binds an API key binds an application that acts in its name: mode, senders, networks, rates."""

from typing import Any

import pytest

from delivery import testcarrier
from delivery.models import TEST_PROVIDER, Message, MessageRequest, Sender
from smshub.api import keys
from smshub.api.models import ApiKey, TwilioLogin
from smshub.twilio_door import logins
from tests.api.conftest import System
from tests.factories import DefaultSenderFactory, SenderFactory
from tests.twilio_door.conftest import Application, refused

pytestmark = pytest.mark.django_db

HERE = "127.0.0.1"


def bind(shop: Application, *senders: Sender, **limits: Any) -> None:
    ApiKey.objects.filter(pk=shop.row.api_key_id).update(**limits)
    shop.row.api_key.senders.set(senders)


@pytest.fixture
def trial() -> Application:
    """An application that tries itself out."""
    key, _ = keys.issue(name="Trial", scopes=["messages:*"], actor=None, mode="test")
    row, issued = logins.make(api_key=key, name="Trial", actor=None)
    return Application(row, issued, testcarrier.sender())


def test_a_test_key_sends_by_the_test_carrier_and_by_nothing_else(trial: Application) -> None:
    DefaultSenderFactory()
    live = SenderFactory()

    by_service = trial.sent(From=None, MessagingServiceSid=trial.row.service_sid)
    by_name = trial.sent(From="TEST")

    assert {by_service.provider_id, by_name.provider_id} == {TEST_PROVIDER}
    assert refused(trial.send(From=live.address)) == 21606
    TwilioLogin.objects.get(pk=trial.row.pk).senders.add(live)
    assert refused(trial.send(From=live.address)) == 21606
    assert Message.objects.count() == 2


def test_a_login_of_a_test_key_is_made_without_senders(trial: Application) -> None:
    with pytest.raises(ValueError, match="no senders"):
        logins.make(api_key=trial.row.api_key, name="Trial", actor=None, senders=[SenderFactory()])


def test_a_live_login_has_nothing_to_do_with_the_test_carrier(shop: Application) -> None:
    shop.row.senders.add(testcarrier.sender())
    assert refused(shop.send(From="TEST")) == 21606
    with pytest.raises(ValueError, match="test keys alone"):
        logins.make(api_key=shop.row.api_key, name="Shop", actor=None, senders=[testcarrier.sender()])


def test_a_sender_of_the_login_that_is_none_of_its_keys_is_refused(shop: Application) -> None:
    bind(shop, SenderFactory())
    assert refused(shop.send()) == 21606
    bind(shop, shop.sender)
    assert shop.sent().sender == shop.sender


def test_routes_choose_no_sender_that_is_none_of_the_keys(shop: Application) -> None:
    DefaultSenderFactory()
    by_service: dict[str, Any] = {"From": None, "MessagingServiceSid": shop.row.service_sid}
    one, other = SenderFactory.create_batch(2)

    bind(shop, one)
    assert shop.sent(**by_service).sender == one
    bind(shop, one, other)
    assert refused(shop.send(**by_service)) == 21606
    bind(shop)
    assert shop.sent(**by_service).routed


def test_it_is_let_in_only_from_the_networks_of_its_key(shop: Application) -> None:
    bind(shop, allowed_from="192.0.2.0/24")
    answer = shop("GET", ".json")
    assert refused(answer) == 20403
    assert HERE in answer.body["message"]
    assert refused(shop("GET", ".json", credentials=(shop.sid, "wrong"))) == 20003, "to whoever has the secret alone"

    bind(shop, allowed_from=f"192.0.2.0/24 {HERE}/32")
    assert shop("GET", ".json").status_code == 200


def test_beyond_the_keys_rate_it_is_refused_and_told_when_to_come_again(shop: Application) -> None:
    bind(shop, per_minute=2)
    answers = [shop.send() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert refused(answers[2]) == 20429
    assert 55 <= int(answers[2]["Retry-After"]) <= 60
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert Message.objects.count() == 2


def test_the_rate_is_of_the_key_wherever_it_is_used() -> None:
    system = System()
    sender = SenderFactory()
    row, issued = logins.make(api_key=system.key, name="Shop", actor=None, senders=[sender])
    bind(Application(row, issued, sender), per_minute=2)

    assert system.get("whoami").status_code == 200
    assert Application(row, issued, sender).send().status_code == 201
    assert system.get("whoami").status_code == 429


def test_what_it_hands_in_is_its_keys_own(shop: Application) -> None:
    message = shop.sent()
    assert MessageRequest.objects.get(pk=message.pk).api_key_id == shop.row.api_key_id
