"""Creates: what becomes a message, how it is answered, and what is refused with which of Twilio's codes."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts import consent
from contacts.models import Suppression
from delivery.lanes import Lane
from delivery.models import Message, Submission
from smshub.twilio_door import resource
from tests.factories import DefaultSenderFactory, PriceFactory, SenderFactory
from tests.twilio_door.conftest import TO, Application, refused

pytestmark = pytest.mark.django_db

#: https://www.twilio.com/docs/messaging/api/message-resource#message-properties
KEYS = {
    *("account_sid", "api_version", "body", "date_created", "date_sent", "date_updated", "direction", "error_code"),
    *("error_message", "from", "messaging_service_sid", "num_media", "num_segments", "price", "price_unit", "sid"),
    *("status", "subresource_uris", "tags", "to", "uri"),
}


def in_future(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat().replace("+00:00", "Z")


def test_a_create_is_answered_as_twilio_answers(shop: Application) -> None:
    PriceFactory(provider=shop.sender.provider)
    answer = shop.send(Body="Schöne Grüße 🌻", StatusCallback="https://shop.example.org/sms?order=1")

    assert answer.status_code == 201
    message = Message.objects.get()
    assert answer.body["sid"] == f"SM{message.pk.hex}"
    assert set(answer.body) == KEYS
    assert parsedate_to_datetime(answer.body["date_created"]) == message.created_at.replace(microsecond=0)
    assert answer.body | {"date_created": 0, "date_updated": 0, "sid": 0, "uri": 0, "subresource_uris": 0} == {
        "account_sid": shop.sid,
        "api_version": "2010-04-01",
        "body": "Schöne Grüße 🌻",
        "date_created": 0,
        "date_sent": None,
        "date_updated": 0,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": shop.sender.address,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": 0,
        "status": "queued",
        "subresource_uris": 0,
        "tags": None,
        "to": TO,
        "uri": 0,
    }
    assert answer.body["uri"] == f"/2010-04-01/Accounts/{shop.sid}{shop.one(message)}"
    submission = Submission.objects.get(pk=message.pk)
    assert (submission.origin, submission.wants_word, submission.wants_progress) == (-shop.row.pk, True, True)
    assert (message.sender, message.recipient, message.lane) == (shop.sender, TO, Lane.TRANSACTIONAL)


def test_without_a_callback_nobody_is_told(shop: Application) -> None:
    submission = Submission.objects.get(pk=shop.sent().pk)
    assert (submission.wants_word, submission.wants_progress, submission.said) == (False, False, {})


@pytest.mark.parametrize("field", ["MessagingServiceSid", "From"])
def test_by_its_messaging_service_the_routes_choose_the_sender(shop: Application, field: str) -> None:
    default = DefaultSenderFactory()
    answer = shop.send(**{"From": None, field: shop.row.service_sid})
    assert answer.status_code == 201
    assert Message.objects.get().sender == default
    assert (answer.body["status"], answer.body["messaging_service_sid"]) == ("accepted", shop.row.service_sid)


def test_numbers_are_read_as_people_write_them(shop: Application) -> None:
    plain = shop.sender.address.removeprefix("+")
    assert shop.sent(To="(415) 555-0100", From=plain).recipient == "+14155550100"


def test_a_scheduled_message_waits_for_its_time(shop: Application) -> None:
    answer = shop.send(ScheduleType="fixed", SendAt=in_future(days=2), ValidityPeriod=3600)
    message = Message.objects.get()
    assert answer.body["status"] == "scheduled"
    assert (message.status, message.valid_until) == ("held", message.not_before + timedelta(hours=1))


def test_an_intent_says_which_lane_it_goes_in(shop: Application) -> None:
    assert [shop.sent(MessageIntent=intent).lane for intent in ("otp", "marketing", "delivery")] == [
        Lane.ALERT,
        Lane.BULK,
        Lane.TRANSACTIONAL,
    ]


def test_smart_encoding_makes_it_shorter(shop: Application) -> None:
    assert [shop.sent(Body="“Ready”", SmartEncoded=on).body for on in ("true", "false")] == ['"Ready"', "“Ready”"]


def test_what_only_advises_twilio_is_passed_over(shop: Application) -> None:
    further = {
        "MaxPrice": "0.1",
        "ProvideFeedback": "true",
        "Attempt": "1",
        "ForceDelivery": "false",
        "TrafficType": "free",
        "RiskCheck": "enable",
        "ContentRetention": "retain",
        "AddressRetention": "retain",
        "SendAsMms": "false",
        "ShortenUrls": "false",
        "Whatever": "comes later",
    }
    assert shop.send(**further).status_code == 201


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "nobody"}, 21211),
        ({"To": "+1415555"}, 21211),
        ({"To": "whatsapp:+14155550100"}, 21211),
        ({"From": None}, 21603),
        ({"From": "+16505559999"}, 21606),
        ({"From": "x" * 41}, 21212),
        ({"From": None, "MessagingServiceSid": "MG" + "0" * 32}, 21701),
        ({"Body": None}, 21602),
        ({"Body": " \n"}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"Body": None, "MediaUrl": "https://example.org/cat.png"}, 21620),
        ({"MediaUrl": ["https://example.org/1.png", "https://example.org/2.png"]}, 21620),
        ({"ContentSid": "HX" + "0" * 32, "ContentVariables": "{}"}, 21655),
        ({"ShortenUrls": "true"}, 20001),
        ({"SendAsMms": "true"}, 20001),
        ({"ContentRetention": "discard"}, 20001),
        ({"ApplicationSid": "AP" + "0" * 32}, 20001),
        ({"StatusCallback": "ftp://example.org/"}, 21609),
        ({"StatusCallback": "https://"}, 21609),
        ({"StatusCallback": "https://[::1"}, 21609),
        ({"StatusCallback": "https://exa mple.org/"}, 21609),
        ({"StatusCallback": "https://example.org/" + "x" * 500}, 21609),
        ({"ValidityPeriod": "0"}, 20001),
        ({"ValidityPeriod": "36001"}, 20001),
        ({"ValidityPeriod": "¼"}, 20001),
        ({"ScheduleType": "fixed"}, 35111),
        ({"ScheduleType": "daily", "SendAt": "2030-01-01T00:00:00Z"}, 20001),
        ({"SendAt": "2030-01-01T00:00:00Z"}, 20001),
        ({"ScheduleType": "fixed", "SendAt": "soon"}, 35114),
        ({"ScheduleType": "fixed", "SendAt": "2020-01-01T00:00:00Z"}, 35114),
        ({"ScheduleType": "fixed", "SendAt": "2099-01-01T00:00:00Z"}, 35114),
        ({"ScheduleType": "fixed", "SendAt": "2030-01-01T00:00:00"}, 35114),
    ],
)
def test_what_is_wrong_is_refused_with_twilios_code(shop: Application, changes: dict[str, Any], code: int) -> None:
    answer = shop.send(**changes)
    assert refused(answer) == code
    assert not Message.objects.exists()
    assert "14155550100" not in answer.content.decode()


def test_a_callback_in_clear_is_for_the_operators_own_network(shop: Application, settings: Any) -> None:
    assert shop.send(StatusCallback="http://10.0.0.7/sms").status_code == 201
    settings.ALLOW_PRIVATE_WEBHOOK_URLS = False
    assert refused(shop.send(StatusCallback="http://10.0.0.7/sms")) == 21609


def test_to_its_own_number_it_sends_nothing(shop: Application) -> None:
    shop.sender.address = TO
    shop.sender.save()
    assert refused(shop.send()) == 21266


def test_who_may_not_be_texted_is_refused_and_leaves_no_message(shop: Application) -> None:
    for reason, code in ((Suppression.Reason.OPTED_OUT, 21610), (Suppression.Reason.MANUAL, 21610)):
        consent.suppress(phones=[TO], reason=reason, evidence="Said so.", actor=None)
        assert refused(shop.send()) == code
        Suppression.objects.all().delete()
    assert not Message.objects.exists()
    assert not Submission.objects.exists()


def test_a_sender_that_is_switched_off_is_none(shop: Application) -> None:
    shop.sender.enabled = False
    shop.sender.save()
    assert refused(shop.send()) == 21606


def test_where_nothing_leads_there_is_no_way(shop: Application) -> None:
    assert refused(shop.send(From=None, MessagingServiceSid=shop.row.service_sid)) == 21612


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("To=%2B14155550100&To=%2B14155550101&Body=Hi", 20001),
        ("Body=%00&To=%2B14155550100", 20001),
        ("Body=%ff&To=%2B14155550100", 20001),
        ("&".join(f"f{n}=1" for n in range(200)), 20001),
        ("Body=" + "x" * 200_000, 20413),
    ],
)
def test_hostile_forms_are_refused(shop: Application, content: str, code: int) -> None:
    assert refused(shop("POST", "/Messages.json", content)) == code


def test_json_is_no_form(shop: Application) -> None:
    assert refused(shop("POST", "/Messages.json", "{}", content_type="application/json")) == 20001


def test_a_key_makes_it_once(shop: Application) -> None:
    form = {"To": TO, "From": shop.sender.address, "Body": "Your table is ready."}
    first, again = (shop("POST", "/Messages.json", form, headers={"Idempotency-Key": "order-1"}) for _ in range(2))
    other = shop("POST", "/Messages.json", form | {"Body": "Other"}, headers={"Idempotency-Key": "order-1"})
    assert first.body["sid"] == again.body["sid"] != other.body["sid"]
    assert Message.objects.count() == 2


def test_a_create_takes_a_constant_number_of_queries(shop: Application) -> None:
    shop.send()
    for _ in range(3):
        SenderFactory()
        with CaptureQueriesContext(connection) as queries:
            assert shop.send(StatusCallback="https://shop.example.org/").status_code == 201
        assert len(queries) <= 14, [query["sql"] for query in queries]


def test_every_status_and_reason_has_a_word_and_a_code_of_twilios() -> None:
    """The codes say of our reasons what Twilio's own adapter reads from them."""
    from delivery.errors import Failure
    from delivery.providers.twilio import codes
    from delivery.states import Status

    assert set(resource.STATUS) == set(Status)
    for reason, code in resource.ERROR.items():
        known = codes.meaning(code)
        assert known is not None, code
        assert reason not in set(Failure) or known.failure == reason, code
