"""What the carrier really accepted. Every test's witness, whatever the wire did to the answers.

Protocol-neutral: a face (HTTP, SMPP) accepts into it, and nothing is ever taken out of it but by a reset.
"""

import sys
import time
from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "read"})


@dataclass(slots=True, eq=False)
class Entry:
    """One accepted message. `created` is Unix time, `moment` the same instant on the monotonic clock."""

    index: int
    sid: str
    account: str
    to: str
    sender: str | None
    body: str
    segments: int
    created: float
    moment: float
    status: str
    callback_url: str | None = None
    service: str | None = None
    reference: str | None = None
    """The client's own name for it, given back with every receipt."""
    media: int = 0
    validity: float | None = None
    part: tuple[int, int, int] | None = None
    """(reference, number, total) where this is one part of a longer text."""
    error: int | None = None
    sent_at: float | None = None
    updated: float = 0.0
    history: tuple[str | float, ...] = ()
    """Status, seconds after acceptance, status, seconds… in one tuple: there are millions of these."""
    acknowledged: tuple[str, ...] = ()
    """States whose receipt the client has taken: answered with 2xx, or with ESME_ROK."""
    redacted: bool = False
    deleted: bool = False
    before: "Entry | None" = field(default=None, repr=False)
    """The message accepted for the same recipient before this one: the index by recipient is this chain."""

    def as_json(self) -> dict[str, Any]:
        return {
            "sid": self.sid,
            "account": self.account,
            "to": self.to,
            "from": self.sender,
            "service": self.service,
            "body": self.body,
            "segments": self.segments,
            "reference": self.reference,
            "part": self.part and dict(zip(("reference", "number", "total"), self.part, strict=True)),
            "status_callback": self.callback_url,
            "created": self.created,
            "created_monotonic": self.moment,
            "status": self.status,
            "error_code": self.error,
            "history": list(zip(self.history[::2], self.history[1::2], strict=True)),
            "acknowledged": list(self.acknowledged),
            "redacted": self.redacted,
            "deleted": self.deleted,
        }


class _Window:
    """The most segments seen in any one-second window that ends at an acceptance."""

    __slots__ = ("_recent", "_total", "worst")

    def __init__(self) -> None:
        self._recent: deque[tuple[float, int]] = deque()
        self._total = 0
        self.worst = 0

    def add(self, moment: float, segments: int) -> None:
        recent = self._recent
        recent.append((moment, segments))
        self._total += segments
        while recent[0][0] <= moment - 1.0:
            self._total -= recent.popleft()[1]
        if self._total > self.worst:
            self.worst = self._total


