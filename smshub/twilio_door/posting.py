"""A form posted to an application's address, signed as Twilio signs: bounded, and only where the operator lets it go.

The connections are those of all webhooks (`delivery.webhooks.post`): where an address leads is looked at when it is
connected to. Redirects are not followed, and little is read of the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientError
from yarl import URL

from delivery.providers.http import bounded
from delivery.providers.twilio import signature
from delivery.webhooks.post import sessions, why

#: TwiML of ten replies has room in it.
MOST_ANSWERED = 64 * 1024

_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": "SMSHub-Webhooks",
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
        self._sessions = sessions(_HEADERS)

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
            return Answer(0, why(error))

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
