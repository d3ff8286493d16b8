"""The service centre with clients that are not ours: binds, links, queries."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import smpp34
from smpplib.exceptions import PDUError

from tests.simulator.conftest import Running, launch, until
from tests.simulator.esme import PASSWORD, SYSTEM_ID, Esme, Gone

Connect = Callable[[], Esme]

RALYBND, RINVMSGID, RBINDFAIL, RINVPASWD, RINVSYSID, RTHROTTLED = 0x05, 0x0C, 0x0D, 0x0E, 0x0F, 0x58


def refusal(esme: Esme, mode: str = "transceiver", **given: str) -> int:
    with pytest.raises(PDUError) as caught:
        esme.bind(mode, **given)
    status: int = caught.value.args[1]
    return status


# Binds.


@pytest.mark.parametrize("mode", ["transceiver", "transmitter", "receiver"])
def test_an_account_binds_in_each_mode_and_unbinds(carrier: Running, connect: Connect, mode: str):
    esme = connect().bind(mode)
    [bind] = carrier.control.smsc()["accounts"][SYSTEM_ID]["binds"]
    assert bind["mode"] == mode
    assert carrier.control.smsc()["ports"] == {"smpp": carrier.ports["smpp"], "smpps": carrier.ports["smpps"]}

    assert esme.unbind().command == "unbind_resp"

    assert esme.ended()
    until(lambda: carrier.control.smsc()["accounts"][SYSTEM_ID]["binds"] == [])
    assert carrier.control.smsc()["accounts"][SYSTEM_ID]["sessions"] == 1


def test_wrong_credentials_are_told_apart_and_the_connection_ends(carrier: Running, connect: Connect):
    stranger, guesser = connect(), connect()

    assert refusal(stranger, system_id="nobody") == RINVSYSID
    assert refusal(guesser, password="guessed") == RINVPASWD

    assert stranger.ended()
    assert guesser.ended()
    smsc = carrier.control.smsc()
    assert smsc["strangers_refused"] == {"ESME_RINVSYSID": 1}
    assert smsc["accounts"][SYSTEM_ID]["refused"] == {"ESME_RINVPASWD": 1}


def test_an_account_has_no_more_binds_than_it_may(carrier: Running, connect: Connect):
    first = connect().bind(system_id="another", password="secret")
    connect().bind(system_id="another", password="secret")
    assert refusal(connect(), system_id="another", password="secret") == RALYBND

    first.unbind()
    until(lambda: len(carrier.control.smsc()["accounts"]["another"]["binds"]) == 1)
    connect().bind(system_id="another", password="secret")

    account = carrier.control.smsc()["accounts"]["another"]
    assert (account["sessions"], account["most_binds"], account["refused"]) == (3, 2, {"ESME_RALYBND": 1})


@pytest.mark.parametrize(
    ("faults", "mode", "status"),
    [
        ({"smpp_max_binds": 1}, "transceiver", RALYBND),
        ({"smpp_bind_modes": "transmitter receiver"}, "transceiver", RBINDFAIL),
        ({"smpp_bind_reject_mix": {"88": 1.0}}, "receiver", RTHROTTLED),
    ],
)
def test_binds_are_refused_to_order(carrier: Running, connect: Connect, faults: dict[str, Any], mode: str, status: int):
    connect().bind("transmitter")
    carrier.control.set_faults(**faults)

    assert refusal(connect(), mode) == status


def test_a_bind_may_be_cut_off_and_so_is_everybody_in_an_outage(carrier: Running, esme: Esme, connect: Connect):
    carrier.control.set_faults(smpp_bind_drop_share=1)
    with pytest.raises(Gone):
        connect().bind()

    carrier.control.set_faults(smpp_bind_drop_share=0, outage=True)
    with pytest.raises(Gone):
        connect().bind()
    assert esme.ended()
    assert carrier.control.summary()["accepted"] == 0


def test_a_bind_that_is_bound_is_not_bound_again(esme: Esme):
    # The library knows that it is bound; the wire does not.
    esme.state = 1
    assert refusal(esme) == RALYBND


# Queries and links.


def test_the_state_of_a_message_can_be_asked_for(carrier: Running, esme: Esme, connect: Connect):
    sid = esme.send_and_hear().message_id.decode()
    esme.deliveries(1)

    answer = esme.ask("query_sm", message_id=sid, source_addr_ton=1, source_addr_npi=1, source_addr="15005550006")
    assert (answer.status, answer.message_id.decode(), answer.message_state) == (0, sid, 2)
    assert answer.final_date.endswith(b"000+")
    assert esme.ask("query_sm", message_id="1").status == RINVMSGID
    other = connect().bind(system_id="another", password="secret")
    assert other.ask("query_sm", message_id=sid).status == RINVMSGID

    carrier.control.set_faults(smpp_query=False)
    assert esme.ask("query_sm", message_id=sid).command == "generic_nack"


def test_a_link_is_alive_until_it_is_told_not_to_say_so(carrier: Running, esme: Esme):
    assert esme.ask("enquire_link").command == "enquire_link_resp"

    carrier.control.set_faults(smpp_answers_enquire=False)
    esme.timeout = 0.1
    esme._socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        esme.ask("enquire_link")


def test_what_it_does_not_know_is_answered_with_a_nack(esme: Esme):
    esme._socket.sendall(bytes.fromhex("00000010 00000999 00000000 00000007"))
    answer = esme.until(lambda pdu: pdu.sequence == 7)
    assert (answer.command, answer.status) == ("generic_nack", 0x03)
    esme._socket.sendall(bytes.fromhex("00000008 00000004 00000000 00000008"))
    assert esme.until(lambda pdu: pdu.sequence == 8).status == 0x02
    assert esme.ended()


# Another client that is not ours.


def test_smpp34_binds_sends_and_hears(carrier: Running):
    async def talk() -> tuple[list[str | None], list[bytes]]:
        client = smpp34.Client("127.0.0.1", carrier.ports["smpp"], SYSTEM_ID, PASSWORD)
        smsc = await client.connect()
        answers = await asyncio.gather(
            *[smsc.submit_sm(f"1415555{n:04d}", b"Hi", source_addr="12345", registered_delivery=1) for n in range(50)]
        )
        heard = [(await smsc.next()).short_message for _ in range(50)]
        await smsc.unbind()
        await client.stop()
        return [answer.message_id for answer in answers], heard

    ids, heard = asyncio.run(talk())

    assert sorted(ids) == sorted(entry["sid"] for entry in carrier.control.entries())
    assert sorted(text.split()[0].decode() for text in heard) == sorted(f"id:{each}" for each in ids)
    until(lambda: all(entry["acknowledged"] for entry in carrier.control.entries()))


def test_over_tls_with_a_certificate_of_its_own(carrier: Running):
    context = ssl.create_default_context(cadata=carrier.control.smsc()["certificate"])
    context.check_hostname = False  # the library names no host
    esme = Esme(carrier.ports["smpps"], context).bind()
    assert esme.send_and_hear().status == 0
    esme.unbind()
    esme.close()

    strict = ssl.create_default_context()
    strict.check_hostname = False
    with pytest.raises(Gone):
        Esme(carrier.ports["smpps"], strict)


@pytest.mark.parametrize("bad", ["id", "id:", ":secret", "id:secret:many"])
def test_an_account_is_written_in_full(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    from simulator.__main__ import parse

    with pytest.raises(SystemExit):
        parse(["--smpp-account", bad])
    assert "SYSTEM_ID:PASSWORD[:BINDS]" in capsys.readouterr().err


def test_a_port_in_use_is_named(carrier: Running, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError):
        launch("--smpp-port", str(carrier.ports["smpp"]))
    assert f"cannot listen on 127.0.0.1:{carrier.ports['smpp']}" in capfd.readouterr().err
