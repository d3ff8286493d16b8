"""Status callbacks and inbound messages, formed, signed, posted and retried as Twilio does."""

import asyncio
import base64
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit
from uuid import uuid4

from simulator.carrier import Carrier
from simulator.ledger import Entry
from simulator.posting import Failure, Origin, Poster
from simulator.segments import count

API_VERSION = "2010-04-01"
_BACKOFF_SECONDS = 0.1
_CONDITIONS = frozenset({"4xx", "5xx", "ct", "rt", "all"})

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook URL taken apart. `url` is what is signed: without the fragment, which only carries overrides
    (rc: retries, rp: what is retried, ct and rt: connect and read timeout)."""

    url: str
    origin: Origin
    head: bytes
    retries: int = 1
    conditions: frozenset[str] = frozenset({"ct"})
    connect_timeout: float = 5.0
    read_timeout: float = 15.0


@lru_cache(maxsize=4096)
def target(address: str) -> Target:
    """ValueError for what is not an absolute http(s) URL, or carries an override out of its range."""
    url, _, fragment = address.partition("#")
    if not url.isascii() or any(character <= " " for character in url):
        raise ValueError("a webhook URL holds only printable ASCII")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a webhook URL is absolute, http or https")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    credentials, _, host = parts.netloc.rpartition("@")
    authorization = ""
    if credentials:
        authorization = f"Authorization: Basic {base64.b64encode(credentials.encode()).decode()}\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}"
        "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
    )
    origin = Origin(parts.hostname, parts.port or (443 if secure else 80), secure)
    return Target(url, origin, head.encode(), **_overrides(fragment))


def _overrides(fragment: str) -> dict[str, Any]:
    given = dict(parse_qsl(fragment))
    chosen: dict[str, Any] = {}
    if "rc" in given:
        chosen["retries"] = _within("rc", given["rc"], 0, 5)
    if "rp" in given:
        chosen["conditions"] = frozenset(given["rp"].split(","))
        if not chosen["conditions"] <= _CONDITIONS:
            raise ValueError("rp is made of 4xx, 5xx, ct, rt, all")
    if "ct" in given:
        chosen["connect_timeout"] = _within("ct", given["ct"], 100, 10_000) / 1000
    if "rt" in given:
        chosen["read_timeout"] = _within("rt", given["rt"], 100, 15_000) / 1000
    return chosen


def _within(name: str, value: str, low: int, high: int) -> int:
    if not value.isdecimal() or not low <= int(value) <= high:
        raise ValueError(f"{name} is {low}..{high}")
    return int(value)


def signature(token: str, url: str, pairs: Pairs) -> str:
    """X-Twilio-Signature of a form post: HMAC-SHA1 over the URL and the sorted names and values."""
    signed = url + "".join([name + value for name, value in sorted(set(pairs))])
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def _render(where: Target, token: str, pairs: Pairs, idempotency_token: str) -> bytes:
    body = "&".join(
        [f"{name}={value if value.isalnum() and value.isascii() else quote_plus(value)}" for name, value in pairs]
    )
    return (
        where.head
        + (
            f"X-Twilio-Signature: {signature(token, where.url, pairs)}\r\n"
            f"I-Twilio-Idempotency-Token: {idempotency_token}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
    )


class _Receipt:
    """A status callback on its way, through all its retries."""

    __slots__ = (
        "_entry",
        "_error",
        "_form",
        "_office",
        "_retries",
        "_stats",
        "_status",
        "_target",
        "_then",
        "connect_timeout",
        "read_timeout",
    )

    def __init__(
        self,
        office: "Callbacks",
        entry: Entry,
        where: Target,
        status: str,
        error: int | None,
        then: Callable[[], None] | None,
    ) -> None:
        self._office = office
        # Held, so that what was posted before a reset settles on the counts of before it.
        self._stats = office.carrier.stats
        self._stats.callbacks_pending += 1
        self._entry = entry
        self._target = where
        self._status = status
        self._error = error
        self._then = then
        self._retries = where.retries
        self._form: bytes | None = None
        self.connect_timeout = where.connect_timeout
        self.read_timeout = where.read_timeout

    def render(self) -> bytes:
        # Formed when a connection is free for it, and kept for a retry: the same bytes under the same token.
        self._stats.callbacks_sent += 1
        if self._form is None:
            self._form = self._office.form(self._entry, self._target, self._status, self._error)
        return self._form

    def answered(self, status: int, body: bytes) -> None:
        if 200 <= status < 300:
            self._settle(ok=True)
        else:
            self._trouble(f"{status // 100}xx")

    def failed(self, failure: Failure) -> None:
        self._trouble(failure)

    def _trouble(self, condition: str) -> None:
        wanted = self._target.conditions
        if self._retries == 0 or (condition not in wanted and "all" not in wanted):
            self._settle(ok=False)
            return
        tried = self._target.retries - self._retries
        self._retries -= 1
        self._stats.callbacks_retried += 1
        self._office.later(_BACKOFF_SECONDS * 2**tried, self)

    def post(self) -> None:
        self._office.poster.post(self._target.origin, self)

    def _settle(self, *, ok: bool) -> None:
        self._stats.callbacks_pending -= 1
        if ok:
            self._stats.callbacks_ok += 1
            self._entry.acknowledged = (*self._entry.acknowledged, self._status)
        else:
            self._stats.callbacks_failed += 1
        if self._then is not None:
            self._then()


class _Inbound:
    """An inbound message on its way; its answer is wanted."""

    def __init__(self, where: Target, request: bytes, answer: asyncio.Future[tuple[int, bytes]]) -> None:
        self._request = request
        self._answer = answer
        self.connect_timeout = where.connect_timeout
        self.read_timeout = where.read_timeout

    def render(self) -> bytes:
        return self._request

    def answered(self, status: int, body: bytes) -> None:
        if not self._answer.done():
            self._answer.set_result((status, body))

    def failed(self, failure: Failure) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the webhook could not be posted ({failure})"))


class Callbacks:
    """The carrier's outgoing post."""

    def __init__(self, carrier: Carrier, poster: Poster) -> None:
        self.carrier = carrier
        self.poster = poster

    def knows(self, account: str) -> bool:
        return account in self.carrier.credentials

    def where(self, address: str) -> Target:
        """ValueError for what is no webhook URL."""
        return target(address)

    def notify(self, entry: Entry, status: str, error: int | None) -> None:
        """Post the status callback of `entry`, if it asked for any. Never blocks."""
        self._send(entry, status, error, None)

    async def notify_and_wait(self, entry: Entry, status: str, error: int | None, seconds: float) -> None:
        """Post it, and return when it is settled, or when `seconds` are over."""
        if entry.callback_url is None:
            return
        settled = asyncio.Event()
        self._send(entry, status, error, settled.set)
        try:
            async with asyncio.timeout(seconds):
                await settled.wait()
        except TimeoutError:
            return

    def _send(self, entry: Entry, status: str, error: int | None, then: Callable[[], None] | None) -> None:
        if entry.callback_url is None:
            return
        _Receipt(self, entry, self.where(entry.callback_url), status, error, then).post()

    def later(self, seconds: float, receipt: _Receipt) -> None:
        self.carrier.agenda.at(self.carrier.agenda.now() + seconds, _Receipt.post, receipt)

    def form(self, entry: Entry, where: Target, status: str, error: int | None) -> bytes:
        pairs = [("AccountSid", entry.account), ("ApiVersion", API_VERSION)]
        if error is not None:
            pairs.append(("ErrorCode", str(error)))
        if entry.sender is not None:
            pairs.append(("From", entry.sender))
        pairs += [("MessageSid", entry.sid), ("MessageStatus", status)]
        if entry.service is not None:
            pairs.append(("MessagingServiceSid", entry.service))
        if status in ("delivered", "undelivered") and self.carrier.dice.receipt_is_dated():
            pairs.append(("RawDlrDoneDate", time.strftime("%y%m%d%H%M", time.gmtime(entry.updated))))
        pairs += [("SmsSid", entry.sid), ("SmsStatus", status), ("To", entry.to)]
        return _render(where, self.carrier.credentials[entry.account][0], pairs, str(uuid4()))

    async def post_inbound(
        self,
        *,
        account: str,
        url: str,
        to: str,
        sender: str,
        body: str,
        service: str | None,
        opt_out_type: str | None,
    ) -> tuple[str, int, str]:
        """Post an inbound message to `url`; returns (its sid, HTTP status, answer body).

        ValueError for a bad URL, ConnectionError when there is no answer.
        """
        where = self.where(url)
        sid = f"SM{uuid4().hex}"
        pairs = [
            ("AccountSid", account),
            ("ApiVersion", API_VERSION),
            ("Body", body),
            ("From", sender),
            ("FromCountry", "US"),
            ("MessageSid", sid),
            ("NumMedia", "0"),
            ("NumSegments", str(count(body))),
            ("SmsMessageSid", sid),
            ("SmsSid", sid),
            ("SmsStatus", "received"),
            ("To", to),
            ("ToCountry", "US"),
        ]
        if service:
            pairs.append(("MessagingServiceSid", service))
        if opt_out_type:
            pairs.append(("OptOutType", opt_out_type))
        token = self.carrier.credentials[account][0]
        return sid, *await self.post_and_hear(where, _render(where, token, sorted(pairs), str(uuid4())))

    async def post_and_hear(self, where: Target, request: bytes) -> tuple[int, str]:
        """Post once; returns (HTTP status, answer body). ConnectionError when there is no answer."""
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.carrier.stats.inbound_posted += 1
        self.poster.post(where.origin, _Inbound(where, request, answer))
        status, text = await answer
        return status, text.decode(errors="replace")
