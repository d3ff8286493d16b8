"""Vonage's webhooks: statuses and inbound messages as JSON, each with a JWT that carries the hash of the body.

https://developer.vonage.com/en/api/messages, “Webhooks”; they come again after 5xx
(https://api.support.vonage.com/hc/en-us/articles/360028543292), here in quicker succession.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from simulator.callbacks import Callbacks, Target, target
from simulator.carrier import VALIDITY_EXPIRED, Carrier
from simulator.ledger import Entry
from simulator.posting import Poster
from simulator.segments import count as count_segments

ERRORS = "https://developer.vonage.com/api-errors"

_STATES = {"sent": "submitted", "delivered": "delivered", "undelivered": "rejected", "failed": "rejected"}
_TTL_EXPIRED = 1360
_RETRIES = 8
_PRICE = 0.0333


@dataclass(frozen=True, slots=True)
class Account:
    key: str
    secret: str = field(repr=False)
    signature_secret: str = field(repr=False)
    status_url: str = ""
    """Where statuses go of messages that name no address of their own."""


class VonageCallbacks(Callbacks):
    """The outgoing post of the carrier's Vonage accounts."""

    def __init__(self, carrier: Carrier, poster: Poster, accounts: Iterable[Account]) -> None:
        super().__init__(carrier, poster)
        self.accounts = {account.key: account for account in accounts}

    def knows(self, account: str) -> bool:
        return account in self.accounts

    def where(self, address: str) -> Target:
        return webhook(address)

    def form(self, entry: Entry, where: Target, status: str, error: int | None) -> bytes:
        content = {
            "message_uuid": entry.sid,
            "to": entry.to.removeprefix("+"),
            "from": (entry.sender or "").removeprefix("+"),
            "timestamp": _timestamp(entry.updated),
            "status": _STATES[status],
            "channel": "sms",
            "sms": {"count_total": str(entry.segments)},
            "usage": {"currency": "EUR", "price": f"{_PRICE * entry.segments:.4f}"},
        }
        if entry.reference is not None:
            content["client_ref"] = entry.reference
        if error is not None:
            code = _TTL_EXPIRED if error == VALIDITY_EXPIRED else error
            content["error"] = {
                "type": f"{ERRORS}/messages#{code}",
                "title": code,
                "detail": "The message was rejected",
                "instance": uuid4().hex,
            }
        return self._signed(self.accounts[entry.account], where, content)

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
        where = self.where(url)
        uuid = str(uuid4())
        content = {
            "channel": "sms",
            "message_uuid": uuid,
            "to": to.removeprefix("+"),
            "from": sender.removeprefix("+"),
            "timestamp": _timestamp(time.time()),
            "message_type": "text",
            "text": body,
            "sms": {"num_messages": str(count_segments(body)), "keyword": body.partition(" ")[0].upper()},
            "usage": {"currency": "EUR", "price": f"{_PRICE:.4f}"},
        }
        request = self._signed(self.accounts[account], where, content)
        return uuid, *await self.post_and_hear(where, request)

    def _signed(self, account: Account, where: Target, content: Mapping[str, Any]) -> bytes:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        token = web_token(account, body)
        head = f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
        return where.head + head.encode() + body


def web_token(account: Account, body: bytes) -> str:
    """The JWT (RFC 7519, HS256) of a webhook."""
    claims = {
        "iat": int(time.time()),
        "jti": str(uuid4()),
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": account.key,
    }
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.digest(account.signature_secret.encode(), signed, "sha256")
    return b".".join((signed, _base64url(signature))).decode()


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@lru_cache(maxsize=4096)
def webhook(address: str) -> Target:
    plain = target(address.partition("#")[0])
    parts = urlsplit(plain.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
        "User-Agent: Vonage/1.0\r\nAccept: */*\r\nContent-Type: application/json\r\n"
    )
    return replace(plain, head=head.encode(), retries=_RETRIES, conditions=frozenset({"5xx", "ct", "rt"}))


def _timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
