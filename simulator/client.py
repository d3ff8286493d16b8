"""A client of the control API, for tests and demonstrations: standard library only."""

import json
import time
from collections.abc import Iterator
from typing import Any, TypedDict, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

LedgerEntry = TypedDict(
    "LedgerEntry",
    {
        "sid": str,
        "account": str,
        "to": str,
        "from": str | None,
        "service": str | None,
        "reference": str | None,
        "body": str,
        "segments": int,
        "status_callback": str | None,
        "created": float,
        "created_monotonic": float,
        "status": str,
        "error_code": int | None,
        "history": list[tuple[str, float]],
        "acknowledged": list[str],
        "redacted": bool,
        "deleted": bool,
    },
)


class WorstSecond(TypedDict):
    account: dict[str, int]
    sender: dict[str, int]


class Summary(TypedDict):
    creates_seen: int
    accepted: int
    segments: int
    distinct_to: int
    duplicates: int
    by_status: dict[str, int]
    by_error: dict[str, int]
    worst_second: WorstSecond


class Duplicate(TypedDict):
    to: str
    body: str
    count: int
    sids: list[str]


class Posted(TypedDict):
    """What the webhook answered to an inbound message."""

    sid: str
    status: int
    body: str


class SimulatorError(Exception):
    """The simulator refused, or could not be reached; the message says why."""


class Simulator:
    def __init__(self, base_url: str, timeout: float = 20.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        # No proxy of the environment stands between a process and its own loopback.
        self._opener = build_opener(ProxyHandler({}))

    def ledger(self, to: str | None = None, offset: int = 0, limit: int = 100) -> list[LedgerEntry]:
        """A page of what was accepted, oldest first; at most 1000."""
        query = {"offset": offset, "limit": limit, **({"to": to} if to else {})}
        return cast(list[LedgerEntry], self._call("GET", f"ledger?{urlencode(query)}")["entries"])

    def entries(self, to: str | None = None) -> Iterator[LedgerEntry]:
        """All that was accepted, oldest first, a page at a time."""
        offset = 0
        while page := self.ledger(to, offset, 1000):
            yield from page
            offset += len(page)

    def summary(self) -> Summary:
        return cast(Summary, self._call("GET", "ledger/summary"))

    def duplicates(self) -> list[Duplicate]:
        return cast(list[Duplicate], self._call("GET", "ledger/duplicates"))

    def stats(self) -> dict[str, Any]:
        return cast(dict[str, Any], self._call("GET", "stats"))

    def faults(self) -> dict[str, Any]:
        return cast(dict[str, Any], self._call("GET", "faults"))

    def set_faults(self, **changes: Any) -> dict[str, Any]:
        """Turn the knobs named, leave the others; returns them all. The knobs: `simulator.faults.Faults`."""
        return cast(dict[str, Any], self._call("PUT", "faults", changes))

    def reset(self, *, seed: int | None = None, **faults: Any) -> None:
        """Empty the ledger and the counts, and go back to the faults of the start, changed by `faults`."""
        self._call("POST", "reset", {"faults": faults, **({} if seed is None else {"seed": seed})})

    def send_inbound(
        self,
        *,
        to: str,
        sender: str,
        body: str,
        url: str,
        opt_out_type: str | None = None,
        account: str | None = None,
        messaging_service_sid: str | None = None,
    ) -> Posted:
        """Post a message from a handset (`sender`) to the webhook at `url`, and return its answer."""
        given = {
            "to": to,
            "from": sender,
            "body": body,
            "url": url,
            "opt_out_type": opt_out_type,
            "account": account,
            "messaging_service_sid": messaging_service_sid,
        }
        return cast(Posted, self._call("POST", "inbound", given))

    def wait_healthy(self, timeout: float = 10.0) -> None:
        """Return once the simulator answers. SimulatorError when it does not within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._call("GET", "health")
                return
            except SimulatorError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = Request(f"{self.base_url}/_simulator/{path}", data=data, method=method)  # noqa: S310 - base_url is given in code
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                raise SimulatorError(f"{method} {path}: {_reason(error)}") from None
        except (URLError, OSError) as error:
            raise SimulatorError(f"{method} {path}: {error}") from error


def _reason(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
