"""Every provider of the suite, by name. A new one is added here and nowhere else."""

import pytest

from tests.contract.console_harness import ConsoleHarness
from tests.contract.harness import Can, Harness
from tests.contract.smpp_harness import SmppHarness
from tests.contract.testcarrier_harness import CarrierOfTestKeys
from tests.contract.twilio_harness import TwilioHarness
from tests.contract.vonage_harness import VonageHarness

HARNESSES: dict[str, type[Harness]] = {
    "twilio": TwilioHarness,
    "vonage": VonageHarness,
    "smpp": SmppHarness,
    "console": ConsoleHarness,
    "testcarrier": CarrierOfTestKeys,
}


def over(ability: Can) -> pytest.MarkDecorator:
    """Run a case for every provider that can this."""
    able = [name for name, harness in HARNESSES.items() if ability in harness.can]
    return pytest.mark.parametrize("harness", able, indirect=True)


def over_refusals() -> pytest.MarkDecorator:
    """Run a case for every refusal of every provider."""
    cases = [
        pytest.param(name, refusal, id=f"{name}-{refusal.code}")
        for name, harness in HARNESSES.items()
        for refusal in harness.refusals
    ]
    return pytest.mark.parametrize(("harness", "refusal"), cases, indirect=["harness"])
