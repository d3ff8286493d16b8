"""SMS over SMPP 3.4: an account with an operator's own message centre, or with whoever speaks its protocol.

It is held to the specification, and to what operators are known to do otherwise; `delivery.smpp` is the protocol.
"""

from delivery.providers.base import ProviderKind
from delivery.providers.smpp.account import FORM, check, connections
from delivery.providers.smpp.adapter import build
from delivery.providers.smpp.codes import WORDS, explain
from delivery.providers.smpp.trying import try_credentials

KIND = ProviderKind(
    name="smpp",
    label="SMPP",
    form=FORM,
    check=check,
    build=build,
    explain=explain,
    words=WORDS,
    can_ask=False,
    needs_connection=True,
    try_credentials=try_credentials,
    connections=connections,
)
