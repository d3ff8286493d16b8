"""What a provider posts to us: believed only from the provider, and read into our words."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from delivery.providers.base import BadCallback, Callback, InboundText, Receipt
from delivery.states import FINAL, Status
from tests.contract.harness import Can, Harness, adapter_of, new_message, new_number, run
from tests.contract.harnesses import over
from tests.contract.sink import Sink, sink


def receipts_of(harness: Harness, callback: Callback) -> list[Receipt]:
    assert harness.kind.parse_receipts is not None
    return list(harness.kind.parse_receipts(callback, harness.config()))


async def one_delivered(harness: Harness, listening: Sink) -> tuple[str, list[Callback]]:
    """A message goes out and is delivered: its provider id, and what was posted about it on the way."""

    def final(callbacks: list[Callback]) -> bool:
        return any(receipt.status in FINAL for posted in callbacks for receipt in receipts_of(harness, posted))

    url = f"{listening.base_url}/callbacks/receipts/1/{uuid4().hex}"
    async with adapter_of(harness) as adapter:
        sent = await adapter.send(new_message(harness, callback_url=url))
    return sent.provider_message_id, list(await listening.wait_for(final))


@over(Can.CALL_BACK)
def test_receipts_tell_the_way_of_a_message(harness: Harness) -> None:
    async def scenario() -> None:
        async with sink(harness.kind) as listening:
            sid, posted = await one_delivered(harness, listening)
        receipts = [receipt for callback in posted for receipt in receipts_of(harness, callback)]
        assert {receipt.provider_message_id for receipt in receipts} == {sid}
        assert {receipt.failure for receipt in receipts} == {None}
        assert Status.DELIVERED in {receipt.status for receipt in receipts}

    run(scenario())


@over(Can.CALL_BACK)
def test_a_receipt_is_believed_only_as_it_was_signed(harness: Harness) -> None:
    parse = harness.kind.parse_receipts
    assert parse is not None

    async def scenario() -> Callback:
        async with sink(harness.kind) as listening:
            _, posted = await one_delivered(harness, listening)
            return posted[-1]

    good = run(scenario())
    assert parse(good, harness.config())
    assert parse(good, harness.rotating()), "signed with the old of two secrets"

    forgeries = {
        "another account's secret": (good, harness.other_account()),
        "altered": (replace(good, body=good.body.replace(b"delivered", b"failed")), harness.config()),
        "a field more": (replace(good, body=good.body + b"&ErrorCode=30007"), harness.config()),
    }
    for callback, config in forgeries.values():
        with pytest.raises(BadCallback) as refused:
            parse(callback, config)
        assert refused.value.status == 403

    with pytest.raises(BadCallback) as refused:
        parse(replace(good, headers={"content-type": good.headers["content-type"]}), harness.config())
    assert refused.value.status in (403, 503), "a provider may forget to sign, and is to come again"


@over(Can.SIGN_ADDRESS)
def test_a_receipt_is_believed_only_where_it_was_posted_to(harness: Harness) -> None:
    parse = harness.kind.parse_receipts
    assert parse is not None

    async def scenario() -> Callback:
        async with sink(harness.kind) as listening:
            _, posted = await one_delivered(harness, listening)
            return posted[-1]

    good = run(scenario())
    for callback in (replace(good, url=good.url[:-1]), replace(good, query="a=b")):
        with pytest.raises(BadCallback) as refused:
            parse(callback, harness.config())
        assert refused.value.status == 403


@over(Can.CALL_BACK)
def test_a_receipt_says_whom_it_is_about_where_its_address_need_not(harness: Harness) -> None:
    """Either the address is signed, or the token that stands in it comes back in what is."""

    async def scenario() -> tuple[str, list[Receipt]]:
        async with sink(harness.kind) as listening:
            _, posted = await one_delivered(harness, listening)
            [receipt] = receipts_of(harness, posted[-1])
            return posted[-1].url.rpartition("/")[2], [receipt]

    token, [receipt] = run(scenario())
    assert Can.SIGN_ADDRESS in harness.can or receipt.token == token
    assert receipt.token in ("", token)


@over(Can.CALL_BACK)
def test_what_is_no_receipt_is_refused_in_words(harness: Harness) -> None:
    parse = harness.kind.parse_receipts
    assert parse is not None
    headers = {"content-type": "application/x-www-form-urlencoded"}
    hostile = {
        b"": {},
        b"\xff\xfe": headers,
        b"a=%ff": headers,
        b"&".join(b"f%d=1" % number for number in range(5000)): headers,
        b"x" * 2_000_000: headers,
        b'{"a": 1}': {"content-type": "application/json"},
    }
    for body, their_headers in hostile.items():
        with pytest.raises(BadCallback) as refused:
            parse(Callback(url="http://hub/callbacks/1", headers=their_headers, body=body), harness.config())
        assert refused.value.status in (400, 403, 503)
        assert str(refused.value)


@over(Can.RECEIVE)
def test_a_text_to_us_is_read_and_acknowledged_as_the_provider_likes(harness: Harness) -> None:
    phone = new_number()

    async def scenario() -> InboundText:
        assert harness.kind.parse_inbound is not None
        async with sink(harness.kind) as listening:
            url = f"{listening.base_url}/callbacks/inbound/1"
            answered = await asyncio.to_thread(harness.text_us, phone=phone, body="Stop it, ça suffit 🛑", url=url)
            assert answered == (200, harness.kind.inbound_answer[1].decode())
            [posted] = listening.callbacks
        with pytest.raises(BadCallback):
            harness.kind.parse_inbound(posted, harness.other_account())
        return harness.kind.parse_inbound(posted, harness.config())

    text = run(scenario())
    assert (text.phone, text.recipient, text.body) == (phone, harness.sender, "Stop it, ça suffit 🛑")
    assert text.provider_message_id
