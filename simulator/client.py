"""A client of the control API, for tests and demonstrations: standard library only."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener


class Part(TypedDict):
    """Which part of a longer text an entry is."""

    reference: int
    number: int
    total: int


LedgerEntry = TypedDict(
    "LedgerEntry",
    {
        "sid": str,
        "account": str,
        "to": str,
        "from": str | None,
        "service": str | None,
        "reference": str | None,
        "part": Part | None,
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


class Answered(TypedDict):
    """A part of a text from a handset, and the command_status it was answered with; None: not yet."""

    part: int
    status: int | None


class SentText(TypedDict):
    parts: int
    reference: int
    answers: list[Answered]


class SmppBind(TypedDict):
    mode: str
    peer: str
    seconds: float
    in_flight: int
    unacknowledged: int


class SmppAccount(TypedDict):
    """What the service centre knows of one account since the last reset; `kept` waits for a receiver."""

    sessions: int
    most_binds: int
    most_in_flight: int
    refused: dict[str, int]
    kept: int
    binds: list[SmppBind]


class Smsc(TypedDict):
    """`ports` are those of smpp and smpps, as far as they are spoken."""

    ports: dict[str, int]
    connections: int
    strangers_refused: dict[str, int]
    accounts: dict[str, SmppAccount]
    certificate: str


@dataclass(frozen=True, slots=True)
class Text:
    """What a recipient reads: one entry of the ledger, or the parts of one text in their order.

    `copies` is how often its most frequent part was accepted: more than 1 is a text received twice.
    """

    to: str
    sender: str | None
    body: str
    sids: tuple[str, ...]
    complete: bool
    copies: int


def texts(entries: Iterable[LedgerEntry]) -> list[Text]:
    """The texts that these entries make, in the order in which the first of each was accepted."""
    gathered: defaultdict[tuple[object, ...], list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        part = entry["part"]
        mark = entry["sid"] if part is None else (part["reference"], part["total"])
        gathered[entry["account"], entry["from"], entry["to"], mark].append(entry)
    return [_text(group) for group in gathered.values()]


def _text(group: list[LedgerEntry]) -> Text:
    first = group[0]
    if first["part"] is None:
        return Text(first["to"], first["from"], first["body"], (first["sid"],), True, 1)
    numbered: defaultdict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in group:
        numbered[entry["part"]["number"] if entry["part"] else 0].append(entry)
    ordered = [numbered[number] for number in sorted(numbered)]
    return Text(
        to=first["to"],
        sender=first["from"],
        body="".join(copies[0]["body"] for copies in ordered),
        sids=tuple(entry["sid"] for copies in ordered for entry in copies),
        complete=len(ordered) == first["part"]["total"],
        copies=max(map(len, ordered)),
    )


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

    def smsc(self) -> Smsc:
        """Who is bound where SMPP is spoken, and who was."""
        return cast(Smsc, self._call("GET", "smsc"))

    def texts(self, to: str | None = None) -> list[Text]:
        """All texts that were accepted, put together from their parts."""
        return texts(self.entries(to))

    def send_text(
        self,
        *,
        to: str,
        sender: str,
        body: str,
        account: str | None = None,
        joining: str = "udh8",
        coding: str | None = None,
        reference: int | None = None,
        order: Sequence[int] = (),
        patience: int = 5,
    ) -> SentText:
        """Deliver a text from a handset (`sender`) over the account's binds; return when it is acknowledged, or after
        `patience` seconds. `joining` is udh8, udh16, sar or payload. `order` numbers the parts to send, from 1."""
        given = {
            "to": to,
            "from": sender,
            "body": body,
            "account": account,
            "joining": joining,
            "coding": coding,
            "reference": reference,
            "order": list(order),
            "patience": patience,
        }
        return cast(SentText, self._call("POST", "smsc/texts", given))

    def disconnect(self, *, account: str | None = None, how: str = "drop", most: int | None = None) -> int:
        """End binds: `drop` without a word, `unbind` by asking. Returns how many."""
        answer = self._call("POST", "smsc/disconnect", {"account": account, "how": how, "most": most})
        return cast(int, answer["binds"])

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
