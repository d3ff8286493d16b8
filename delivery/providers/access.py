"""What providers share in trying the credentials of an account: one GET, and the words for what comes of it.

Nothing that the other side writes is repeated: at a wrong address anybody may be there.
"""

import ssl
from collections.abc import Callable, Mapping
from socket import gaierror
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ConnectionTimeoutError
from django.utils.translation import gettext as _
from yarl import URL

from delivery.providers import http
from delivery.providers.base import Access, ProviderConfig, Tried

_LARGEST_ANSWER = 256 * 1024

Reader = Callable[[int, Mapping[str, Any]], Tried | None]
"""What an answer of this status and this JSON object means; None: it is none of the provider's."""


async def get(
    config: ProviderConfig,
    url: URL,
    *,
    label: str,
    authorization: str,
    read: Reader,
) -> Tried:
    """What came of it, in words. `label` is what people call the provider."""
    try:
        async with (
            http.session(config, base_url=str(url), headers={"Authorization": authorization}) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            status, answer = response.status, http.json_object(await http.bounded(response, _LARGEST_ANSWER))
    except (ClientError, OSError) as error:  # a certificate that is not valid is a ValueError as well
        return no_way(error)
    except ValueError:
        return stranger(label)
    if found := read(status, answer):
        return found
    return busy(label) if status == 429 or status >= 500 else stranger(label)


def granted(label: str) -> Tried:
    return Tried(Access.GRANTED, _("%(provider)s accepts the credentials.") % {"provider": label})


def refused(label: str, fields: str) -> Tried:
    """`fields`: what to look at, as the form calls it, in the reader's language."""
    return Tried(
        Access.REFUSED,
        _("%(provider)s does not accept the credentials: look at %(fields)s.") % {"provider": label, "fields": fields},
    )


def busy(label: str) -> Tried:
    return Tried(
        Access.BUSY,
        _("%(provider)s is too busy to answer, or in trouble: nothing is known of the credentials. Try again later.")
        % {"provider": label},
    )


def stranger(label: str) -> Tried:
    return Tried(
        Access.UNREACHABLE,
        _("Somebody answers at this address, and not as %(provider)s does: look at the address.") % {"provider": label},
    )


def no_way(error: Exception) -> Tried:
    """No connection, or one that ended without an answer."""
    if isinstance(error, ConnectionTimeoutError):
        return Tried(Access.TIMED_OUT, _("No connection was made in time: look at the address, and at firewalls."))
    if isinstance(error, TimeoutError):
        return Tried(Access.TIMED_OUT, _("No answer came in time: nothing is known of the credentials. Try again."))
    return Tried(Access.UNREACHABLE, _why(error))


def _why(error: Exception) -> str:
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _("Its TLS certificate is not valid for this address: look at the address.")
    if isinstance(cause, ssl.SSLError):
        return _("No TLS connection could be made: look at the address and its port.")
    if isinstance(cause, PermissionError):
        return _(
            "The address leads into a private network, which is not allowed unless the operator has set "
            "ALLOW_PRIVATE_PROVIDER_URLS."
        )
    if isinstance(cause, gaierror):
        return _("There is no host of this name: look at the address.")
    if isinstance(cause, ConnectionRefusedError):
        return _("Nobody listens at this address: look at the address and its port, and at firewalls.")
    return _("The connection broke off without an answer: look at the address, and at firewalls.")
