"""The carrier's other HTTP face: SMS through Vonage's Messages API, version 1, and the balance of its Account API.

https://developer.vonage.com/en/api/messages, https://developer.vonage.com/en/api/account. Which HTTP status goes with
which error code is nowhere written: here throttling is 429, want of credit 402, a barred account 403, and what is wrong
with the message 422.
"""

import asyncio
import base64
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiohttp import web

from simulator.carrier import NO_RECEIPTS, Carrier
from simulator.faults import Fate
from simulator.ledger import Entry
from simulator.segments import count as count_segments
from simulator.vonage_callbacks import ERRORS, Account, VonageCallbacks, webhook

PREFIX = "/v1/messages"
BALANCE = "/account/get-balance"

_RECEIPTS = frozenset({"sent", "final"})
_STATUS_OF_CODE = {1000: 429, 1030: 500, 1060: 403, 1070: 402, 1080: 403}
_EARLY_SECONDS = 1.0
_LONGEST_TEXT = 1000
_LONGEST_REFERENCE = 100
_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
_SENDER = re.compile(r"[0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class ProblemError(Exception):
    """The request is answered with this problem document (RFC 7807)."""

    def __init__(self, status: int, code: str | int, title: str, parameter: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.parameter = parameter

    def document(self) -> dict[str, Any]:
        kind = f"{ERRORS}/messages#{self.code}" if isinstance(self.code, int) else f"{ERRORS}#{self.code}"
        blamed = {"invalid_parameters": [{"name": self.parameter, "reason": self.title}]} if self.parameter else {}
        return {"type": kind, "title": self.title, "detail": self.title, "instance": uuid4().hex, **blamed}


@dataclass(frozen=True, slots=True)
class Create:
    """A create that is in order. Numbers have their plus here."""

    to: str
    sender: str
    text: str
    client_ref: str
    webhook_url: str
    ttl: float | None


class VonageFace:
    def __init__(self, carrier: Carrier, callbacks: VonageCallbacks) -> None:
        self._carrier = carrier
        self._callbacks = callbacks
        self._accounts = {
            "Basic " + base64.b64encode(f"{account.key}:{account.secret}".encode()).decode(): account
            for account in callbacks.accounts.values()
        }
        self._in_flight: Counter[str] = Counter()

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer a request whose path starts with PREFIX, or is BALANCE."""
        stats = self._carrier.stats
        stats.requests += 1
        stats.in_flight += 1
        try:
            return await self._answer(request, path)
        except ProblemError as problem:
            return _json(problem.document(), problem.status)
        finally:
            # The counts may have been reset meanwhile; in flight is carried over.
            self._carrier.stats.in_flight -= 1

    async def _answer(self, request: web.BaseRequest, path: str) -> web.Response:
        account = self._accounts.get(request.headers.get("Authorization", ""))
        if self._carrier.dice.outage(account.key if account else None):
            raise ProblemError(503, 1030, "Service unavailable")
        if path == BALANCE:
            return await self._balance(account)
        if account is None:
            raise ProblemError(401, "unauthorized", "You did not provide correct credentials")
        if path != PREFIX:
            raise ProblemError(404, "not-found", "There is no such resource")
        if request.method != "POST":
            raise ProblemError(405, "method-not-allowed", "Messages are POSTed")
        carrier = self._carrier
        carrier.ledger.creates_seen += 1
        limit = carrier.dice.faults.max_in_flight
        if limit and self._in_flight[account.key] >= limit:
            carrier.stats.creates["over_limit"] += 1
            raise ProblemError(429, 1000, "Throttled")
        self._in_flight[account.key] += 1
        try:
            return await self._create(request, account)
        except ProblemError as problem:
            carrier.stats.creates[f"refused_{problem.code}"] += 1
            raise
        finally:
            self._in_flight[account.key] -= 1

    async def _balance(self, account: Account | None) -> web.Response:
        """The Account API is older than problem documents. What it says of barred accounts no page tells."""
        dice = self._carrier.dice
        if latency := dice.latency():
            await asyncio.sleep(latency)
        if account is None:
            return _json({"error-code": "401", "error-code-label": "authentication failed"}, 401)
        if dice.state(account.key) != "active":
            raise ProblemError(403, "account-suspended", "This account has been suspended")
        return _json({"value": dice.faults.credit, "autoReload": False}, 200)

    async def _create(self, request: web.BaseRequest, account: Account) -> web.Response:
        carrier, dice = self._carrier, self._carrier.dice
        fate = dice.fate(account.key)
        raw = await request.read()
        if dice.state(account.key) != "active":
            raise ProblemError(403, 1060, "The account is barred")
        if fate is Fate.THROTTLE:
            raise ProblemError(429, 1000, "Throttled")
        if latency := dice.latency():
            await asyncio.sleep(latency)
        if fate is Fate.ERROR_BEFORE:
            raise ProblemError(500, 1030, "Internal error")
        if fate is Fate.DROP_BEFORE:
            carrier.stats.creates[fate] += 1
            return _hang_up(request)
        wanted = check_create(raw)
        if (code := dice.rejection(account.key)) is not None:
            raise ProblemError(_STATUS_OF_CODE.get(code, 422), code, "The message was refused")
        if carrier.senders and wanted.sender not in carrier.senders:
            raise ProblemError(422, 1120, "Illegal Sender Address - rejected")

        entry = self._accept(account, wanted)
        carrier.stats.creates[fate] += 1
        receipts = _RECEIPTS if entry.callback_url else NO_RECEIPTS
        if (early := carrier.begin(entry, self._callbacks.notify, receipts)) is not None:
            await self._callbacks.notify_and_wait(entry, *early, seconds=_EARLY_SECONDS)

        if fate is Fate.DROP_AFTER:
            return _hang_up(request)
        if fate is Fate.ERROR_AFTER:
            raise ProblemError(500, 1030, "Internal error")
        if fate is Fate.GARBAGE:
            return web.Response(status=202, body=b"<html><body>It works!</body></html>", content_type="text/html")
        if fate is Fate.LATE:
            await carrier.pause(dice.faults.late_seconds)
        return _json({"message_uuid": entry.sid}, 202)

    def _accept(self, account: Account, wanted: Create) -> Entry:
        return self._carrier.ledger.accept(
            sid=str(uuid4()),
            account=account.key,
            to=wanted.to,
            sender=wanted.sender,
            body=wanted.text,
            segments=count_segments(wanted.text),
            status="queued",
            callback_url=wanted.webhook_url or account.status_url or None,
            reference=wanted.client_ref or None,
            validity=wanted.ttl,
        )


def check_create(raw: bytes) -> Create:
    """ProblemError for what Vonage would not take."""
    try:
        given = json.loads(raw)
    except ValueError:
        raise ProblemError(400, "invalid-json", "The request body did not contain valid JSON") from None
    if not isinstance(given, dict):
        raise ProblemError(400, "invalid-json", "The request body must be a JSON object")

    def text(name: str, *, required: bool = False, longest: int = 2000) -> str:
        value = given.get(name, "")
        if not isinstance(value, str) or len(value) > longest or (required and not value):
            raise ProblemError(422, 1020, f"Invalid {name}", name)
        return value

    if text("message_type") != "text" or text("channel") != "sms":
        raise ProblemError(422, 1020, "Only texts over SMS are taken here", "message_type")
    to, sender = text("to", required=True), text("from", required=True)
    if not _NUMBER.fullmatch(to):
        raise ProblemError(422, 1020, "E.164 without a leading +", "to")
    if not _SENDER.fullmatch(sender):
        raise ProblemError(422, 1020, "A number without a leading +, or a name", "from")
    webhook_url, ttl = text("webhook_url"), given.get("ttl")
    if webhook_url:
        try:
            webhook(webhook_url)
        except ValueError:
            raise ProblemError(422, 1020, "Not a URL", "webhook_url") from None
    if ttl is not None and (type(ttl) is not int or not 20 <= ttl <= 604_800):
        raise ProblemError(422, 1130, "Invalid TTL", "ttl")
    return Create(
        to=f"+{to}",
        sender=f"+{sender}" if _NUMBER.fullmatch(sender) else sender,
        text=text("text", required=True, longest=_LONGEST_TEXT),
        client_ref=text("client_ref", longest=_LONGEST_REFERENCE),
        webhook_url=webhook_url,
        ttl=None if ttl is None else float(ttl),
    )


def _json(content: dict[str, Any], status: int) -> web.Response:
    kind = "application/json" if status < 400 else "application/problem+json"
    return web.Response(status=status, body=json.dumps(content).encode(), content_type=kind)


def _hang_up(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
