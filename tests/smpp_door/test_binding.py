"""Who is let in, who is not and learns nothing by it, and what floods and noise do: nothing to others."""

import asyncio
import struct
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery.smpp.constants import CommandStatus
from delivery.smpp.pdu import BindTransceiver, BindTransceiverResp
from smshub.api import keys
from smshub.api.models import ApiKey, SmppLogin
from smshub.smpp_door import door as doors
from smshub.smpp_door import logins, presence
from smshub.smpp_door.limits import (
    FIRST_LOCK_SECONDS,
    FREE_FAILURES,
    LONGEST_LOCK_SECONDS,
    MOST_ADDRESSES,
    Bucket,
    Lockout,
)
from tests.factories import SenderFactory, SmppLoginFactory
from tests.smpp_door.conftest import Account, Place, in_database, open_door, run, submit_sm, until


async def status_of(place: Place, bind: BindTransceiver) -> str:
    async with place.connected() as system:
        return CommandStatus((await system.ask(bind)).status).name


def test_a_password_is_short_shown_once_and_stored_as_a_slow_hash(account: Account) -> None:
    row = SmppLogin.objects.filter(pk=account.login.pk).values().get()
    assert len(account.password) == 8
    assert account.password not in str(row)


def test_a_bind_is_answered_with_our_name_and_version(account: Account) -> None:
    async def scenario() -> Any:
        async with open_door() as place, place.connected() as system:
            return await system.ask(account.bind())

    assert run(scenario()) == BindTransceiverResp("SMSHub", ((0x0210, b"\x34"),))


def test_whatever_is_wrong_is_answered_alike(account: Account) -> None:
    def change(**fields: Any) -> Any:
        return lambda: SmppLogin.objects.filter(pk=account.login.pk).update(**fields)

    def change_key(**fields: Any) -> Any:
        return lambda: ApiKey.objects.filter(pk=account.login.api_key_id).update(**fields)

    past = timezone.now() - timedelta(seconds=1)
    wrongs = [
        change(enabled=False),
        change(enabled=True, allowed_from="192.0.2.0/24 2001:db8::/32"),
        lambda: (change(allowed_from="")(), change_key(expires_at=past)()),
        change_key(expires_at=None, revoked_at=past),
    ]

    async def scenario() -> list[str]:
        async with open_door() as place:
            said = [
                await status_of(place, BindTransceiver("hospital", "Wrong")),
                await status_of(place, BindTransceiver("nobody", account.password)),
            ]
        async with open_door() as place:  # with no failures yet
            for wrong in wrongs:
                await in_database(wrong)
                said.append(await status_of(place, account.bind()))
            await in_database(change_key(revoked_at=None))
            await in_database(change(allowed_from="127.0.0.0/8"))
            assert await status_of(place, account.bind()) == "ESME_ROK"
        return said

    assert set(run(scenario())) == {"ESME_RINVPASWD"}


def test_an_address_that_fails_too_often_has_to_wait_also_with_the_right_password(account: Account) -> None:
    async def scenario() -> list[str]:
        async with open_door() as place:
            tries = [BindTransceiver("hospital", "Wrong")] * FREE_FAILURES + [account.bind()]
            return [await status_of(place, each) for each in tries]

    assert run(scenario()) == ["ESME_RINVPASWD"] * FREE_FAILURES + ["ESME_RBINDFAIL"]


def test_the_wait_doubles_and_ends_and_memory_is_bounded() -> None:
    lockout = Lockout()
    for _ in range(FREE_FAILURES):
        assert not lockout.is_locked("a", 0)
        lockout.failed("a", 0)
    assert lockout.is_locked("a", FIRST_LOCK_SECONDS - 1)
    assert not lockout.is_locked("a", FIRST_LOCK_SECONDS)
    for _ in range(50):
        lockout.failed("a", 100)
    assert lockout.is_locked("a", 100 + LONGEST_LOCK_SECONDS - 1)
    assert not lockout.is_locked("a", 100 + LONGEST_LOCK_SECONDS)
    for n in range(MOST_ADDRESSES):
        lockout.failed(f"address {n}", 200)
    assert not lockout.is_locked("a", 200), "the oldest is forgotten"


def test_a_bucket_never_grants_more_than_its_rate_and_a_second_of_burst() -> None:
    bucket = Bucket(10, 0)
    assert sum(bucket.take(n / 1000) for n in range(3000)) in (39, 40)


def test_a_login_has_so_many_binds_and_no_more(account: Account) -> None:
    async def scenario() -> list[str]:
        async with open_door() as place:
            await in_database(lambda: SmppLogin.objects.update(max_binds=2))
            async with place.bound(account), place.bound(account):
                full = await status_of(place, account.bind())
            await until(lambda: not place.door.sessions)
            return [full, await status_of(place, account.bind())]

    assert run(scenario()) == ["ESME_RALYBND", "ESME_ROK"]


def test_a_login_that_is_switched_off_is_unbound(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "REFRESH_SECONDS", 0.05)

    async def scenario() -> str:
        async with open_door() as place, place.bound(account) as system:
            await in_database(lambda: keys.revoke(account.login.api_key))
            await system.link.closed()
            return system.link.why_closed

    assert run(scenario()) == "the other side unbound"


