"""Vonage's other side is the simulated carrier's face of Vonage."""

from dataclasses import replace

from delivery.errors import Failure
from delivery.providers.base import ProviderConfig
from delivery.providers.vonage import KIND
from tests.contract.carrier_harness import CarrierHarness
from tests.contract.harness import Can, Refusal

KEY = "a1b2c3d4"
SECRET = "the-secret-that-sends"
SIGNATURE_SECRET = "the-secret-that-signs-what-is-posted-to-us"


class VonageHarness(CarrierHarness):
    kind = KIND
    can: frozenset[Can] = frozenset({Can.SEND, Can.FAIL, Can.LIMIT, Can.CALL_BACK, Can.RECEIVE, Can.TRY})
    options = ("--vonage-account", f"{KEY}:{SECRET}:{SIGNATURE_SECRET}")
    account = KEY
    settings = {"api_key": KEY}
    credentials = {"api_secret": SECRET, "signature_secret": SIGNATURE_SECRET}
    wrong = {"api_secret": "not-it", "signature_secret": SIGNATURE_SECRET}
    refusals: tuple[Refusal, ...] = (
        Refusal("1020", Failure.UNKNOWN),
        Refusal("1040", Failure.UNKNOWN),
        Refusal("1050", Failure.BLOCKED),
        Refusal("1090", Failure.CONTENT),
        Refusal("1120", Failure.SENDER),
        Refusal("1160", Failure.DESTINATION),
        Refusal("1170", Failure.INVALID_NUMBER),
        Refusal("1240", Failure.OPTED_OUT),
        Refusal("1999", Failure.UNKNOWN),
    )

    def rotating(self) -> ProviderConfig:
        return self._with_secrets(
            signature_secret="the-secret-that-is-to-come-and-sign", secondary_signature_secret=SIGNATURE_SECRET
        )

    def other_account(self) -> ProviderConfig:
        return self._with_secrets(signature_secret="another-account's-signature-secret")

    def _with_secrets(self, **secrets: str) -> ProviderConfig:
        return replace(self.config(), credentials=self.credentials | secrets)
