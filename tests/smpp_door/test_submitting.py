"""Submitting through the door: one message for each text, by the API's rules, answered when it is stored."""

from typing import Any
from uuid import UUID

import pytest

from delivery.models import Message
from delivery.smpp import text
from delivery.smpp.constants import CommandStatus, MessageState, Tag
from delivery.smpp.pdu import (
    BindReceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    EnquireLink,
    MessageIdResp,
    QuerySm,
    QuerySmResp,
    Response,
)
from smshub.api.models import SmppPart
from tests.factories import SenderFactory, SuppressionFactory
from tests.smpp_door.conftest import Account, make_account, open_door, run, submit_sm

LONG = "A long text, with an umlaut ä and a euro €. " * 9


def id_of(response: Response) -> str:
    assert isinstance(response, MessageIdResp)
    assert response.status == CommandStatus.ESME_ROK
    return response.message_id


def test_a_submit_is_a_message_that_is_queued_when_it_is_answered(account: Account) -> None:
    async def scenario() -> str:
        async with open_door() as place, place.bound(account) as system:
            return id_of(await system.submit())

    message = Message.objects.get(pk=run(scenario()))
    assert (message.recipient, message.body, message.status) == ("+14155550123", "Your table is ready.", "queued")
    assert (message.sender, message.routed) == (account.sender, False)


def test_submits_of_all_sessions_are_stored_together_and_each_is_answered(account: Account) -> None:
    async def scenario() -> set[str]:
        async with open_door() as place, place.bound(account) as one, place.bound(account) as other:
            waiting = [each.link.submit(submit_sm(b"%d" % n)) for n in range(100) for each in (one, other)]
            return {id_of(await each) for each in waiting}

    ids = run(scenario())
    assert len(ids) == 200
    assert {str(pk) for pk in Message.objects.values_list("pk", flat=True)} == ids


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"destination_addr": "1"}, "ESME_RINVDSTADR"),
    ({"dest_addr_ton": 5, "destination_addr": "Bank"}, "ESME_RINVDSTADR"),
    # It may be one of Alabama, or one of Singapore.
    ({"dest_addr_ton": 0, "destination_addr": "6592345678"}, "ESME_RINVDSTADR"),
    ({"source_addr": "Another"}, "ESME_RINVSRCADR"),
    ({"text": b""}, "ESME_RINVMSGLEN"),
    ({"text": b"", "tlvs": ((Tag.MESSAGE_PAYLOAD, b"x" * 1601),)}, "ESME_RINVMSGLEN"),
    ({"data_coding": 4}, "ESME_RSUBMITFAIL"),
    ({"data_coding": 0xF5}, "ESME_RSUBMITFAIL"),
    ({"esm_class": 0x04}, "ESME_RINVESMCLASS"),
    ({"esm_class": 0x40, "text": b"\6\5\4\x0b\x84\x23\xf0push"}, "ESME_RINVESMCLASS"),
    ({"validity_period": "soon"}, "ESME_RINVEXPIRY"),
    ({"validity_period": "200101000000000+"}, "ESME_RINVEXPIRY"),
    ({"schedule_delivery_time": "1"}, "ESME_RINVSCHED"),
    ({"registered_delivery": 3}, "ESME_RINVREGDLVFLG"),
]


def test_what_cannot_be_sent_is_refused_with_its_status(account: Account) -> None:
    async def scenario() -> list[Response]:
        async with open_door() as place, place.bound(account) as system:
            return [await system.submit(**fields) for fields, _ in REFUSED]

    assert [CommandStatus(each.status).name for each in run(scenario())] == [status for _, status in REFUSED]
    assert not Message.objects.exists()


def test_numbers_are_read_by_their_type_and_never_guessed(account: Account) -> None:
    given = [(1, "41791234567"), (1, "+41791234567"), (2, "4155550123"), (0, "4155550123"), (0, "41791234567")]

    async def scenario() -> list[str]:
        async with open_door() as place, place.bound(account) as system:
            fields = [{"dest_addr_ton": ton, "destination_addr": number} for ton, number in given]
            return [id_of(await system.submit(**each)) for each in fields]

    swiss, american = "+41791234567", "+14155550123"
    read = [Message.objects.get(pk=each).recipient for each in run(scenario())]
    assert read == [swiss, swiss, american, american, swiss]


def test_a_suppressed_number_gets_a_message_that_says_so(account: Account) -> None:
    SuppressionFactory(phone="+14155550123")

    async def scenario() -> str:
        async with open_door() as place, place.bound(account) as system:
            return id_of(await system.submit())

    message = Message.objects.get(pk=run(scenario()))
    assert (message.status, message.reason) == ("suppressed", "opted_out")


