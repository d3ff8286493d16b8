"""A Vonage account's configuration: what is refused, and that the words say what to do."""

from typing import Any

import pytest

from delivery.providers.base import BadConfiguration, ProviderConfig
from delivery.providers.vonage import KIND


def config(*, private: bool = False, credentials: dict[str, Any] | None = None, **settings: Any) -> ProviderConfig:
    return ProviderConfig(
        id=1,
        settings={"api_key": "a1b2c3d4"} | settings,
        credentials={"api_secret": "sends", "signature_secret": "signs"} | (credentials or {}),
        private_addresses=private,
    )


@pytest.mark.parametrize(
    "good",
    [
        config(),
        config(base_url="https://api-eu.vonage.com/"),
        config(base_url="http://127.0.0.1:8900", private=True),
        config(base_url="http://simulator:8900", private=True),
        config(credentials={"secondary_signature_secret": "signs too"}),
    ],
)
def test_good_ones(good: ProviderConfig) -> None:
    KIND.check(good)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (config(api_key=""), "API key"),
        (config(api_key="a1b2 c3d4"), "eight letters and digits"),
        (config(api_key="a:b"), "eight letters and digits"),
        (config(api_key=7), "must be text"),
        (config(credentials={"api_secret": ""}), "API secret"),
        (config(credentials={"signature_secret": " "}), "no callback can be believed"),
        (config(base_url="api.nexmo.com"), "full https:// URL"),
        (config(base_url="https://[::1"), "not a URL"),
        (config(base_url="https://user:pass@api.nexmo.com"), "no user"),
        (config(base_url="https://api.nexmo.com?x=1"), "no user, query"),
        (config(base_url="http://api.nexmo.com"), "https://"),
        (config(base_url="http://8.8.8.8", private=True), "in clear"),
        (config(base_url="https://127.0.0.1"), "public host"),
        (config(base_url="https://0x7f.1"), "whole IP address"),
        (config(base_url="https://localhost"), "public host"),
    ],
)
def test_bad_ones_are_refused_in_words(bad: ProviderConfig, says: str) -> None:
    with pytest.raises(BadConfiguration, match=says):
        KIND.check(bad)


def test_no_secret_stands_in_a_repr() -> None:
    assert "sends" not in repr(config())
    assert "signs" not in repr(config())
