"""The control API: the ledger to read, the faults to turn. For loopback peers only, without credentials."""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any

from aiohttp import web

from simulator.callbacks import Callbacks
from simulator.carrier import Carrier

PREFIX = "/_simulator/"
_LARGEST_PAGE = 1000

Handler = Callable[[dict[str, Any]], Awaitable[Any]]


class _RequestError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    def __init__(self, carrier: Carrier, *offices: Callbacks, further: Mapping[tuple[str, str], Handler]) -> None:
        """`offices` post what handsets write, each for the accounts of its protocol; `further` routes are a face's own,
        whose handlers are given the request's object and raise ValueError for what is wrong with it."""
        self._carrier = carrier
        self._offices = offices
        self._routes: dict[tuple[str, str], Callable[[web.BaseRequest], Awaitable[Any]]] = {
            ("GET", "health"): self._health,
            ("GET", "stats"): self._stats,
            ("GET", "faults"): self._faults,
            ("PUT", "faults"): self._turn,
            ("POST", "reset"): self._reset,
            ("POST", "inbound"): self._inbound,
            ("GET", "ledger"): self._ledger,
            ("GET", "ledger/summary"): self._summary,
            ("GET", "ledger/duplicates"): self._duplicates,
        }
        self._further = further

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        try:
            if not _is_loopback(request):
                raise _RequestError(403, "the control API answers loopback peers only")
            name = path[len(PREFIX) :]
            if (handler := self._further.get((request.method, name))) is not None:
                return web.json_response(await handler(await _object(request)))
            route = self._routes.get((request.method, name))
            if route is None:
                known = any(name == path for _, path in (*self._routes, *self._further))
                raise _RequestError(405 if known else 404, f"no {request.method} {path} here")
            return web.json_response(await route(request))
        except _RequestError as wrong:
            return web.json_response({"error": str(wrong)}, status=wrong.status)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def _health(self, request: web.BaseRequest) -> Any:
        return {"status": "ok", "accepted": len(self._carrier.ledger)}

    async def _stats(self, request: web.BaseRequest) -> Any:
        stats = self._carrier.stats
        counts = {count.name: getattr(stats, count.name) for count in fields(stats)}
        return {**counts, "scheduled_events": len(self._carrier.agenda)}

    async def _faults(self, request: web.BaseRequest) -> Any:
        return self._carrier.dice.faults.as_json()

    async def _turn(self, request: web.BaseRequest) -> Any:
        dice = self._carrier.dice
        dice.turn(dice.faults.changed(await _object(request)))
        return dice.faults.as_json()

    async def _reset(self, request: web.BaseRequest) -> Any:
        given = await _object(request)
        seed = given.pop("seed", None)
        faults = given.pop("faults", {})
        if given or not isinstance(faults, dict) or not (seed is None or type(seed) is int):
            raise ValueError("a reset takes faults (an object) and seed (a whole number), and nothing else")
        self._carrier.reset(faults, seed)
        return self._carrier.dice.faults.as_json()

    async def _inbound(self, request: web.BaseRequest) -> Any:
        given = await _object(request)
        for name in ("to", "from", "body", "url"):
            if not isinstance(given.get(name), str):
                raise ValueError(f"{name} is required, as a string")
        account = given.get("account") or next(iter(self._carrier.credentials))
        office = next((office for office in self._offices if office.knows(account)), None)
        if office is None:
            raise ValueError("no such account")
        try:
            sid, status, answer = await office.post_inbound(
                account=account,
                url=given["url"],
                to=given["to"],
                sender=given["from"],
                body=given["body"],
                service=given.get("messaging_service_sid"),
                opt_out_type=given.get("opt_out_type"),
            )
        except ConnectionError as error:
            raise _RequestError(502, str(error)) from None
        return {"sid": sid, "status": status, "body": answer}

    async def _ledger(self, request: web.BaseRequest) -> Any:
        offset = _number(request, "offset", 0)
        limit = min(_number(request, "limit", 100), _LARGEST_PAGE)
        total, entries = self._carrier.ledger.page(to=request.query.get("to") or None, offset=offset, limit=limit)
        return {"total": total, "offset": offset, "entries": [entry.as_json() for entry in entries]}

    async def _summary(self, request: web.BaseRequest) -> Any:
        return self._carrier.ledger.summary()

    async def _duplicates(self, request: web.BaseRequest) -> Any:
        return self._carrier.ledger.duplicates(min(_number(request, "limit", _LARGEST_PAGE), _LARGEST_PAGE))


def _is_loopback(request: web.BaseRequest) -> bool:
    try:
        peer = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
        return peer.ipv4_mapped.is_loopback
    return peer.is_loopback


async def _object(request: web.BaseRequest) -> dict[str, Any]:
    raw = await request.read()
    given = json.loads(raw) if raw else {}
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _number(request: web.BaseRequest, name: str, default: int) -> int:
    given = request.query.get(name, "")
    if not given:
        return default
    if not given.isdecimal() or len(given) > 9:
        raise ValueError(f"{name} must be a whole number")
    return int(given)
