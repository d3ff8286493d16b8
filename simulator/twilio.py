"""The carrier's HTTP face: the Messages resource of Twilio's 2010-04-01 API, and who the account is."""

import asyncio
import base64
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from itertools import count
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from simulator.callbacks import API_VERSION, Callbacks
from simulator.carrier import ALL_RECEIPTS, NO_RECEIPTS, Carrier
from simulator.faults import Fate
from simulator.ledger import Entry
from simulator.segments import count as count_segments
from simulator.twilio_rules import Create, RefusalError, check_create, form_fields

PREFIX = f"/{API_VERSION}/Accounts/"

_EARLY_SECONDS = 1.0
_PRICE = 0.0075
_ACCOUNTS_SINCE = 1_262_304_000
_PAGE_SIZE, _LARGEST_PAGE = 50, 1000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A standard one: it may do all but look at accounts and keys (https://www.twilio.com/docs/iam/api-keys)."""

    account: str
    sid: str
    secret: str


class TwilioFace:
    def __init__(self, carrier: Carrier, callbacks: Callbacks, keys: Sequence[ApiKey] = ()) -> None:
        self._carrier = carrier
        self._callbacks = callbacks
        self._accounts = {
            _basic(account, token): account for account, tokens in carrier.credentials.items() for token in tokens
        }
        self._keys = {_basic(key.sid, key.secret): key.account for key in keys}
        self._in_flight: Counter[str] = Counter()
        # Unique among all runs, so that a restarted carrier never repeats a sid of the one before.
        self._sid_start = os.urandom(8).hex()
        self._sids = count(1)

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer a request whose path starts with PREFIX."""
        began = time.perf_counter()
        stats = self._carrier.stats
        stats.requests += 1
        stats.in_flight += 1
        try:
            response = await self._answer(request, path)
        except RefusalError as refusal:
            response = _refusal(refusal)
        finally:
            # The counts may have been reset meanwhile; in flight is carried over.
            self._carrier.stats.in_flight -= 1
        headers = response.headers
        headers["Twilio-Request-Id"] = f"RQ{os.urandom(16).hex()}"
        headers["Twilio-Concurrent-Requests"] = str(stats.in_flight + 1)
        headers["Twilio-Request-Duration"] = f"{time.perf_counter() - began:.3f}"
        return response

    async def _answer(self, request: web.BaseRequest, path: str) -> web.Response:
        authorization = request.headers.get("Authorization", "")
        account = self._accounts.get(authorization) or self._keys.get(authorization)
        if self._carrier.dice.outage(account):
            raise RefusalError(20503)
        named, _, resource = path[len(PREFIX) :].partition("/")
        if account is None or named.removesuffix(".json") != account:
            raise RefusalError(20003)
        method = request.method
        if resource == "Messages.json":
            if method == "POST":
                return await self._guarded_create(request, account)
            await self._take_time()
            if method == "GET":
                return _json(self._list(request, account, path))
        elif resource.startswith("Messages/") and resource.endswith(".json"):
            await self._take_time()
            entry = self._carrier.ledger.get(resource[len("Messages/") : -len(".json")])
            if entry is None or entry.account != account or entry.deleted:
                raise RefusalError(20404, f"The requested resource {path} was not found")
            if method == "GET":
                return _json(_resource(entry))
            if method == "POST":
                return await self._update(request, entry)
            if method == "DELETE":
                entry.deleted = True
                return web.Response(status=204)
        elif not resource and method == "GET":
            await self._take_time()
            if authorization in self._keys:
                raise RefusalError(20003)
            return _json(_account(account, self._carrier.dice.state(account)))
        else:
            raise RefusalError(20404, f"The requested resource {path} was not found")
        raise RefusalError(20004)

    async def _take_time(self) -> None:
        latency = self._carrier.dice.latency()
        if latency:
            await asyncio.sleep(latency)

    async def _guarded_create(self, request: web.BaseRequest, account: str) -> web.Response:
        carrier = self._carrier
        carrier.ledger.creates_seen += 1
        limit = carrier.dice.faults.max_in_flight
        if limit and self._in_flight[account] >= limit:
            carrier.stats.creates["over_limit"] += 1
            raise RefusalError(20429)
        self._in_flight[account] += 1
        try:
            return await self._create(request, account)
        except RefusalError as refusal:
            carrier.stats.creates[f"refused_{refusal.code}"] += 1
            raise
        finally:
            self._in_flight[account] -= 1

    async def _create(self, request: web.BaseRequest, account: str) -> web.Response:
        carrier, dice = self._carrier, self._carrier.dice
        fate = dice.fate(account)
        fields = form_fields(await request.read())
        if dice.state(account) != "active":
            raise RefusalError(10001)
        if fate is Fate.THROTTLE:
            raise RefusalError(20429)
        await self._take_time()
        if fate is Fate.ERROR_BEFORE:
            raise RefusalError(20500)
        if fate is Fate.DROP_BEFORE:
            carrier.stats.creates[fate] += 1
            return _hang_up(request)
        wanted = check_create(fields, carrier.senders, dice.faults.schedule_lead_seconds)
        rejection = dice.rejection(account)
        if rejection is not None:
            raise RefusalError(rejection)

        entry = self._accept(account, wanted)
        carrier.stats.creates[fate] += 1
        answer = _resource(entry)
        if wanted.send_at is not None:
            wait = wanted.send_at - time.time()
            carrier.agenda.at(carrier.agenda.now() + wait, self._begin_scheduled, entry)
        elif (early := self._begin(entry)) is not None:
            await self._callbacks.notify_and_wait(entry, *early, seconds=_EARLY_SECONDS)

        if fate is Fate.DROP_AFTER:
            return _hang_up(request)
        if fate is Fate.ERROR_AFTER:
            return _refusal(RefusalError(20500))
        if fate is Fate.GARBAGE:
            return web.Response(status=201, body=b"<html><body>It works!</body></html>", content_type="text/html")
        if fate is Fate.LATE:
            await carrier.pause(dice.faults.late_seconds)
        return _json(answer, 201)

    def _accept(self, account: str, wanted: Create) -> Entry:
        unscheduled = "accepted" if wanted.service else "queued"
        return self._carrier.ledger.accept(
            sid=f"{'MM' if wanted.media else 'SM'}{self._sid_start}{next(self._sids):016x}",
            account=account,
            to=wanted.to,
            sender=wanted.sender,
            body=wanted.body,
            segments=count_segments(wanted.body),
            status=unscheduled if wanted.send_at is None else "scheduled",
            callback_url=wanted.callback_url,
            service=wanted.service,
            media=wanted.media,
            validity=wanted.validity,
        )

    def _begin(self, entry: Entry) -> tuple[str, int | None] | None:
        receipts = ALL_RECEIPTS if entry.callback_url else NO_RECEIPTS
        return self._carrier.begin(entry, self._callbacks.notify, receipts)

    def _begin_scheduled(self, entry: Entry) -> None:
        if entry.status == "scheduled" and not entry.deleted:
            early = self._begin(entry)
            if early is not None:
                self._callbacks.notify(entry, *early)

    async def _update(self, request: web.BaseRequest, entry: Entry) -> web.Response:
        form = dict(form_fields(await request.read()))
        if "Status" in form:
            if form["Status"] != "canceled":
                raise RefusalError(20001, "Status can only be set to canceled")
            if entry.status != "scheduled":
                raise RefusalError(30409)
            self._carrier.ledger.move(entry, "canceled")
            if entry.callback_url:
                self._carrier.announce(entry, self._callbacks.notify, "canceled")
        elif form.get("Body") == "":
            entry.redacted = True
        else:
            raise RefusalError(20001, "A message can only be redacted with an empty Body, or canceled")
        return _json(_resource(entry))

    def _list(self, request: web.BaseRequest, account: str, path: str) -> dict[str, Any]:
        query = dict(request.query)
        size = min(_number(query, "PageSize", _PAGE_SIZE) or _PAGE_SIZE, _LARGEST_PAGE)
        page = _number(query, "Page", 0)
        first, last = _sent_window(query)
        direction, mark = self._page_mark(query.get("PageToken", ""))
        ledger, to, sender = self._carrier.ledger, query.get("To") or None, query.get("From") or None
        unlisted = self._carrier.dice.faults.listing_delay_ms

        def chosen(limit: int, *, below: int | None = None, above: int | None = None) -> list[Entry]:
            return ledger.select(
                account,
                to=to,
                sender=sender,
                sent_from=first,
                sent_until=last,
                limit=limit,
                below=below,
                above=above,
                unlisted_ms=unlisted,
            )

        if direction == "PB":
            entries = chosen(size, above=mark)
            more = True
        else:
            entries = chosen(size + 1, below=mark)
            if mark is None and page:
                entries = chosen((page + 1) * size + 1)[page * size :]
            more = len(entries) > size
            entries = entries[:size]

        filters = {name: value for name, value in query.items() if name not in ("Page", "PageToken", "PageSize")}

        def uri(number: int, token: str | None) -> str:
            where = {"PageSize": size, "Page": number, **({"PageToken": token} if token else {})}
            return f"{path}?{urlencode({**filters, **where})}"

        return {
            "messages": [_resource(entry) for entry in entries],
            "first_page_uri": uri(0, None),
            "next_page_uri": uri(page + 1, f"PA{entries[-1].sid}") if more and entries else None,
            "previous_page_uri": uri(page - 1, f"PB{entries[0].sid}") if page and entries else None,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(entries) - 1, 0),
            "uri": uri(page, query.get("PageToken")),
        }

    def _page_mark(self, token: str) -> tuple[str, int | None]:
        if not token:
            return "", None
        entry = self._carrier.ledger.get(token[2:])
        if token[:2] not in ("PA", "PB") or entry is None:
            raise RefusalError(20001, "PageToken is not one that was given out")
        return token[:2], entry.index


def _number(query: dict[str, str], name: str, default: int) -> int:
    given = query.get(name, "")
    if not given:
        return default
    if not given.isdecimal() or len(given) > 9:
        raise RefusalError(20001, f"{name} must be a whole number")
    return int(given)


def _sent_window(query: dict[str, str]) -> tuple[int | None, int | None]:
    """The first and last second asked for. `DateSent` is the GMT day of the time given; both bounds are
    inclusive, and a bare date stands for its midnight."""
    first = last = None
    if day := query.get("DateSent"):
        midnight = _moment(day).replace(hour=0, minute=0, second=0, microsecond=0)
        first = int(midnight.timestamp())
        last = int((midnight + timedelta(days=1)).timestamp()) - 1
    if after := query.get("DateSent>"):
        first = max(first or 0, int(_moment(after).timestamp()))
    if before := query.get("DateSent<"):
        bound = int(_moment(before).timestamp())
        last = bound if last is None else min(last, bound)
    return first, last


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RefusalError(20001, "DateSent must be YYYY-MM-DD or an ISO 8601 time") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _resource(entry: Entry) -> dict[str, Any]:
    uri = f"{PREFIX}{entry.account}/Messages/{entry.sid}"
    sent = entry.sent_at is not None
    unsent_by_service = entry.service is not None and not sent
    return {
        "account_sid": entry.account,
        "api_version": API_VERSION,
        "body": "" if entry.redacted else entry.body,
        "date_created": _rfc2822(int(entry.created)),
        "date_sent": _rfc2822(int(entry.sent_at)) if entry.sent_at is not None else None,
        "date_updated": _rfc2822(int(entry.updated)),
        "direction": "outbound-api",
        "error_code": entry.error,
        "error_message": None,
        "from": entry.sender,
        "messaging_service_sid": entry.service,
        "num_media": str(entry.media),
        "num_segments": "0" if unsent_by_service else str(entry.segments),
        "price": f"-{_PRICE * entry.segments:.5f}" if sent else None,
        "price_unit": "USD",
        "sid": entry.sid,
        "status": entry.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "tags": None,
        "to": entry.to,
        "uri": f"{uri}.json",
    }


def _account(account: str, state: str) -> dict[str, Any]:
    made = _rfc2822(_ACCOUNTS_SINCE)
    return {
        "sid": account,
        "owner_account_sid": account,
        "friendly_name": "Simulated account",
        "status": state,
        "type": "Full",
        "date_created": made,
        "date_updated": made,
        "uri": f"{PREFIX}{account}.json",
        "subresource_uris": {"messages": f"{PREFIX}{account}/Messages.json"},
    }


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@lru_cache(maxsize=4096)
def _rfc2822(second: int) -> str:
    # A numeric zone, as Twilio writes it: "Thu, 24 Aug 2023 05:01:45 +0000".
    return format_datetime(datetime.fromtimestamp(second, UTC))


def _json(content: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(content).encode(), content_type="application/json")


def _refusal(refusal: RefusalError) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{refusal.code}"
    return _json(
        {"code": refusal.code, "message": refusal.message, "more_info": more, "status": refusal.status},
        refusal.status,
    )


def _hang_up(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
