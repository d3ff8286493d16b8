"""SMS through Vonage's Messages API, version 1: https://developer.vonage.com/en/api/messages.

The whole package is written to Vonage's published contract and proved against a simulated carrier that keeps to
it. What that contract leaves open is said in docs/adding-a-provider.md.
"""

from delivery.providers.base import ProviderKind
from delivery.providers.vonage.account import FORM, check
from delivery.providers.vonage.adapter import build
from delivery.providers.vonage.codes import WORDS, explain
from delivery.providers.vonage.receipts import parse_inbound, parse_receipts
from delivery.providers.vonage.trying import try_credentials

KIND = ProviderKind(
    name="vonage",
    label="Vonage",
    form=FORM,
    check=check,
    build=build,
    parse_receipts=parse_receipts,
    parse_inbound=parse_inbound,
    receipts_without_token=True,
    explain=explain,
    words=WORDS,
    try_credentials=try_credentials,
    can_ask=False,
)