def test_source_addresses_are_its_own_or_the_routes_choose(account: Account) -> None:
    bank = make_account(SenderFactory(address="Bank"), system_id="bank", routed=True)

    async def scenario() -> list[str]:
        async with open_door() as place, place.bound(bank) as system:
            return [id_of(await system.submit(source_addr=source)) for source in ("Bank", "", "4711")]

    named, empty, unknown = [Message.objects.get(pk=each) for each in run(scenario())]
    assert (named.sender, named.routed) == (bank.sender, False)
    assert (empty.sender, empty.routed) == (unknown.sender, unknown.routed) == (account.sender, True)


def test_a_time_and_a_validity_are_kept(account: Account) -> None:
    async def scenario() -> str:
        async with open_door() as place, place.bound(account) as system:
            times = {"schedule_delivery_time": "000000020000000R", "validity_period": "000001000000000R"}
            return id_of(await system.submit(**times))

    message = Message.objects.get(pk=run(scenario()))
    assert message.status == "held"
    assert message.not_before is not None
    assert message.valid_until is not None
    assert (message.valid_until - message.not_before).total_seconds() == 22 * 3600


def test_the_same_reference_is_the_same_message(account: Account) -> None:
    def referenced(reference: int, body: bytes = b"Hi") -> Any:
        return submit_sm(body, tlvs=((Tag.USER_MESSAGE_REFERENCE, reference.to_bytes(2, "big")),))

    async def scenario() -> list[str]:
        async with open_door() as place:
            async with place.bound(account) as system:
                first = id_of(await system.ask(referenced(7)))
            async with place.bound(account) as system:
                asked = [referenced(7), referenced(8), referenced(7, b"Other"), referenced(0), referenced(0)]
                return [first, *[id_of(await system.ask(each)) for each in asked]]

    first, again, *others = run(scenario())
    assert first == again
    assert len({first, *others}) == 5, "another reference, another text, or none: other messages"


@pytest.mark.parametrize(("long", "order"), [(text.Long.UDH8, 1), (text.Long.UDH16, -1), (text.Long.SAR, 1)])
def test_a_text_in_parts_is_one_message_and_each_part_is_answered_by_itself(
    account: Account, long: text.Long, order: int
) -> None:
    encoded = text.encode(LONG, long=long, reference=77)
    parts = [submit_sm(part.short_message, esm_class=part.esm_class, tlvs=part.tlvs) for part in encoded.parts]

    async def scenario() -> list[str]:
        async with open_door() as place:
            answered = []
            for part in parts[::order]:  # a system that waits for each answer, and binds anew for the next
                async with place.bound(account) as system:
                    answered.append(id_of(await system.ask(part)))
            return answered

    ids = run(scenario())
    message = Message.objects.get()
    assert (message.body, message.segments) == (LONG, 3)
    assert ids == [f"{message.pk}-{number}" for number in (1, 2, 3)][::order]
    assert not SmppPart.objects.exists()


def test_a_part_that_is_sent_again_is_the_same_part(account: Account) -> None:
    encoded = text.encode(LONG, reference=77)
    numbered = [((Tag.USER_MESSAGE_REFERENCE, bytes([9, number])),) for number in range(3)]
    first, second, third = [
        submit_sm(part.short_message, esm_class=part.esm_class, tlvs=tlvs)
        for part, tlvs in zip(encoded.parts, numbered, strict=True)
    ]

    async def scenario() -> list[str]:
        async with open_door() as place, place.bound(account) as system:
            return [id_of(await system.ask(part)) for part in (first, first, second, third, third, second)]

    ids = run(scenario())
    assert Message.objects.get().body == LONG
    assert ids[0] == ids[1]
    assert (ids[2], ids[3]) == (ids[5], ids[4]), "also when the text is whole already"


def test_a_number_that_is_used_for_another_text_closes_the_first(account: Account) -> None:
    def parts(body: str) -> list[Any]:
        encoded = text.encode(body, reference=7)
        return [submit_sm(part.short_message, esm_class=part.esm_class) for part in encoded.parts]

    async def scenario() -> None:
        async with open_door() as place, place.bound(account) as system:
            for part in [parts("a" * 200)[0], *parts("b" * 200)]:
                id_of(await system.ask(part))

    run(scenario())
    assert dict(Message.objects.values_list("status", "reason")) == {"suppressed": "incomplete", "queued": ""}
    assert Message.objects.get(status="queued").body == "b" * 200


