"""The simulated carrier, as a process of its own, as the other side of whoever speaks one of its protocols."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from delivery.providers.base import ProviderConfig
from simulator.client import Simulator
from tests.contract.harness import Taken, Trouble

_FAULTS = {
    Trouble.DROPPED_BEFORE: {"drop_before_share": 1.0},
    Trouble.DROPPED_AFTER: {"drop_after_share": 1.0},
    Trouble.ERROR_BEFORE: {"error_before_share": 1.0},
    Trouble.ERROR_AFTER: {"error_after_share": 1.0},
    Trouble.LATE: {"late_share": 1.0, "late_seconds": 2.0},
    Trouble.GARBAGE: {"garbage_share": 1.0},
    Trouble.THROTTLED: {"throttle_share": 1.0},
}


class CarrierHarness:
    """What is the same for every protocol of the carrier's. A protocol adds its accounts and its codes."""

    sender = "+15005550006"
    options: tuple[str, ...]
    """Of the command line: the account that the carrier is to know."""
    account: str
    settings: dict[str, str]
    credentials: dict[str, str]
    wrong: dict[str, str]
    """Credentials that are refused."""

    def start(self) -> None:
        command = [sys.executable, "-m", "simulator", "--port", "0", *self.options]
        command += ["--faults", '{"receipt_delay_ms": 60, "receipt_jitter_ms": 0}']
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        assert "listening on" in ready, f"the simulator did not start: {ready!r}"
        self.base_url = ready.split()[-1]
        self.carrier = Simulator(self.base_url)
        self.carrier.wait_healthy()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def config(self, *, max_in_flight: int = 20) -> ProviderConfig:
        return ProviderConfig(
            id=1,
            settings={**self.settings, "base_url": self.base_url},
            credentials=self.credentials,
            timeout=1.0,
            max_in_flight=max_in_flight,
            private_addresses=True,
        )

    def at(self, address: str, *, tls: bool = False) -> ProviderConfig:
        good = self.config()
        return replace(good, settings={**good.settings, "base_url": f"http{'s' if tls else ''}://{address}"})

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[ProviderConfig]:
        good = self.config()
        if trouble is Trouble.BAD_CREDENTIALS:
            yield replace(good, credentials=self.wrong)
        elif trouble is Trouble.REFUSED_CONNECTION:
            with socket.socket() as held:
                # Bound and not listening: nobody else can come to answer there.
                held.bind(("127.0.0.1", 0))
                yield self.at(f"127.0.0.1:{held.getsockname()[1]}")
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

    def text_us(self, *, phone: str, body: str, url: str) -> tuple[int, str]:
        posted = self.carrier.send_inbound(account=self.account, to=self.sender, sender=phone, body=body, url=url)
        return posted["status"], posted["body"]
