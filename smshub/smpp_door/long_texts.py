"""Long texts that systems hand in by the part. A part is stored before it is answered, the last one makes the message.

A system that sends one message at a time waits for a part's answer before it sends the next: so each is answered by
itself. What was answered must not be lost with the process, so parts stand in the database until all are there. When
they are not in PARTS_SECONDS, the text is closed as `incomplete`, and whoever asked for receipts gets one that says so:
half of a text is sent to nobody.

All of it runs in the transaction of `intake`, and one door at a time: two that were given a part each would both find
the other missing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from delivery import bodies, clock, submissions
from delivery.errors import Suppressed
from delivery.ids import new_message_id
from delivery.lanes import Lane
from delivery.models import Sender
from delivery.smpp.text import Alphabet, Concat
from delivery.submissions import REFERENCE_KEPT, Handed, digest
from delivery.submit import BadText, Draft, SubmitError
from delivery.submitting.drafts import Request
from smshub.api.models import SmppPart
from smshub.smpp_door.reading import Order, text_of

PARTS_SECONDS = 300
#: Texts closed in one go.
MOST_CLOSED = 200

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('smshub.smpp_door.long_texts'))"

_Key = tuple[int, bytes]


@dataclass(slots=True, eq=False)
class _Text:
    """A text that is not whole: its parts by number, stored or about to be."""

    message_id: UUID
    total: int
    stored: dict[int, SmppPart] = field(default_factory=dict)
    new: dict[int, SmppPart] = field(default_factory=dict)

    @property
    def parts(self) -> dict[int, SmppPart]:
        return self.stored | self.new

    @property
    def is_whole(self) -> bool:
        return len(self.parts) == self.total


def take(parts: Sequence[tuple[Order, Concat]]) -> tuple[list[str], frozenset[int]]:
    """The id of each part, in a transaction; and the providers that whole texts are to be sent by."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    named = _named([order for order, _ in parts], now)
    open_texts = _open_texts(parts)
    touched: list[_Text] = []
    abandoned: list[_Text] = []
    ids: list[str] = []
    for order, concat in parts:
        number, name = concat.number, (order.login.id, order.reference or b"")
        if order.reference is not None and name in named:
            ids.append(f"{named[name]}-{number}")
            continue
        key = (order.login.id, _text_key(order, concat))
        text = open_texts.get(key)
        known = text.parts.get(number) if text else None
        if text is not None and known is not None and bytes(known.content) != order.content:
            # The system uses the number again: what came under it before will not become whole.
            abandoned.append(text)
            text = known = None
        if text is None:
            text = open_texts[key] = _Text(new_message_id(), concat.total)
        if known is None:
            text.new[number] = _row(order, concat, key, text.message_id, now)
            if text not in touched:
                touched.append(text)
            if text.is_whole:
                del open_texts[key]
        if order.reference is not None:
            named[name] = text.message_id
        ids.append(f"{text.message_id}-{number}")
    whole = [text for text in touched if text.is_whole]
    _close(abandoned)
    _store([text for text in touched if not text.is_whole and text not in abandoned])
    return ids, _send(whole)


def close_old(*, now: datetime | None = None) -> int:
    """Close texts whose parts did not come in time, and forget references that may be used again. Returns how many."""
    now = now or clock.now()
    with transaction.atomic():
        late = SmppPart.objects.filter(sealed_pdu__isnull=False, received_at__lt=now - timedelta(seconds=PARTS_SECONDS))
        keys = list(late.order_by("received_at").values_list("origin", "text_key")[:MOST_CLOSED])
        if keys:
            with connection.cursor() as cursor:
                cursor.execute(_LOCK)
            texts = _texts(SmppPart.objects.filter(_among(keys), sealed_pdu__isnull=False))
            _close(list(texts.values()))
    forgotten = SmppPart.objects.filter(sealed_pdu=None, received_at__lt=now - REFERENCE_KEPT).order_by("received_at")
    SmppPart.objects.filter(pk__in=list(forgotten.values_list("pk", flat=True)[:5000])).delete()
    return len(set(map(_hashable, keys)))


def _text_key(order: Order, concat: Concat) -> bytes:
    return digest(repr((order.source, order.recipient, concat.reference, concat.total)).encode())


def _hashable(key: tuple[int, Any]) -> _Key:
    return key[0], bytes(key[1])


def _among(keys: Sequence[tuple[int, Any]]) -> Q:
    """Parts of these texts. A digest belongs to one origin, but for a chance that nobody lives to see."""
    return Q(origin__in={origin for origin, _ in keys}, text_key__in={bytes(key) for _, key in keys})


def _named(orders: Sequence[Order], now: datetime) -> dict[_Key, UUID]:
    """Which references name a part that was taken before."""
    asked = [(order.login.id, order.reference) for order in orders if order.reference is not None]
    if not asked:
        return {}
    rows = SmppPart.objects.filter(
        origin__in={origin for origin, _ in asked},
        reference__in=[reference for _, reference in asked],
        received_at__gte=now - REFERENCE_KEPT,
    )
    return {
        (origin, bytes(reference)): message_id
        for origin, reference, message_id in rows.values_list("origin", "reference", "message_id")
        if reference is not None
    }