def test_a_payload_and_a_data_sm_are_taken_as_well(account: Account) -> None:
    async def scenario() -> list[str]:
        async with open_door() as place, place.bound(account) as system:
            payload = ((Tag.MESSAGE_PAYLOAD, b"Hi " * 100),)
            data = DataSm(source_addr="16505550001", dest_addr_ton=1, destination_addr="14155550123", tlvs=payload)
            return [id_of(await system.submit(b"", tlvs=payload)), id_of(await system.ask(data))]

    assert {Message.objects.get(pk=each).body for each in run(scenario())} == {"Hi " * 100}


def test_what_data_coding_0_means_is_the_logins(account: Account) -> None:
    latin = make_account(account.sender, system_id="latin", alphabet="latin1-default")

    async def scenario() -> list[str]:
        async with open_door() as place, place.bound(account) as one, place.bound(latin) as other:
            return [id_of(await each.submit(b"\x00 \x7b")) for each in (one, other)]

    assert [Message.objects.get(pk=each).body for each in run(scenario())] == ["@ ä", " {"]


def test_a_login_keeps_to_its_rate_and_others_are_not_held_up(account: Account) -> None:
    slow = make_account(account.sender, system_id="slow", rate=5)

    async def scenario() -> tuple[list[int], list[int]]:
        async with open_door() as place, place.bound(slow) as one, place.bound(account) as other:
            waiting = [[each.link.submit(submit_sm()) for _ in range(20)] for each in (one, other)]
            held, free = [[(await each).status for each in asked] for asked in waiting]
            return held, free

    held, free = run(scenario())
    assert held.count(CommandStatus.ESME_ROK) == 5
    assert set(held[5:]) == {CommandStatus.ESME_RTHROTTLED}
    assert set(free) == {CommandStatus.ESME_ROK}


def test_a_message_can_be_asked_about_and_cancelled_by_its_own_login_only(account: Account) -> None:
    other = make_account(account.sender, system_id="other")

    async def scenario() -> list[Response]:
        async with open_door() as place, place.bound(account) as one, place.bound(other) as two:
            message_id = id_of(await one.submit())
            query, cancel = QuerySm(message_id=message_id.upper()), CancelSm(message_id=message_id)
            asked = [(two, query), (two, cancel), (one, query), (one, cancel), (one, cancel), (one, query)]
            return [await system.ask(request) for system, request in asked]

    theirs, not_theirs, waiting, cancelled, too_late, gone = run(scenario())
    assert (theirs.status, not_theirs.status) == (CommandStatus.ESME_RQUERYFAIL, CommandStatus.ESME_RCANCELFAIL)
    assert isinstance(waiting, QuerySmResp)
    assert (waiting.message_state, waiting.final_date) == (MessageState.ENROUTE, "")
    assert (cancelled.status, too_late.status) == (CommandStatus.ESME_ROK, CommandStatus.ESME_RCANCELFAIL)
    assert isinstance(gone, QuerySmResp)
    assert gone.message_state == MessageState.DELETED
    assert gone.final_date


def test_a_key_that_may_not_send_does_not(account: Account) -> None:
    reader = make_account(account.sender, system_id="reader", scopes=["inbound:read"])

    async def scenario() -> list[int]:
        async with open_door() as place, place.bound(reader) as system:
            asked = [submit_sm(), QuerySm(message_id=str(UUID(int=7))), CancelSm(message_id=str(UUID(int=7)))]
            return [(await system.ask(each)).status for each in asked]

    assert [CommandStatus(each).name for each in run(scenario())] == [
        "ESME_RSUBMITFAIL",
        "ESME_RQUERYFAIL",
        "ESME_RCANCELFAIL",
    ]


def test_each_kind_of_bind_may_what_it_may(account: Account) -> None:
    async def scenario() -> list[int]:
        async with open_door() as place, place.connected() as system:
            unbound = [(await system.submit()).status, (await system.ask(EnquireLink())).status]
            await system.bound(account.bind(BindReceiver))
            receiver = [(await system.submit()).status, (await system.ask(account.bind())).status]
            async with place.bound(account, kind=BindTransmitter) as transmitter:
                return [*unbound, *receiver, (await transmitter.submit()).status]

    assert [CommandStatus(each).name for each in run(scenario())] == [
        "ESME_RINVBNDSTS",
        "ESME_ROK",
        "ESME_RINVBNDSTS",
        "ESME_RALYBND",
        "ESME_ROK",
    ]