@pytest.mark.django_db
def test_a_login_stays_within_what_its_key_allows() -> None:
    of_key, of_both = SenderFactory.create_batch(2)
    login = SmppLoginFactory(routed=True, allowed_from="")
    login.senders.set([of_both, SenderFactory()])
    found = logins.find(login.system_id)
    assert found is not None
    assert (len(found.senders), found.routed, found.may_come_from("198.51.100.1")) == (2, True, True)

    login.api_key.senders.set([of_key, of_both])
    ApiKey.objects.filter(pk=login.api_key_id).update(allowed_from="192.0.2.0/24")

    found = logins.find(login.system_id)
    assert found is not None
    assert [sender.pk for sender in found.senders.values()] == [of_both.pk]
    assert (found.routed, found.may_come_from("198.51.100.1"), found.may_come_from("192.0.2.9")) == (False, False, True)
    SmppLogin.objects.filter(pk=login.pk).update(allowed_from="192.0.2.8/29 198.51.100.0/24")
    found = logins.find(login.system_id)
    assert found is not None
    addresses = ("192.0.2.9", "192.0.2.1", "198.51.100.1")
    assert [found.may_come_from(address) for address in addresses] == [True, False, False]


def test_who_does_not_bind_is_not_kept_and_nobody_takes_all_places(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "BIND_SECONDS", 0.2)
    monkeypatch.setattr(doors, "MOST_UNBOUND", 3)

    async def scenario() -> int:
        async with open_door() as place, place.bound(account):
            idle = [await asyncio.open_connection("127.0.0.1", place.port) for _ in range(6)]
            await asyncio.gather(*(reader.read() for reader, _ in idle))
            for _, writer in idle:
                writer.close()
            return len(place.door.links)

    assert run(scenario()) == 1, "the one that is bound"


NOISE = [
    b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n",
    b"\x00" * 64,
    b"\xff" * 64,
    struct.pack(">IIII", 16, 0x04, 0, 1),  # a submit_sm without a body
    struct.pack(">IIII", 70_001, 0x09, 0, 1),
    struct.pack(">IIII", 17, 0x09, 0, 1) + b"\x41",  # a bind that is cut
    struct.pack(">IIII", 16, 0x80000004, 0, 99),  # an answer to nothing
]


def test_noise_ends_or_is_refused_and_the_others_are_served(account: Account) -> None:
    async def scenario() -> int:
        async with open_door() as place, place.bound(account) as system:
            for noise in NOISE:
                reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
                writer.write(noise)
                writer.write_eof()
                await reader.read()
                writer.close()
            return (await system.submit()).status

    assert run(scenario()) == CommandStatus.ESME_ROK


@pytest.mark.parametrize(("name", "command"), [("replace_sm", 0x07), ("submit_multi", 0x21)])
def test_what_the_hub_does_not_do_is_refused_and_the_bind_goes_on(account: Account, name: str, command: int) -> None:
    async def scenario() -> tuple[int, int]:
        async with open_door() as place, place.bound(account) as system:
            transport = system.link._transport
            assert transport is not None
            answered = asyncio.get_running_loop().create_future()
            taken = system.link._take
            system.link._take = lambda *pdu: answered.set_result(pdu)  # type: ignore[method-assign, assignment]
            transport.write(struct.pack(">IIII", 16, command, 0, 0x7000))
            command_id, status, *_ = await answered
            system.link._take = taken  # type: ignore[method-assign]
            assert command_id == 0x80000000
            return status, (await system.submit()).status

    assert run(scenario()) == (CommandStatus.ESME_RINVCMDID, CommandStatus.ESME_ROK)


def test_a_flood_is_refused_and_not_kept(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smshub.smpp_door.gather.MOST_WAITING", 10)

    async def scenario() -> set[str]:
        async with open_door() as place, place.bound(account) as system:
            waiting = [system.link.submit(submit_sm()) for _ in range(100)]
            return {CommandStatus((await each).status).name for each in waiting}

    assert run(scenario()) == {"ESME_ROK", "ESME_RMSGQFUL"}


def test_who_is_bound_is_seen(account: Account) -> None:
    async def scenario() -> tuple[list[presence.Seen], list[presence.Seen]]:
        async with open_door() as place:
            async with place.bound(account) as system:
                await system.submit()
                await place.door._say()
                there = await asyncio.to_thread(presence.seen, account.login.pk)
            await until(lambda: not place.door.sessions)
            await place.door._say()
            return there, await asyncio.to_thread(presence.seen, account.login.pk)

    (seen,), gone = run(scenario())
    assert (seen.system_id, seen.peer, seen.mode, seen.submitted) == ("hospital", "127.0.0.1", "transceiver", 1)
    assert gone == []


def test_a_door_that_stops_answers_what_it_was_given_and_unbinds(account: Account) -> None:
    async def scenario() -> tuple[set[int], str]:
        async with open_door() as place, place.bound(account) as system:
            waiting = [system.link.submit(submit_sm()) for _ in range(20)]
            await until(lambda: place.door.sessions)
            await asyncio.sleep(0)
            await place.door.close()
            return {(await each).status for each in waiting}, system.link.why_closed

    assert run(scenario()) == ({CommandStatus.ESME_ROK}, "the other side unbound")


def test_passwords_that_were_right_are_known_without_the_slow_hash(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials, login = logins.Credentials(), logins.find("hospital")
    assert credentials.are_right(login, account.password)
    hashed: list[str] = []
    monkeypatch.setattr(logins, "check_password", lambda password, _hash: hashed.append(password))

    assert credentials.are_right(login, account.password)
    assert not credentials.are_right(login, "Wrong")
    assert not credentials.are_right(None, account.password)
    assert hashed == ["Wrong", account.password], "whether or not there is such a login"

    logins.renew(account.login)
    assert not credentials.are_right(logins.find("hospital"), account.password)
