"""What a Vonage account is configured with, and whether it makes sense."""

import re
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from delivery.providers.base import BadConfiguration, ProviderConfig, Setting, text_of
from delivery.providers.http import check_base_url

BASE_URL = "https://api.nexmo.com"

FORM = (
    Setting("api_key", "API key", "Eight letters and digits; on the first page of Vonage's dashboard.", required=True),
    Setting("api_secret", "API secret", "Beside the API key.", required=True, secret=True),
    Setting(
        "signature_secret",
        "Signature secret",
        "Signs callbacks; in the dashboard under Settings. SMS must be set to the Messages API there.",
        required=True,
        secret=True,
    ),
    Setting(
        "secondary_signature_secret",
        "Secondary signature secret",
        "While a secret is being rotated: callbacks signed with either are accepted.",
        secret=True,
    ),
    Setting(
        "base_url",
        "Address",
        "Only for one of Vonage's regions, or a service that speaks its protocol elsewhere.",
        default=BASE_URL,
        is_url=True,
    ),
)

_KEY = re.compile(r"[0-9A-Za-z]{6,32}")


@dataclass(frozen=True, slots=True)
class Account:
    key: str
    secret: str = field(repr=False)
    base_url: str
    """Without a slash at the end."""


def read(config: ProviderConfig) -> Account:
    """The account of a configuration. Raises BadConfiguration."""
    key = api_key(config)
    if not _KEY.fullmatch(key):
        raise BadConfiguration(_("API key: it is eight letters and digits; copy it from Vonage's dashboard."))
    secret = text_of(config.credentials, "api_secret")
    if not secret:
        raise BadConfiguration(_("API secret: enter it; it stands beside the API key in Vonage's dashboard."))
    if not signature_secrets(config):
        raise BadConfiguration(_("Signature secret: enter it; without it no callback can be believed."))
    base_url = text_of(config.settings, "base_url") or BASE_URL
    check_base_url(base_url, usual=BASE_URL, private_addresses=config.private_addresses)
    return Account(key, secret=secret, base_url=base_url.rstrip("/"))


def check(config: ProviderConfig) -> None:
    """Raises BadConfiguration."""
    read(config)


def api_key(config: ProviderConfig) -> str:
    return text_of(config.settings, "api_key")


def signature_secrets(config: ProviderConfig) -> list[str]:
    """What a callback may be signed with."""
    names = ("signature_secret", "secondary_signature_secret")
    return [secret for name in names if (secret := text_of(config.credentials, name))]