class Ledger:
    """Accepted messages in the order of acceptance, indexed by sid and by recipient."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Wall time is derived from the monotonic clock, so that `created` never runs backwards.
        self._epoch = time.time() - clock()
        self.clear()

    def clear(self) -> None:
        self.creates_seen = 0
        self._entries: list[Entry] = []
        self._by_sid: dict[str, Entry] = {}
        self._latest_to: dict[str, Entry] = {}
        self._seen_pairs: set[int] = set()
        self._repeated: dict[tuple[str, str], int] = {}
        self._by_status: Counter[str] = Counter()
        self._by_error: Counter[int] = Counter()
        self._segments = 0
        self._accounts: defaultdict[str, _Window] = defaultdict(_Window)
        self._senders: defaultdict[str, _Window] = defaultdict(_Window)
        self._longest_lag = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def accept(
        self,
        *,
        sid: str,
        account: str,
        to: str,
        sender: str | None,
        body: str,
        segments: int,
        status: str,
        callback_url: str | None = None,
        service: str | None = None,
        reference: str | None = None,
        media: int = 0,
        validity: float | None = None,
        part: tuple[int, int, int] | None = None,
    ) -> Entry:
        """Write the message down. From here on the carrier has it, whether or not the client ever learns."""
        moment = self._clock()
        created = self._epoch + moment
        entry = Entry(
            index=len(self._entries),
            sid=sid,
            account=sys.intern(account),
            to=to,
            sender=sender and sys.intern(sender),
            body=body,
            segments=segments,
            created=created,
            moment=moment,
            status=status,
            callback_url=callback_url,
            service=service,
            reference=reference,
            media=media,
            validity=validity,
            part=part,
            updated=created,
            history=(status, 0.0),
            before=self._latest_to.get(to),
        )
        self._entries.append(entry)
        self._by_sid[sid] = entry
        self._latest_to[to] = entry
        self._by_status[status] += 1
        self._segments += segments
        self._accounts[account].add(moment, segments)
        self._senders[sender or service or ""].add(moment, segments)
        # Parts of one text may read alike; the same part of it may not.
        pair = hash((to, body) if part is None else (to, body, *part[1:]))
        if pair in self._seen_pairs:
            self._repeated[to, body] = self._repeated.get((to, body), 1) + 1
        else:
            self._seen_pairs.add(pair)
        return entry

    def move(self, entry: Entry, status: str, error: int | None = None) -> None:
        """The message's state becomes `status`, now."""
        after = self._clock() - entry.moment
        self._by_status[entry.status] -= 1
        self._by_status[status] += 1
        if error is not None:
            self._by_error[error] += 1
            entry.error = error
        entry.status = status
        entry.updated = entry.created + after
        entry.history = (*entry.history, status, after)
        if entry.sent_at is None and status in ("sent", "delivered", "undelivered", "failed"):
            entry.sent_at = entry.updated
            self._longest_lag = max(self._longest_lag, after)

    def get(self, sid: str) -> Entry | None:
        return self._by_sid.get(sid)

    def select(
        self,
        account: str,
        *,
        limit: int,
        to: str | None = None,
        sender: str | None = None,
        sent_from: int | None = None,
        sent_until: int | None = None,
        below: int | None = None,
        above: int | None = None,
        unlisted_ms: float = 0.0,
    ) -> list[Entry]:
        """At most `limit` undeleted entries, newest first, without those accepted in the last `unlisted_ms`.

        `sent_from` and `sent_until` are whole Unix seconds, both inclusive; a message not yet sent matches
        neither. `below` and `above` are indexes, exclusive: with `above` the entries nearest to it are taken.
        """

        listed_until = self._clock() - unlisted_ms / 1000

        def wanted(entry: Entry) -> bool:
            if entry.moment > listed_until:
                return False
            if entry.account != account or entry.deleted or (sender is not None and entry.sender != sender):
                return False
            if sent_from is None and sent_until is None:
                return True
            if entry.sent_at is None:
                return False
            second = int(entry.sent_at)
            return (sent_from is None or second >= sent_from) and (sent_until is None or second <= sent_until)

        if above is not None:
            ascending = self._upwards(to, above)
            return list(islice(filter(wanted, ascending), limit))[::-1]
        top = len(self._entries) if below is None else min(below, len(self._entries))
        if sent_until is not None:
            top = min(top, bisect_right(self._entries, sent_until + 1.0, key=lambda entry: entry.created))
        # Nothing was ever sent later after its creation than the longest lag: older entries cannot match.
        oldest = None if sent_from is None else sent_from - self._longest_lag
        return list(islice(filter(wanted, self._downwards(to, top, oldest)), limit))

    def _downwards(self, to: str | None, top: int, oldest: float | None) -> Iterator[Entry]:
        candidates = (self._entries[i] for i in range(top - 1, -1, -1)) if to is None else self._chain(to)
        for entry in candidates:
            if oldest is not None and entry.created < oldest:
                return
            if entry.index < top:
                yield entry

    def _upwards(self, to: str | None, above: int) -> Iterator[Entry]:
        if to is None:
            return islice(self._entries, above + 1, None)
        return reversed([entry for entry in self._chain(to) if entry.index > above])

    def _chain(self, to: str) -> Iterator[Entry]:
        entry = self._latest_to.get(to)
        while entry is not None:
            yield entry
            entry = entry.before

    def page(self, *, to: str | None, offset: int, limit: int) -> tuple[int, list[Entry]]:
        """(how many there are, a page of them), oldest first, deleted ones included."""
        if to is None:
            return len(self._entries), self._entries[offset : offset + limit]
        chain = list(self._chain(to))[::-1]
        return len(chain), chain[offset : offset + limit]

    def duplicates(self, limit: int) -> list[dict[str, Any]]:
        """(to, body) pairs accepted more than once, with their sids in the order of acceptance."""
        return [
            {
                "to": to,
                "body": body,
                "count": count,
                "sids": [entry.sid for entry in self._chain(to) if entry.body == body][:limit][::-1],
            }
            for (to, body), count in islice(self._repeated.items(), limit)
        ]

    def summary(self) -> dict[str, Any]:
        return {
            "creates_seen": self.creates_seen,
            "accepted": len(self._entries),
            "segments": self._segments,
            "distinct_to": len(self._latest_to),
            "duplicates": len(self._repeated),
            "by_status": {status: number for status, number in self._by_status.items() if number},
            "by_error": {str(code): number for code, number in self._by_error.items()},
            "worst_second": {
                "account": {account: window.worst for account, window in self._accounts.items()},
                "sender": {sender: window.worst for sender, window in self._senders.items()},
            },
        }
