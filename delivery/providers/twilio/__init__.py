"""Twilio's Programmable Messaging, and services that speak its protocol."""

from delivery.providers.base import ProviderKind
from delivery.providers.twilio.account import FORM, check
from delivery.providers.twilio.adapter import build
from delivery.providers.twilio.codes import WORDS, explain
from delivery.providers.twilio.receipts import INBOUND_ANSWER, parse_inbound, parse_receipts
from delivery.providers.twilio.trying import try_credentials

KIND = ProviderKind(
    name="twilio",
    label="Twilio",
    form=FORM,
    check=check,
    build=build,
    parse_receipts=parse_receipts,
    parse_inbound=parse_inbound,
    inbound_answer=INBOUND_ANSWER,
    explain=explain,
    words=WORDS,
    try_credentials=try_credentials,
    # Its default handling of opt-outs, which is on until somebody switches it off, replies to all three.
    answers_keywords=True,
)
