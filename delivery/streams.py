"""Whose turn it is: which streams of the queue a round of claiming looks at, and how they share what there is.

A stream is what is alike to the queue: one lane, one campaign (0: none), one sender, one country. However many of them
wait, a round looks at a bounded number, and the next one goes on where it ended; so none is starved, and the cost of a
round does not depend on the size of a pool of senders or on the number of countries.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg

from delivery.lanes import Lane
from delivery.limiter import Bucket, country_bucket, pace_bucket, sender_bucket, trial_bucket
from delivery.models import TEST_PROVIDER
from delivery.states import Status, sql_in
from delivery.tallies import NOT_HANDED_OVER

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: Campaigns of a lane that one round looks at, those on hold included; and their streams, all together about.
MOST_CAMPAIGNS = 50
MOST_STREAMS = 200
#: Places remembered by a process before it forgets them all and begins anew.
_MOST_PLACES = 10_000

# Two loose index scans, one probe per hop: over the campaigns of each lane, and over the streams of each campaign.
# Each goes on behind the place where the last round ended. One stream too many is read, to see whether there are more.
_NEXT = f"""
WITH turn AS MATERIALIZED (
    SELECT l.lane, found.campaign_id FROM unnest(%(lanes)s::smallint[], %(after)s::bigint[]) AS l (lane, after)
    CROSS JOIN LATERAL (
        WITH RECURSIVE hop AS (
            (SELECT campaign_id, 1 AS n FROM delivery_message
             WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}' AND id >= %(floor)s AND lane = l.lane
               AND campaign_id > l.after
             ORDER BY lane, campaign_id, sender_id, country, created_at LIMIT 1)
            UNION ALL
            SELECT next.campaign_id, hop.n + 1 FROM hop CROSS JOIN LATERAL (
                SELECT campaign_id FROM delivery_message
                WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}' AND id >= %(floor)s AND lane = l.lane
                  AND campaign_id > hop.campaign_id
                ORDER BY lane, campaign_id, sender_id, country, created_at LIMIT 1) AS next
            WHERE hop.n < {MOST_CAMPAIGNS}
        ) SELECT campaign_id FROM hop) AS found
), open AS (
    SELECT turn.*, own.rate, budget.left_over,
           COALESCE(own.max_segments IS NOT NULL OR own.max_cost IS NOT NULL, false) AS has_budget,
           (budget.left_over IS NULL OR budget.left_over > 0) AND own.spent IS NOT TRUE
           AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS hold WHERE hold.campaign_id = turn.campaign_id)
           AS is_open
    FROM turn
    LEFT JOIN delivery_campaignlimit AS own ON own.campaign_id = turn.campaign_id
    LEFT JOIN LATERAL (
        SELECT own.max_segments - COALESCE(sum(segments), 0)::bigint AS left_over FROM delivery_tally AS tally
        WHERE own.max_segments IS NOT NULL AND tally.campaign_id = own.campaign_id
          AND tally.status NOT IN {sql_in(NOT_HANDED_OVER)}) AS budget ON true
), part AS MATERIALIZED (
    SELECT open.*, GREATEST(1, {MOST_STREAMS} / NULLIF(count(*) FILTER (WHERE is_open) OVER lane, 0)) AS most,
           COALESCE(place.sender_id, 0) AS after_sender, COALESCE(place.country, '') AS after_country
    FROM open LEFT JOIN unnest(%(place_lanes)s::smallint[], %(place_campaigns)s::bigint[],
                               %(place_senders)s::bigint[], %(place_countries)s::text[])
        AS place (lane, campaign_id, sender_id, country) USING (lane, campaign_id)
    WINDOW lane AS (PARTITION BY lane)
)
SELECT part.lane, part.campaign_id, part.most, stream.sender_id, stream.country, stream.segments,
       sender.address, COALESCE(sender.rate, %(rate)s), part.rate, part.left_over, part.has_budget, country.rate,
       health.trial_rate,
       %(provider_id)s <> {TEST_PROVIDER} AND
       EXISTS (SELECT 1 FROM delivery_frequencycap AS cap WHERE cap.enabled
               AND COALESCE(cap.lane, part.lane) = part.lane AND cap.country IN ('', stream.country)),
       sender.enabled AND (health.trial_rate IS NULL OR health.trial_rate > 0)
FROM part
LEFT JOIN LATERAL (
    WITH RECURSIVE hop AS (
        (SELECT sender_id, country, segments, 1 AS n FROM delivery_message
         WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}' AND id >= %(floor)s AND lane = part.lane
           AND campaign_id = part.campaign_id AND (sender_id, country) > (part.after_sender, part.after_country)
         ORDER BY lane, campaign_id, sender_id, country, created_at LIMIT 1)
        UNION ALL
        SELECT next.*, hop.n + 1 FROM hop CROSS JOIN LATERAL (
            SELECT sender_id, country, segments FROM delivery_message
            WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}' AND id >= %(floor)s AND lane = part.lane
              AND campaign_id = part.campaign_id AND (sender_id, country) > (hop.sender_id, hop.country)
            ORDER BY lane, campaign_id, sender_id, country, created_at LIMIT 1) AS next
        WHERE hop.n <= part.most
    ) SELECT sender_id, country, segments FROM hop) AS stream ON part.is_open
LEFT JOIN delivery_sender AS sender ON sender.id = stream.sender_id
LEFT JOIN delivery_countrylimit AS country
    ON country.provider_id = %(provider_id)s AND country.country = stream.country
