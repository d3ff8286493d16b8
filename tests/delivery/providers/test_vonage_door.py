"""Receipts that come to one address for all: whom they are about, and who may bring them there."""

import asyncio
import hashlib
import json
import time
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from delivery import callbacks
from delivery.models import InboxReceipt, Message, Provider
from delivery.receipts.door import Door
from delivery.receipts.reconcile import reconcile_batch
from delivery.states import Status
from tests.factories import MessageFactory, ProviderFactory, SenderFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]

SECRET = "the-secret-that-signs-what-is-posted-to-us"
RECEIPTS = f"{callbacks.PREFIX}/receipts"


@pytest.fixture
def vonage() -> Provider:
    credentials = {"api_secret": "sends", "signature_secret": SECRET}
    return ProviderFactory(adapter="vonage", settings={"api_key": "a1b2c3d4"}, credentials=credentials)


def uncertain(provider: Provider, **fields: object) -> Message:
    return MessageFactory(sender=SenderFactory(provider=provider), status=Status.UNCERTAIN, **fields)


def post(path: str, *, uuid: str = "", reference: str = "", state: str = "delivered", secret: str = SECRET) -> int:
    content: dict[str, Any] = {"message_uuid": uuid or str(uuid4()), "status": state, "channel": "sms"}
    if reference:
        content["client_ref"] = reference
    return post_body(path, json.dumps(content).encode(), secret=secret)


def post_body(path: str, body: bytes, *, secret: str = SECRET) -> int:
    """The door's status for what Vonage posts to `path`."""
    claims = {"iat": int(time.time()), "payload_hash": hashlib.sha256(body).hexdigest(), "api_key": "a1b2c3d4"}
    token = jwt.encode(claims, secret, "HS256")
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"authorization", f"Bearer {token}".encode())],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def scenario() -> int:
        door = Door()
        status, _, _ = await door.answer(scope, receive)
        await door.group.close()
        return status

    return asyncio.run(scenario())


def stored() -> list[tuple[UUID | None, int]]:
    return list(InboxReceipt.objects.order_by("id").values_list("message_id", "attempt"))


def test_a_receipt_without_an_address_of_its_own_finds_its_message_by_the_token_in_it(vonage: Provider) -> None:
    message = uncertain(vonage, attempt=3)
    uuid = str(uuid4())

    assert post(f"{RECEIPTS}/{vonage.pk}", uuid=uuid, reference=callbacks.token(message.pk, 3)) == 204
    assert stored() == [(message.pk, 3)]

    reconcile_batch()
    message.refresh_from_db()
    assert (message.status, message.provider_message_id) == (Status.DELIVERED, uuid)


def test_a_receipt_at_its_own_address_needs_no_token_in_it(vonage: Provider) -> None:
    message = uncertain(vonage)
    path = f"{RECEIPTS}/{vonage.pk}/{callbacks.token(message.pk, 1)}"
    assert post(path) == 204
    assert post(path, reference=callbacks.token(message.pk, 1)) == 204
    assert stored() == [(message.pk, 1)] * 2


def test_a_receipt_that_was_taken_to_another_messages_address_is_refused(vonage: Provider) -> None:
    message, other = uncertain(vonage), uncertain(vonage)
    address = f"{RECEIPTS}/{vonage.pk}/{callbacks.token(message.pk, 1)}"
    for reference in (callbacks.token(other.pk, 1), callbacks.token(message.pk, 2), "somebody's-order-17"):
        assert post(address, reference=reference) == 403
    assert stored() == []


def test_what_names_no_message_of_ours_is_left_to_the_providers_id(vonage: Provider) -> None:
    known = uncertain(vonage, provider_message_id="11111111-2222-4333-8444-555555555555")
    altered = callbacks.token(uncertain(vonage).pk, 1)[:-4] + "AAAA"
    for reference in ("", altered, "somebody's-order-17"):
        assert post(f"{RECEIPTS}/{vonage.pk}", uuid=known.provider_message_id, reference=reference) == 204
    assert post(f"{RECEIPTS}/{vonage.pk}", reference="somebody's-order-17") == 204
    assert stored() == [(None, 0)] * 4

    reconcile_batch()

    known.refresh_from_db()
    assert known.status == Status.DELIVERED
    assert Message.objects.filter(status=Status.UNCERTAIN).count() == 1
    assert InboxReceipt.objects.get().tries == 1


def test_a_forged_receipt_is_refused_and_nothing_is_stored(vonage: Provider) -> None:
    message = uncertain(vonage)
    reference = callbacks.token(message.pk, 1)
    assert post(f"{RECEIPTS}/{vonage.pk}", reference=reference, secret="guessed-guessed-guessed-guessed-guessed") == 403
    assert stored() == []


def test_the_address_for_all_is_only_there_for_providers_that_name_the_message(vonage: Provider) -> None:
    twilio = ProviderFactory(
        adapter="twilio", settings={"account_sid": "AC" + "0" * 32}, credentials={"auth_token": "x"}
    )
    reference = callbacks.token(uncertain(vonage).pk, 1)
    for path in (
        f"{RECEIPTS}/{twilio.pk}",
        f"{RECEIPTS}/{ProviderFactory().pk}",
        f"{RECEIPTS}/{vonage.pk + 1000}",
        f"{RECEIPTS}/{vonage.pk}/",
        f"{RECEIPTS}/{vonage.pk}/not-a-token",
        f"{callbacks.PREFIX}/inbound/{vonage.pk}/{reference}",
    ):
        assert post(path, reference=reference) == 404, path
    assert stored() == []


def test_what_is_not_readable_is_refused(vonage: Provider) -> None:
    assert post_body(f"{RECEIPTS}/{vonage.pk}", b"[]") == 400
    assert post_body(f"{RECEIPTS}/{vonage.pk}", b"[" * 50_000) == 400
