"""No request ever goes to a private address, whatever a name says and when."""

import asyncio
import socket
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from django.utils import timezone

from delivery.webhooks import endpoints
from delivery.webhooks.post import Postman
from delivery.webhooks.signing import new_secret
from delivery.webhooks.turns import Due, Result
from simulator.smsc import certificate
from tests.delivery.webhooks.receiver import receiving

NOT_PUBLIC = "Its address may not be connected to: it is not a public one."


def due() -> Due:
    now = timezone.now()
    return Due(1, uuid4(), "webhook.ping", uuid4(), {}, now, 0, None, False, now)


class Names(AbstractResolver):
    """A name server that its owner may have say something else each time it is asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        found: dict[str, Any] = {"hostname": host, "host": address, "port": port, "family": family}
        return [ResolveResult(**found, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        return None


def post(*urls: str, names: Names | None = None) -> list[Result]:
    async def run() -> list[Result]:
        postman = Postman(names)
        try:
            return [await postman.post(url, due(), [new_secret()]) for url in urls]
        finally:
            await postman.close()

    return asyncio.run(run())


@pytest.fixture
def public_only(settings: Any) -> None:
    settings.ALLOW_PRIVATE_WEBHOOK_URLS = False


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://127.0.0.1/",
            "https://localhost/",
            "https://[::1]/",
            "https://10.0.0.8/",
            "https://192.168.1.1:8443/",
        ),
        *("https://169.254.169.254/latest/meta-data", "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/"),
        *("https://[64:ff9b::7f00:1]/", "https://0.0.0.0/", "https://100.64.0.1/"),
    ],
)
def test_a_private_address_is_refused_when_it_is_written_down_and_when_it_is_connected_to(url: str) -> None:
    with pytest.raises(endpoints.Refused, match="ALLOW_PRIVATE_WEBHOOK_URLS"):
        endpoints.check_url(url)
    (result,) = post(url)
    assert (result.code, result.error) == (None, NOT_PUBLIC)


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254"])
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(address: str) -> None:
    endpoints.check_url("https://innocent.example.org/hooks")
    with receiving() as receiver:
        names = Names(address)
        (result,) = post(f"https://innocent.example.org:{receiver.port}/hooks", names=names)
        assert result.error == NOT_PUBLIC
        assert (names.asked, receiver.requests) == (1, [])


def test_a_name_is_looked_up_anew_for_each_connection_and_judged_by_where_it_leads_then(settings: Any) -> None:
    """With private addresses alone, so that the first answer can be connected to here, and the second may not be."""
    settings.ALLOW_PRIVATE_WEBHOOK_URLS = True
    with receiving() as receiver:
        receiver.behave = lambda _receiver, connection, _number: connection.sendall(
            b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        )
        names = Names("127.0.0.1", "93.184.215.14")
        url = f"http://rebinding.example.org:{receiver.port}/hooks"
        first, second = post(url, url, names=names)
    assert (first.code, first.error) == (204, "")
    assert (second.code, second.error) == (None, NOT_PUBLIC)
    assert names.asked == 2


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "ftp://example.org/",
            "example.org/hooks",
            "https://",
            "https://user:secret@example.org/",
            "https://a b/",
        ),
        *("https://example.org/#part", "https://exämple.org/", "https://example.org:0/", "https://example.org:x/"),
        "https://example.org/" + "x" * 500,
    ],
)
def test_what_is_no_address_is_refused_in_words(url: str) -> None:
    with pytest.raises(endpoints.Refused) as refused:
        endpoints.check_url(url)
    assert refused.value.field == "url"
    assert str(refused.value)


def test_an_address_may_have_a_query() -> None:
    endpoints.check_url("https://example.org/hooks?tenant=7")


@pytest.mark.usefixtures("public_only")
def test_nothing_goes_in_clear_over_the_internet() -> None:
    with pytest.raises(endpoints.Refused, match="https"):
        endpoints.check_url("http://example.org/hooks")
    (result,) = post("http://93.184.215.14/hooks")
    assert result.error == NOT_PUBLIC


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    tls, _ = certificate.make()
    with receiving(tls=tls) as receiver:
        (result,) = post(f"https://127.0.0.1:{receiver.port}/hooks")
        assert receiver.requests == []
    assert (result.code, result.error) == (None, "Its certificate is not valid.")
