"""A Twilio account's configuration: what is refused, and that the words say what to do."""

import asyncio
import socket
from typing import Any
from uuid import uuid4

import pytest

from delivery.providers.base import BadConfiguration, OutboundMessage, Outcome, ProviderConfig
from delivery.providers.egress import is_public
from delivery.providers.twilio import KIND

ACCOUNT = "AC" + "0f" * 16
KEY = "SK" + "0f" * 16


def config(*, private: bool = False, credentials: dict[str, Any] | None = None, **settings: Any) -> ProviderConfig:
    return ProviderConfig(
        id=1,
        settings={"account_sid": ACCOUNT} | settings,
        credentials={"auth_token": "secret"} | (credentials or {}),
        private_addresses=private,
    )


@pytest.mark.parametrize(
    "good",
    [
        config(),
        config(base_url="https://api.twilio.com"),
        config(base_url="https://api.dublin.ie1.twilio.com/"),
        config(base_url="https://example.signalwire.com/api/laml"),
        config(base_url="http://127.0.0.1:8900", private=True),
        config(base_url="http://simulator:8900", private=True),
        config(credentials={"api_key": KEY, "api_secret": "s"}),
        config(credentials={"secondary_auth_token": "s"}),
    ],
)
def test_good_ones(good: ProviderConfig) -> None:
    KIND.check(good)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (config(account_sid=""), "Account SID"),
        (config(account_sid="AC12"), "32 hex digits"),
        (config(account_sid=7), "must be text"),
        (config(credentials={"auth_token": ""}), "Auth token"),
        (config(credentials={"api_key": KEY}), "both"),
        (config(credentials={"api_key": "AC1", "api_secret": "s"}), "SK"),
        (config(base_url="api.twilio.com"), "full https:// URL"),
        (config(base_url="ftp://api.twilio.com"), "full https:// URL"),
        (config(base_url="https://"), "full https:// URL"),
        (config(base_url="https://[::1"), "not a URL"),
        (config(base_url="https://h:99999"), "not a URL"),
        (config(base_url="https://user:pass@api.twilio.com"), "no user"),
        (config(base_url="https://api.twilio.com?x=1"), "no user, query"),
        (config(base_url="http://api.twilio.com"), "https://"),
        (config(base_url="https://127.0.0.1"), "ALLOW_PRIVATE_PROVIDER_URLS"),
        (config(base_url="https://localhost"), "ALLOW_PRIVATE_PROVIDER_URLS"),
        (config(base_url="https://169.254.169.254"), "ALLOW_PRIVATE_PROVIDER_URLS"),
        (config(base_url="https://[::ffff:10.0.0.1]"), "ALLOW_PRIVATE_PROVIDER_URLS"),
        (config(base_url="https://sub.localhost."), "ALLOW_PRIVATE_PROVIDER_URLS"),
        (config(base_url="https://127.1"), "neither a name"),
        (config(base_url="https://2130706433"), "neither a name"),
        (config(base_url="https://0x7f.0.0.1"), "neither a name"),
        (config(base_url="https://127.0.0.1."), "ALLOW_PRIVATE_PROVIDER_URLS"),
        (config(base_url="http://8.8.8.8", private=True), "in clear"),
    ],
)
def test_bad_ones_are_refused_in_words(bad: ProviderConfig, says: str) -> None:
    with pytest.raises(BadConfiguration, match=says.replace("?", r"\?")):
        KIND.check(bad)


def test_a_secret_never_shows() -> None:
    assert "secret" not in repr(config())


@pytest.mark.parametrize(("allowed", "reached"), [(False, False), (True, True)])
def test_a_name_that_leads_inside_is_caught_at_the_connection(allowed: bool, reached: bool) -> None:
    """The machine's own name passes every look at the text; where it leads is known only when it is resolved."""
    name = socket.gethostname()
    address = socket.gethostbyname(name)
    if is_public(address):
        pytest.skip("this machine's name leads to a public address")
    message = OutboundMessage(
        id=uuid4(),
        attempt=1,
        recipient="+14155550123",
        sender="12345",
        body="Hello",
        segments=1,
        encoding="gsm7",
        callback_url="https://hub.example.com/x",
    )

    async def scenario() -> None:
        arrived = asyncio.Event()

        async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            writer.close()

        server = await asyncio.start_server(hang_up, address, 0)
        port = server.sockets[0].getsockname()[1]
        inside = config(base_url=f"https://{name}:{port}", private=allowed)
        KIND.check(inside)
        adapter = KIND.build(inside, None)
        outcome = await adapter.send(message)
        await adapter.close()
        server.close()
        assert outcome.outcome is Outcome.THROTTLED, "nothing was sent, either way"
        assert arrived.is_set() is reached

    asyncio.run(scenario())
