"""Our adapter bound to centres that are not ours: the server of smpp34, and the one that Kannel tests itself with."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
import smpp34

from delivery.providers.base import ConnectionState, Outcome
from delivery.providers.smpp.adapter import SmppAdapter, build
from delivery.states import Status
from tests.delivery.providers.smpp.scenes import Ear, config, message, soon
from tests.delivery.smpp.ends import free_port, run

DRIVE = Path("/usr/lib/kannel/test/drive_smpp")


def all_bound(adapter: SmppAdapter) -> bool:
    return {each.state for each in adapter.connections()} == {ConnectionState.BOUND}


def test_with_the_server_of_smpp34() -> None:
    async def scenario() -> None:
        port, ear = free_port(), Ear()
        server = smpp34.Server("127.0.0.1", port)
        await server.start()
        adapter = build(config(port, window=5), ear)
        adapter.hold(1)
        session: Any = await server.next()
        sending = asyncio.ensure_future(adapter.send(message("Größe: 5 € 🎉")))
        event: Any = await server.next()
        assert (event.data_coding, bytes(event.short_message).decode("utf-16-be")) == (8, "Größe: 5 € 🎉")
        event.accept("00AF")
        assert (await sending).provider_message_id == "af"

        sending = asyncio.ensure_future(adapter.send(message("x" * 200)))
        for number in (1, 2):
            event = await server.next()
            assert (event.esm_class, event.short_message[5]) == (0x40, number)
            event.accept(f"P{number}")
        assert (await sending).part_ids == ("P1", "P2")

        sending = asyncio.ensure_future(adapter.send(message()))
        event = await server.next()
        event.reject(smpp34.ESME_RTHROTTLED)
        assert (await sending).outcome is Outcome.THROTTLED

        told = b"id:0AF sub:001 dlvrd:001 submit date:2401010000 done date:2401010000 stat:DELIVRD err:000 text:"
        assert (await session.deliver_sm("15005550006", told, source_addr="14155550123", esm_class=4)).is_success
        assert (await session.deliver_sm("12345", b"STOP", source_addr="14155550123")).is_success
        assert [(each.provider_message_id, each.status) for each in ear.receipts] == [("af", Status.DELIVERED)]
        assert [(each.phone, each.body) for each in ear.texts] == [("+14155550123", "STOP")]
        await adapter.close()
        assert isinstance(await server.next(), smpp34.Unbound)
        await server.stop()

    run(scenario())


@pytest.mark.skipif(not DRIVE.exists(), reason="Kannel's emulator is not here (Debian: apt-get install kannel-extras).")
def test_with_the_emulator_that_kannel_is_tested_with(tmp_path: Path) -> None:
    """It takes pairs only, sends texts, answers submits without an id, and drives a gateway's own door beside it."""
    port, other = free_port(), free_port()
    conf = tmp_path / "drive.conf"
    conf.write_text(f"group = core\nadmin-port = 1\nadmin-password = x\nsmsbox-port = {other}\n")

    async def scenario() -> None:
        ear = Ear()
        gateway = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", other)
        adapter = build(config(port, mode="pair"), ear)
        adapter.hold(1)
        await soon(lambda: all_bound(adapter))
        await soon(lambda: len(ear.texts) == 5)
        outcome = await adapter.send(message("Hello"))
        assert (outcome.outcome, outcome.detail) == (Outcome.UNCERTAIN, "A response without an id")
        await adapter.close()
        gateway.close()

    with (tmp_path / "log").open("w") as log:
        command = [str(DRIVE), "-v", "0", "-p", str(port), "-m", "5", "-c", str(conf)]
        drive = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
        try:
            run(scenario())
        finally:
            drive.terminate()
            drive.wait(10)
    said = (tmp_path / "log").read_text()
    assert said.count("PDU of type deliver_sm_resp") == 5
    assert "short_message = <Hello>" in said
    assert "Unhandled" not in said
