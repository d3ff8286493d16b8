"""Status callbacks: signed, in order, at least once, and to nobody they must not go to."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from delivery import words as owed_words
from delivery.ids import new_message_id
from delivery.models import Message, Submission, Word
from delivery.states import RANK, Status
from smshub.api import keys
from smshub.twilio_door import callbacks, resource
from smshub.twilio_door.logins import Login
from tests.smpp_door.conftest import in_database, run, until
from tests.twilio_door.conftest import TO, Application, application
from tests.twilio_door.listener import Listener, listening
from tests.twilio_door.scenes import becomes, nothing_owed, quickly, sent, telling, told


@pytest.fixture
def shop(transactional_db: None) -> Application:
    return application()


def test_each_step_is_told_in_order_signed_and_once(shop: Application) -> None:
    async def scenario() -> tuple[Message, Listener]:
        async with told(shop.issued.auth_token) as listener:
            message = await sent(shop, StatusCallback=f"{listener.url}/sms?order=4711&b=%20x")
            await becomes(message, Status.ACCEPTED)
            await until(lambda: listener.words() == ["sent"])
            await nothing_owed()
            await becomes(message, Status.SENT)
            await becomes(message, Status.DELIVERED)
            await until(lambda: len(listener.posts) == 2)
            await nothing_owed()
            await becomes(message, Status.READ)
            await until(lambda: len(listener.posts) == 3)
            await nothing_owed()
            return message, listener

    message, listener = run(scenario())
    assert listener.words() == ["sent", "delivered", "read"]
    assert {post.path for post in listener.posts} == {"/sms?order=4711&b=%20x"}
    assert all(post.valid for post in listener.posts)
    sid = resource.sid_of(message.pk)
    fields = listener.posts[0].fields
    assert fields == {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": "sent",
        "SmsStatus": "sent",
        "AccountSid": shop.sid,
        "From": shop.sender.address,
        "To": TO,
        "ApiVersion": "2010-04-01",
    }
    assert len(listener.posts[1].fields["RawDlrDoneDate"]) == 10


def test_a_message_that_went_quickly_has_all_of_its_steps_told(shop: Application) -> None:
    async def scenario() -> Listener:
        async with listening(shop.issued.auth_token) as listener:
            message = await sent(shop, StatusCallback=f"{listener.url}/sms")
            await becomes(message, Status.ACCEPTED)
            await becomes(message, Status.UNDELIVERED, "landline")
            async with telling():
                await until(lambda: len(listener.posts) == 2)
                await nothing_owed()
            return listener

    listener = run(scenario())
    assert listener.words() == ["sent", "undelivered"]
    assert listener.posts[1].fields["ErrorCode"] == "30006"


def test_what_was_canceled_or_failed_is_told(shop: Application) -> None:
    async def scenario() -> Listener:
        async with told(shop.issued.auth_token) as listener:
            message = await sent(shop, StatusCallback=f"{listener.url}/canceled")
            await in_database(lambda: shop("POST", shop.one(message), {"Status": "canceled"}))
            other = await sent(shop, StatusCallback=f"{listener.url}/failed")
            await becomes(other, Status.FAILED, "filtered")
            await until(lambda: len(listener.posts) == 2)
            return listener

    listener = run(scenario())
    assert (listener.words("/canceled"), listener.words("/failed")) == (["canceled"], ["failed"])


def test_what_nobody_took_is_told_again_with_the_same_token(shop: Application) -> None:
    async def scenario() -> Listener:
        async with told(shop.issued.auth_token) as listener:
            listener.answers["/sms"] = [500, 503, 302]
            message = await sent(shop, StatusCallback=f"{listener.url}/sms")
            await becomes(message, Status.ACCEPTED)
            await until(lambda: len(listener.posts) == 4)
            await becomes(message, Status.DELIVERED)
            await until(lambda: len(listener.posts) == 5)
            await nothing_owed()
            return listener

    with quickly(), patch("smshub.twilio_door.telling.FIRST_PAUSE_SECONDS", 0.0):
        listener = run(scenario())
    assert listener.words() == ["sent"] * 4 + ["delivered"]
    tokens = [post.headers["I-Twilio-Idempotency-Token"] for post in listener.posts]
    assert len(set(tokens[:4])) == 1
    assert tokens[4] != tokens[0]


def test_what_the_application_does_not_want_is_not_repeated(shop: Application) -> None:
    async def scenario() -> Listener:
        async with told(shop.issued.auth_token) as listener:
            listener.answers["/sms"] = [404]
            message = await sent(shop, StatusCallback=f"{listener.url}/sms")
            await becomes(message, Status.ACCEPTED)
            await until(lambda: listener.posts)
            await nothing_owed()
            return listener

    assert run(scenario()).words() == ["sent"]


def test_an_address_that_hangs_keeps_no_other_waiting(shop: Application) -> None:
    async def scenario() -> None:
        async with (
            told(shop.issued.auth_token) as listener,
            listening(shop.issued.auth_token) as hanging,
        ):
            hanging.gates["/sms"] = gate = asyncio.Event()
            stuck = await sent(shop, StatusCallback=f"{hanging.url}/sms")
            await becomes(stuck, Status.ACCEPTED)
            await until(lambda: hanging.posts)
            for _ in range(3):
                message = await sent(shop, StatusCallback=f"{listener.url}/sms")
                await becomes(message, Status.DELIVERED)
            await until(lambda: listener.words().count("delivered") == 3)
            gate.set()
            await nothing_owed()

    run(scenario())


def test_a_redirect_is_not_followed_and_a_huge_answer_not_read(shop: Application) -> None:
    async def scenario() -> tuple[Listener, int]:
        async with told(shop.issued.auth_token) as listener:
            listener.answers["/away"] = [lambda: web.Response(status=307, headers={"Location": "/elsewhere"})]
            listener.answers["/huge"] = [lambda: web.Response(body=b"x" * 1_000_000)]
            for path in ("/away", "/huge"):
                message = await sent(shop, StatusCallback=f"{listener.url}{path}")
                await becomes(message, Status.FAILED)
            await until(lambda: len(listener.posts) >= 1)
            async with asyncio.timeout(10):
                while await in_database(lambda: Word.objects.filter(tries=0).exists()):
                    await asyncio.sleep(0.01)
            return listener, await in_database(Word.objects.count)

    with quickly(600):
        listener, left = run(scenario())
    assert "/elsewhere" not in {post.path for post in listener.posts}
    assert left == 2


def test_no_private_address_is_called_unless_the_operator_allows_it(shop: Application, settings: Any) -> None:
    async def scenario() -> Listener:
        async with listening(shop.issued.auth_token) as listener:
            message = await sent(shop, StatusCallback=f"{listener.url}/sms")
            by_name = await sent(shop, StatusCallback=f"{listener.url.replace('127.0.0.1', 'localhost')}/sms")
            await becomes(message, Status.FAILED)
            await becomes(by_name, Status.FAILED)
            settings.ALLOW_PRIVATE_WEBHOOK_URLS = False
            async with telling():
                async with asyncio.timeout(10):
                    while await in_database(lambda: Word.objects.filter(tries=0).exists()):
                        await asyncio.sleep(0.01)
            return listener

    with quickly(600):
        assert run(scenario()).posts == []


def test_who_is_switched_off_is_told_nothing_until_it_is_on_again(shop: Application) -> None:
    async def scenario() -> Listener:
        async with listening(shop.issued.auth_token) as listener:
            message = await sent(shop, StatusCallback=f"{listener.url}/sms")
            await becomes(message, Status.FAILED)
            await in_database(lambda: keys.revoke(shop.row.api_key))
            # One that is on, and handed in later, is told in the same round.
            other = await in_database(application)
            theirs = await sent(other, StatusCallback=f"{listener.url}/theirs")
            await becomes(theirs, Status.FAILED)
            async with telling():
                await until(lambda: listener.words("/theirs") == ["failed"])
            assert not listener.words("/sms")
            shop.row.api_key.revoked_at = None
            await in_database(lambda: shop.row.api_key.save())
            async with telling():
                await until(lambda: listener.words("/sms") == ["failed"])
            return listener

    run(scenario())


LOGIN = Login(1, "Shop", "AC" + "0" * 32, frozenset(), "", 1, "", "", 1, False, ())  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(sorted(Status)), min_size=1, max_size=8), st.data())
def test_no_step_is_told_twice_or_after_a_later_one(happened: list[Status], data: st.DataObject) -> None:
    """Any statuses one after the other, some of them overtaken before they are told."""
    ranks: list[int] = []
    for status in happened:
        if data.draw(st.booleans()):
            word, known = owed_words.Word(-1, new_message_id(), 1), ranks[-1] if ranks else 0
            fate = owed_words.Fate(word, {}, status, "", None, None, known, TO, "+1")
            ranks += [step.rank for step in callbacks.steps(fate, LOGIN)]
    assert ranks == sorted(set(ranks))
    # What was given up, and arrived after all, left long ago.
    assert RANK[Status.DELIVERED] not in ranks or ranks[0] in (RANK[Status.SENT], RANK[Status.FAILED])


def test_word_of_a_message_that_was_deleted_goes_by_itself(shop: Application) -> None:
    async def scenario() -> Listener:
        async with listening(shop.issued.auth_token) as listener:
            message = await sent(shop, StatusCallback=f"{listener.url}/sms")
            await becomes(message, Status.FAILED)
            await in_database(lambda: Submission.objects.all().delete())
            async with telling():
                await nothing_owed()
            return listener

    assert not run(scenario()).posts
