"""What a Twilio account is configured with, and whether it makes sense."""

import re
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from delivery.providers.base import BadConfiguration, ProviderConfig, Setting, text_of
from delivery.providers.http import check_base_url

BASE_URL = "https://api.twilio.com"

FORM = (
    Setting("account_sid", "Account SID", "Starts with AC; on the first page of Twilio's console.", required=True),
    Setting(
        "auth_token",
        "Auth token",
        "Signs callbacks, and sends unless there is an API key.",
        required=True,
        secret=True,
    ),
    Setting(
        "secondary_auth_token",
        "Secondary auth token",
        "While a token is being rotated: callbacks signed with either are accepted.",
        secret=True,
    ),
    Setting("api_key", "API key SID", "Starts with SK; sends in place of the auth token.", secret=True),
    Setting("api_secret", "API key secret", secret=True),
    Setting(
        "base_url",
        "Address",
        "Only for a service that speaks Twilio's protocol elsewhere.",
        default=BASE_URL,
        is_url=True,
    ),
)

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_KEY = re.compile(r"SK[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class Account:
    sid: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    base_url: str
    """Without a slash at the end."""


def read(config: ProviderConfig) -> Account:
    """The account of a configuration. Raises BadConfiguration."""
    sid = text_of(config.settings, "account_sid")
    if not _ACCOUNT.fullmatch(sid):
        raise BadConfiguration(_("Account SID: it is AC and 32 hex digits; copy it from Twilio's console."))
    token = text_of(config.credentials, "auth_token")
    if not token:
        raise BadConfiguration(_("Auth token: enter it; it verifies callbacks, even if an API key sends."))
    key, secret = text_of(config.credentials, "api_key"), text_of(config.credentials, "api_secret")
    if bool(key) != bool(secret):
        raise BadConfiguration(_("API key: enter both the key's SID and its secret, or neither."))
    if key and not _KEY.fullmatch(key):
        raise BadConfiguration(_("API key SID: it is SK followed by 32 hex digits."))
    base_url = text_of(config.settings, "base_url") or BASE_URL
    check_base_url(base_url, usual=BASE_URL, private_addresses=config.private_addresses)
    return Account(sid, user=key or sid, password=secret or token, base_url=base_url.rstrip("/"))


def check(config: ProviderConfig) -> None:
    """Raises BadConfiguration."""
    read(config)


def tokens(config: ProviderConfig) -> list[str]:
    """What a callback may be signed with."""
    both = (text_of(config.credentials, "auth_token"), text_of(config.credentials, "secondary_auth_token"))
    return [token for token in both if token]
