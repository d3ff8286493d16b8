"""The test carrier has no other side: what it knows of a message follows from the message."""

from delivery.providers.base import ProviderConfig
from delivery.providers.testcarrier import KIND
from tests.contract.console_harness import ConsoleHarness
from tests.contract.harness import Can


class CarrierOfTestKeys(ConsoleHarness):
    kind = KIND
    can = frozenset({Can.ASK})
    sender = "TEST"

    def config(self, *, max_in_flight: int = 20) -> ProviderConfig:
        return ProviderConfig(id=10**17, settings={}, credentials={}, max_in_flight=max_in_flight)
