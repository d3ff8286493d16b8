"""From a launched campaign to one message row for each contact of its audience.

1. `freeze` writes the audience down once: a numbered entry per contact, and chunks of CHUNK_SIZE entries.
2. `materialise` takes one open chunk after the other, skipping those that another worker has. In one transaction
   it takes the chunk's entries away, renders a text for each, writes the rows and marks the chunk done: a worker
   killed at any point leaves the chunk whole for the next one, and memory never holds more than a chunk.
3. Whoever finds no chunk open says that everyone has a row.

A contact that may not be texted has a row as well, `suppressed` with the reason. Once the campaign is cancelled,
the chunks that are left become `cancelled` rows. A pause does not stop this: paused messages wait in the queue.
"""

import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from campaigns import audience, consenting, templating
from campaigns.links import texts as links
from campaigns.models import AudienceChunk, Campaign, TemplateVersion
from contacts import consent, phone
from contacts.consents import gate, standing
from contacts.whereabouts import HINTS_SQL, Hints
from delivery import bodies
from delivery import wake as delivery_wake
from delivery.errors import Suppressed
from delivery.ids import campaign_message_id, month_of
from delivery.prices import FREE
from delivery.routing import routes
from delivery.routing.routes import Ways
from delivery.segments import measure
from delivery.smart_encoding import to_gsm
from delivery.states import UNCLAIMED, Status, sql_in
from delivery.submit import MAX_BODY
from delivery.timerules.arrival import AT_ONCE, Arrival, Recipient, arrivals

CHUNK_SIZE = 1000

_FREEZE = f"""
INSERT INTO campaigns_audienceentry (campaign_id, position, contact_id)
SELECT %(campaign)s, row_number() OVER (ORDER BY contact_id) - 1, contact_id FROM ({audience.SELECT_IDS}) AS audience
"""

_CUT = """
INSERT INTO campaigns_audiencechunk (campaign_id, first, last)
SELECT %(campaign)s, first, least(first + %(chunk)s, %(size)s) - 1
FROM generate_series(0, %(size)s - 1, %(chunk)s) AS first
"""


def freeze(campaign_id: int) -> None:
    """Write down who a launched campaign goes to, all of it or nothing. Harmless if it was done, or is being done."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Not the campaign's row lock: large audiences take a while, and pause and cancel must not wait for them.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('smshub freeze', %s))", [campaign_id])
        (alone,) = cursor.fetchone()
        campaign = Campaign.objects.filter(pk=campaign_id, launched_at__isnull=False, audience_size=None).first()
        if not alone or campaign is None:
            return
        cursor.execute(_FREEZE, audience.parameters(campaign) | {"campaign": campaign_id})
        size = cursor.rowcount
        cursor.execute(_CUT, {"campaign": campaign_id, "chunk": CHUNK_SIZE, "size": size})
        Campaign.objects.filter(pk=campaign_id).update(
            audience_size=size, materialised_at=None if size else timezone.now()
        )


def materialise(campaign_id: int, *, seconds: float) -> bool:
    """Turn open chunks into message rows, for about so many seconds. True: it may have left some."""
    until = time.monotonic() + seconds
    while materialise_chunk(campaign_id):
        if time.monotonic() > until:
            return True
    # A chunk that another worker still has counts as open, so the last of them to finish does this.
    unfinished = AudienceChunk.objects.filter(campaign=OuterRef("pk"), done_at=None)
    Campaign.objects.filter(
        ~Exists(unfinished), pk=campaign_id, audience_size__isnull=False, materialised_at=None
    ).update(materialised_at=timezone.now())
    return False


def materialise_chunk(campaign_id: int) -> bool:
    """One chunk, all of it or nothing. False: there is none that nobody has."""
    with transaction.atomic():
        chunk = (
            AudienceChunk.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("campaign__sender__provider", "campaign__template_version")
            .filter(campaign_id=campaign_id, done_at=None)
            .order_by("first")
            .first()
        )
        if chunk is None:
            return False
        campaign = chunk.campaign
        version, ways, launched_at = _frozen(campaign)
        gate.keep_still(campaign.purpose)
        contacts = _take(chunk)
        if campaign.status == Campaign.Status.CANCELLED:
            outcomes = [_unsent(contact, Status.CANCELLED) for contact in contacts]
        else:
            text_for = _renderer(version, links.of_campaign(campaign, version.body))
            outcomes = [_outcome(contact, text_for, ways, campaign) for contact in contacts]
            outcomes = _in_time(contacts, outcomes, campaign.lane)
        _write(campaign, launched_at, ways.routed, outcomes)
        AudienceChunk.objects.filter(pk=chunk.pk).update(done_at=timezone.now())
        if campaign.status == Campaign.Status.RUNNING:
            for provider_id in {outcome.provider_id for outcome in outcomes if outcome.provider_id}:
                transaction.on_commit(partial(delivery_wake.dispatch, provider_id))
    return True


class _Contact(NamedTuple):
    """What a text is made of; without a phone, the contact has been deleted since the freeze."""

    id: int
    phone: str
    name: str = ""
    language: str = ""
    country: str = ""
    attributes: str = "{}"
    stops: str | None = None
    said: str | None = None
    time_zone: str = ""
    state: str = ""
    postal_code: str = ""


_TAKE = """
DELETE FROM campaigns_audienceentry WHERE campaign_id = %s AND position BETWEEN %s AND %s RETURNING contact_id
"""

# By the ids themselves, not by a join with the entries: the plan must not depend on statistics of a table that
# was empty a minute ago.
_READ = f"""
SELECT contact.id, contact.phone, contact.name, contact.language, contact.country, contact.attributes,
       {consent.OF_CONTACT_SQL}, {standing.OF_CONTACT_SQL}, {HINTS_SQL}, {consent.KEY_SQL}
