"""SMPP's other side is the simulated carrier's service centre."""

from contextlib import AbstractContextManager
from dataclasses import replace

from delivery.errors import Failure
from delivery.providers.base import Listener, ProviderConfig
from delivery.providers.smpp import KIND
from delivery.providers.smpp.adapter import SmppAdapter, build
from delivery.smpp.constants import CommandStatus
from tests.contract.carrier_harness import CarrierHarness
from tests.contract.harness import Can, Refusal

SYSTEM_ID = "hub"
PASSWORD = "sesame42"


def held(config: ProviderConfig, listener: Listener | None) -> SmppAdapter:
    """With one bind, as the hub's connector would tell it to hold."""
    adapter = build(config, listener)
    adapter.hold(1)
    return adapter


class SmppHarness(CarrierHarness):
    kind = replace(KIND, build=held)
    # It posts no callbacks: what it tells comes over the bind, and is tested in tests/delivery/providers/smpp.
    can: frozenset[Can] = frozenset({Can.SEND, Can.FAIL, Can.LIMIT, Can.ASK, Can.TRY})
    options = ("--smpp-port", "0", "--smpp-account", f"{SYSTEM_ID}:{PASSWORD}")
    account = SYSTEM_ID
    settings = {"system_id": SYSTEM_ID}
    credentials = {"password": PASSWORD}
    wrong = {"password": "not-it"}
    refusals: tuple[Refusal, ...] = (
        Refusal("ESME_RINVDSTADR", Failure.INVALID_NUMBER),
        Refusal("ESME_RINVSRCADR", Failure.SENDER),
        Refusal("ESME_RINVMSGLEN", Failure.CONTENT),
        Refusal("ESME_RINVDSTTON", Failure.DESTINATION),
        Refusal("ESME_RSUBMITFAIL", Failure.CARRIER),
        Refusal("ESME_RINVEXPIRY", Failure.UNKNOWN),
        Refusal("0x00000443", Failure.UNKNOWN),
    )

    def start(self) -> None:
        super().start()
        assert self._process.stdout is not None
        self.smpp_url = self._process.stdout.readline().split()[-1]

    def config(self, *, max_in_flight: int = 20) -> ProviderConfig:
        return ProviderConfig(
            id=1,
            settings={**self.settings, "address": self.smpp_url, "window": max_in_flight, "may_query": True},
            credentials=self.credentials,
            # Half of it is for the wait for room, half for the response.
            timeout=1.5,
            max_in_flight=max_in_flight,
            private_addresses=True,
        )

    def at(self, address: str, *, tls: bool = False) -> ProviderConfig:
        good = self.config()
        return replace(good, settings={**good.settings, "address": f"smpp{'s' if tls else ''}://{address}"})

    def refusing(self, code: str) -> AbstractContextManager[None]:
        status = CommandStatus[code] if code.startswith("ESME") else int(code, 16)
        return super().refusing(str(int(status)))
