"""Binds: made, shown, kept up, refused in several ways, and given up when all that is under way is through."""

import asyncio
import ssl
from dataclasses import replace
from itertools import pairwise

import pytest

from delivery.errors import Failure
from delivery.providers.base import ConnectionState, Outcome
from delivery.providers.smpp import bind as bind_module
from delivery.providers.smpp.adapter import build
from delivery.smpp.constants import CommandStatus
from delivery.smpp.link import Link
from delivery.smpp.pdu import (
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DeliverSm,
    Request,
    SubmitSm,
    response_to,
)
from simulator.smsc import certificate
from tests.delivery.providers.smpp.scenes import Ear, Operator, adapter_and, config, message, saying, soon
from tests.delivery.smpp.ends import centre, run


def test_a_bind_says_who_we_are_and_is_shown() -> None:
    async def scenario() -> None:
        operator = Operator()
        async with adapter_and(operator, system_type="VMA", window=7) as adapter:
            assert operator.binds == [BindTransceiver("hub", "secret", "VMA")]
            [shown] = adapter.connections()
            assert (shown.name, shown.state, shown.in_flight, shown.window) == ("1", ConnectionState.BOUND, 0, 7)
            assert (shown.error, shown.code) == ("", "")
            assert shown.since.tzinfo is not None

    run(scenario())


def test_nothing_is_bound_until_it_is_told_to_and_all_is_given_up_when_it_is_told_so() -> None:
    async def scenario() -> None:
        operator = Operator()
        async with adapter_and(operator, hold=0, bound=False, binds=3) as adapter:
            assert (await adapter.send(message())).outcome is Outcome.THROTTLED
            assert not operator.links
            adapter.hold(5)
            await soon(lambda: len(operator.bound) == 3)
            await asyncio.gather(*[adapter.send(message()) for _ in range(30)])
            used = {id(link) for link in operator.bound}
            assert len(used) == 3
            adapter.hold(1)
            await soon(lambda: [each.name for each in adapter.connections()] == ["1"])
            assert len(operator.bound) == 1
            adapter.hold(0)
            await soon(lambda: not operator.bound)
            assert {link.why_closed for link in operator.links} == {"the other side unbound"}

    run(scenario())


def test_messages_take_the_bind_with_the_shortest_queue() -> None:
    async def scenario() -> None:
        waiting: dict[Link, list[asyncio.Future[None]]] = {}

        def reply(link: Link, request: Request) -> object:
            if isinstance(request, Bind):
                return response_to(request)
            done = asyncio.get_running_loop().create_future()
            waiting.setdefault(link, []).append(done)
            return _after(done, request)

        operator = Operator(reply)  # type: ignore[arg-type]
        async with adapter_and(operator, hold=2, binds=2, window=5) as adapter:
            sends = [asyncio.ensure_future(adapter.send(message())) for _ in range(8)]
            await soon(lambda: sum(map(len, waiting.values())) == 8)
            assert sorted(map(len, waiting.values())) == [4, 4]
            for answers in waiting.values():
                for done in answers:
                    done.set_result(None)
            await asyncio.gather(*sends)

    run(scenario())


async def _after(done: "asyncio.Future[None]", request: Request) -> object:
    await done
    return response_to(request)


def test_a_transmitter_and_a_receiver_make_a_pair() -> None:
    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        async with adapter_and(operator, ear, mode="pair") as adapter:
            assert {type(each) for each in operator.binds} == {BindTransmitter, BindReceiver}
            shown = {each.name: each.window for each in adapter.connections()}
            assert shown == {"1 transmitter": 10, "1 receiver": 0}
            assert (await adapter.send(message())).outcome is Outcome.ACCEPTED
            receiver = operator.links[[type(each) for each in operator.binds].index(BindReceiver)]
            text = DeliverSm(source_addr="14155550123", destination_addr="12345", short_message=b"Hi")
            assert (await receiver.request(text)).status == CommandStatus.ESME_ROK
            assert [each.body for each in ear.texts] == ["Hi"]

    run(scenario())


def test_a_lost_bind_is_back_soon_and_what_was_under_way_is_in_doubt() -> None:
    async def scenario() -> None:
        operator = Operator(lambda _link, request: response_to(request) if isinstance(request, Bind) else None)
        async with adapter_and(operator) as adapter:
            sending = asyncio.ensure_future(adapter.send(message()))
            await soon(lambda: operator.submits)
            operator.links[0].abort()
            outcome = await sending
            assert (outcome.outcome, outcome.provider_message_id) == (Outcome.UNCERTAIN, "")
            assert adapter.connections()[0].state is not ConnectionState.BOUND
            assert (await adapter.send(message())).outcome is Outcome.THROTTLED
            operator.reply = None
            await soon(lambda: adapter.connections()[0].state is ConnectionState.BOUND)
            assert (await adapter.send(message())).outcome is Outcome.ACCEPTED

    run(scenario())


