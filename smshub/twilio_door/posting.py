"""A form posted to an application's address, signed as Twilio signs: bounded, and only where the operator lets it go.

The address is somebody's word. So where it leads is looked at when it is connected to (`delivery.providers.egress`),
redirects are not followed, and little is read of the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from django.conf import settings
from yarl import URL

from delivery.providers.egress import socket_factory
from delivery.providers.http import bounded
from delivery.providers.twilio import signature

#: Twilio's own: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
TIMEOUT_SECONDS = 15.0
CONNECT_SECONDS = 5.0
#: TwiML of ten replies has room in it.
MOST_ANSWERED = 64 * 1024

_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    "Accept": "*/*",
    "User-Agent": "SMSHub",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a post. `status` is 0 where there was no answer, or one that cannot be read."""

    status: int
    error: str = ""
    body: bytes = field(default=b"", repr=False)

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def for_good(self) -> bool:
        """The application has it and does not want it: Twilio does not repeat these either."""
        return 400 <= self.status < 500 and self.status not in (408, 425, 429)


class Postman:
    """The connections of one process, kept alive. Make it on the event loop that it is used on."""

    def __init__(self) -> None:
        self._sessions = {
            # In clear only within the operator's own network.
            scheme: ClientSession(
                connector=TCPConnector(
                    limit=0,  # whoever calls keeps the bounds, of each login by itself
                    use_dns_cache=False,
                    socket_factory=socket_factory(
                        public=scheme == "https", private=settings.ALLOW_PRIVATE_WEBHOOK_URLS
                    ),
                ),
                timeout=ClientTimeout(total=TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
                headers=_HEADERS,
                cookie_jar=DummyCookieJar(),
            )
            for scheme in ("https", "http")
        }

    async def post(self, url: str, fields: Mapping[str, str], *, auth_token: str, once: str) -> Answer:
        """Post it. Raises nothing. `once` names what is posted, the same whenever it is posted again.

        What stands behind a # is neither signed nor sent, as with Twilio.
        """
        url = url.partition("#")[0]
        headers = {
            "X-Twilio-Signature": signature.sign(auth_token, url, fields.items()),
            "I-Twilio-Idempotency-Token": once,
        }
        try:
            session = self._sessions[urlsplit(url).scheme]
            # As it is written, for the application computes the signature over the address that it is called by.
            address = URL(url, encoded=True)
            data = urlencode(fields).encode()
            async with session.post(address, data=data, headers=headers, allow_redirects=False) as response:
                return Answer(response.status, body=await bounded(response, MOST_ANSWERED))
        except (ClientError, OSError, ValueError, KeyError) as error:
            return Answer(0, type(error).__name__)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
