"""Status callbacks and inbound messages, received by a real server and checked with the SDK's validator."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from simulator.client import SimulatorError
from tests.simulator.conftest import ACCOUNT, SENDER, TOKEN, Hook, Running, Webhooks, until

SERVICE = "MG" + "a" * 32
TO = "+14155550100"


def signed(hook: Hook, token: str = TOKEN) -> bool:
    return RequestValidator(token).validate(hook.url, hook.form, hook.headers["X-Twilio-Signature"])


def create(client: Client, url: str, **changes: Any) -> str:
    return client.messages.create(**{"to": TO, "from_": SENDER, "body": "x", "status_callback": url, **changes}).sid


def quiet(carrier: Running) -> dict[str, Any]:
    """The counts, when nothing is on its way any more."""

    def at_rest() -> dict[str, Any] | None:
        stats = carrier.control.stats()
        return None if stats["callbacks_pending"] or stats["scheduled_events"] else stats

    result: dict[str, Any] = until(at_rest)
    return result


def test_three_signed_callbacks_tell_a_message_s_way(client: Client, webhooks: Webhooks):
    sid = create(client, webhooks.url)

    hooks = webhooks.wait(3)
    assert [hook.status for hook in hooks] == ["queued", "sent", "delivered"]
    for hook in hooks:
        assert hook.url == webhooks.url
        assert signed(hook)
        assert not signed(hook, "another token")
        assert hook.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
        assert {name: value for name, value in hook.form.items() if name != "RawDlrDoneDate"} == {
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "From": SENDER,
            "MessageSid": sid,
            "MessageStatus": hook.status,
            "SmsSid": sid,
            "SmsStatus": hook.status,
            "To": TO,
        }
    assert len({hook.headers["I-Twilio-Idempotency-Token"] for hook in hooks}) == 3


def test_most_final_callbacks_carry_the_network_s_date(carrier: Running, client: Client, webhooks: Webhooks):
    for _ in range(20):
        create(client, webhooks.url)

    quiet(carrier)
    dates = [hook.form.get("RawDlrDoneDate") for hook in webhooks.received if hook.status == "delivered"]
    assert 10 < len([date for date in dates if date]) <= 20
    assert all(re.fullmatch(r"\d{10}", date) for date in dates if date)
    assert not any("RawDlrDoneDate" in hook.form for hook in webhooks.received if hook.status != "delivered")


def test_the_queued_callback_of_a_plain_number_can_be_left_out(carrier: Running, client: Client, webhooks: Webhooks):
    carrier.control.set_faults(queued_callback=False)
    create(client, webhooks.url)
    create(client, webhooks.url, messaging_service_sid=SERVICE, from_=None, to="+14155550101")

    quiet(carrier)
    by_recipient = {
        to: [hook.status for hook in webhooks.received if hook.form["To"] == to] for to in (TO, "+14155550101")
    }
    assert by_recipient == {TO: ["sent", "delivered"], "+14155550101": ["queued", "sent", "delivered"]}


def test_a_messaging_service_s_callbacks_name_it(client: Client, webhooks: Webhooks):
    create(client, webhooks.url, messaging_service_sid=SERVICE, from_=None)

    hooks = webhooks.wait(3)
    assert {hook.form["MessagingServiceSid"] for hook in hooks} == {SERVICE}
    assert [hook.form.get("From") for hook in hooks] == [None, SENDER, SENDER]
    assert all(signed(hook) for hook in hooks)


def test_a_failure_is_told_with_its_code(carrier: Running, client: Client, webhooks: Webhooks):
    carrier.control.set_faults(error_mix={"30003": 1})
    sid = create(client, webhooks.url)

    last = webhooks.wait(3)[-1]
    assert (last.status, last.form["ErrorCode"]) == ("undelivered", "30003")
    assert signed(last)
    assert client.messages(sid).fetch().error_code == 30003

    carrier.control.set_faults(error_mix={"30001": 1})
    create(client, webhooks.url)
    assert [hook.status for hook in webhooks.wait(5)[3:]] == ["queued", "failed"]


def test_the_fragment_is_neither_signed_nor_posted(client: Client, webhooks: Webhooks):
    create(client, webhooks.url + "#rc=2&rp=5xx")

    hook = webhooks.wait(1)[0]
    assert hook.url == webhooks.url
    assert signed(hook)


def test_a_refused_callback_is_retried_only_when_its_url_asks_for_it(
    carrier: Running, client: Client, webhooks: Webhooks
):
    carrier.control.set_faults(never_final_share=1, queued_callback=False)

    webhooks.answers = [500]
    create(client, webhooks.url)
    stats = quiet(carrier)
    assert (len(webhooks.received), stats["callbacks_failed"], stats["callbacks_retried"]) == (1, 1, 0)

    webhooks.received.clear()
    webhooks.answers = [500, 503, 200]
    create(client, webhooks.url + "#rc=3&rp=5xx")
    stats = quiet(carrier)
    assert (len(webhooks.received), stats["callbacks_ok"], stats["callbacks_retried"]) == (3, 1, 2)
    # The ledger has which receipts were answered, and not which were posted.
    assert [entry["acknowledged"] for entry in carrier.control.ledger()] == [[], ["sent"]]
    assert len({hook.headers["I-Twilio-Idempotency-Token"] for hook in webhooks.received}) == 1
    assert all(signed(hook) for hook in webhooks.received)

    webhooks.received.clear()
    webhooks.answers = [404, 404, 404]
    create(client, webhooks.url + "#rc=2&rp=5xx,4xx")
    stats = quiet(carrier)
    assert (len(webhooks.received), stats["callbacks_failed"], stats["callbacks_retried"]) == (3, 2, 4)


@pytest.mark.parametrize(("fragment", "retried"), [("", 1), ("#rc=0", 0), ("#rc=2", 2), ("#rc=2&rp=5xx", 0)])
def test_an_absent_webhook_is_tried_again_as_often_as_allowed(
    carrier: Running, client: Client, closed_port: int, fragment: str, retried: int
):
    carrier.control.set_faults(never_final_share=1, queued_callback=False)
    create(client, f"http://127.0.0.1:{closed_port}/{fragment}")

    stats = quiet(carrier)
    assert (stats["callbacks_failed"], stats["callbacks_retried"]) == (1, retried)
    assert stats["callbacks_sent"] == 0


def test_an_absent_webhook_holds_up_neither_creates_nor_other_webhooks(
    carrier: Running, client: Client, webhooks: Webhooks, closed_port: int
):
    for _ in range(100):
        create(client, f"http://127.0.0.1:{closed_port}/")
    create(client, webhooks.url)

    webhooks.wait(3)
    stats = quiet(carrier)
    assert (stats["callbacks_failed"], stats["callbacks_ok"]) == (300, 3)
    assert carrier.control.summary()["by_status"] == {"delivered": 101}


def test_many_callbacks_over_few_connections_all_arrive_once(carrier: Running, client: Client, webhooks: Webhooks):
    carrier.control.set_faults(receipt_delay_ms=0)
    sids = {create(client, webhooks.url) for _ in range(150)}

    stats = quiet(carrier)
    assert (stats["callbacks_sent"], stats["callbacks_ok"]) == (450, 450)
    assert len(webhooks.received) == 450
    assert {(hook.form["MessageSid"], hook.status) for hook in webhooks.received} == {
        (sid, status) for sid in sids for status in ("queued", "sent", "delivered")
    }


def test_a_canceled_message_is_told_of(client: Client, webhooks: Webhooks):
    sid = create(
        client,
        webhooks.url,
        from_=None,
        messaging_service_sid=SERVICE,
        schedule_type="fixed",
        send_at=datetime.now(UTC) + timedelta(hours=1),
    )
    client.messages(sid).update(status="canceled")

    assert [hook.status for hook in webhooks.wait(1)] == ["canceled"]


def test_an_inbound_message_is_posted_signed_and_its_answer_returned(carrier: Running, webhooks: Webhooks):
    webhooks.body = b"<Response><Message>Bye</Message></Response>"

    posted = carrier.control.send_inbound(
        to=SENDER, sender=TO, body="STOP ✋ & goodbye", url=webhooks.url, opt_out_type="STOP"
    )

    hook = webhooks.wait(1)[0]
    assert signed(hook)
    assert posted == {"sid": hook.form["MessageSid"], "status": 200, "body": webhooks.body.decode()}
    assert hook.form["SmsSid"] == hook.form["SmsMessageSid"] == posted["sid"]
    assert (hook.form["From"], hook.form["To"], hook.form["Body"]) == (TO, SENDER, "STOP ✋ & goodbye")
    assert (hook.form["OptOutType"], hook.form["SmsStatus"], hook.form["NumMedia"]) == (
        "STOP",
        "received",
        "0",
    )
    assert carrier.control.stats()["inbound_posted"] == 1


def test_an_inbound_message_that_cannot_be_posted_says_so(carrier: Running, closed_port: int):
    def send(**changes: Any) -> None:
        carrier.control.send_inbound(
            **{"to": SENDER, "sender": TO, "body": "hi", "url": f"http://127.0.0.1:{closed_port}/", **changes}
        )

    with pytest.raises(SimulatorError, match="could not be posted"):
        send()
    with pytest.raises(SimulatorError, match="absolute"):
        send(url="nowhere")
    with pytest.raises(SimulatorError, match="no such account"):
        send(account="AC9")