FROM contacts_contact AS contact
WHERE contact.id = ANY(%(ids)s)
"""


def _take(chunk: AudienceChunk) -> list[_Contact]:
    """The chunk's contacts, whose entries are gone when this transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [chunk.campaign_id, chunk.first, chunk.last])
        ids = sorted(contact_id for (contact_id,) in cursor.fetchall())
        cursor.execute(_READ, {"ids": ids, "purpose": chunk.campaign.purpose})
        rows = cursor.fetchall()
    found = {row[0]: _Contact(*row[:-1]) for row in rows}
    erased = consent.erased_by_key((contact.phone for contact in found.values()), rows[0][-1] if rows else None)
    for contact in [contact for contact in found.values() if contact.phone in erased]:
        found[contact.id] = contact._replace(stops=json.dumps({"": Suppressed.ERASED}))
    return [found.get(contact_id) or _Contact(contact_id, "") for contact_id in ids]


class _Outcome(NamedTuple):
    """The part of a message row that differs from contact to contact, in the order of _STAGED."""

    contact_id: int
    recipient: str
    country: str
    body: str
    encoding: str
    segments: int
    status: str
    reason: str
    provider_id: int | None = None
    sender_id: int | None = None
    cost: Decimal = FREE
    place_id: int | None = None
    not_before: datetime | None = None
    waits_for: str = ""


def _frozen(campaign: Campaign) -> tuple[TemplateVersion, Ways, datetime]:
    """The text; the ways that the messages go: the sender that was frozen, else the routes as they are; the launch."""
    if campaign.template_version is None or campaign.launched_at is None:
        raise RuntimeError(f"campaign {campaign.pk} has an audience but was never launched")
    ways = routes.way_of(campaign.sender) if campaign.sender else routes.ways()
    return campaign.template_version, ways, campaign.launched_at


def _renderer(version: TemplateVersion, short: links.Links = links.NONE) -> Callable[[_Contact], str]:
    template = templating.parse(version.body)

    def text_for(contact: _Contact) -> str:
        attributes = json.loads(contact.attributes)
        context = templating.contact_context(
            name=contact.name,
            phone=contact.phone,
            language=contact.language,
            country=contact.country,
            attributes=attributes if isinstance(attributes, dict) else None,
        )
        if short:
            context |= short.context(contact.id)
        text = templating.render(template, context)
        return to_gsm(text) if version.smart_encoding else text

    return text_for


def _outcome(contact: _Contact, text_for: Callable[[_Contact], str], ways: Ways, campaign: Campaign) -> _Outcome:
    if not contact.phone:
        return _unsent(contact, Status.SUPPRESSED, Suppressed.CONTACT_DELETED)
    country = phone.country(contact.phone)
    route = ways.to(contact.phone, country, campaign.lane)
    sender = route.sender if route else ""
    if contact.stops and (stopped := consent.stopping(json.loads(contact.stops), sender)):
        return _unsent(contact, Status.SUPPRESSED, Suppressed(stopped))
    if not consenting.lets_through(campaign, standing.said(json.loads(contact.said)) if contact.said else {}, sender):
        return _unsent(contact, Status.SUPPRESSED, Suppressed.NO_CONSENT)
    try:
        text = text_for(contact)
    except templating.TemplateError:
        # Either there is no value, or none that the template can use: the same to whoever corrects it.
        return _unsent(contact, Status.SUPPRESSED, Suppressed.MISSING_VARIABLE)
    if not text.strip() or len(text) > MAX_BODY:
        return _unsent(contact, Status.SUPPRESSED, Suppressed.EMPTY_BODY)
    size = measure(text)
    if route is None:
        return _unsent(contact, Status.SUPPRESSED, Suppressed.NO_SENDER)
    return _Outcome(
        contact_id=contact.id,
        recipient=contact.phone,
        country=country,
        body=text,
        encoding=size.encoding,
        segments=size.segments,
        status=Status.QUEUED,
        reason="",
        provider_id=route.provider_id,
        sender_id=route.sender_id,
        cost=ways.cost(route, country, size.segments),
    )