@pytest.mark.parametrize(
    ("status", "state", "failure"),
    [
        (CommandStatus.ESME_RINVPASWD, ConnectionState.REFUSED, Failure.ACCOUNT),
        (CommandStatus.ESME_RINVSYSID, ConnectionState.REFUSED, Failure.ACCOUNT),
        (CommandStatus.ESME_RALYBND, ConnectionState.WAITING, Failure.CARRIER),
        (CommandStatus.ESME_RTHROTTLED, ConnectionState.WAITING, Failure.CARRIER),
        (CommandStatus.ESME_RBINDFAIL, ConnectionState.WAITING, Failure.CARRIER),
    ],
)
def test_refusals_of_a_bind_are_told_apart(status: int, state: ConnectionState, failure: Failure) -> None:
    async def scenario() -> None:
        operator = Operator(saying(status, Bind))  # type: ignore[type-abstract]
        async with adapter_and(operator, bound=False) as adapter:
            sending = asyncio.ensure_future(adapter.send(message()))
            await soon(lambda: adapter.connections()[0].state is state)
            [shown] = adapter.connections()
            assert shown.code == CommandStatus(status).name
            assert shown.error
            assert "secret" not in shown.error
            outcome = await sending
            assert (outcome.outcome, outcome.failure) == (Outcome.THROTTLED, failure)
            assert outcome.retry_after
            assert outcome.code == (shown.code if failure is Failure.ACCOUNT else "")

    run(scenario())


def test_pauses_grow_from_try_to_try_and_are_never_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def rest(_self: object, seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async def scenario() -> None:
        async with centre() as there:
            nowhere = there.port
        monkeypatch.setattr(bind_module.HeldBind, "_rest", rest)
        adapter = build(config(nowhere), None)
        adapter.hold(1)
        await soon(lambda: len(pauses) >= 8)
        await adapter.close()

    run(scenario())
    first = bind_module.FIRST_PAUSE
    for tries, pause in enumerate(pauses[:8]):
        most = min(first * 2**tries, bind_module.LONGEST_PAUSE)
        assert most / 2 <= pause <= most
    assert len(set(pauses[:8])) == 8
    assert all(later > earlier / 2 for earlier, later in pairwise(pauses[:8]))


def test_who_is_told_to_close_lets_everything_through_that_is_under_way() -> None:
    async def scenario() -> None:
        gate = asyncio.get_running_loop().create_future()
        stored = asyncio.Event()
        ear = Ear(storing=stored.wait)  # type: ignore[arg-type]

        def reply(_link: Link, request: Request) -> object:
            return _after(gate, request) if isinstance(request, SubmitSm) else response_to(request)

        operator = Operator(reply)  # type: ignore[arg-type]
        async with adapter_and(operator, ear) as adapter:
            sending = asyncio.ensure_future(adapter.send(message()))
            heard = operator.links[0].submit(DeliverSm(source_addr="14155550123", short_message=b"Hi"))
            await soon(lambda: operator.submits)
            closing = asyncio.ensure_future(adapter.close())
            await soon(lambda: adapter.connections()[0].state is ConnectionState.CLOSING)
            assert (await adapter.send(message())).outcome is Outcome.THROTTLED
            gate.set_result(None)
            assert (await sending).outcome is Outcome.UNCERTAIN  # the operator's answer has no id here
            assert not closing.done()
            stored.set()
            assert (await heard).status == CommandStatus.ESME_ROK
            await closing

    run(scenario())


@pytest.mark.parametrize("private", [True, False])
def test_private_addresses_are_connected_to_only_where_that_is_allowed(private: bool) -> None:
    async def scenario() -> None:
        operator = Operator()
        async with centre(operator.handle) as there:
            # The form would refuse the address; a name may come to lead there later.
            allowed = config(there.port, address=f"smpp://localhost:{there.port}")
            adapter = build(allowed, None)
            adapter._config = replace(allowed, private_addresses=private)
            adapter.hold(1)
            await soon(lambda: adapter.connections()[0].state is not ConnectionState.CONNECTING)
            [shown] = adapter.connections()
            assert (shown.state is ConnectionState.BOUND) == private
            assert private or shown.error == "This address may not be connected to"
            await adapter.close()

    run(scenario())


@pytest.mark.parametrize("verify", [True, False])
def test_over_tls_with_a_certificate_that_is_looked_at(verify: bool) -> None:
    context, _pem = certificate.make()

    async def scenario() -> None:
        operator = Operator()
        async with centre(operator.handle, tls=context) as there:
            adapter = build(config(there.port, address=f"smpps://127.0.0.1:{there.port}", verify_tls=verify), None)
            adapter.hold(1)
            await soon(lambda: adapter.connections()[0].state is not ConnectionState.CONNECTING)
            [shown] = adapter.connections()
            if verify:
                assert shown.error == "The certificate is not valid for this host"
            else:
                assert (await adapter.send(message())).provider_message_id == "id-1"
            await adapter.close()

    assert isinstance(context, ssl.SSLContext)
    run(scenario())


def test_an_operator_who_unbinds_is_left_in_order_and_bound_to_again() -> None:
    async def scenario() -> None:
        operator = Operator()
        async with adapter_and(operator) as adapter:
            await operator.links[0].unbind()
            await soon(lambda: len(operator.bound) == 1)
            assert (await adapter.send(message())).outcome is Outcome.ACCEPTED

    run(scenario())