def _open_texts(parts: Sequence[tuple[Order, Concat]]) -> dict[_Key, _Text]:
    keys = [(order.login.id, _text_key(order, concat)) for order, concat in parts]
    return _texts(SmppPart.objects.filter(_among(keys), sealed_pdu__isnull=False))


def _texts(rows: Any) -> dict[_Key, _Text]:
    texts: dict[_Key, _Text] = {}
    for row in rows.order_by("number"):
        key = (row.origin, bytes(row.text_key))
        text = texts.setdefault(key, _Text(row.message_id, _opened(row)["total"]))
        text.stored[row.number] = row
    return texts


def _row(order: Order, concat: Concat, key: _Key, message_id: UUID, now: datetime) -> SmppPart:
    kept = {
        "origin": order.login.id,
        "api_key": order.login.use.key_id,
        "is_test": order.login.use.is_test,
        "total": concat.total,
        "recipient": order.recipient,
        "source": order.source,
        "destination": order.destination,
        "receipt": order.receipt,
        "sender": order.sender.pk if order.sender else None,
        "lane": order.login.lane,
        "alphabet": order.login.alphabet,
        "octets": order.octets.decode("latin-1"),
        "data_coding": order.data_coding,
        "not_before": order.not_before.isoformat() if order.not_before else None,
        "valid_until": order.valid_until.isoformat() if order.valid_until else None,
    }
    return SmppPart(
        origin=key[0],
        text_key=key[1],
        number=concat.number,
        message_id=message_id,
        content=order.content,
        sealed_pdu=bodies.seal(message_id, json.dumps(kept)),
        reference=order.reference,
        received_at=now,
    )


def _opened(row: SmppPart) -> dict[str, Any]:
    """What was kept. Its month's key may be gone: what is left then is a text that nobody can read."""
    text = bodies.shown(row.message_id, row.sealed_pdu)
    return json.loads(text) if text else {"total": 0}


def _store(texts: Sequence[_Text]) -> None:
    SmppPart.objects.bulk_create([row for text in texts for row in text.new.values()])


def _forget(texts: Sequence[_Text]) -> None:
    """The parts are a message now. Those with a reference stay, to be known when they are sent again."""
    stored = [row for text in texts for row in text.stored.values()]
    SmppPart.objects.filter(pk__in=[row.pk for row in stored if row.reference is None]).delete()
    SmppPart.objects.filter(pk__in=[row.pk for row in stored if row.reference is not None]).update(sealed_pdu=None)
    new = [row for text in texts for row in text.new.values() if row.reference is not None]
    for row in new:
        row.sealed_pdu = None
    SmppPart.objects.bulk_create(new)


def _send(texts: Sequence[_Text]) -> frozenset[int]:
    """Whole texts become messages. What cannot be sent is closed: its other parts were answered for already."""
    handed = _handed(texts)
    taken = submissions.take(handed)
    refused = [
        (each, result) for each, result in zip(handed, taken.results, strict=True) if isinstance(result, SubmitError)
    ]
    too_long = [each for each, error in refused if isinstance(error, BadText)]
    submissions.close(too_long, Suppressed.EMPTY_BODY)
    submissions.close([each for each, error in refused if not isinstance(error, BadText)], Suppressed.NO_SENDER)
    _forget(texts)
    return taken.wake


def _close(texts: Sequence[_Text]) -> None:
    submissions.close(_handed(texts), Suppressed.INCOMPLETE)
    _forget(texts)


def _handed(texts: Sequence[_Text]) -> list[Handed]:
    if not texts:
        return []
    kept = [
        {number: opened for number, row in sorted(text.parts.items()) if (opened := _opened(row))["total"]}
        for text in texts
    ]
    named = {part["sender"] for parts in kept for part in parts.values()} - {None}
    senders = Sender.objects.select_related("provider").in_bulk(named) if named else {}
    return [_one(text.message_id, parts, senders) for text, parts in zip(texts, kept, strict=True) if parts]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _one(message_id: UUID, parts: dict[int, dict[str, Any]], senders: dict[int, Sender]) -> Handed:
    first = next(iter(parts.values()))
    key_id = first.get("api_key")  # not of parts that an earlier version stored
    receipts = [[number, part["receipt"]] for number, part in parts.items()]
    pieces = [(part["octets"].encode("latin-1"), part["data_coding"]) for part in parts.values()]
    return Handed(
        origin=first["origin"],
        draft=Draft(
            recipient=first["recipient"],
            body=text_of(pieces, Alphabet(first["alphabet"])),
            lane=Lane(first["lane"]),
            sender=senders.get(first["sender"]),
            not_before=_moment(first["not_before"]),
            valid_until=_moment(first["valid_until"]),
            request=Request(api_key_id=key_id, is_test=first["is_test"]) if key_id else None,
            id=message_id,
        ),
        wants_word=any(receipt for _, receipt in receipts),
        said=json.dumps({"source": first["source"], "destination": first["destination"], "parts": receipts}),
    )
