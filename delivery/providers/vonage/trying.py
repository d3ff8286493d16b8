"""Trying an account's credentials: its balance is asked for (https://developer.vonage.com/en/api/account).

The Account API has a host of its own, whichever region messages go to. A service elsewhere that speaks Vonage's
protocol is asked at its own address. The secret that signs callbacks is not tried by it.
"""

import base64
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from yarl import URL

from delivery.providers import access
from delivery.providers.base import Access, ProviderConfig, Tried
from delivery.providers.vonage import codes
from delivery.providers.vonage.account import read

_LABEL = "Vonage"
_ACCOUNT_API = "https://rest.nexmo.com"
_VONAGES = (".nexmo.com", ".vonage.com")
_BARRED = frozenset({"1060", "account-suspended"})


async def try_credentials(config: ProviderConfig) -> Tried:
    account = read(config)
    basic = base64.b64encode(f"{account.key}:{account.secret}".encode()).decode()
    return await access.get(
        config,
        URL(f"{account_api(account.base_url)}/account/get-balance", encoded=True),
        label=_LABEL,
        authorization=f"Basic {basic}",
        read=_balance,
    )


def account_api(base_url: str) -> str:
    """Where the account is asked about whose messages go to `base_url`."""
    return _ACCOUNT_API if (URL(base_url).host or "").endswith(_VONAGES) else base_url


def _balance(status: int, answer: Mapping[str, Any]) -> Tried | None:
    value = answer.get("value")
    if status == 200 and isinstance(value, int | float):
        if value <= 0 and answer.get("autoReload") is not True:
            return Tried(Access.GRANTED, _("Vonage accepts API key and API secret. The account's credit is used up."))
        return Tried(
            Access.GRANTED,
            _("Vonage accepts API key and API secret. Whether the signature secret is right, the first receipt shows."),
        )
    code = codes.of(answer)
    if code in _BARRED:
        return Tried(Access.BARRED, _("Vonage says that the account is barred or suspended."))
    if status in (401, 403) and (code or "error-code" in answer):
        return access.refused(_LABEL, _("API key and API secret"))
    return None
