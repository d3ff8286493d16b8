"""Twilio's other side is the simulated carrier's face of Twilio."""

from dataclasses import replace

from delivery.errors import Failure
from delivery.providers.base import ProviderConfig
from delivery.providers.twilio import KIND
from tests.contract.carrier_harness import CarrierHarness
from tests.contract.harness import Can, Refusal

ACCOUNT = "AC" + "5" * 32
TOKEN = "the-token-that-signs"


class TwilioHarness(CarrierHarness):
    kind = KIND
    can: frozenset[Can] = frozenset(Can)
    options = ("--account", ACCOUNT, "--auth-token", TOKEN)
    account = ACCOUNT
    settings = {"account_sid": ACCOUNT}
    credentials = {"auth_token": TOKEN}
    wrong = {"auth_token": "not-it"}
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

    def rotating(self) -> ProviderConfig:
        secrets = {"auth_token": "the-token-to-come", "secondary_auth_token": TOKEN}
        return replace(self.config(), credentials=secrets)

    def other_account(self) -> ProviderConfig:
        return replace(self.config(), credentials={"auth_token": "another-account's"})
