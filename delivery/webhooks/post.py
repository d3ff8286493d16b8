"""One event to one address: a bounded request to where the operator lets it go, and what was answered.

The address is somebody's word. So where it leads is looked at when it is connected to (`delivery.providers.egress`),
redirects are not followed, and of an answer no more is read than its head: a status of 2xx means that it was taken.
"""

import json
import ssl
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from delivery.providers.egress import socket_factory
from delivery.providers.http import retry_after_seconds
from delivery.webhooks import signing
from delivery.webhooks.turns import GONE, Due, Result

#: The specification recommends 15 to 30 seconds.
TIMEOUT_SECONDS = 15.0
CONNECT_SECONDS = 5.0
#: A small answer is read, so that the connection can be used again; with a larger one it is closed.
SMALL_ANSWER = 4096

HEADERS = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "SMSHub-Webhooks"}


def sessions(headers: Mapping[str, str], resolver: AbstractResolver | None = None) -> dict[str, ClientSession]:
    """Connections to others' systems, by scheme, kept alive. Make them on the event loop that they are used on.

    `resolver`: who looks names up; None: the system.
    """
    return {
        # In clear only within the operator's own network.
        scheme: ClientSession(
            connector=TCPConnector(
                limit=0,  # whoever calls keeps the bounds, of each endpoint by itself
                use_dns_cache=False,
                resolver=resolver,
                socket_factory=socket_factory(public=scheme == "https", private=settings.ALLOW_PRIVATE_WEBHOOK_URLS),
            ),
            timeout=ClientTimeout(total=TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
            headers=headers,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
        )
        for scheme in ("https", "http")
    }


class Postman:
    """The connections of one process, kept alive. Make it on the event loop that it is used on."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._sessions = sessions(HEADERS, resolver)

    async def post(self, url: str, due: Due, keys: Sequence[str]) -> Result:
        """Send it. Raises nothing: whatever goes wrong is what came of it."""
        body = content(due)
        began = time.monotonic()
        code, error, asked = await self._post(url, body, signing.headers(due.event_id, due.now, body, keys))
        return Result(due, code, error, int((time.monotonic() - began) * 1000), asked)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str, float]:
        session = self._sessions.get(urlsplit(url).scheme)
        if session is None:
            return None, _("The address is neither https:// nor http://."), 0.0
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                await _read_if_small(response)
                return response.status, in_words(response.status), _asked(response)
        except (ClientError, OSError, ValueError) as error:
            return None, why(error), 0.0

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


def content(due: Due) -> bytes:
    """The body, by the specification: what happened, when, and about what."""
    event = {"type": due.type, "timestamp": due.at, "data": due.data}
    return json.dumps(event, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()


def in_words(code: int) -> str:
    """What is wrong with an answer; empty: nothing."""
    if 200 <= code < 300:
        return ""
    if 300 <= code < 400:
        return _("Answered %(code)s: redirects are not followed.") % {"code": code}
    return _("Answered 410: it wants no more.") if code == GONE else _("Answered %(code)s.") % {"code": code}


async def _read_if_small(response: ClientResponse) -> None:
    """What is left unread has the connection closed. The status stands whatever becomes of the rest."""
    length = response.content_length
    if length is not None and length <= SMALL_ANSWER:
        try:
            await response.read()
        except (ClientError, OSError):
            response.close()
    else:
        response.close()


def _asked(response: ClientResponse) -> float:
    return retry_after_seconds(response.headers.get("Retry-After", "")) if response.status in (429, 503) else 0.0


def why(error: Exception) -> str:
    """In words, and without anything that the error quotes."""
    match error:
        case ClientConnectorCertificateError() | ssl.SSLError():
            return _("Its certificate is not valid.")
        case ClientConnectorDNSError():
            return _("Its host is not known.")
        case ClientConnectorError() if isinstance(error.os_error, PermissionError):
            return _("Its address may not be connected to: it is not a public one.")
        case ConnectionTimeoutError():
            return _("No connection within %(seconds)s seconds.") % {"seconds": f"{CONNECT_SECONDS:.0f}"}
        case ClientConnectorError():
            return _("No connection.")
        case InvalidURL():
            return _("The address is not a URL.")
        case TimeoutError():
            return _("No answer within %(seconds)s seconds.") % {"seconds": f"{TIMEOUT_SECONDS:.0f}"}
    return _("The connection failed (%(kind)s).") % {"kind": type(error).__name__}
