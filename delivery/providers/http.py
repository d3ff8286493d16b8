"""What adapters over HTTP share: a pool of kept-alive connections, and the line between what never left and what
may have arrived.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from django.utils.translation import gettext as _

from delivery.errors import Failure
from delivery.providers.base import BadConfiguration, OutboundMessage, Outcome, ProviderConfig, SendOutcome
from delivery.providers.egress import is_public, socket_factory

# Nobody there, or no way there: not worth trying at once.
_RETRY_CONNECT = 5.0
_LONGEST_WAIT = 3600.0


def session(config: ProviderConfig, *, base_url: str, headers: Mapping[str, str]) -> ClientSession:
    """A pool of `config.max_in_flight` connections to where the operator lets adapters connect."""
    return ClientSession(
        connector=TCPConnector(
            limit=max(1, config.max_in_flight),
            ttl_dns_cache=60,
            socket_factory=socket_factory(public=base_url.startswith("https://"), private=config.private_addresses),
        ),
        # The wait for a free connection and the connecting end well before the whole does. So a time-out
        # of the whole is one after the request may have left, and this one never is.
        timeout=ClientTimeout(total=config.timeout, connect=config.timeout / 2),
        headers={"Accept": "application/json", "User-Agent": "SMSHub", **headers},
        cookie_jar=DummyCookieJar(),
    )


async def bounded(response: ClientResponse, limit: int) -> bytes:
    """The body of an answer. Raises ValueError when it is larger than `limit` bytes."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            raise ValueError("The answer is too large")
        parts.append(part)
    return b"".join(parts)


def failed(message: OutboundMessage, error: Exception) -> SendOutcome:
    """What an exception out of a request means: no connection was made, or the request may have left."""
    if isinstance(error, ClientConnectorError | ConnectionTimeoutError | InvalidURL):
        return SendOutcome(
            message.id,
            message.attempt,
            Outcome.THROTTLED,
            failure=Failure.CARRIER,
            detail=f"No connection ({type(error).__name__})",
            retry_after=_RETRY_CONNECT,
        )
    if isinstance(error, TimeoutError):
        return uncertain(message, "No answer in time")
    return uncertain(message, f"The connection failed ({type(error).__name__})")


def uncertain(message: OutboundMessage, detail: str) -> SendOutcome:
    return SendOutcome(message.id, message.attempt, Outcome.UNCERTAIN, detail=detail)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; an empty one for anything else."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def retry_after_seconds(header: str) -> float:
    """RFC 9110 §10.2.3: seconds or a date. An hour at most; 0 for what is neither."""
    if header.isascii() and header.isdecimal():
        seconds = float(header)
    else:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def check_base_url(
    url: str, *, usual: str, private_addresses: bool, setting: str = "ALLOW_PRIVATE_PROVIDER_URLS"
) -> None:
    """Credentials travel in every request: in clear only within the operator's own network.

    `setting` is what would allow private addresses. Raises BadConfiguration.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadConfiguration(_("Address: it is not a URL; the usual one is %(usual)s.") % {"usual": usual}) from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise BadConfiguration(
            _("Address: it must be a full https:// URL; the usual one is %(usual)s.") % {"usual": usual}
        )
    if parts.username or parts.password or parts.query or parts.fragment or not url.isascii():
        raise BadConfiguration(_("Address: only https://host, a port and a path; no user, query or fragment."))
    name = host.rstrip(".")
    try:
        private, literal = not is_public(name), True
    except ValueError:
        private, literal = name == "localhost" or name.endswith(".localhost"), False
    if not literal and name.rpartition(".")[2][:1].isdigit():
        raise BadConfiguration(_("Address: its host is neither a name nor a whole IP address."))
    if (private or parts.scheme == "http") and not private_addresses:
        raise BadConfiguration(
            _("Address: it must be https:// on a public host, unless the operator has set %(setting)s.")
            % {"setting": setting}
        )
    if parts.scheme == "http" and literal and not private:
        raise BadConfiguration(_("Address: http:// would send the credentials in clear; use https://."))