LEFT JOIN delivery_providerhealth AS health ON health.provider_id = %(provider_id)s
ORDER BY part.lane, part.campaign_id, stream.sender_id, stream.country
"""


@dataclass(frozen=True, slots=True)
class Stream:
    provider_id: int
    lane: int
    campaign_id: int
    sender_id: int
    country: str
    next_segments: int
    """Of its oldest message: the least that is worth asking the limits for."""
    sender: str
    sender_rate: int
    """Its own, or else the provider's: a sender may be slowed though it has no rate of its own."""
    pace: float | None
    """Segments per second that the campaign is to keep to."""
    budget: int | None
    """Segments that the campaign may still hand over; the last message may go a little beyond."""
    has_budget: bool
    """Of segments or of money: what is left of it is read again by the claim itself."""
    country_rate: int | None
    trial_rate: float | None
    """Segments per second of a provider that is tried again with a trickle."""
    is_capped: bool
    """Whether any frequency cap may be about its messages."""

    @property
    def key(self) -> tuple[int, int, str]:
        return self.campaign_id, self.sender_id, self.country

    @property
    def buckets(self) -> list[Bucket]:
        found = [sender_bucket(self.sender_id, self.sender_rate)]
        if self.pace:
            found.append(pace_bucket(self.campaign_id, self.pace))
        if self.country_rate:
            found.append(country_bucket(self.provider_id, self.country, self.country_rate))
        if self.trial_rate:
            found.append(trial_bucket(self.provider_id, self.trial_rate))
        return found


@dataclass
class Turns:
    """Where one process stands in the queue of one provider."""

    campaigns: dict[int, int] = field(default_factory=dict)
    """Lane → the last campaign that was looked at, if there are more behind it."""
    streams: dict[tuple[int, int], tuple[int, str]] = field(default_factory=dict)
    """Lane and campaign → the last sender and country that were looked at, if there are more behind them."""
    first: set[tuple[int, int, int, str]] = field(default_factory=set)
    """Streams that wait for tokens to gather: they are asked for before all others."""

    async def next(
        self, connection: Connection, provider_id: int, *, rate: int, lanes: Sequence[Lane], floor: UUID
    ) -> list[Stream]:
        """The streams of this round, upper lanes first; not those on hold or switched off, or with nothing left.

        Messages with ids below `floor` are not looked for.
        """
        places = list(self.streams.items())
        cursor = await connection.execute(
            _NEXT,
            {
                "provider_id": provider_id,
                "rate": rate,
                "floor": floor,
                "lanes": [lane.value for lane in lanes],
                "after": [self.campaigns.get(lane, -1) for lane in lanes],
                "place_lanes": [lane for (lane, _), _ in places],
                "place_campaigns": [campaign_id for (_, campaign_id), _ in places],
                "place_senders": [sender_id for _, (sender_id, _) in places],
                "place_countries": [country for _, (_, country) in places],
            },
        )
        return [
            Stream(provider_id, lane, campaign_id, sender_id, country, *about)
            for lane, campaign_id, _, sender_id, country, *about, enabled in self._go_on(await cursor.fetchall(), lanes)
            if enabled
        ]

    def _go_on(self, rows: Sequence[tuple[Any, ...]], lanes: Iterable[Lane]) -> list[tuple[Any, ...]]:
        """The rows of this round; and remember where the next one is to begin, behind the last of them if there are
        more, or else at the beginning."""
        if len(self.streams) > _MOST_PLACES:
            self.streams.clear()
        seen: dict[int, list[int]] = {}
        ours: list[tuple[Any, ...]] = []
        for (lane, campaign_id, most), group in groupby(rows, key=lambda row: row[:3]):
            seen.setdefault(lane, []).append(campaign_id)
            found = list(group)
            ours += found[:most]
            if len(found) > most:
                _, _, _, sender_id, country, *_ = found[most - 1]
                self.streams[lane, campaign_id] = (sender_id, country)
            else:
                self.streams.pop((lane, campaign_id), None)
        for lane in lanes:
            campaigns = seen.get(lane, [])
            if len(campaigns) >= MOST_CAMPAIGNS:
                self.campaigns[lane] = campaigns[-1]
            else:
                self.campaigns.pop(lane, None)
        return ours

    def shared(self, lane: Sequence[Stream], left: int) -> list[tuple[Stream, int]]:
        """The streams of a lane in the order of their turn, each with what it may ask for of `left` messages.

        Who is first has an advantage when tokens are few: nobody is first for long, but who waits for them to gather.
        """
        by_campaign = [list(streams) for _, streams in groupby(lane, key=lambda stream: stream.campaign_id)]
        random.shuffle(by_campaign)
        by_campaign.sort(key=lambda streams: not any(self._is_first(stream) for stream in streams))
        by_campaign = by_campaign[:left]
        of_each = left // len(by_campaign) if by_campaign else 0
        turn: list[tuple[Stream, int]] = []
        for streams in by_campaign:
            random.shuffle(streams)
            streams.sort(key=lambda stream: not self._is_first(stream))
            chosen = streams[:of_each]
            turn += [(stream, of_each // len(chosen)) for stream in chosen]
        return turn

    def short(self, streams: Iterable[Stream]) -> None:
        """These were refused for want of tokens."""
        self.first = {(stream.lane, *stream.key) for stream in streams}

    def _is_first(self, stream: Stream) -> bool:
        return (stream.lane, *stream.key) in self.first