def _unsent(contact: _Contact, status: Status, reason: str = "") -> _Outcome:
    return _Outcome(contact.id, contact.phone, phone.country(contact.phone), "", "gsm7", 0, status, reason)


def _in_time(contacts: list[_Contact], outcomes: list[_Outcome], lane: int) -> list[_Outcome]:
    """The same, with what is not to arrive at this hour held until it is."""
    sendable = [pair for pair in zip(contacts, outcomes, strict=True) if pair[1].status == Status.QUEUED]
    recipients = [
        Recipient(contact.phone, outcome.country, Hints(contact.time_zone, contact.state, contact.postal_code))
        for contact, outcome in sendable
    ]
    in_time = {
        outcome.contact_id: _at(outcome, arrival)
        for (_, outcome), arrival in zip(sendable, arrivals(recipients, lane), strict=True)
        if arrival is not AT_ONCE
    }
    return [in_time.get(outcome.contact_id, outcome) for outcome in outcomes]


def _at(outcome: _Outcome, arrival: Arrival) -> _Outcome:
    if arrival.until is None:
        return outcome._replace(place_id=arrival.place_id)
    if arrival.never:
        return outcome._replace(place_id=arrival.place_id, status=Status.SUPPRESSED, reason=arrival.waits_for)
    return outcome._replace(
        place_id=arrival.place_id, status=Status.HELD, not_before=arrival.until, waits_for=arrival.waits_for
    )


# Binary COPY into a table of the session's own, then one INSERT that skips who has a row, by its id. It is nearly as
# fast as COPY straight into the table, and one and a half times as fast as unnest: see benchmarks/materialise.py. The
# DELETE is for two chunks in one transaction.
_STAGED = ("id", *_Outcome._fields)
_STAGED_TYPES = (
    *("uuid", "int8", "text", "text", "bytea", "text", "int2", "text", "text"),
    *("int8", "int8", "numeric", "int4", "timestamptz", "text"),
)
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS materialise_stage (
    id uuid, contact_id bigint, recipient text, country text, body bytea, encoding text, segments smallint, status text,
    reason text, provider_id bigint, sender_id bigint, cost numeric, place_id integer, not_before timestamptz,
    waits_for text
) ON COMMIT DELETE ROWS;
DELETE FROM materialise_stage
"""
_COPY = f"COPY materialise_stage ({', '.join(_STAGED)}) FROM STDIN (FORMAT BINARY)"
_INSERT = f"""
INSERT INTO delivery_message (id, campaign_id, contact_id, provider_id, sender_id, routed, recipient, country, body,
    encoding, segments, cost, lane, status, reason, error_code, attempt, provider_message_id, created_at, place_id,
    not_before, waits_for, final_at)
SELECT id, %(campaign)s, contact_id, provider_id, sender_id, %(routed)s, recipient, country, body, encoding, segments,
    cost, %(lane)s, status, reason, '', 1, '', %(now)s, place_id, not_before, waits_for,
    CASE WHEN status NOT IN {sql_in(UNCLAIMED)} THEN %(now)s END
FROM materialise_stage ORDER BY id
ON CONFLICT (id) DO NOTHING
"""


def _write(campaign: Campaign, launched_at: datetime, routed: bool, outcomes: Iterable[_Outcome]) -> None:
    cipher = bodies.sealer(month_of(launched_at))
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            copy.set_types(_STAGED_TYPES)
            for outcome in outcomes:
                # The id is made of the contact: who has a row already cannot be given another.
                message_id = campaign_message_id(launched_at, campaign.pk, outcome.contact_id)
                sealed = bodies.seal_with(cipher, message_id, outcome.body)
                copy.write_row((message_id, *outcome._replace(body=sealed)))  # type: ignore[arg-type]
        cursor.execute(
            _INSERT,
            {
                "campaign": campaign.pk,
                "routed": routed,
                "lane": campaign.lane,
                "now": timezone.now(),
            },
        )
