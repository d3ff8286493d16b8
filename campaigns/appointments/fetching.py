"""Fetching calendars over HTTP from addresses that people typed in: bounded, conditional, and only where it may go.

Each address, also one that a redirect leads to, is https:// on a public host, or wherever the operator allows; the
socket is looked at once more when it is opened (`delivery.providers.egress`). Credentials go to the host that they were
given for and to no other. What is said of a failure is a sentence without the address.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    encode_basic_auth,
)
from django.utils.translation import gettext, gettext_lazy
from yarl import URL

from contacts.wording import figure
from delivery.providers.base import BadConfiguration
from delivery.providers.egress import socket_factory
from delivery.providers.http import bounded, check_base_url, retry_after_seconds

#: Of one calendar. Ten thousand events, which is all that is read of one, have about five.
MAX_BYTES = 10 * 1024 * 1024
#: Of all of it: name, connection, redirects, body.
SECONDS = 30.0
MOST_REDIRECTS = 3
MAX_ADDRESS = 2_000

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_ETAG, _MAX_DATE = 500, 100
_SENTENCES = {
    401: gettext_lazy("It answered 401: it wants other credentials."),
    403: gettext_lazy("It answered 403: it does not let the hub in."),
    404: gettext_lazy("It answered 404: there is no such calendar."),
    410: gettext_lazy("It answered 410: the calendar is gone."),
    429: gettext_lazy("It answered 429: it is asked too often."),
}


class UnusableAddress(ValueError):
    """The address cannot be fetched from; the text says why."""


class CannotFetch(Exception):
    """Nothing came of it; the text is a sentence. `retry_after`: when the other side wants to be asked again."""

    def __init__(self, message: str, retry_after: timedelta = timedelta(0)) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Wanted:
    """A calendar, and what is known of it: it is only sent if it is another by now."""

    url: str
    authorization: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`data` is None if the calendar is the one that is known."""

    data: bytes | None
    etag: str = ""
    last_modified: str = ""


def address(text: str, *, private: bool) -> URL:
    """The address as it is fetched. `private`: the operator allows private hosts. Raises UnusableAddress."""
    try:
        url = URL(text.strip())
        if url.scheme in ("webcal", "webcals"):
            url = url.with_scheme("https")
        plain = url.with_user(None).with_query(None).with_fragment(None)
    except ValueError:
        raise UnusableAddress(
            gettext("This is not an address; write it as https://calendar.example.org/clinic.ics.")
        ) from None
    if len(text) > MAX_ADDRESS:
        raise UnusableAddress(gettext("The address has more than %(most)s characters.") % {"most": figure(MAX_ADDRESS)})
    try:
        check_base_url(str(plain), usual="https://calendar.example.org/clinic.ics", private_addresses=private)
    except BadConfiguration as problem:
        raise UnusableAddress(str(problem)) from None
    return url.with_fragment(None)


async def fetch_all(wanted: Mapping[int, Wanted], *, private: bool) -> dict[int, Fetched | CannotFetch]:
    """All of them at once, each with what came of it."""

    async def one(calendar: Wanted) -> Fetched | CannotFetch:
        try:
            return await fetch(calendar, private=private)
        except CannotFetch as problem:
            return problem

    found = await asyncio.gather(*(one(calendar) for calendar in wanted.values()))
    return dict(zip(wanted, found, strict=True))


async def fetch(wanted: Wanted, *, private: bool) -> Fetched:
    """Raises CannotFetch."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _follow(wanted, private)
    except TimeoutError:
        raise CannotFetch(
            gettext("It did not answer within %(seconds)s seconds.") % {"seconds": f"{SECONDS:g}"}
        ) from None
    except ClientConnectorError:
        raise CannotFetch(
            gettext("No connection: there is no such host, nobody answers, or it may not be asked.")
        ) from None
    except (ClientError, OSError):
        raise CannotFetch(gettext("The connection broke off.")) from None


async def _follow(wanted: Wanted, private: bool) -> Fetched:
    try:
        url = start = address(wanted.url, private=private)
        for _ in range(MOST_REDIRECTS + 1):
            answer = await _ask(url, _headers(wanted, start, url), private)
            if isinstance(answer, Fetched):
                return answer
            url = address(str(url.join(answer)), private=private)
    except UnusableAddress as problem:
        raise CannotFetch(str(problem)) from None
    raise CannotFetch(gettext("It led to another address more than %(most)s times.") % {"most": MOST_REDIRECTS})


async def _ask(url: URL, headers: Mapping[str, str], private: bool) -> Fetched | URL:
    """The calendar, or where it is said to be."""
    connector = TCPConnector(
        limit=1, force_close=True, socket_factory=socket_factory(public=url.scheme == "https", private=private)
    )
    # What is packed could be a thousand times as large when it is unpacked, so none of it is asked for.
    async with (
        ClientSession(
            connector=connector,
            timeout=ClientTimeout(total=SECONDS),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers={"Accept-Encoding"},
        ) as session,
        session.get(url.with_user(None), headers=headers, allow_redirects=False) as answer,
    ):
        if answer.status in _REDIRECTS and (place := answer.headers.get("Location")):
            return _place(place)
        return await _fetched(answer, conditional=bool({"If-None-Match", "If-Modified-Since"} & headers.keys()))


def _place(text: str) -> URL:
    try:
        return URL(text)
    except ValueError:
        raise CannotFetch(gettext("It led to what is no address.")) from None


async def _fetched(answer: ClientResponse, *, conditional: bool) -> Fetched:
    if answer.status == 304 and conditional:
        return Fetched(None)
    if answer.status != 200:
        known = _SENTENCES.get(answer.status)
        sentence = str(known) if known else gettext("It answered %(status)s.") % {"status": answer.status}
        later = timedelta(seconds=retry_after_seconds(answer.headers.get("Retry-After", "")))
        raise CannotFetch(sentence, later)
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise CannotFetch(gettext("It answered in a packed form, which was not asked for."))
    try:
        data = await bounded(answer, MAX_BYTES)
    except ValueError:
        raise CannotFetch(gettext("The calendar has more than %(most)s MB.") % {"most": MAX_BYTES // 1024**2}) from None
    etag, date = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    return Fetched(data, _kept(etag, _MAX_ETAG), _kept(date, _MAX_DATE))


def _kept(header: str, most: int) -> str:
    return header if len(header) <= most and header.isascii() and header.isprintable() else ""


def _headers(wanted: Wanted, start: URL, url: URL) -> dict[str, str]:
    headers = {"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "identity", "User-Agent": "SMSHub"}
    if wanted.etag:
        headers["If-None-Match"] = wanted.etag
    if wanted.last_modified:
        headers["If-Modified-Since"] = wanted.last_modified
    if url.origin() == start.origin():
        if start.user is not None:
            headers["Authorization"] = encode_basic_auth(start.user, start.password or "", encoding="utf-8")
        elif wanted.authorization:
            headers["Authorization"] = wanted.authorization
    return headers
