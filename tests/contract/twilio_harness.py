"""Twilio's other side is the simulated carrier, as a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from delivery.errors import Failure
from delivery.providers.base import ProviderConfig
from delivery.providers.twilio import KIND
from simulator.client import Simulator
from tests.contract.harness import Can, Refusal, Taken, Trouble

ACCOUNT = "AC" + "5" * 32
TOKEN = "the-token-that-signs"

_FAULTS = {
    Trouble.DROPPED_BEFORE: {"drop_before_share": 1.0},
    Trouble.DROPPED_AFTER: {"drop_after_share": 1.0},
    Trouble.ERROR_BEFORE: {"error_before_share": 1.0},
    Trouble.ERROR_AFTER: {"error_after_share": 1.0},
    Trouble.LATE: {"late_share": 1.0, "late_seconds": 2.0},
    Trouble.GARBAGE: {"garbage_share": 1.0},
    Trouble.THROTTLED: {"throttle_share": 1.0},
}


class TwilioHarness:
    kind = KIND
    can: frozenset[Can] = frozenset(Can)
    sender = "+15005550006"
    refusals: tuple[Refusal, ...] = (
        Refusal("21211", Failure.INVALID_NUMBER),
        Refusal("21212", Failure.SENDER),
        Refusal("21408", Failure.DESTINATION),
        Refusal("21606", Failure.SENDER),
        Refusal("21610", Failure.OPTED_OUT),
        Refusal("21612", Failure.DESTINATION),
        Refusal("21614", Failure.INVALID_NUMBER),
        Refusal("21617", Failure.CONTENT),
        Refusal("21635", Failure.LANDLINE),
        Refusal("29999", Failure.UNKNOWN),
    )

    def start(self) -> None:
        command = [sys.executable, "-m", "simulator", "--port", "0", "--account", ACCOUNT, "--auth-token", TOKEN]
        command += ["--faults", '{"receipt_delay_ms": 60, "receipt_jitter_ms": 0}']
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        assert "listening on" in ready, f"the simulator did not start: {ready!r}"
        self._base_url = ready.split()[-1]
        self.carrier = Simulator(self._base_url)
        self.carrier.wait_healthy()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def config(self, *, max_in_flight: int = 20) -> ProviderConfig:
        return ProviderConfig(
            id=1,
            settings={"account_sid": ACCOUNT, "base_url": self._base_url},
            credentials={"auth_token": TOKEN},
            timeout=1.0,
            max_in_flight=max_in_flight,
            private_addresses=True,
        )

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[ProviderConfig]:
        good = self.config()
        if trouble is Trouble.BAD_CREDENTIALS:
            yield replace(good, credentials={"auth_token": "not-it"})
        elif trouble is Trouble.REFUSED_CONNECTION:
            with socket.socket() as held:
                # Bound and not listening: nobody else can come to answer there.
                held.bind(("127.0.0.1", 0))
                nowhere = f"http://127.0.0.1:{held.getsockname()[1]}"
                yield replace(good, settings={**good.settings, "base_url": nowhere})
        else:
            with self._faulty(**_FAULTS[trouble]):
                yield good

    @contextmanager
    def refusing(self, code: str) -> Iterator[None]:
        with self._faulty(reject_mix={code: 1.0}):
            yield

    @contextmanager
    def limited(self, in_flight: int) -> Iterator[None]:
        deadline = time.monotonic() + 10
        while self.carrier.stats()["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.05)
        with self._faulty(max_in_flight=in_flight, latency_ms=30):
            yield

    @contextmanager
    def _faulty(self, **faults: object) -> Iterator[None]:
        self.carrier.set_faults(**faults)
        try:
            yield
        finally:
            # Also back to no faults at all. The ledger is not needed beyond the case.
            self.carrier.reset()

    def taken(self, recipient: str) -> list[Taken]:
        return [Taken(entry["sid"], entry["to"], entry["body"]) for entry in self.carrier.entries(recipient)]

    def rotating(self) -> ProviderConfig:
        secrets = {"auth_token": "the-token-to-come", "secondary_auth_token": TOKEN}
        return replace(self.config(), credentials=secrets)

    def other_account(self) -> ProviderConfig:
        return replace(self.config(), credentials={"auth_token": "another-account's"})

    def text_us(self, *, phone: str, body: str, url: str) -> tuple[int, str]:
        posted = self.carrier.send_inbound(to=self.sender, sender=phone, body=body, url=url)
        return posted["status"], posted["body"]
